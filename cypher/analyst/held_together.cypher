// What do the holders of a product hold besides, and how much more often than everyone?
// $product (text): id of the product
// $k (integer, 20): how many
MATCH (p:Product {id: $product})<-[:HELD]-(u:User)
WITH p, collect(DISTINCT u) AS holders
UNWIND holders AS u
MATCH (u)-[:HELD]->(q:Product)
WHERE q <> p
WITH q, size(holders) AS all_holders, count(DISTINCT u) AS both
MATCH (q)<-[:HELD]-(v:User)
RETURN q.id AS id, q.name AS name, both, toFloat(both) / all_holders AS share_of_holders, count(DISTINCT v) AS holders
ORDER BY both DESC, id
LIMIT $k
