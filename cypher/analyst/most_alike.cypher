// Which customers hold most of what a customer holds?
// $user (text): id of the customer
// $k (integer, 10): how many
MATCH (u:User {id: $user})-[:HELD]->(p:Product)
WITH u, collect(DISTINCT p) AS held
UNWIND held AS p
MATCH (p)<-[:HELD]-(v:User)
WHERE v <> u
WITH v, size(held) AS own, count(DISTINCT p) AS shared
MATCH (v)-[:HELD]->(q:Product)
WITH v, own, shared, count(DISTINCT q) AS theirs
RETURN v.id AS id, shared, theirs, toFloat(shared) / (own + theirs - shared) AS jaccard
ORDER BY jaccard DESC, id
LIMIT $k
