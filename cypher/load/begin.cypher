// A load begins: until it is complete, what is stored is not exactly one full load of this source.
MERGE (s:GraphrecSource {id: $source})
SET s.files_hash = '', s.touched = $touched
