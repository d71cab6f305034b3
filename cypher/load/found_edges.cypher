// What is there of some edges of one type, to compare with what comes.
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[r:EDGE {key: row.key}]->(t:Target {id: row.target})
RETURN s.id AS source, t.id AS target, r.key AS key, $source IN coalesce(r.sources, []) AS is_own,
       r.at AS at, r.known_at AS known_at, r.weight AS weight, [c IN $columns | r[c]] AS values
