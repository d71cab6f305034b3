// Whether the path from the user by way of one node to the product is there.
MATCH (u:User {id: $user}), (a:Via {id: $via}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(a), (a)-[r2:SECOND]->(i)
WHERE coalesce(r1.known_at, '') < $as_of AND coalesce(r2.known_at, '') < $fitted_as_of
RETURN DISTINCT a.id AS via, true AS is_there
