// The split pairs of a source go before its new ones come.
MATCH (c:GraphrecSplit)
WHERE c.source = $source
DELETE c
