// One load at a time; held by a transaction that stays open while it runs (Neo4j; the embedded store has one process).
MERGE (l:GraphrecLoad {id: 'load'})
SET l.held = true
