// The edges of one type that lead to a node, with their other ends.
MATCH (s:Source)-[r:EDGE]->(t:Target {id: $id})
RETURN s.id AS other, properties(r) AS properties
