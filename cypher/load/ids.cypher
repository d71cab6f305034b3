// The ids of one label and how many sources besides one claim each.
MATCH (n:Node)
WHERE n.sources IS NOT NULL AND n.run <> ''
RETURN n.id AS id, size([x IN coalesce(n.sources, []) WHERE x <> $source]) AS others
