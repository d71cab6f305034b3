// Whether enough people known to the user lead to the product.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(v:User), (v)-[r2:SECOND]->(i)
WHERE v <> u AND coalesce(v.known_at, '') < $nodes_as_of
  AND coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of
WITH count(DISTINCT v) AS people
WHERE people >= $min_group
RETURN null AS via, true AS is_there
