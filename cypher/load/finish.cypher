// A load is complete; $unfinished lists earlier loads that it does not replace.
MERGE (s:GraphrecSource {id: $source})
SET s.run = $run, s.files_hash = $files_hash, s.schema = $schema, s.touched = $touched, s.unfinished = $unfinished
