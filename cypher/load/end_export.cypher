// An export is whole, and what killed ones left says nothing any more.
MATCH (e:GraphrecExport)
WHERE e.id <> 'current' AND (e.id = $run OR e.at < $since)
DELETE e
