"""The bulk path: files of neo4j-admin import, imported for real, give the graph that a load over Bolt gives."""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.config.settings import StoreLogin
from graphrec.errors import StoreError
from graphrec.graph.rows import Sink, Source
from graphrec.schema import Column, EdgeSchema, NodeSchema
from graphrec.store.neo4j.driver import Neo4jStore
from graphrec.store.neo4j.import_files import DELIMITERS, ImportFilesSink
from tests.neo4j.server import Server

from .feed import BOUGHT, CUSTOMERS, IN_SECTOR, PRODUCTS, SCHEMA, SECTORS, content, feed, source

ODD = [
    "a\0b",
    "'); MATCH (n) DETACH DELETE n //",
    "`",
    '"',
    '""',
    "日本 \U0001f600",
    "",
    " ",
    "null",
    "1E10",
    "a\nb,c;d\\",
]
LABEL, TYPE, COLUMN = "Kun`de \"x\" 'y';,:|", "KENNT`]->() DETACH DELETE x //", 'n`a,m"e\\:x'
WIDE = replace(
    SCHEMA,
    nodes={**SCHEMA.nodes, LABEL: NodeSchema(LABEL, (Column(COLUMN, "text"),)), "Empty": NodeSchema("Empty")},
    edges={**SCHEMA.edges, TYPE: EdgeSchema(TYPE, LABEL, LABEL)},
)
NUMBERS = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), -0.0, None]
LOADED: Source = source("so'urce", schema=WIDE)
SPLIT: dict[Any, Any] = {"test": [("c1", "p1"), (DELIMITERS[0], "p1")], "valid": []}


def load(sink: Sink) -> None:
    """A load with everything that is hard to write into a CSV file."""
    odd = [{"id": value, COLUMN: value} for value in ODD]
    known = [{"source": value, "target": ODD[0], "key": value} for value in ODD]
    numbers = [{"id": f"n{position}", "fee": value} for position, value in enumerate(NUMBERS)]
    ages = [{"id": "min", "age": -(2**63)}, {"id": "max", "age": 2**63 - 1}]
    nodes = {
        "Customer": [*CUSTOMERS, *ages],
        "Product": [*PRODUCTS, *numbers],
        "Sector": SECTORS,
        LABEL: odd,
        "Empty": [],
    }
    feed(sink, LOADED, nodes, {"BOUGHT": BOUGHT, "IN_SECTOR": IN_SECTOR, TYPE: known}, split=SPLIT)


@pytest.fixture
def imported(neo4j_server: Server, tmp_path: Path) -> Iterator[Callable[[Path], Neo4jStore]]:
    """A function that imports a folder into the server with the command it printed, and opens the store."""
    opened: list[Neo4jStore] = []

    def run(folder: Path) -> Neo4jStore:
        command = json.loads((folder / "manifest.json").read_text("utf-8"))["command"]
        before, _, arguments = command.partition(" && neo4j-admin ")
        assert before == f"cd {folder}"
        neo4j_server.stop()
        neo4j_server.admin(*shlex.split(arguments), folder=folder)
        neo4j_server.start()
        opened.append(Neo4jStore(neo4j_server.uri, tmp_path / "series", StoreLogin("neo4j", neo4j_server.password)))
        return opened[-1]

    yield run
    for store in opened:
        store.write("MATCH (n) DETACH DELETE n")
        store.close()


@pytest.mark.slow
def test_imported_graph_is_the_loaded_one(
    imported: Callable[[Path], Neo4jStore], neo4j_store: Callable[[], Neo4jStore], tmp_path: Path
) -> None:
    over_bolt = neo4j_store()
    load(over_bolt.sink())
    expected, counts, split = content(over_bolt), over_bolt.info(), over_bolt.read_splits()
    bought = "MATCH (n:Customer)-[r:BOUGHT]->(:Product) "
    runs: Any = bought + "RETURN n.id, n.run, n.sources, r.key, r.run, r.sources ORDER BY r.key"
    stamped = over_bolt.query(runs).rows
    sources = over_bolt.sources()

    sink = ImportFilesSink(tmp_path / "files", tmp_path / "series")
    load(sink)
    store = imported(tmp_path / "files")
    assert repr(content(store)) == repr(expected), "repr, because a NaN is no NaN"
    assert (store.info().nodes, store.info().edges) == (counts.nodes, counts.edges)
    assert store.query(runs).rows == stamped
    assert store.sources() == sources
    assert store.read_splits() == split
    assert store.query("MATCH (n:GraphrecLoad) RETURN count(n)").rows == [(0,)]
    assert store.sink().is_current(LOADED)
    constraints = store.query("SHOW CONSTRAINTS YIELD labelsOrTypes RETURN labelsOrTypes[0]").rows
    assert {"Customer", LABEL} <= {label for (label,) in constraints}, "asking whether it is current makes them"


def test_manifest_names_every_file(tmp_path: Path) -> None:
    load(ImportFilesSink(tmp_path / "files", tmp_path / "series"))
    manifest = json.loads((tmp_path / "files" / "manifest.json").read_text("utf-8"))
    named = {name for one in manifest["files"] for name in (one["header"], *one["files"])}
    assert named | {"manifest.json", "import.args"} == {path.name for path in (tmp_path / "files").iterdir()}
    rows = {one["name"]: one["rows"] for one in manifest["files"]}
    assert (rows["Customer"], rows["BOUGHT"], rows[LABEL], rows["GraphrecSource"]) == (5, 3, len(ODD), 1)
    customer = next(one for one in manifest["files"] if one["name"] == "Customer")
    assert customer["columns"] == [
        "id:ID(space0)",
        "known_at:string",
        "age:long",
        "name:string",
        "run:string",
        "sources:string[]",
        ":LABEL",
    ]
    assert manifest["command"] == f"cd {tmp_path}/files && neo4j-admin database import full neo4j @import.args"
    assert ImportFilesSink(tmp_path / "files", tmp_path / "series").is_current(LOADED)


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="--bulk writes a whole graph for a new database; leave out --incremental"):
        ImportFilesSink(tmp_path / "files", tmp_path).begin(source(full=False))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(StoreError, match="mine is not empty and was not written by --bulk; name another folder"):
        ImportFilesSink(tmp_path / "mine", tmp_path).begin(source())


def test_unfinished_load_leaves_nothing(tmp_path: Path) -> None:
    sink = ImportFilesSink(tmp_path / "files", tmp_path / "series")
    sink.begin(source())
    sink.add_nodes("Sector", pa.table({"id": ["a"], "known_at": pa.array([None], pa.timestamp("us", tz="UTC"))}))
    assert sink.known_ids("Sector").to_pylist() == ["a"]
    sink.give_up()
    assert list(tmp_path.iterdir()) == []


def test_command_line(tmp_path: Path, root: Path) -> None:
    bank, files = root / "tests" / "data" / "tiny_bank", tmp_path / "files"
    load_it = ["--home", str(tmp_path / "home"), "load", str(bank / "bank.toml"), "--bulk", str(files)]
    first = CliRunner().invoke(app, load_it)
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines()[-1] == f"  cd {files} && neo4j-admin database import full neo4j @import.args"
    again = CliRunner().invoke(app, load_it)
    assert "nothing to do: the files are those of the last full load" in again.stdout
    both = CliRunner().invoke(app, [*load_it, "--check"])
    assert both.exit_code == 2
