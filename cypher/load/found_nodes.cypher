// The stored values of some nodes of one label, to compare with incoming rows; a list each.
UNWIND $rows AS wanted
MATCH (n:Node {id: wanted.id})
WHERE n.sources IS NOT NULL AND n.run <> ''
RETURN [n.id, $source IN coalesce(n.sources, []),
        size([x IN coalesce(n.sources, []) WHERE x <> $source]) > 0,
        any(x IN coalesce(n.sources, []) WHERE x IN $sources), n.known_at] + [c IN $columns | n[c]] AS row
