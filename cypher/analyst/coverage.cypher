// How much of each group of customers holds anything, and how many different products?
// $relation (relation): edge type from customers to what groups them, such as IN_SEGMENT
MATCH (u:User)-[r]->(g)
WHERE type(r) = $relation
WITH DISTINCT g, u
OPTIONAL MATCH (u)-[:HELD]->(p:Product)
WITH g.id AS id, count(DISTINCT u) AS customers, count(DISTINCT CASE WHEN p.id IS NULL THEN null ELSE u.id END) AS holding, count(DISTINCT p.id) AS products
RETURN id, customers, holding, toFloat(holding) / customers AS share, products
ORDER BY share, id
