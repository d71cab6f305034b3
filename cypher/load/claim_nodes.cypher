// Add this source to unchanged nodes of another source.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
WHERE NOT $source IN coalesce(n.sources, [])
SET n.sources = coalesce(n.sources, []) + [$source]
