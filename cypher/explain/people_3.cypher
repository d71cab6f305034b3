// How many other people lead from one neighbour of the user to the product, and their share of the score.
// Nothing comes back where they are fewer than $min_group.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(v:User), (v)-[r3:THIRD]->(i)
WHERE v <> u AND coalesce(v.known_at, '') < $nodes_as_of
  AND coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
WITH DISTINCT a, v, i
MATCH (y:Via)-[e2:SECOND]->(v)
WHERE coalesce(e2.known_at, '') < $fitted_as_of AND coalesce(y.known_at, '') < $nodes_as_of
WITH a, v, i, count(DISTINCT y) AS degree_2
WITH a, i, count(v) AS n, sum(toFloat(degree_2) ^ (-$power_2)) AS mass
WHERE n >= $min_group
MATCH (x:User)-[e1:FIRST]->(a)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH a, i, n, mass, count(DISTINCT x) AS degree_1
MATCH (z:User)-[e3:THIRD]->(i)
WHERE coalesce(e3.known_at, '') < $fitted_as_of AND coalesce(z.known_at, '') < $nodes_as_of
WITH a, n, mass, degree_1, count(DISTINCT z) AS degree_3
RETURN a.id AS via, n AS people, $scale * mass * toFloat(degree_1) ^ (-$power_1) * toFloat(degree_3) ^ (-$power_3) AS share
