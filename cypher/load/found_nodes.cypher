// What is there of some nodes of one label, to compare with what comes.
UNWIND $rows AS row
MATCH (n:Node {id: row.id})
RETURN n.id AS id, $source IN coalesce(n.sources, []) AS is_own, n.known_at AS known_at, [c IN $columns | n[c]] AS values
