// New edges; the load has checked that they do not exist.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})
MATCH (t:Target {id: row.target})
CREATE (s)-[r:EDGE {key: row.key}]->(t)
SET r += row.properties
SET r.run = $run, r.sources = [$source]
