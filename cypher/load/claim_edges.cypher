// Edges that another source brought and this one brings without a change.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
WHERE NOT $source IN coalesce(r.sources, [])
SET r.sources = coalesce(r.sources, []) + [$source]
