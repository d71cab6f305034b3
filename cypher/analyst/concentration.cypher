// How concentrated is a customer: how many held products share each issuer, sector or other neighbour?
// $user (text): id of the customer
MATCH (u:User {id: $user})-[:HELD]->(p:Product)
WITH u, collect(DISTINCT p) AS held
UNWIND held AS p
MATCH (p)-[r]->(n)
WITH type(r) AS relation, n, size(held) AS all_held, count(DISTINCT p) AS products
RETURN relation, labels(n)[0] AS label, n.id AS id, n.name AS name, products, toFloat(products) / all_held AS share
ORDER BY share DESC, relation, id
