// Lists of one run, written back.
UNWIND $rows AS row
MATCH (u:User {id: row.user})
MATCH (p:Product {id: row.product})
MERGE (u)-[r:RECOMMENDED {run: $run}]->(p)
SET r += row.properties
