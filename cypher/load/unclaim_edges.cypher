// Edges that this source no longer brings; without any source they go.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
SET r.sources = [x IN coalesce(r.sources, []) WHERE x <> $source]
WITH r
WHERE size(r.sources) = 0
DELETE r
