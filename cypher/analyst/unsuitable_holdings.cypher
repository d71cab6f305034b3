// Which holdings carry more risk than the customer tolerates?
// $risk (product column, risk_class): property of products
// $tolerance (user column, risk_tolerance): property of customers
// $k (integer, 50): how many
MATCH (u:User)-[:HELD]->(p:Product)
WHERE p[$risk] > u[$tolerance]
WITH DISTINCT u, p
RETURN u.id AS user, p.id AS product, p.name AS name, p[$risk] AS risk, u[$tolerance] AS tolerance
ORDER BY risk DESC, tolerance, user, product
LIMIT $k
