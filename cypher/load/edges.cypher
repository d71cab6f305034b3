// New and changed edges of one type.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})
MATCH (t:Target {id: row.target})
MERGE (s)-[r:EDGE {key: row.key}]->(t)
SET r += row.properties
SET r.run = $run,
    r.sources = CASE WHEN $source IN coalesce(r.sources, []) THEN r.sources ELSE coalesce(r.sources, []) + [$source] END
