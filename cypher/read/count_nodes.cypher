// How many nodes of one label there are.
MATCH (n:Node)
RETURN count(n) AS nodes
