// Vectors of nodes, for a vector index.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
SET n += row.properties
