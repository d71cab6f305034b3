"""What is set of a model reaches its fit, whatever a search tries; what does not fit is one line."""

from typing import get_type_hints

import pytest

from graphrec.errors import ModelError, UsageError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.fitting import loop, objective
from graphrec.models.inputs import Inputs
from graphrec.models.registry import kinds, models, settable
from graphrec.terms.folder import read_meta
from graphrec.training.fit import TrainOptions, train
from graphrec.training.overrides import read_overrides, trials_of
from graphrec.training.tune import TuneOptions, tune
from tests.models.boards import random_board


def test_values_are_read_as_their_types() -> None:
    texts = ["lightgcn.loss=in-batch", "lightgcn.contrast=0.2", "lightgcn.num_layers=2", "ease.attributes=false"]
    assert read_overrides(texts) == {
        "lightgcn": {"loss": "in-batch", "contrast": 0.2, "num_layers": 2}, "ease": {"attributes": False},
    }  # fmt: skip
    assert read_overrides([]) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss=bpr", "want MODEL.KEY=VALUE, such as lightgcn.loss=bpr"),
        ("lightgcn.loss", "want MODEL.KEY=VALUE, such as lightgcn.loss=bpr"),
        (
            "softmaxes.beta=1",
            f"there is nothing to set for 'softmaxes'; the nearest is softmax; there are {', '.join(settable())}",
        ),
        (
            "lightgnc.dim=1",
            f"there is nothing to set for 'lightgnc'; the nearest is lightgcn; there are {', '.join(settable())}",
        ),
        (
            "softmax.regularisation=1",
            "softmax has no 'regularisation'; the nearest is regularization; there are regularization, singles, "
            "steps, max_scores",
        ),
        ("softmax.seed=1", "softmax has no 'seed'; there are regularization, singles, steps, max_scores"),
    ],
)
def test_what_is_not_known_is_one_line_with_the_nearest_name(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_overrides([text])
    assert str(caught.value) == f"--set {text}: {message}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lightgcn.loss=hinge", "auto"),
        ("lightgcn.epochs=4.5", "whole number"),
        ("lightgcn.drop=1.5", "1"),
        ("als.alpha=0", "above 0"),
        ("als.alpha=nan", "nan"),
        ("ease.attributes=no", "true or false"),
        ("itemknn.neighbours=0", "1"),
    ],
)
def test_a_value_out_of_bounds_is_one_line(text: str, wanted: str) -> None:
    place, _, value = text.partition("=")
    with pytest.raises(UsageError) as caught:
        read_overrides([text])
    said = str(caught.value)
    assert said.startswith(f"--set {place} ")
    assert value in said
    assert wanted in said
    assert "\n" not in said


def test_a_model_that_the_kind_has_not_is_refused() -> None:
    for options in (TrainOptions, TuneOptions):
        with pytest.raises(UsageError) as caught:
            options("ease", overrides={"lightgcn": {"dim": 8}})  # type: ignore[operator]
        assert str(caught.value) == "--set lightgcn.…: model ease has no part lightgcn; it has ease"


def test_every_trial_is_a_configuration_within_its_bounds() -> None:
    for name, spec in models().items():
        assert name in kinds() or not spec.is_alone
        assert set(spec.settable()) <= set(get_type_hints(spec.config))
        for values in spec.trials(random_board(0)):
            assert set(values) <= set(spec.settable())
            spec.configure(values, Inputs())
    with pytest.raises(ModelError, match="model ease: regularization = -1.0 is not"):
        models()["ease"].configure({"regularization": -1.0}, Inputs())


def test_trials_that_are_alike_come_once() -> None:
    trials = iter([{"alpha": 1.0, "dim": 4}, {"alpha": 9.0, "dim": 4}, {"alpha": 1.0, "dim": 8}])
    found = list(trials_of(models()["als"], trials, {"als": {"alpha": 2.0}}))
    assert found == [{"alpha": 2.0, "dim": 4}, {"alpha": 2.0, "dim": 8}]


@pytest.mark.slow
def test_loss_and_contrast_reach_the_steps_of_training_and_of_its_refit(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = read_overrides(["lightgcn-id.loss=bpr", "lightgcn-id.contrast=0.1", "lightgcn-id.epochs=2"])
    seen = []
    original = {name: getattr(objective, name) for name in ("bpr", "info_nce")}
    for name, function in original.items():
        monkeypatch.setattr(objective, name, lambda *args, name=name, f=function: (seen.append(name), f(*args))[1])
    epochs = []
    run_epoch = loop.run_epoch
    monkeypatch.setattr(loop, "run_epoch", lambda *args: (epochs.append(set(seen)), seen.clear(), run_epoch(*args))[2])
    report = train(snapshot, home, TrainOptions("lightgcn-id", overrides=given))
    plain = report.configuration.terms["lightgcn-id"]
    assert (plain["loss"], plain["contrast"]) == ("bpr", 0.1)
    assert epochs[1:] == [{"bpr", "info_nce"}] * (len(epochs) - 1)
    assert len(epochs) == 4 * 2 + plain["epochs"]  # four trials of two epochs each, then the refit
    assert not train(snapshot, home, TrainOptions("lightgcn-id", overrides=given)).is_new
    assert train(snapshot, home, TrainOptions("lightgcn-id", overrides={"lightgcn-id": {"epochs": 2}})).is_new


def test_defaults_fixed_beforehand_and_final_models_keep_what_is_set(snapshot: Snapshot, home: Home) -> None:
    given = read_overrides(["chebyshev.patterns=3", "chebyshev.degree=4"])
    report = train(snapshot, home, TrainOptions("blend", fixed=True, overrides=given))
    assert report.configuration.terms["chebyshev"] == {"patterns": 3, "degree": 4}
    final = train(snapshot, home, TrainOptions("blend", final=True))
    assert final.configuration == report.configuration
    assert read_meta(final.path).request.overrides == given


@pytest.mark.slow
def test_every_trial_of_a_study_has_what_is_set(snapshot: Snapshot, home: Home) -> None:
    (found,) = tune(snapshot, home, TuneOptions("ease", trials=6, overrides={"ease": {"user_power": 0.5}}))
    assert found.configuration["user_power"] == 0.5
    (other,) = tune(snapshot, home, TuneOptions("ease", trials=1))
    assert (other.new, "user_power" in other.configuration) == (1, False)
