// Which products have gained most holders since a day?
// $since (text): a day such as 2025-01-01
// $k (integer, 20): how many
MATCH (u:User)-[r:HELD]->(p:Product)
WITH p, u, min(r.at) AS first
WHERE first >= $since
RETURN p.id AS id, p.name AS name, count(u) AS new_holders
ORDER BY new_holders DESC, id
LIMIT $k
