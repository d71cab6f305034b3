// Delete nodes without a source.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
WHERE size(n.sources) = 0 AND n.run <> '' AND NOT (n)--()
DELETE n
