"""Networks and further baselines through training: the folder gives what was fitted, the device is said."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from graphrec.errors import ModelError, UsageError
from graphrec.evaluation.hidden_part import open_tested
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.terms.folder import read_meta
from graphrec.terms.meta import Device
from graphrec.training import fit
from graphrec.training.fit import TrainOptions, train
from tests.training import registry

KINDS = ("lightgcn-id", "graphsage", "als", "rp3beta")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few epochs and one trial: what is tested is the way, not the quality."""
    short = {
        "lightgcn-id": {"dim": 8},
        "graphsage": {"dim": 8, "fanout": 4},
        "als": {"dim": 8},
        "rp3beta": {"beta": 0.3},
    }
    for kind, plain in short.items():
        given = plain | ({"epochs": 20, "patience": 20} if kind in ("lightgcn-id", "graphsage") else {})
        registry.try_only(monkeypatch, kind, [given])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_scores_as_what_was_fitted(
    snapshot: Snapshot, home: Home, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = []
    write = fit.write_model
    monkeypatch.setattr(fit, "write_model", lambda *given: (fitted.append(given[1]), write(*given))[1])
    report = train(snapshot, home, TrainOptions(kind))
    model = open_tested(report.path, snapshot)
    users = np.arange(60, dtype=np.int32)
    np.testing.assert_array_equal(model.blend.batch(users), fitted[0].batch(users))
    products = np.arange(12, dtype=np.int32)
    for user in range(5):
        row = model.blend.row(user)
        np.testing.assert_array_equal(row.scores, fitted[0].row(user).scores)
        np.testing.assert_allclose(model.blend.ledger(user, products, row.scales).totals(), row.scores, atol=1e-5)
    assert report.metrics["recall@3"].value > 0.9  # only the hidden products of a taste are left


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_and_seed_give_the_same_arrays(snapshot: Snapshot, tmp_path: Path, kind: str) -> None:
    found = []
    for name in ("one", "two"):
        report = train(snapshot, Home(tmp_path / name).prepare(), TrainOptions(kind))
        found.append((report.hash, report.configuration, load_file(report.path / "model.safetensors")))
    assert found[0][:2] == found[1][:2]
    for name, array in found[0][2].items():
        np.testing.assert_array_equal(array, found[1][2][name])


def test_defaults_are_there_for_every_kind(snapshot: Snapshot, home: Home) -> None:
    for kind in ("als", "rp3beta"):
        assert train(snapshot, home, TrainOptions(kind, fixed=True)).configuration.terms == {kind: {}}


@pytest.mark.slow
def test_the_meta_names_the_device_and_the_reason(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert read_meta(train(snapshot, home, TrainOptions("graphsage")).path).device == Device(
        "cpu", "torch finds no CUDA device; graphsage with torch, all else with numpy and numba on the CPU"
    )
    assert read_meta(train(snapshot, home, TrainOptions("als")).path).device == Device(
        "cpu", "every part of this model is fitted with numpy and numba"
    )
    asked = read_meta(train(snapshot, home, TrainOptions("graphsage", device="cpu")).path).device
    assert asked.reason.startswith("the CPU was asked for; ")


def test_a_device_that_is_not_there_is_refused(snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError) as caught:
        train(snapshot, home, TrainOptions("lightgcn-id", device="cuda"))
    assert str(caught.value) == "--device cuda: torch finds no CUDA device here; use --device auto or --device cpu"
    with pytest.raises(UsageError) as refused:
        TrainOptions("lightgcn-id", device="tpu")
    assert str(refused.value) == "there is no device 'tpu'; there are auto, cpu, cuda"
