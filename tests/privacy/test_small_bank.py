"""A bank of two customers has no group: the answer is an honest abstention or what contents say, never an error."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks, Sources
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.serving.engine import Engine
from graphrec.training.fit import TrainOptions, train
from tests.training import bank


def served(folder: Path, kind: str, sources: Sources | None = None) -> Engine:
    """The engine of a bank of two customers who hold other halves of eight products."""
    home = Home(folder / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(
        lambda path: bank.taste_bank(path, users=2, products=8, split=False, min_group=5)
    )
    train(snapshot, home, TrainOptions(kind, final=True), sources=sources)
    return Engine.open(home, kind)


@pytest.mark.parametrize("kind", ["blend", "spectral", "ease", "itemknn", "popularity", "als"])
def test_nothing_is_left_to_say_and_that_is_said(tmp_path: Path, kind: str) -> None:
    answer = served(tmp_path, kind).recommend("u00", 3)
    assert answer.items == ()
    assert answer.abstained


def test_contents_speak_where_no_group_does(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    engine = served(tmp_path, "text", Sources.of(Blocks.of("text", {"Product": vectors})))
    answer = engine.recommend("u00", 3)
    assert answer.items
    assert {line.kind for item in answer.items for line in item.lines} == {"similarity"}


@pytest.mark.parametrize("kind", ["lightgcn", "lightgcn-id", "graphsage", "softmax"])
def test_what_cannot_be_trained_says_why(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ModelError) as caught:
        served(tmp_path, kind)
    assert str(caught.value) == (
        f"{kind} has nothing to learn from: nothing is held by min_group = 5 customers together, and what fewer share "
        "counts as none; load more customers, or run: graphrec train --model text"
    )
