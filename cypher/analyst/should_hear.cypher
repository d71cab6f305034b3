// Who should hear of a product: customers who do not hold it and hold what its holders hold?
// $product (text): id of the product
// $k (integer, 20): how many
MATCH (p:Product {id: $product})<-[:HELD]-(v:User)
WITH p, collect(DISTINCT v) AS holders
UNWIND holders AS v
MATCH (v)-[:HELD]->(q:Product)
WHERE q <> p
WITH p, q, count(DISTINCT v) AS together
ORDER BY together DESC, q.id
LIMIT 20
MATCH (q)<-[:HELD]-(u:User)
WHERE NOT (u)-[:HELD]->(p)
WITH u, q, together
WITH DISTINCT u, q, together
RETURN u.id AS id, count(q) AS shared_products, sum(together) AS holders_who_share
ORDER BY holders_who_share DESC, id
LIMIT $k
