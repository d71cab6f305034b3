// The edges of one type, a list each; $columns names the properties at its end.
MATCH (s:Source)-[r:EDGE]->(t:Target)
RETURN [s.id, t.id, r.key, r.at, r.known_at, r.weight] + [c IN $columns | r[c]] AS row
