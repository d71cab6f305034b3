// Delete the split pairs of a source, before the new ones are written.
MATCH (c:GraphrecSplit)
WHERE c.source = $source
DELETE c
