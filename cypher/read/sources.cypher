// Every source that ever began a load; the schema is that of its last complete one.
MATCH (s:GraphrecSource)
RETURN s.id AS name, s.run AS run, s.files_hash AS files_hash, s.schema AS schema, s.touched AS touched,
       coalesce(s.unfinished, []) AS unfinished
ORDER BY name
