// The nodes of a vector index that are nearest.
CALL db.index.vector.queryNodes($index, $k, $vector) YIELD node, score
RETURN node.id AS id, score
ORDER BY score DESC, id
