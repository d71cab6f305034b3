// The edges of one type, a list each: whether a source of $sources claims it, then its values; $columns names the last.
MATCH (s:Source)-[r:EDGE]->(t:Target)
WHERE r.sources IS NOT NULL AND r.run <> ''
RETURN [any(x IN coalesce(r.sources, []) WHERE x IN $sources), s.id, t.id, r.key, r.at, r.known_at, r.weight]
       + [c IN $columns | r[c]] AS row
