// What is a customer connected to, and how often?
// $user (text): id of the customer
MATCH (u:User {id: $user})-[r]->(n)
RETURN type(r) AS relation, labels(n)[0] AS label, n.id AS id, n.name AS name, count(r) AS times, max(r.at) AS last
ORDER BY relation, times DESC, id
