// The path from the user by way of one node to the product, and its share of the score.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(i)
WHERE coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of
WITH DISTINCT a, i
MATCH (x:User)-[e1:FIRST]->(a)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH a, i, count(DISTINCT x) AS degree_1
MATCH (y:Via)-[e2:SECOND]->(i)
WHERE coalesce(e2.known_at, '') < $fitted_as_of AND coalesce(y.known_at, '') < $nodes_as_of
WITH a, i, degree_1, count(DISTINCT y) AS degree_2
RETURN a.id AS via, $scale * toFloat(degree_1) ^ (-$power_1) * toFloat(degree_2) ^ (-$power_2) AS share
