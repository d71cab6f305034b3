"""Every file of cypher/ on both stores: the same rows in the same order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrec import queries
from graphrec.config.settings import StoreLogin
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.rows import Source
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.store.base import Result, Store
from graphrec.store.neo4j.driver import Neo4jStore
from graphrec.store.read import snapshot_inputs
from tests.banks import SCHEMA, small_bank

#: What the contract of the stores runs: tests/store/test_contract.py.
BY_THE_CONTRACT = ("read/search_text", "read/search_vector")
#: What only a server needs; their first lines say so.
SERVER_ONLY = ("load/lock", "load/schema_file", "read/schema_files")
READS: dict[str, tuple[queries.Labels, dict[str, Any]]] = {
    "read/count_edges": ({"Source": "Customer", "EDGE": "BOUGHT", "Target": "Product"}, {}),
    "read/count_nodes": ({"Node": "Customer"}, {}),
    "read/edges": (
        {"Source": "Customer", "EDGE": "BOUGHT", "Target": "Product"},
        {"columns": ["none"], "sources": ["bank"]},
    ),
    "read/nodes": ({"Node": "Product"}, {"columns": ["kind", "name", "none"], "sources": ["bank"]}),
    "read/contents": ({}, {}),
    "read/subject": ({"Node": "Customer"}, {"id": "C001"}),
    "read/subject_edges": ({"Source": "Customer", "EDGE": "BOUGHT", "Target": "Product"}, {"id": "C001"}),
    "read/subject_edges_in": ({"Source": "Customer", "EDGE": "BOUGHT", "Target": "Product"}, {"id": "P01"}),
    **{
        f"read/signal_{name}": (
            {"Node": "Customer", "EDGE": "BOUGHT", "Source": "Customer", "Target": "Product"},
            {"before": "2025-01-01T00:00:00.000000Z", "days": 300, "least": 2, "keeps": 0.5, "smallest": 0.0},
        )
        for name in ("fan_in", "fan_out", "shared", "loop", "cycle_3", "cycle_4", "cycle_5")
    },
    "read/sources": ({}, {}),
    "read/split": ({}, {}),
}
#: Parameters of the analysts' queries beside those that are drawn.
GIVEN = {"attribute": "id", "value": "C001", "relation": "IN_AGE_BAND", "since": "2024-06-01", "before": "2999"}
DRAWS = 5


@pytest.fixture(scope="module")
def neo4j_bank(neo4j_login: tuple[str, StoreLogin], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small bank on the server, to read."""
    uri, login = neo4j_login
    with Neo4jStore(uri, tmp_path_factory.mktemp("series"), login) as store:
        store.write("MATCH (n) DETACH DELETE n")
        nodes, edges = small_bank()
        sink = store.sink()
        sink.begin(Source("bank", "r1", True, SCHEMA, "f1"))
        for label, rows in nodes.items():
            sink.add_nodes(label, rows)
        for edge_type, rows in edges.items():
            sink.add_edges(edge_type, rows)
        sink.finish(None)
        yield store
        store.write("MATCH (n) DETACH DELETE n")


@pytest.fixture
def compare(bank_store: Store, neo4j_bank: Store) -> Callable[..., Result]:
    """A function that asks both stores, compares row by row, and gives the answer."""

    def ask(text: Any, given: dict[str, Any], *, is_ordered: bool = True) -> Result:
        one, other = bank_store.query(text, given), neo4j_bank.query(text, given)
        assert one.columns == other.columns
        pairs = (one.rows, other.rows) if is_ordered else (sorted(one.rows, key=repr), sorted(other.rows, key=repr))
        assert len(one.rows) == len(other.rows)
        for mine, theirs in zip(*pairs, strict=True):
            assert same(mine, theirs), (mine, theirs)
        return one

    return ask


def same(one: Any, other: Any) -> bool:
    """Whether two values are of one kind and equal, numbers to the last few bits."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-12, nan_ok=True)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def draws(query: queries.Query) -> list[dict[str, str]]:
    """Some sets of parameters for a query."""
    rng = np.random.default_rng(len(query.name))
    found = []
    for _ in range(DRAWS):
        user, other = (f"C{number:03}" for number in rng.choice(60, 2, replace=False))
        drawn = GIVEN | {"user": user, "other": other, "product": f"P{rng.integers(20):02}"}
        drawn |= {"one": "18-34", "other": "35-54"} if query.name == "bridges" else {}
        found.append({one.name: drawn[one.name] for one in query.parameters if one.default is None})
    return found


@pytest.mark.parametrize("query", queries.library(SCHEMA), ids=lambda query: query.name)
def test_analyst(compare: Callable[..., Result], query: queries.Query) -> None:
    text = queries.text(f"analyst/{query.name}", queries.roles(SCHEMA))
    for given in draws(query):
        compare(text, query.values(given))


@pytest.mark.parametrize("name", READS)
def test_read(compare: Callable[..., Result], name: str) -> None:
    labels, given = READS[name]
    compare(queries.text(name, labels), given, is_ordered=False)


@pytest.mark.slow
def test_explanations(compare: Callable[..., Result], engine: Engine) -> None:
    pairs = lines = 0
    for user in range(0, 59, 2):
        for item in engine.recommend(f"C{user:03}", 4, ListOptions(reasons=None)).items:
            pairs += 1
            for line in item.lines:
                if line.cypher is not None:
                    lines += 1
                    (row,) = compare(line.cypher, line.parameters).records()
                    assert row["share"] == pytest.approx(line.share, rel=1e-6)
    assert pairs >= 100
    assert lines > pairs


def test_snapshots(bank_store: Store, neo4j_bank: Store, tmp_path: Path) -> None:
    hashes = set()
    for number, store in enumerate((bank_store, neo4j_bank)):
        read = snapshot_inputs(store)
        path = tmp_path / str(number)
        hashes.add(write_snapshot(path, read.schema, read.nodes, read.edges, read.series, read.split).hash)
    assert len(hashes) == 1


@pytest.mark.parametrize("name", [*queries.names("load"), *queries.names("explain")])
def test_server_compiles(neo4j_bank: Store, name: str) -> None:
    labels = dict.fromkeys(("Node", "Source", "Target", "User", "Product", "Via", "Mid"), "Customer")
    edges = dict.fromkeys(("EDGE", "HELD", "INTERACTION", "FIRST", "SECOND", "THIRD"), "BOUGHT")
    text: Any = "EXPLAIN " + queries.text(name, {**labels, **edges})
    neo4j_bank.write(text)


def test_no_file_is_left_out(root: Path) -> None:
    covered = {
        *READS,
        *BY_THE_CONTRACT,
        *SERVER_ONLY,
        *queries.names("analyst"),
        *queries.names("load"),
        *queries.names("explain"),
    }
    everything = {name for folder in ("read", "analyst", "load", "explain") for name in queries.names(folder)}
    assert everything - covered == set()
    for name in SERVER_ONLY:
        assert "Neo4j" in (root / "cypher" / f"{name}.cypher").read_text("utf-8").splitlines()[0]
    assert queries.names("schema") == ("schema/001_ids",)
