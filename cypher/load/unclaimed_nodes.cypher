// Nodes without any source and without edges; one that an edge of another source still needs stays.
MATCH (n:Node)
WHERE size(coalesce(n.sources, [])) = 0 AND NOT (n)--()
RETURN n.id AS id
