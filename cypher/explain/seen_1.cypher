// Whether the edge from the user to the product is there.
MATCH (u:User {id: $user}), (i:Product {id: $product})
MATCH (u)-[r1:FIRST]->(i)
WHERE coalesce(r1.known_at, '') < $as_of
RETURN DISTINCT i.id AS via, true AS is_there
