"""What is set of a term reaches its fit, whatever a search tries; what does not fit is one line."""

from dataclasses import fields
from typing import Literal, get_origin

import pytest

from graphrec.errors import UsageError
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.fitting import loop, objective
from graphrec.training.configs import CONFIGS, OPTIONS, WANTED, config_class, read_set, settable
from graphrec.training.fit import TrainOptions, train
from graphrec.training.job import KINDS
from graphrec.training.trials import TRIALS, with_given
from graphrec.training.tune import TuneOptions, tune
from tests.models.boards import random_board


def test_values_are_read_as_their_types() -> None:
    texts = ["lightgcn.loss=in-batch", "lightgcn.contrast=0.2", "lightgcn.num_layers=2", "ease.attributes=false"]
    assert read_set(texts) == {
        "lightgcn": {"loss": "in-batch", "contrast": 0.2, "num_layers": 2}, "ease": {"attributes": False},
    }  # fmt: skip
    assert read_set([]) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss=bpr", "want TERM.NAME=VALUE, such as lightgcn.loss=bpr"),
        ("lightgcn.loss", "want TERM.NAME=VALUE, such as lightgcn.loss=bpr"),
        ("kernel.beta=1", f"there is nothing to set for 'kernel'; there are {', '.join(CONFIGS)}"),
        ("softmax.seed=1", "softmax has no 'seed'; there are regularization, steps, max_scores"),
        ("lightgcn.loss=hinge", "want one of auto, full, sampled, in-batch, bpr"),
        ("lightgcn.epochs=4.5", "want a whole number"),
        ("als.alpha=nan", "want a number"),
        ("ease.attributes=no", "want true or false"),
    ],
)
def test_what_does_not_fit_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_set([text])
    assert str(caught.value) == f"--set {text}: {message}"


def test_a_term_that_the_model_has_not_is_refused() -> None:
    for options in (TrainOptions, TuneOptions):
        with pytest.raises(UsageError) as caught:
            options("ease", given={"lightgcn": {"dim": 8}})  # type: ignore[operator]
        assert str(caught.value) == "--set lightgcn.…: model ease has no term lightgcn; it has ease"


def test_every_configuration_can_be_set() -> None:
    assert set(CONFIGS) == set(KINDS) - {"blend", "kernel", "popularity", "text"}
    for term in CONFIGS:
        assert {field.name for field in fields(config_class(term))} - set(OPTIONS) == set(settable(term))
        assert all(kind in WANTED or get_origin(kind) is Literal for kind in settable(term).values())
        for plain in TRIALS.get(term, lambda _: iter(()))(random_board(0)):
            assert set(plain) <= set(settable(term))


def test_trials_that_are_alike_come_once() -> None:
    trials = iter([{"alpha": 1.0, "dim": 4}, {"alpha": 9.0, "dim": 4}, {"alpha": 1.0, "dim": 8}])
    assert list(with_given(trials, {"alpha": 2.0})) == [{"alpha": 2.0, "dim": 4}, {"alpha": 2.0, "dim": 8}]


def test_loss_and_contrast_reach_the_steps_of_training_and_of_its_refit(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = read_set(["lightgcn-id.loss=bpr", "lightgcn-id.contrast=0.1", "lightgcn-id.epochs=2"])
    seen = []
    original = {name: getattr(objective, name) for name in ("bpr", "info_nce")}
    for name, function in original.items():
        monkeypatch.setattr(objective, name, lambda *args, name=name, f=function: (seen.append(name), f(*args))[1])
    epochs = []
    run_epoch = loop.run_epoch
    monkeypatch.setattr(loop, "run_epoch", lambda *args: (epochs.append(set(seen)), seen.clear(), run_epoch(*args))[2])
    report = train(snapshot, home, TrainOptions("lightgcn-id", given=given))
    plain = report.meta["configuration"]["terms"]["lightgcn-id"]
    assert (plain["loss"], plain["contrast"]) == ("bpr", 0.1)
    assert epochs[1:] == [{"bpr", "info_nce"}] * (len(epochs) - 1)
    assert len(epochs) == 4 * 2 + plain["epochs"]  # four trials of two epochs each, then the refit
    assert not train(snapshot, home, TrainOptions("lightgcn-id", given=given)).is_new
    assert train(snapshot, home, TrainOptions("lightgcn-id", given={"lightgcn-id": {"epochs": 2}})).is_new


def test_defaults_fixed_beforehand_and_final_models_keep_what_is_set(snapshot: Snapshot, home: Home) -> None:
    given = read_set(["spectral.dim=3", "spectral.max_share=1"])
    report = train(snapshot, home, TrainOptions("blend", fixed=True, given=given))
    assert report.meta["configuration"]["terms"]["spectral"] == {"dim": 3, "max_share": 1.0}
    final = train(snapshot, home, TrainOptions("blend", final=True))
    assert final.meta["configuration"] == report.meta["configuration"]
    assert final.meta["request"]["given"] == given


def test_every_trial_of_a_study_has_what_is_set(snapshot: Snapshot, home: Home) -> None:
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=6, given={"ease": {"user_power": 0.5}}))
    assert found.configuration["user_power"] == 0.5
    (other,) = tune(snapshot, home, TuneOptions("ease", trials=1))
    assert (other.new, "user_power" in other.configuration) == (1, False)
