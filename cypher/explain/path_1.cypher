// The edge from the user to the product, and its share of the score.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(i)
WHERE coalesce(r1.known_at, '') < $as_of
WITH DISTINCT i
MATCH (x:User)-[e1:FIRST]->(i)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH i, count(DISTINCT x) AS degree_1
RETURN i.id AS via, $scale * toFloat(degree_1) ^ (-$power_1) AS share
