// Delete nodes without a source.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
WHERE size(coalesce(n.sources, [])) = 0 AND NOT (n)--()
DELETE n
