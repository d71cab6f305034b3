// Nodes without any source that no edge of graphrec needs, and whether an edge of others holds them.
MATCH (n:Node)
WHERE size(n.sources) = 0 AND n.run <> ''
OPTIONAL MATCH (n)-[r]-()
WITH n, count(r) AS edges, sum(CASE WHEN r.sources IS NOT NULL AND r.run <> '' THEN 1 ELSE 0 END) AS own
WHERE own = 0
RETURN n.id AS id, edges > 0 AS is_held
