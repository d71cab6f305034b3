"""Every form of walk there is, with odd ids, weights and nodes known later than their edges, against its Cypher."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.edges.adjacency import Hidden, Hop, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.rows import Source, edge_fields, node_fields
from graphrec.models.walks.kernel import scorer_of
from graphrec.serving.answer import Line, People
from graphrec.serving.reasons.lines import END_OF_TIME, Reasons, utc_text
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.store.read import take_snapshot
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import Neighbours, TableTerm
from graphrec.terms.forms.pairs import Pairs, PairTerm
from graphrec.terms.ledger import Beside
from graphrec.terms.walks import WalkTerm
from tests.terms.graphs import EDGES, SCHEMA, random_walks

START = datetime(2024, 1, 1, tzinfo=UTC)
COUNTS = {"User": 9, "Product": 7, "Band": 3, "Sector": 3}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random bank; some nodes and edges have a time from which they are known, some edges two events."""
    rng = np.random.default_rng(3)

    def moment(part: float) -> datetime | None:
        return START + timedelta(days=int(rng.integers(0, 100))) if rng.random() < part else None

    with open_store(None, tmp_path_factory.mktemp("forms") / "store") as opened:
        sink = opened.sink()
        sink.begin(Source("bank", "run-1", True, SCHEMA, "files"))
        for label, count in COUNTS.items():
            rows = [{"id": _odd(label, n), "known_at": moment(0.4)} for n in range(count)]
            sink.add_nodes(label, pa.Table.from_pylist(rows, schema=node_fields(())))
        for name, (source, target) in EDGES.items():
            chosen = np.argwhere(rng.random((COUNTS[source], COUNTS[target])) < 0.45).tolist()
            rows = []
            for start, end in chosen:
                if source != target or start != end:
                    weight = float(rng.uniform(0, 5)) if name == "BOUGHT" else None
                    ends = {"source": _odd(source, start), "target": _odd(target, end)}
                    events = [{**ends, "key": str(n), "weight": weight} for n in range(1 + (start + end) % 2)]
                    rows += [{**event, "at": (at := moment(0.7)), "known_at": at} for event in events]
            sink.add_edges(name, pa.Table.from_pylist(rows, schema=edge_fields(())))
        sink.finish(None)
        yield opened


def _odd(label: str, number: int) -> str:
    return f"{label[0]}'\"`\\ {number}\n🏦"


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [None, 60])
@pytest.mark.parametrize(("hidden_from", "min_group"), [(None, 1), (50, 1), (None, 3)])
def test_lines_of_every_form(
    store: Store, tmp_path: Path, as_of: int | None, hidden_from: int | None, min_group: int
) -> None:
    """Each returns its share and its people, and with one person fewer than `min_group` nothing."""
    snapshot = take_snapshot(store, SnapshotShelf(tmp_path), None if as_of is None else START + timedelta(days=as_of))
    known_from = None if hidden_from is None else round((START + timedelta(days=hidden_from)).timestamp() * 1_000_000)
    graph = visible_graph(snapshot, Hidden(known_from))
    graph = replace(graph, schema=replace(SCHEMA, roles=replace(SCHEMA.roles, min_group=min_group)))
    blend = Blend([WalkTerm("kernel", graph, tuple(scorer_of(graph, walk) for walk in random_walks(5)))], [1.0])
    reasons = Reasons(snapshot, blend, graph, END_OF_TIME if known_from is None else utc_text(known_from))
    forms = set()
    for user in range(0, graph.num_users, 2):
        for line in _lines(reasons, blend, user):
            assert line.path is not None
            assert line.cypher is not None
            (found,) = store.query(line.cypher, line.parameters).records()  # type: ignore[arg-type]
            assert found["share"] == pytest.approx(line.share, rel=1e-9), line
            counts = {node.count for node in line.nodes if isinstance(node, People) and node.count is not None}
            assert counts == ({found["people"]} if "people" in found else set())
            if counts:
                assert "WHERE n >= $min_group" in line.cypher
                assert found["people"] >= (line.parameters or {})["min_group"] == min_group
                more = {**(line.parameters or {}), "min_group": found["people"] + 1}
                assert store.query(line.cypher, more).rows == []
            forms.add(tuple(step.type for step in line.steps))
    assert len(forms) >= (12 if min_group == 1 else 9)


def _lines(reasons: Reasons, blend: Blend, user: int) -> list[Line]:
    """All lines of all products that a user does not hold."""
    held = blend.terms[0].graph.held().row(user)  # type: ignore[attr-defined]
    products = np.setdiff1d(np.arange(reasons.snapshot.count("Product")), held).astype(np.int32)
    row = blend.row(user)
    ledger = blend.ledger(user, products, row.scales)
    groups = reasons.groups(user, ledger, Beside.of(ledger.values, np.arange(len(products))), products)
    lines: list[Line] = []
    for column, product in enumerate(products.tolist()):
        chosen = reasons.strongest(ledger, ledger.values[:, column])
        lines += reasons.lines(user, product, groups, column, row.scales, chosen)
    return lines


@pytest.mark.parametrize("hidden_from", [None, 50])
def test_a_pair_says_both_and_counts_who_has_them(store: Store, tmp_path: Path, hidden_from: int | None) -> None:
    snapshot = take_snapshot(store, SnapshotShelf(tmp_path))
    known_from = None if hidden_from is None else round((START + timedelta(days=hidden_from)).timestamp() * 1_000_000)
    graph = visible_graph(snapshot, Hidden(known_from))
    graph = replace(graph, schema=replace(SCHEMA, roles=replace(SCHEMA.roles, min_group=1)))
    bought, band = Hop("BOUGHT"), Hop("IN_BAND")
    both = [(0, a, b) for a in range(7) for b in range(a + 1, 7)] + [(1, a, b) for a in range(7) for b in range(3)]
    kind, first, second = np.array(both, np.int32).T
    weights = np.random.default_rng(0).uniform(0.5, 1, (len(both), 7)).astype(np.float32)
    single = TableTerm("pairs", graph, [Neighbours(bought, np.zeros((7, 7), np.float32)),
                                        Neighbours(band, np.zeros((3, 7), np.float32))])  # fmt: skip
    term = PairTerm("pairs", graph, single, Pairs(((bought, bought), (bought, band)), kind, first, second, weights))
    blend = Blend([term], [1.0])
    reasons = Reasons(snapshot, blend, graph, END_OF_TIME if known_from is None else utc_text(known_from))
    products, said = np.arange(7, dtype=np.int32), 0
    for user in range(9):
        row = blend.row(user)
        ledger = blend.ledger(user, products, row.scales)
        assert ledger.totals() == pytest.approx(row.scores, rel=1e-9)
        none = Beside.of(np.zeros((len(ledger.via), 0)), np.zeros(0, np.int64))
        groups = reasons.groups(user, ledger, none, products)
        for product in np.setdiff1d(products, graph.held().row(user)).tolist():
            for reason in reasons.reasons(user, product, groups.of_product(product, product, None).sentences):
                assert reason.kind == "pair"
                assert reason.people is not None
                assert reason.cypher is not None
                assert f"{reason.people} " in reason.text or reason.people == 1
                (found,) = store.query(reason.cypher, reason.parameters).records()  # type: ignore[arg-type]
                assert found["people"] == reason.people
                said += 1
            chosen = reasons.strongest(ledger, ledger.values[:, product])
            for line in reasons.lines(user, product, groups, product, row.scales, chosen):
                assert (line.kind, line.via, len(line.vias)) == ("pair", None, 2)
    assert said > 10
