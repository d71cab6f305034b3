// The stored values of some edges of one type, to compare with incoming rows; a list each.
UNWIND $rows AS wanted
MATCH (s:Source {id: wanted.source})-[r:EDGE {key: wanted.key}]->(t:Target {id: wanted.target})
WHERE r.sources IS NOT NULL AND r.run <> ''
RETURN [s.id, t.id, r.key, $source IN coalesce(r.sources, []),
        size([x IN coalesce(r.sources, []) WHERE x <> $source]) > 0,
        any(x IN coalesce(r.sources, []) WHERE x IN $sources), r.at, r.known_at, r.weight] + [c IN $columns | r[c]] AS row
