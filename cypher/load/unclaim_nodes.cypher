// Remove this source from nodes that it no longer brings.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
SET n.sources = [x IN coalesce(n.sources, []) WHERE x <> $source]
