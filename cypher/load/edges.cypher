// Changed edges of one type; one of others with the same key is not touched.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
WHERE r.sources IS NOT NULL AND r.run <> ''
SET r += row.properties
SET r.run = $run,
    r.sources = CASE WHEN $source IN coalesce(r.sources, []) THEN r.sources ELSE coalesce(r.sources, []) + [$source] END
