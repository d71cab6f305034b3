// How many different other people lead from some neighbours of the user to the product.
MATCH (a:Via)-[r2:SECOND]->(v:User)-[r3:THIRD]->(i:Product {id: $product})
WHERE a.id IN $via AND v.id <> $user AND coalesce(v.known_at, '') < $nodes_as_of
  AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
RETURN count(DISTINCT v.id) AS people
