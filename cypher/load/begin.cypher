// A load begins: what is stored is not exactly one full load of this source, and this load is unfinished.
MERGE (s:GraphrecSource {id: $source})
SET s.files_hash = '', s.touched = $touched, s.unfinished = $unfinished
