// Which products bridge two groups: held in both, and in which share of each?
// $relation (relation): edge type from customers to what groups them, such as IN_SEGMENT
// $one (text): id of one group
// $other (text): id of the other
// $k (integer, 20): how many
MATCH (u:User)-[r]->(g)
WHERE type(r) = $relation AND g.id IN [$one, $other]
MATCH (u)-[:HELD]->(p:Product)
WITH p, count(DISTINCT CASE WHEN g.id = $one THEN u END) AS in_one, count(DISTINCT CASE WHEN g.id = $other THEN u END) AS in_other
WHERE in_one > 0 AND in_other > 0
RETURN p.id AS id, p.name AS name, in_one, in_other, toFloat(CASE WHEN in_one < in_other THEN in_one ELSE in_other END) AS bridge
ORDER BY bridge DESC, id
LIMIT $k
