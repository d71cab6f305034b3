// The edges of one type that leave a node, with their other ends.
MATCH (s:Source {id: $id})-[r:EDGE]->(t:Target)
RETURN t.id AS other, properties(r) AS properties
