// Nodes without a source that edges of others hold: our values go, and they are in no snapshot.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
WHERE size(n.sources) = 0
SET n += row.properties
SET n.run = ''
