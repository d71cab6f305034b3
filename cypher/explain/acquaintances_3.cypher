// How many people lead from the user over two steps to the product, and their share of the score.
// Nothing comes back where they are fewer than $min_group.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(v:Via), (v)-[r2:SECOND]->(m:Mid), (m)-[r3:THIRD]->(i)
WHERE v <> u AND m <> u AND m <> i
  AND coalesce(v.known_at, '') < $nodes_as_of AND coalesce(m.known_at, '') < $nodes_as_of
  AND coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
WITH DISTINCT v, m, i
MATCH (x:User)-[e1:FIRST]->(v)
WHERE coalesce(e1.known_at, '') < $fitted_as_of AND coalesce(x.known_at, '') < $nodes_as_of
WITH v, m, i, count(DISTINCT x) AS degree_1
MATCH (y:Via)-[e2:SECOND]->(m)
WHERE coalesce(e2.known_at, '') < $fitted_as_of AND coalesce(y.known_at, '') < $nodes_as_of
WITH v, m, i, degree_1, count(DISTINCT y) AS degree_2
WITH i, count(DISTINCT CASE WHEN m:User THEN m.id ELSE v.id END) AS n,
     sum(toFloat(degree_1) ^ (-$power_1) * toFloat(degree_2) ^ (-$power_2)) AS mass
WHERE n >= $min_group
MATCH (z:Mid)-[e3:THIRD]->(i)
WHERE coalesce(e3.known_at, '') < $fitted_as_of AND coalesce(z.known_at, '') < $nodes_as_of
WITH n, mass, count(DISTINCT z) AS degree_3
RETURN null AS via, n AS people, $scale * mass * toFloat(degree_3) ^ (-$power_3) AS share
