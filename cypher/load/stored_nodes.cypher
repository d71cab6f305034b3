// What is there of one label, to compare with what comes; a list each.
MATCH (n:Node)
RETURN [n.id, $source IN coalesce(n.sources, []), n.known_at] + [c IN $columns | n[c]] AS row
