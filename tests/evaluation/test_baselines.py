"""Baselines get the search that ours gets: chosen on validation, fitted on what ours was fitted on."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.evaluation.baselines import BASELINES, baseline
from graphrec.graph.adjacency import visible_graph
from graphrec.home import Home
from graphrec.training import search
from graphrec.training.fit import TrainOptions, train
from graphrec.training.folder import open_model
from graphrec.training.split import split_of
from tests.models.boards import random_board
from tests.training import bank


@pytest.mark.parametrize("kind", ["popularity", "itemknn", "ease", "als"])
def test_a_baseline_is_what_train_would_fit(tmp_path: Path, kind: str) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")
    split = split_of(snapshot)
    visible = visible_graph(snapshot, split.hidden(split.fitted))
    users = np.arange(60, dtype=np.int32)
    trained = open_model(train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions(kind)).path, snapshot)
    found = baseline(kind, snapshot, split, visible)
    np.testing.assert_array_equal(found.batch(users), trained.blend.batch(users))


def test_every_baseline_has_as_many_trials_as_ours() -> None:
    graph = random_board(0, products=200)
    tried = {name: len(list(search._TRIALS[name](graph))) for name in ("spectral", "ease", "itemknn", "als", "rp3beta")}
    assert tried == dict.fromkeys(tried, 4)


def test_what_can_be_compared_with() -> None:
    assert {"popularity", "itemknn", "ease", "rp3beta", "als", "kernel", "lightgcn-id", "graphsage"} <= set(BASELINES)
    assert not {"blend", "text"} & set(BASELINES)
