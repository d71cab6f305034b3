"""Baselines get the search that ours gets: chosen on validation, fitted on what ours was fitted on."""

import json
from pathlib import Path

import numpy as np
import pytest

from graphrec.evaluation.evaluate import baseline, baselines_there, evaluate
from graphrec.evaluation.hidden_part import open_tested
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.home import Home
from graphrec.models.inputs import Inputs
from graphrec.models.registry import models
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from graphrec.training.tune import TuneOptions, tune
from tests.models.boards import random_board
from tests.training import bank

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["popularity", "itemknn", "ease", "als"])
def test_a_baseline_is_what_train_would_fit(tmp_path: Path, kind: str) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")
    split = split_of(snapshot)
    visible = visible_graph(snapshot, split.hidden(split.fitted))
    users = np.arange(60, dtype=np.int32)
    trained = open_tested(train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions(kind)).path, snapshot)
    found = baseline(kind, snapshot, split, visible, Inputs())
    np.testing.assert_array_equal(found.batch(users), trained.blend.batch(users))


def test_a_baseline_takes_what_was_tuned_for_it_and_a_note_says_where_nothing_was(tmp_path: Path) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")
    home = Home(tmp_path / "home").prepare()
    tune(snapshot, home, TuneOptions("ease", trials=1))
    folder = train(snapshot, home, TrainOptions("ease")).path
    found = evaluate(snapshot, folder, ks=(3,), baselines=("ease", "itemknn", "popularity"), home=home)
    assert found.baselines["ease"] == found.metrics
    assert found.notes == (
        "the model was tuned by a study and itemknn by the few trials of every training; run: graphrec tune --model "
        "itemknn, then graphrec evaluate",
    )
    trained = train(snapshot, home, TrainOptions("popularity")).path
    assert evaluate(snapshot, trained, ks=(3,), baselines=("itemknn",), home=home).notes == ()
    tune(snapshot, home, TuneOptions("itemknn", trials=1))
    plain = json.loads((home.tuning / "itemknn.json").read_text())
    plain["configuration"] = {"neighbours": 1, "shrinkage": 0.0}
    (home.tuning / "itemknn.json").write_text(json.dumps(plain))
    again = evaluate(snapshot, folder, ks=(3,), baselines=("itemknn",), home=home)
    assert (again.notes, again.baselines["itemknn"] == found.baselines["itemknn"]) == ((), False)


@pytest.mark.parametrize("use_protected", [False, True])
def test_a_baseline_reads_the_attributes_that_the_model_may_read(tmp_path: Path, *, use_protected: bool) -> None:
    bought: list[bank.Event] = [(f"u{n}", f"p{m}") for n in range(20) for m in range(6) if (n + m) % 3]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought, "OF_SEX": [(f"u{n}", "fm"[n % 2]) for n in range(20)]})
    home = Home(tmp_path / "home").prepare()
    folder = train(snapshot, home, TrainOptions("ease", use_protected=use_protected)).path
    found = evaluate(snapshot, folder, ks=(3,), baselines=("ease",))
    assert found.baselines["ease"] == found.metrics


def test_every_baseline_has_as_many_trials_as_ours() -> None:
    graph = random_board(0, products=200)
    tried = {
        name: len(list(models()[name].trials(graph))) for name in ("spectral", "ease", "itemknn", "als", "rp3beta")
    }
    assert tried == dict.fromkeys(tried, 4)


def test_what_can_be_compared_with() -> None:
    assert {"popularity", "itemknn", "ease", "rp3beta", "als", "kernel", "lightgcn-id", "graphsage"} <= set(
        baselines_there()
    )
    assert not {"blend", "text"} & set(baselines_there())
