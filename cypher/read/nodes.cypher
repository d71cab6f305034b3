// The nodes of one label; $columns names the properties in the list.
MATCH (n:Node)
RETURN n.id AS id, n.known_at AS known_at, [c IN $columns | n[c]] AS values
