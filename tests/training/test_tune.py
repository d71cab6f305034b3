"""Studies of configurations: on validation alone, going on after a stop, taken over by training."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

from graphrec.errors import ModelError, UsageError
from graphrec.features.blocks import Blocks, Sources
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.tables.ease import trials as ease_trials
from graphrec.terms.folder import read_meta
from graphrec.training import tune as tune_module
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from graphrec.training.tune import Tuned, TuneOptions, tune
from tests.training import bank, registry

ROOT = Path(__file__).resolve().parents[2]


def history(home: Home, name: str) -> list[tuple[str, float | None, str]]:
    """State, value and configuration of every trial that counts."""
    storage = f"sqlite:///{home.tuning / name}.db"
    (study,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=study, storage=storage).trials
    return [(one.state.name, one.value, one.user_attrs["configuration"]) for one in trials if one.state.name != "FAIL"]


@pytest.mark.slow
def test_the_winner_is_the_best_of_the_trials_and_what_train_fits(snapshot: Snapshot, home: Home) -> None:
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=8))
    trials = history(home, "ease")
    assert (found.trials, found.new, len(trials)) == (8, 8, 8)
    assert [json.loads(one[2]) for one in trials[:4]] == list(ease_trials(visible_graph(snapshot)))
    values = [one[1] or 0.0 for one in trials]
    assert found.best == max(values)
    assert found.untuned == max(values[:4])
    assert json.loads(trials[values.index(found.best)][2]) == found.configuration
    meta = read_meta(train(snapshot, home, TrainOptions("ease")).path)
    assert meta.configuration.terms["ease"] == found.configuration
    assert meta.tuned == ("ease",)
    assert meta.metrics[found.metric].value == pytest.approx(found.best)


@pytest.mark.slow
def test_a_training_from_before_the_study_is_done_again(snapshot: Snapshot, home: Home) -> None:
    assert train(snapshot, home, TrainOptions("itemknn")).is_new
    tune(snapshot, home, TuneOptions("itemknn", trials=3))
    assert train(snapshot, home, TrainOptions("itemknn")).is_new
    assert not train(snapshot, home, TrainOptions("itemknn")).is_new
    assert train(snapshot, home, TrainOptions("itemknn", fixed=True)).tuned == ()


@pytest.mark.slow
def test_a_second_study_does_nothing_and_a_longer_one_goes_on(snapshot: Snapshot, home: Home) -> None:
    tune(snapshot, home, TuneOptions("itemknn", trials=5))
    first = history(home, "itemknn")
    (again,) = tune(snapshot, home, TuneOptions("itemknn", trials=5))
    assert (again.trials, again.new) == (5, 0)
    (longer,) = tune(snapshot, home, TuneOptions("itemknn", trials=7))
    assert (longer.trials, longer.new) == (7, 2)
    assert history(home, "itemknn")[:5] == first


@pytest.mark.slow
def test_other_texts_begin_another_study_of_what_reads_them(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.try_only(monkeypatch, "lightgcn", [{"epochs": 1, "dim": 4}])
    vectors = Blocks.of("text", {"Product": np.eye(12, 6, dtype=np.float32)})
    for blocks, new in ((Blocks(), 1), (vectors, 1), (vectors, 0), (Blocks(), 0)):
        (found,) = tune(snapshot, home, TuneOptions("lightgcn", trials=1), sources=Sources.of(blocks))
        assert (found.trials, found.new) == (1, new)
    for blocks, new in ((Blocks(), 2), (vectors, 0)):
        (found,) = tune(snapshot, home, TuneOptions("ease", trials=2), sources=Sources.of(blocks))
        assert (found.trials, found.new) == (2, new)


def test_a_timeout_ends_after_the_trial_that_is_running(snapshot: Snapshot, home: Home) -> None:
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=9, timeout=0.0))
    assert (found.trials, found.new) == (1, 1)
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=9, timeout=0.0))
    assert (found.trials, found.new) == (2, 1)


@pytest.mark.slow
def test_the_blend_is_tuned_term_by_term(snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.blend_of(monkeypatch, ("kernel", "ease", "itemknn", "text"))
    found = tune(snapshot, home, TuneOptions(trials=2))
    assert [one.model for one in found] == ["ease", "itemknn"]
    assert train(snapshot, home).tuned == ("ease", "itemknn")


def test_another_split_does_not_take_the_winner(snapshot: Snapshot, home: Home, tmp_path: Path) -> None:
    tune(snapshot, home, TuneOptions("ease", trials=1))
    other = bank.taste_bank(tmp_path / "other", users=40)
    assert train(other, home, TrainOptions("ease")).tuned == ()


@pytest.mark.slow
def test_the_test_part_has_no_say(tmp_path: Path) -> None:
    """Other test pairs among those that are hidden anyway: every trial has the value it had."""
    pairs = [(f"u{n}", f"p{m}") for n in range(12) for m in range(8) if (n + m) % 2 or m < 3]
    valid = [(f"u{n}", "p0") for n in range(12)]
    found = []
    for product in ("p1", "p2"):
        hidden = [(f"u{n}", name) for n in range(12) for name in ("p1", "p2")]
        kept = [pair for pair in pairs if pair not in hidden]
        test = [(f"u{n}", product) for n in range(12)]
        one = bank.make(tmp_path / product, {"BOUGHT": kept + test}, split={"test": test, "valid": valid}, products=8)
        home = Home(tmp_path / f"home-{product}").prepare()
        tune(one, home, TuneOptions("ease", trials=4))
        assert len(split_of(one).test) == 12
        found.append(history(home, "ease"))
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_fit_that_is_worse_than_the_median_is_pruned(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [{"epochs": 6, "patience": 6, "dim": 8, "learning_rate": 0.05 + n / 1000} for n in range(6)]
    bad = {**good[0], "learning_rate": 1e-9, "init": 1e-6}
    registry.try_only(monkeypatch, "lightgcn", [*good, bad])
    (found,) = tune(snapshot, home, TuneOptions("lightgcn", trials=7))
    assert [one[0] for one in history(home, "lightgcn")] == ["COMPLETE"] * 6 + ["PRUNED"]
    assert (found.trials, found.pruned, found.configuration in good) == (7, 1, True)


@pytest.mark.slow
def test_a_configuration_that_cannot_be_fitted_is_a_pruned_trial(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = tune_module.evaluated

    def failing(spec: object, values: dict, *others: object) -> object:
        if values["regularization"] > 9:
            raise ModelError("the loss is not a number")
        return evaluated(spec, values, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(tune_module, "evaluated", failing)
    registry.try_only(monkeypatch, "ease", [{"regularization": 9.0}])
    registry.change(monkeypatch, "ease", space=lambda trial, graph: {"regularization": 10.0})
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=2))
    assert (found.trials, found.pruned, found.configuration) == (2, 1, {"regularization": 9.0})
    registry.try_only(monkeypatch, "ease", [{"regularization": 10.0}])
    with pytest.raises(ModelError, match="^the loss is not a number$"):
        tune(snapshot, Home(home.path.parent / "other").prepare(), TuneOptions("ease", trials=1))


#: Every number is the epoch in which a process of its own is killed; 0: none. They are forked after what they import.
KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.fitting import loop
from graphrec.training.job import code_of
from graphrec.training.tune import TuneOptions, tune

left, run_epoch = 0, loop.run_epoch

def counting(*given):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_epoch(*given)

loop.run_epoch = counting
code_of("lightgcn")
for epoch in sys.argv[3:]:
    process = os.fork()
    if not process:
        left = int(epoch)
        tune(Snapshot.open(Path(sys.argv[1])), Home(Path(sys.argv[2])).prepare(), TuneOptions("lightgcn", trials=3))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.mark.slow
def test_a_study_that_is_killed_makes_the_trials_that_it_would_have_made(
    snapshot: Snapshot, home: Home, tmp_path: Path
) -> None:
    tune(snapshot, home, TuneOptions("lightgcn", trials=3))
    other = Home(tmp_path / "killed").prepare()
    command = [sys.executable, "-c", KILLED, str(snapshot.folder), str(other.path), "20", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == [str(-signal.SIGKILL.value), "0"]
    assert history(other, "lightgcn") == history(home, "lightgcn")
    assert not list(other.working.iterdir())


def test_what_cannot_be_tuned_is_said() -> None:
    with pytest.raises(UsageError, match=r"^there is nothing to tune for model 'kernel'; there are blend, spectral, "):
        TuneOptions("kernel")
    with pytest.raises(UsageError, match=r"^--trials 0: want at least 1$"):
        TuneOptions("ease", trials=0)


def test_values_are_those_of_the_validation_users(snapshot: Snapshot, home: Home) -> None:
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=1))
    assert isinstance(found, Tuned)
    meta = read_meta(train(snapshot, home, TrainOptions("ease")).path)
    np.testing.assert_allclose(meta.validation.alone["ease"], found.best)
