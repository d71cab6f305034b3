// How many people have both neighbours of a pair and hold the product.
MATCH (v:User)-[r1:FIRST]->(a:Via {id: $first})
MATCH (v)-[r2:SECOND]->(b:Mid {id: $second})
MATCH (v)-[r3:THIRD]->(i:Product {id: $product})
WHERE coalesce(v.known_at, '') < $nodes_as_of AND coalesce(r1.known_at, '') < $fitted_as_of
  AND coalesce(r2.known_at, '') < $fitted_as_of AND coalesce(r3.known_at, '') < $fitted_as_of
RETURN count(DISTINCT v.id) AS people
