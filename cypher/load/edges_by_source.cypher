// Edges that are known not to be there yet, where no one else writes; all of one node in one row, which finds it once.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})
UNWIND row.edges AS edge
MATCH (t:Target {id: edge.target})
CREATE (s)-[r:EDGE {key: edge.key, at: edge.at, known_at: edge.known_at, weight: edge.weight, run: $run, sources: [$source]}]->(t)
SET r += edge.properties
