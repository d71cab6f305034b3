// Edges that are known not to be there yet, where no one else writes.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})
MATCH (t:Target {id: row.target})
CREATE (s)-[r:EDGE {key: row.key}]->(t)
SET r += row.properties
SET r.run = $run, r.sources = [$source]
