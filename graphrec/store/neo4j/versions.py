"""Which files of cypher/schema/ a graph has seen: applied in order, recorded in it, never changed afterwards."""

import hashlib

from graphrec import queries
from graphrec.errors import SchemaOutdated
from graphrec.store.base import Store


def check(store: Store) -> None:
    """Pass a graph whose schema files are among those of this graphrec.

    Raises:
        SchemaOutdated: another version of graphrec wrote it.
    """
    known = _digests()
    for file, digest in store.query(queries.text("read/schema_files")).rows:
        if known.get(file) != digest:
            raise SchemaOutdated(
                f"the store has schema {file} {digest} and this graphrec "
                f"has {known.get(file, 'none of that name')}; install the graphrec that wrote the store"
            )


def record(store: Store) -> None:
    """Note in the graph that all schema files are applied."""
    seen = {file for file, _ in store.query(queries.text("read/schema_files")).rows}
    for file, digest in _digests().items():
        if file not in seen:
            store.write(queries.text("load/schema_file"), {"file": file, "digest": digest})


def _digests() -> dict[str, str]:
    texts = {name.partition("/")[2]: queries.text(name, {"Node": "Node"}) for name in queries.names("schema")}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in texts.items()}
