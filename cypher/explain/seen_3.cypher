// Whether the path from the user by way of two nodes to the product is there.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (m:Mid {id: $mid}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(m), (m)-[r3:THIRD]->(i)
WHERE coalesce(r1.known_at, '') < $as_of
  AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
RETURN DISTINCT a.id AS via, m.id AS mid, true AS is_there
