"""Every path of a ledger runs as a Cypher query and returns exactly that path, count and share."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.rows import Source
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, scorer_of, starting_walks
from graphrec.serving.answer import Line, ListOptions, Node, People
from graphrec.serving.engine import LIST, Engine
from graphrec.serving.lists import recommend_many
from graphrec.serving.proof.audit import audited
from graphrec.serving.views import SeenLine, SeenPeople, Viewer
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.terms.forms.blend import Blend
from tests.banks import SCHEMA, START, small_bank


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small bank in an embedded store."""
    folder: Path = tmp_path_factory.mktemp("store")
    nodes, edges = small_bank()
    with open_store(None, folder / "store") as opened:
        sink = opened.sink()
        sink.begin(Source("bank", "run-1", True, SCHEMA, "files"))
        for label, rows in nodes.items():
            sink.add_nodes(label, rows)
        for edge_type, rows in edges.items():
            sink.add_edges(edge_type, rows)
        sink.finish(None)
        yield opened


def lines_of(engine: Engine, users: range) -> list[Line]:
    """All path lines of the best three products of some users."""
    answers = [engine.recommend(f"C{user:03}", 3, ListOptions(reasons=None)) for user in users]
    return [line for answer in answers for item in answer.items for line in item.lines if line.path]


@pytest.mark.slow
def test_every_path_line_is_what_its_cypher_returns(engine: Engine, store: Store) -> None:
    check(lines_of(engine, range(0, 59, 4)), store)


def check(lines: list[Line], store: Store) -> None:
    """Every line's Cypher returns one row: its path or its number of people, and its share."""
    assert len(lines) > 200
    assert len({line.cypher for line in lines}) > 4
    for line in lines:
        assert line.path is not None
        assert line.cypher is not None
        result = store.query(line.cypher, line.parameters)
        assert len(result.rows) == 1, line.text
        found = dict(zip(result.columns, result.rows[0], strict=True))
        assert found["share"] == pytest.approx(line.share, rel=1e-6)
        inner = line.nodes[1:-1] or line.nodes[1:]
        assert found["via"] == (inner[0].id if isinstance(inner[0], Node) else None)
        counted = [node.count for node in inner if isinstance(node, People)]
        assert [found["people"]] == counted if counted else "people" not in found
        if len(inner) == 2 and isinstance(inner[1], Node):
            assert found["mid"] == inner[1].id


@pytest.fixture
def learned(engine: Engine, served_home: Home) -> Engine:
    """The engine with a random number at every node that a line names, as a learned kernel has them."""
    graph = visible_graph(SnapshotShelf(served_home.snapshots).latest())
    walks = starting_walks(graph.schema)
    rng, numbers = np.random.default_rng(11), []
    for walk in walks:
        scorer = scorer_of(graph, walk)
        sizes = {place: graph.counts[label] for place, label in enumerate(scorer.labels) if scorer.names(place)}
        numbers.append({place: rng.uniform(0.3, 3.0, size) for place, size in sizes.items()})
    blend = Blend([fit_kernel(graph, walks, learned=numbers), *engine.model.blend.terms[1:]], [1.0, 0.5])
    return Engine(engine.snapshot, replace(engine.model, blend=blend))


def test_lines_with_learned_numbers_are_what_their_cypher_returns(learned: Engine, store: Store) -> None:
    check(lines_of(learned, range(0, 59, 4)), store)


@pytest.mark.slow
def test_lines_that_have_faded_are_what_their_cypher_returns(engine: Engine, store: Store) -> None:
    graph, now = engine.model.graph, round((START + timedelta(days=900)).timestamp() * 1_000_000)
    hops = {Hop(name): graph.hops[Hop(name)].fading(days, now) for name, days in (("BOUGHT", 200.0), ("VIEWED", 90.0))}
    faded = replace(graph, hops={**graph.hops, **hops})
    blend = engine.model.blend.reading(faded)
    old = Engine(engine.snapshot, replace(engine.model, blend=blend, graph=faded))
    lines = lines_of(old, range(0, 59, 4))
    check(lines, store)
    assert {float((line.parameters or {})["left"]) < 0.5 for line in lines if "left" in (line.parameters or {})} >= {
        True
    }
    # One user's list and those of many are the same to the bit, and deletions go through x too.
    users = [f"C{user:03}" for user in range(0, 59, 4)]
    many = list(recommend_many(old, [old.users.ids.find(user) for user in users], 5, LIST))
    assert [answer.items for answer in many] == [old.recommend(user, 5, LIST).items for user in users]
    product = many[0].items[0].product
    item = audited(old, old.explain(users[0], product, 5)).items[0]
    assert item.audit is not None
    assert item.audit.sum_error < 1e-9
    for one in item.audit.deletions:
        assert one.actual - one.actual_paths == pytest.approx(one.predicted - one.predicted_paths, abs=1e-9)


def test_a_path_that_is_not_there_returns_nothing(engine: Engine, store: Store) -> None:
    line = next(line for line in lines_of(engine, range(0, 59, 4)) if line.parameters and "mid" in line.parameters)
    assert line.cypher is not None
    assert store.query(line.cypher, {**(line.parameters or {}), "as_of": "2020"}).rows == []
    other = {**(line.parameters or {}), "mid": "S9"}
    assert store.query(line.cypher, other).rows == []


def _seen(lines: Sequence[Line], seen: Sequence[SeenLine]) -> Iterator[tuple[Line, SeenLine]]:
    """Each path of a view with its line: in the same order, without those of few people."""
    left = iter(lines)
    for one in seen:
        if one.path:
            yield next(line for line in left if line.path and _way(line.path) == _way(one.path)), one


def _way(path: Sequence[object]) -> list[object]:
    return [part for part in path if not isinstance(part, People | SeenPeople)]


@pytest.mark.slow
def test_cypher_of_a_view_returns_neighbours_and_that_the_path_is_there(engine: Engine, store: Store) -> None:
    """And nothing that a degree could be computed from: its parameters are ids, dates and `min_group`."""
    viewer = Viewer("adviser", secret=bytes(32), month="2026-11", min_group=2, often="many")
    answers = [engine.recommend(f"C{user:03}", 3, ListOptions(reasons=None)) for user in range(0, 59, 4)]
    pairs = [
        (line, seen)
        for answer in answers
        for item, seen_item in zip(answer.items, viewer.answer(answer).items, strict=True)
        for line, seen in _seen(item.lines, seen_item.lines)
    ]
    assert len({seen.cypher for _, seen in pairs}) > 4
    for line, seen in pairs:
        assert seen.cypher is not None
        assert seen.parameters is not None
        assert seen.parameters.keys() <= {
            "user", "via", "mid", "product", "as_of", "fitted_as_of", "nodes_as_of", "min_group",
        }  # fmt: skip
        assert all(isinstance(value, str) for name, value in seen.parameters.items() if name != "min_group")
        (found,) = store.query(seen.cypher, seen.parameters).records()
        between = line.nodes[1:-1] or line.nodes[1:]
        assert found["is_there"] is True
        assert found["via"] == (between[0].id if isinstance(between[0], Node) else None)
        assert set(found) <= {"via", "mid", "is_there"}
        early = {**seen.parameters, "as_of": ""}
        assert store.query(seen.cypher, early).rows == []
    people = next(seen for line, seen in pairs if any(isinstance(node, People) for node in line.nodes))
    assert store.query(str(people.cypher), {**(people.parameters or {}), "min_group": 99}).rows == []
