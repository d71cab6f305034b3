// Whether enough people lead from the user over two steps to the product.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(v:Via), (v)-[r2:SECOND]->(m:Mid), (m)-[r3:THIRD]->(i)
WHERE v <> u AND m <> u AND m <> i
  AND coalesce(v.known_at, '') < $nodes_as_of AND coalesce(m.known_at, '') < $nodes_as_of
  AND coalesce(r1.known_at, '') < $as_of
  AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
WITH count(DISTINCT CASE WHEN m:User THEN m.id ELSE v.id END) AS people
WHERE people >= $min_group
RETURN null AS via, true AS is_there
