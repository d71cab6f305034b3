// All that is stored of one person, who brought it, and with which load.
MATCH (n:Node {id: $id})
RETURN properties(n) AS properties
