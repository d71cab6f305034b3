// Whether enough other people lead from one neighbour of the user to the product.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(v:User), (v)-[r3:THIRD]->(i)
WHERE v <> u AND coalesce(v.known_at, '') < $nodes_as_of AND coalesce(r1.known_at, '') < $as_of
  AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
WITH a, count(DISTINCT v) AS people
WHERE people >= $min_group
RETURN a.id AS via, true AS is_there
