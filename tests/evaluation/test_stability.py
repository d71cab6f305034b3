"""Stability: the same facts give the same lists, lost rows few others, and fake customers push what they hold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.models.stability import _verdict
from graphrec.evaluation.stability import (
    DAY,
    Stability,
    stability,
    with_drift,
    with_fakes,
    with_noise,
    with_text_of,
    without_last_day,
    without_some,
)
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Adjacency, Hop, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.metrics.overlap import overlap
from graphrec.training.fit import TrainOptions, train
from tests.evaluation.test_fairness import write_bank


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("stable") / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(write_bank)
    train(snapshot, home, TrainOptions("itemknn", fixed=True))
    return home


@pytest.fixture(scope="module")
def found(home: Home) -> Stability:
    return stability(SnapshotShelf(home.snapshots).latest(), home.models / "itemknn-test", k=5, lost=0.2, fakes=0.1)


def test_the_same_facts_give_the_same_lists(found: Stability) -> None:
    run, seed, lost, noise, *_ = found.compared
    assert (lost.case, found.after_loss) == ("20.0% of interactions lost", lost)
    assert 0.2 < noise.overlap.value < 1
    assert (run.overlap.value, run.same, seed.overlap.value) == (1.0, 1.0, 1.0)
    assert 0.2 < lost.overlap.value < 1
    assert sum(abs(share) for _, share in found.moved) == pytest.approx(1.0)
    assert (found.fakes, found.pushed, found.attacked[1].model) == (40, 3, "plain item-kNN")


def test_facts_are_changed_as_said(home: Home) -> None:
    graph = visible_graph(SnapshotShelf(home.snapshots).latest())
    bought = graph.hops[Hop("BOUGHT")]
    less = without_some(graph, 0.25, np.random.default_rng(0))
    left = len(less.hops[Hop("BOUGHT")].indices)
    assert 0.6 * len(bought.indices) < left < 0.9 * len(bought.indices)
    assert len(less.hops[Hop("BOUGHT", True)].indices) == left
    more = with_fakes(graph, 7, 9, 1)
    own = more.hops[Hop("BOUGHT")]
    assert (more.num_users, own.num_rows) == (graph.num_users + 9, graph.num_users + 9)
    assert own.indices[: len(bought.indices)].tolist() == bought.indices.tolist()
    rows = {tuple(own.row(graph.num_users + place)) for place in range(9)}
    assert len(rows) == 1
    assert 7 in next(iter(rows))
    before, after = (one.hops[Hop("BOUGHT", True)].degrees()[7] for one in (graph, more))
    assert after == before + 9


def test_overlap_by_hand() -> None:
    """Depth 1: 1 of 1; depth 2: 1 of 2; depth 3: 3 of 3; weights 1, .9, .81."""
    ours = overlap(np.array([[1, 2, 3]]), np.array([[1, 3, 2]]))
    assert ours[0] == pytest.approx((1 + 0.9 * 0.5 + 0.81) / (1 + 0.9 + 0.81))
    assert overlap(np.array([[-1, -1]]), np.array([[-1, -1]]))[0] == 1
    assert overlap(np.array([[-1, -1]]), np.array([[4, -1]]))[0] == 0


def test_the_command_and_its_bounds(home: Home) -> None:
    words = ["--home", str(home.path), "--policy", "none", "stability", "--model", "itemknn", "-k", "5", "--no-record"]
    done = CliRunner().invoke(app, [*words, "--json", "--min-overlap", "0.1"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["beyond"] == []
    strict = CliRunner().invoke(app, [*words, "--min-overlap", "1", "--lost", "0.2"])
    assert strict.exit_code == 7
    assert "1 bounds are not kept, first: 20.0% of interactions lost: overlap 0." in strict.stderr
    assert "fake customers push a product" in strict.stdout
    wrong = CliRunner().invoke(app, [*words, "--fakes", "2"])
    assert (wrong.exit_code, "want shares between 0 and 1" in wrong.stderr) == (2, True)
    assert isinstance(home.path, Path)


def test_wrong_rows_an_earlier_day_drift_and_copied_texts_change_what_they_say(home: Home) -> None:
    graph = visible_graph(SnapshotShelf(home.snapshots).latest())
    hop, rng = Hop("BOUGHT"), np.random.default_rng(0)
    edges = graph.hops[hop]
    wrong = with_noise(graph, 0.5, rng).hops[hop]
    assert wrong.num_rows == edges.num_rows
    assert 0.3 * len(edges.indices) < len(set(_pairs(wrong)) & set(_pairs(edges))) < 0.8 * len(edges.indices)
    assert all((np.diff(wrong.row(user)) > 0).all() for user in range(wrong.num_rows))
    assert without_last_day(graph) is None, "nothing has a time here"
    days = np.arange(len(edges.indices), dtype=np.int64) // 10 * DAY
    dated = replace(graph, hops={**graph.hops, hop: replace(edges, newest=days)})
    before = without_last_day(dated)
    assert before is not None
    gone = len(edges.indices) - len(before.hops[hop].indices)
    assert gone == (days == days.max()).sum()
    size = graph.num_products
    blocks = Blocks.of("columns", {"Customer": np.array([[0, 0], [1, 5], [3, 5]], np.float32)})
    assert with_drift(Blocks()) is None
    drifted = with_drift(blocks)
    assert drifted is not None
    moved = next(iter(drifted)).matrix
    assert moved[0].tolist() == [0, 0]
    assert moved[1].tolist() == pytest.approx([1 + np.std([0, 1, 3]), 5 + np.std([0, 5, 5])])
    texts = Blocks.of("text", {"Product": np.eye(size, dtype=np.float32), "Customer": np.ones((2, 2), np.float32)})
    copied = {one.label: one.matrix for one in with_text_of(texts, graph, 3, 1)}
    assert copied["Product"][3].tolist() == copied["Product"][1].tolist()
    assert copied["Product"].sum() == size
    assert copied["Customer"].tolist() == [[1, 1], [1, 1]]


def _pairs(edges: Adjacency) -> list[tuple[int, int]]:
    rows = np.repeat(np.arange(edges.num_rows), edges.degrees())
    return list(zip(rows.tolist(), edges.indices.tolist(), strict=True))


def test_the_verdict_says_where_more_than_half_is_reached(found: Stability) -> None:
    own, plain = found.attacked
    assert plain.damage > 0
    few = replace(found, attacked=(replace(own, after=own.before), plain))
    many = replace(found, attacked=(replace(own, after=own.before + 0.9 * plain.damage), plain))
    assert _verdict(few) == "verdict: 0.000 of the damage that plain item-kNN takes; half is allowed"
    assert _verdict(many).startswith(
        "verdict: 0.900 of the damage that plain item-kNN takes, which is MORE THAN HALF (+"
    )
    assert "says nothing" in _verdict(replace(found, attacked=(own, replace(plain, after=plain.before))))
