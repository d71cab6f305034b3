// Nodes that another source brought and this one brings without a change.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
WHERE NOT $source IN coalesce(n.sources, [])
SET n.sources = coalesce(n.sources, []) + [$source]
