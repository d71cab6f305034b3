// Why are two customers alike: what do both connect to?
// $user (text): id of one customer
// $other (text): id of the other
MATCH (u:User {id: $user}), (v:User {id: $other})
MATCH (u)-[r]->(n)<-[q]-(v)
WHERE v <> u AND type(r) = type(q)
WITH DISTINCT type(r) AS relation, n
RETURN relation, labels(n)[0] AS label, n.id AS id, n.name AS name
ORDER BY relation, id
