// Which customers hold something but have had no dealings since a day?
// $since (text): a day such as 2025-01-01
// $k (integer, 50): how many
MATCH (u:User)-[r:INTERACTION]->(:Product)
WITH u, max(r.at) AS last
WHERE last < $since
MATCH (u)-[:HELD]->(p:Product)
RETURN u.id AS id, last, count(DISTINCT p) AS held
ORDER BY last, id
LIMIT $k
