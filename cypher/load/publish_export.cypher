// From now on the lists of this run are those that count.
MERGE (c:GraphrecExport {id: 'current'})
SET c.run = $run
