// The edges of one type; $columns names the properties in the list.
MATCH (s:Source)-[r:EDGE]->(t:Target)
RETURN s.id AS source, t.id AS target, r.key AS key, r.at AS at, r.known_at AS known_at, r.weight AS weight,
       [c IN $columns | r[c]] AS values
