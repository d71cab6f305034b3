// Recommendations of nodes that no source claims any more go with them.
MATCH (n:Node)-[r:RECOMMENDED]-()
WHERE size(coalesce(n.sources, [])) = 0
DELETE r
