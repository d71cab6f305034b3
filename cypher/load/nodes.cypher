// New and changed nodes of one label.
UNWIND $rows AS row
MERGE (n:Node {id: row.id})
SET n += row.properties
SET n.run = $run,
    n.sources = CASE WHEN $source IN coalesce(n.sources, []) THEN n.sources ELSE coalesce(n.sources, []) + [$source] END
