// Persons who are to be forgotten, and nodes that nobody else had: they go with all their edges, of every source.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
DETACH DELETE n
