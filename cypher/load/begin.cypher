// A load begins: it is unfinished, and the rows of this source are not those of one full load.
MERGE (s:GraphrecSource {id: $source})
SET s.files_hash = '', s.touched = $touched, s.unfinished = $unfinished
