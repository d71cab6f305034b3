// Remove this source from edges that it no longer brings; delete those without any source.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
WHERE r.sources IS NOT NULL AND r.run <> ''
SET r.sources = [x IN coalesce(r.sources, []) WHERE x <> $source]
WITH r
WHERE size(r.sources) = 0
DELETE r
