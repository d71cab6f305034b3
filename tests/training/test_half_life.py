"""Evidence that fades: a half-life by type is chosen with the weights, and nothing fades where that says as much."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.edges.fading import DAY, ages, fading
from graphrec.graph.edges.first_hops import first_hops
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.home import Home
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.serving.engine import Engine
from graphrec.terms.folder import open_model
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of
from tests.banks import START

KINDS, PER_KIND, USERS = 6, 8, 240
SCHEMA = GraphSchema(
    Roles("User", "Item", ("TOOK", "SAW"), {"TOOK": 1.0, "SAW": 0.5}, ("TOOK",), min_group=1),
    {"User": NodeSchema("User"), "Item": NodeSchema("Item"), "Kind": NodeSchema("Kind")},
    {
        "TOOK": EdgeSchema("TOOK", "User", "Item"),
        "SAW": EdgeSchema("SAW", "User", "Item"),
        "OF_KIND": EdgeSchema("OF_KIND", "Item", "Kind"),
    },
)


def moving_tastes(folder: Path, *, dated: bool = True, schema: GraphSchema = SCHEMA) -> Snapshot:
    """Users look at products of one kind after another, and take what they looked at last; they are out of step."""
    rng = np.random.default_rng(3)
    took, saw = [], []
    for user in range(USERS):
        kinds = rng.permutation(KINDS)[:4]
        for step, kind in enumerate(kinds.tolist()):
            start = 300 * step + int(rng.integers(0, 40))
            own = kind + KINDS * rng.permutation(PER_KIND)
            saw += [_event(user, item, start + day, dated) for day, item in enumerate(own[:3].tolist())]
            took += [_event(user, item, start + 20 + day, dated) for day, item in enumerate(own[3:5].tolist())]
    items = KINDS * PER_KIND
    nodes = {
        "User": [{"id": f"u{n:03}"} for n in range(USERS)],
        "Item": [{"id": f"i{n:02}"} for n in range(items)],
        "Kind": [{"id": f"k{n}"} for n in range(KINDS)],
    }
    kind_of = [{"source": f"i{n:02}", "target": f"k{n % KINDS}", "key": ""} for n in range(items)]
    edges = {"TOOK": took, "SAW": saw, "OF_KIND": kind_of}
    return write_snapshot(
        folder,
        schema,
        {label: pa.Table.from_pylist(rows, schema=node_fields(())) for label, rows in nodes.items()},
        {name: pa.Table.from_pylist(rows, schema=edge_fields(())) for name, rows in edges.items()},
    )


def _event(user: int, item: int, day: int, dated: bool) -> dict[str, object]:
    at = START + timedelta(days=day)
    times = {"at": at, "known_at": at} if dated else {}
    return {"source": f"u{user:03}", "target": f"i{item:02}", "key": str(day), **times}


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Snapshot]:
    home = Home(tmp_path_factory.mktemp("moving")).prepare()
    snapshot = moving_tastes(home.snapshots / "moving")
    train(snapshot, home, TrainOptions(model="kernel"))
    return home, snapshot


def test_the_part_that_is_left_is_halved_every_half_life() -> None:
    newest = np.array([0, -365 * DAY, -730 * DAY - 5, DAY, ALWAYS])
    assert ages(newest, 0).tolist() == [0, 365, 730, 0, -1]
    assert fading(newest, 0, 365.0).tolist() == [1.0, 0.5, 0.25, 1.0, 1.0]


def test_tastes_that_move_are_given_a_half_life(moving: tuple[Home, Snapshot]) -> None:
    home, snapshot = moving
    model = open_model(home.models / "kernel-test", snapshot)
    found = model.meta.description.half_life_days
    assert found
    assert max(found.values()) <= 365
    configuration = model.meta.configuration
    assert configuration.half_life_days == found


def test_a_row_read_alone_and_with_all_others_has_the_same_x(moving: tuple[Home, Snapshot]) -> None:
    home, snapshot = moving
    engine = Engine(snapshot, open_model(home.models / "kernel-test", snapshot), now=_micro(1500))
    users = np.arange(USERS, dtype=np.int32)
    for term in engine.model.blend.terms:
        alone = np.stack([term.scores(int(user)) for user in users])
        assert np.array_equal(alone, term.rows(users))
        for user in (0, 7):
            shares = term.shares(user, np.arange(engine.model.blend.num_products, dtype=np.int32))
            assert np.allclose(shares.values.sum(axis=0), alone[user], rtol=1e-9)
    hop = first_hops(snapshot, {"User": USERS, "Item": KINDS * PER_KIND})[Hop("TOOK")].fading(100.0, _micro(1500))
    whole = visible_graph(snapshot).hops[Hop("TOOK")].fading(100.0, _micro(1500))
    for user in (0, 5):
        assert np.array_equal(hop.evidence(user), whole.evidence(user))
        assert np.array_equal(hop.row(user), whole.row(user))


def _micro(day: int) -> int:
    return int((START + timedelta(days=day)).timestamp()) * 1_000_000


@pytest.mark.parametrize("dated", [False, True])
def test_nothing_fades_without_times_or_where_the_mapping_says_so(tmp_path: Path, dated: bool) -> None:
    home = Home(tmp_path).prepare()
    schema = SCHEMA
    if dated:
        edges = {
            name: EdgeSchema(name, one.source, one.target, half_life_days="none") for name, one in SCHEMA.edges.items()
        }
        schema = GraphSchema(SCHEMA.roles, SCHEMA.nodes, edges)
    snapshot = moving_tastes(home.snapshots / "one", dated=dated, schema=schema)
    train(snapshot, home, TrainOptions(model="kernel"))
    assert open_model(home.models / "kernel-test", snapshot).meta.description.half_life_days == {}


def test_a_number_of_the_mapping_stands_and_w_does_not_fade(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    edges = {**SCHEMA.edges, "TOOK": EdgeSchema("TOOK", "User", "Item", half_life_days=50.0)}
    edges["SAW"] = EdgeSchema("SAW", "User", "Item", half_life_days="none")
    snapshot = moving_tastes(home.snapshots / "one", schema=GraphSchema(SCHEMA.roles, SCHEMA.nodes, edges))
    train(snapshot, home, TrainOptions(model="ease", fixed=True))
    model = open_model(home.models / "ease-test", snapshot)
    assert model.meta.description.half_life_days == {"TOOK": 50.0}
    (term,) = model.blend.terms
    graph = graph_of(snapshot, split_of(snapshot), "train+valid")
    plain, faded = term.reading(graph), term.reading(graph.fading({"TOOK": 50.0}))
    user, products = 3, np.arange(4, dtype=np.int32)
    left = graph.fading({"TOOK": 50.0}).hops[Hop("TOOK")].left(user)
    assert left is not None
    assert left.min() < 0.1
    one, other = plain.shares(user, products), faded.shares(user, products)
    took = one.group == [group.hop for group in one.groups].index(Hop("TOOK"))
    assert np.array_equal(other.values[took], left[:, None] * one.values[took])
    assert np.array_equal(other.values[~took], one.values[~took])
