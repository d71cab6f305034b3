// The rows of a source are not those of its last load: only a full load makes it whole again.
MATCH (s:GraphrecSource {id: $source})
SET s.files_hash = '', s.unfinished = $unfinished
