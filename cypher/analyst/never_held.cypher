// Which products does nobody hold?
MATCH (p:Product)
WHERE NOT (p)<-[:HELD]-(:User)
RETURN p.id AS id, p.name AS name
ORDER BY id
