// A load is complete.
MERGE (s:GraphrecSource {id: $source})
SET s.run = $run, s.files_hash = $files_hash, s.schema = $schema, s.touched = $touched
