"""A rejection speaks against what is like it, and against nothing else; it alone is no evidence for a list."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.home import Home
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.serving.answer import ExplainOptions
from graphrec.serving.engine import Engine
from graphrec.terms.folder import open_model
from graphrec.terms.forms.blend import Blend
from graphrec.training.fit import TrainOptions, train
from tests.banks import START

KINDS, PER_KIND, USERS = 4, 8, 160
SCHEMA = GraphSchema(
    Roles("User", "Item", ("TOOK", "REJECTED"), {"TOOK": 1.0, "REJECTED": -1.0}, ("TOOK",), min_group=1),
    {
        "User": NodeSchema("User"),
        "Item": NodeSchema("Item", (Column("name", "text"),), name="name"),
        "Kind": NodeSchema("Kind"),
    },
    {
        "TOOK": EdgeSchema("TOOK", "User", "Item"),
        "REJECTED": EdgeSchema("REJECTED", "User", "Item"),
        "OF_KIND": EdgeSchema("OF_KIND", "Item", "Kind"),
    },
)


def bank(folder: Path) -> Snapshot:
    """Users take products of two kinds, then reject one of one of them and take of the other alone."""
    rng = np.random.default_rng(4)
    took, rejected = [], []
    for user in range(USERS):
        kept, left = rng.permutation(KINDS)[:2].tolist()
        own, other = (kind + KINDS * rng.permutation(PER_KIND) for kind in (kept, left))
        for day, item in enumerate([own[0], other[0], other[1], own[1]]):
            took.append(_event(user, int(item), 10 * day + int(rng.integers(0, 5))))
        rejected.append(_event(user, int(other[2]), 45))
        took += [_event(user, int(item), 60 + 10 * n + int(rng.integers(0, 8))) for n, item in enumerate(own[2:5])]
    rejected.append(_event(USERS, 0, 45))
    nodes = {
        "User": [{"id": f"u{n:03}"} for n in range(USERS + 1)],
        "Item": [{"id": f"i{n:02}", "name": f"Item {n}"} for n in range(KINDS * PER_KIND)],
        "Kind": [{"id": f"k{n}"} for n in range(KINDS)],
    }
    of_kind = [{"source": f"i{n:02}", "target": f"k{n % KINDS}", "key": ""} for n in range(KINDS * PER_KIND)]
    edges = {"TOOK": took, "REJECTED": rejected, "OF_KIND": of_kind}
    return write_snapshot(
        folder,
        SCHEMA,
        {k: pa.Table.from_pylist(v, schema=node_fields(SCHEMA.nodes[k].columns)) for k, v in nodes.items()},
        {k: pa.Table.from_pylist(v, schema=edge_fields(())) for k, v in edges.items()},
    )


def _event(user: int, item: int, day: int) -> dict[str, object]:
    at = START + timedelta(days=day)
    return {"source": f"u{user:03}", "target": f"i{item:02}", "key": f"{day}", "at": at, "known_at": at}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    snapshot = bank(home.snapshots / "one")
    train(snapshot, home, TrainOptions())
    return Engine(snapshot, open_model(home.models / "blend-test", snapshot))


def test_a_rejection_has_a_term_whose_lines_are_negative(engine: Engine) -> None:
    places = [n for n, term in enumerate(engine.model.blend.terms) if term.name == "rejection"]
    assert len(places) == 1
    assert engine.model.blend.weights[places[0]] > 0
    for user in range(0, USERS, 20):
        shares = engine.model.blend.terms[places[0]].shares(user, np.arange(KINDS * PER_KIND, dtype=np.int32))
        assert len(shares.via) == 1
        assert (shares.values <= 0).all()
        assert shares.values[0, shares.via[0]] == -1.0
        scorers = [term for term in engine.model.blend.terms if term.on_paths]
        assert all((term.scores(user) >= 0).all() for term in scorers)


SAID = {
    ("en", "adviser"): ("which the customer rejected", "is like"),
    ("en", "customer"): ("which you rejected", "is like"),
    ("de", "adviser"): ("das der Kunde abgelehnt hat", "ähnlich wie"),
    ("de", "customer"): ("das Sie abgelehnt haben", "ähnlich wie"),
    ("zh", "adviser"): ("该客户拒绝过的", "相近"),
}


@pytest.mark.parametrize("spoken", list(SAID), ids="-".join)
def test_a_line_says_what_was_rejected(engine: Engine, spoken: tuple[str, str]) -> None:
    language, voice = spoken
    options = ExplainOptions(language=language, voice=voice)  # type: ignore[arg-type]
    explained = (engine.explain("u003", product, 30, options) for product in engine.products.ids)
    items = [item for answer in explained for item in answer.items]
    lines = [line for item in items for line in item.lines]
    against = [line for line in lines if line.kind == "against"]
    assert against
    assert all(line.share < 0 and line.term == "rejection" for line in against)
    assert any(all(part in line.text for part in SAID[spoken]) for line in against), against[0].text
    last = min(items, key=lambda item: item.score)
    assert last.score == pytest.approx(sum(line.share for line in last.lines) + last.rest, abs=1e-9)
    assert last.product not in {item.product for item in engine.recommend("u003", 30).items}


def test_lists_keep_away_from_what_was_rejected(engine: Engine) -> None:
    blend = engine.model.blend
    kept = [n for n, term in enumerate(blend.terms) if term.name != "rejection"]
    without = Blend([blend.terms[n] for n in kept], [blend.weights[n] for n in kept])
    graph = engine.model.graph
    ranks = []
    for user in range(0, USERS, 8):
        item = next(iter(graph.hops[Hop("REJECTED")].row(user)))
        order, plain = (np.argsort(-blend.row(user).scores) for blend in (blend, without))
        ranks.append(int(np.flatnonzero(order == item)[0]) - int(np.flatnonzero(plain == item)[0]))
    assert min(ranks) >= 0
    assert np.mean(ranks) > 1


def test_who_only_rejected_something_gets_no_list(engine: Engine) -> None:
    assert engine.recommend(f"u{USERS:03}", 5).items == ()
