// An export writes lists; it says so again with each batch.
MERGE (e:GraphrecExport {id: $run})
SET e.at = $at
