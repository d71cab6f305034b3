// New edges; the load has checked that they do not exist. A row is the list of their columns in order.
UNWIND $rows AS row
MATCH (s:Source {id: row[0]})
MATCH (t:Target {id: row[1]})
CREATE (s)-[:EDGE {key: row[2], at: row[3], known_at: row[4], weight: row[5], run: $run, sources: [$source], COLUMN: row[6]}]->(t)
