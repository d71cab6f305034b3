// The nodes of one label, a list each: whether a source of $sources claims it, then its values; $columns names the last.
MATCH (n:Node)
WHERE n.sources IS NOT NULL AND n.run <> ''
RETURN [any(x IN coalesce(n.sources, []) WHERE x IN $sources), n.id, n.known_at] + [c IN $columns | n[c]] AS row
