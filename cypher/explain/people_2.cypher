// How many people known to the user lead to the product, and their share of the score.
// Nothing comes back where they are fewer than $min_group.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(v:User), (v)-[r2:SECOND]->(i)
WHERE v <> u AND coalesce(v.known_at, '') < $nodes_as_of
  AND coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of
WITH DISTINCT v, i
MATCH (x:User)-[e1:FIRST]->(v)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH v, i, count(DISTINCT x) AS degree_1
WITH i, count(v) AS n, sum(toFloat(degree_1) ^ (-$power_1)) AS mass
WHERE n >= $min_group
MATCH (y:User)-[e2:SECOND]->(i)
WHERE coalesce(e2.known_at, '') < $fitted_as_of AND coalesce(y.known_at, '') < $nodes_as_of
WITH n, mass, count(DISTINCT y) AS degree_2
RETURN null AS via, n AS people, $scale * mass * toFloat(degree_2) ^ (-$power_2) AS share
