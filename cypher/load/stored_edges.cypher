// What is there of one edge type, to compare with what comes.
MATCH (s:Source)-[r:EDGE]->(t:Target)
RETURN s.id AS source, t.id AS target, r.key AS key, $source IN coalesce(r.sources, []) AS is_own,
       r.at AS at, r.known_at AS known_at, r.weight AS weight, [c IN $columns | r[c]] AS values
