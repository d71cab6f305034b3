// The path from the user by way of two nodes to the product, and its share of the score.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (m:Mid {id: $mid}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(m), (m)-[r3:THIRD]->(i)
WHERE coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
WITH DISTINCT a, m, i
MATCH (x:User)-[e1:FIRST]->(a)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH a, m, i, count(DISTINCT x) AS degree_1
MATCH (y:Via)-[e2:SECOND]->(m)
WHERE coalesce(e2.known_at, '') < $fitted_as_of AND coalesce(y.known_at, '') < $nodes_as_of
WITH a, m, i, degree_1, count(DISTINCT y) AS degree_2
MATCH (z:Mid)-[e3:THIRD]->(i)
WHERE coalesce(e3.known_at, '') < $fitted_as_of AND coalesce(z.known_at, '') < $nodes_as_of
WITH a, m, i, degree_1, degree_2, count(DISTINCT z) AS degree_3
RETURN a.id AS via, m.id AS mid,
       $scale * toFloat(degree_1) ^ (-$power_1) * toFloat(degree_2) ^ (-$power_2) * toFloat(degree_3) ^ (-$power_3) AS share
