// How many edges of one type there are.
MATCH (s:Source)-[r:EDGE]->(t:Target)
RETURN count(r) AS edges
