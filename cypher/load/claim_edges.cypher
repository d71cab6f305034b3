// Add this source to unchanged edges of another source.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
WHERE r.sources IS NOT NULL AND r.run <> '' AND NOT $source IN coalesce(r.sources, [])
SET r.sources = coalesce(r.sources, []) + [$source]
