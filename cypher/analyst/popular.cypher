// Which products do most customers hold?
// $k (integer, 20): how many
MATCH (p:Product)<-[:HELD]-(u:User)
RETURN p.id AS id, p.name AS name, count(DISTINCT u) AS holders
ORDER BY holders DESC, id
LIMIT $k
