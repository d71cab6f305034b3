// The nodes of one label, a list each; $columns names the properties at its end.
MATCH (n:Node)
RETURN [n.id, n.known_at] + [c IN $columns | n[c]] AS row
