// What is there of one label, to compare with what comes.
MATCH (n:Node)
RETURN n.id AS id, $source IN coalesce(n.sources, []) AS is_own, n.known_at AS known_at, [c IN $columns | n[c]] AS values
