// What is typical of the holders of a product: which attributes do they share more than all customers do?
// $product (text): id of the product
// $least (integer, 5): fewest holders that count
// $k (integer, 20): how many
MATCH (everyone:User)
WITH count(everyone) AS customers
MATCH (p:Product {id: $product})<-[:HELD]-(u:User)
WITH p, customers, collect(DISTINCT u) AS holders
UNWIND holders AS u
MATCH (u)-[r]->(n)
WHERE n <> p AND NOT n:Product
WITH customers, size(holders) AS all_holders, type(r) AS relation, n, count(DISTINCT u) AS with_it
WHERE with_it >= $least
MATCH (v:User)-[q]->(n)
WHERE type(q) = relation
WITH relation, n, with_it, all_holders, customers, count(DISTINCT v) AS all_with_it
WITH relation, n, with_it, toFloat(with_it) / all_holders AS share, toFloat(all_with_it) / customers AS everywhere
RETURN relation, labels(n)[0] AS label, n.id AS id, with_it AS holders, share, everywhere, share / everywhere AS lift
ORDER BY lift DESC, relation, id
LIMIT $k
