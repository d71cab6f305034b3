"""A store of one engine as one of another: all is read and written into a fresh folder, which takes its place."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.files import replace_folder
from graphrec.progress import Progress, silent
from graphrec.store.checks.check import check
from graphrec.store.embedded import arcade
from graphrec.store.embedded.lock import exclusive
from graphrec.store.embedded.store import EmbeddedStore

#: Rows that are copied at once.
CHUNK_ROWS = 20_000


@dataclass(frozen=True)
class Converted:
    """What a conversion did."""

    before: str
    """Engine and version that wrote the store."""
    after: str
    nodes: int
    edges: int
    is_done: bool
    """False: the store was that of the chosen engine already."""


def convert(path: Path, series_folder: Path, progress: Progress = silent) -> Converted:
    """Write the store in a folder anew with the chosen engine; the old one stays until the new one is whole.

    Raises:
        StoreError: there is no store, its engine is not installed, or the copy is not whole.
        Unreachable: another process has it open.
    """
    target = arcade.chosen()
    if not (path / "configuration.json").exists():
        raise StoreError(f"there is no store at {path}; next: graphrec load MAPPING")
    name, version = arcade.written_by(path) or ("native", "of an unknown version")
    before, after = f"{name} {version}", f"{target.name} {target.version}"
    if before == after:
        return Converted(before, after, 0, 0, False)
    if name not in arcade.ENGINES:
        raise StoreError(f"the store {path} was written by engine {name}, which this graphrec does not know")
    nodes, edges = _anew(path, series_folder, name, progress)
    return Converted(before, after, nodes, edges, True)


def rebuild(path: Path, series_folder: Path, progress: Progress = silent) -> None:
    """Write the store in a folder anew with its own engine, so that no page holds what was deleted.

    Raises:
        StoreError: its engine is not installed, or the copy is not whole: then the old one stays.
        Unreachable: another process has it open.
    """
    _anew(path, series_folder, arcade.chosen().name, progress)


def _anew(path: Path, series_folder: Path, engine: str, progress: Progress) -> tuple[int, int]:
    """Read with one engine, write with the chosen one, check, swap; how many nodes and edges there are."""
    with exclusive(path), replace_folder(path) as folder:
        with (
            closing(arcade.open_database(path, create=False, engine=arcade.ENGINES[engine])) as old,
            closing(arcade.open_database(folder, create=True, engine=arcade.chosen())) as new,
            arcade.errors(path),
        ):
            nodes, edges = _copy(old, new, progress)
        with EmbeddedStore(folder, series_folder) as copy:
            wrong = check(copy, deep=True)
        if wrong:
            raise StoreError(f"the converted store is not whole, and the old one stays: {wrong[0]}")
    return nodes, edges


def _copy(old: Any, new: Any, progress: Progress) -> tuple[int, int]:
    """Copy every node, edge and index; how many nodes and edges there were."""
    kinds = {row["name"]: row["type"] for row in _rows(old, "SELECT name, type FROM schema:types")}
    labels = sorted(name for name, kind in kinds.items() if kind == "vertex")
    types = sorted(name for name, kind in kinds.items() if kind == "edge")
    for kind, names in (("VERTEX", labels), ("EDGE", types)):
        for name in names:
            new.command("sql", f"CREATE {kind} TYPE {arcade.quote(name)}").close()
    batch = new.graph_batch()
    places: dict[int, str] = {}
    for label in labels:
        text = f"MATCH (n:{queries.quote(label)}) RETURN id(n) AS place, properties(n) AS properties"
        for rows in _chunks(old, text):
            made = batch.create_vertices(label, [row["properties"] for row in rows])
            places.update(zip((row["place"] for row in rows), made, strict=True))
            progress(label, len(places), None)
    edges = 0
    for name in types:
        text = f"MATCH (s)-[r:{queries.quote(name)}]->(t) RETURN id(s) AS s, id(t) AS t, properties(r) AS properties"
        for rows in _chunks(old, text):
            sources, targets = ([places[row[end]] for row in rows] for end in ("s", "t"))
            batch.new_edges(sources, name, targets, [row["properties"] for row in rows])
            edges += len(rows)
            progress(name, edges, None)
    batch.close()
    for label in labels:
        for statement in queries.names("schema"):
            new.command("opencypher", queries.text(statement, {"Node": label})).close()
    _copy_indexes(old, new)
    return len(places), edges


def _rows(database: Any, statement: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = database.query("sql", statement).to_list()
    return found


def _chunks(database: Any, statement: str) -> Iterator[list[dict[str, Any]]]:
    yield from database.query("opencypher", statement).iter_chunks(CHUNK_ROWS)


def _copy_indexes(old: Any, new: Any) -> None:
    """Full-text indexes; those of vectors are made by the export that writes the vectors."""
    for row in _rows(old, "SELECT typeName, properties, indexType FROM schema:indexes"):
        if str(row["indexType"]) == "FULL_TEXT" and row["typeName"]:
            label, name = arcade.quote(row["typeName"]), row["properties"][0]
            name = name[0] if isinstance(name, list) else name
            new.command("sql", f"CREATE PROPERTY {label}.{arcade.quote(name)} IF NOT EXISTS STRING").close()
            new.command("sql", f"CREATE INDEX IF NOT EXISTS ON {label} ({arcade.quote(name)}) FULL_TEXT").close()
