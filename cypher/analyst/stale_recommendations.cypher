// Which written recommendations are stale: written before a day, or held by the client since?
// $before (text): a day such as 2025-01-01
// $k (integer, 50): how many
MATCH (c:GraphrecExport {id: 'current'})
MATCH (u:User)-[r:RECOMMENDED {run: c.run}]->(p:Product)
OPTIONAL MATCH (u)-[h:HELD]->(p)
WITH u, p, r, count(h) AS held
WHERE r.written_at < $before OR held > 0
RETURN u.id AS user, p.id AS product, r.rank AS rank, r.written_at AS written_at, held > 0 AS is_held
ORDER BY written_at, user, rank
LIMIT $k
