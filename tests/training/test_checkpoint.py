"""Training that goes on after a stop: the same steps, the same bytes, no step twice."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.fitting.adam import Adam
from graphrec.models.fitting.callbacks import Callbacks, Epoch
from graphrec.models.fitting.epochs import Learner, best_epoch, run_epochs
from graphrec.terms.folder import read_meta
from graphrec.training import checkpoint
from graphrec.training.checkpoint import FileKeeper, FileWork
from graphrec.training.fit import TrainOptions, train
from tests.training import bank

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


class Stop(Exception):
    """Raised in the middle of a fit."""


def learner(seed: int = 0) -> Learner:
    """A layer with dropout that learns from drawn rows: parameters, Adam, two generators."""
    torch.manual_seed(seed)
    layer = torch.nn.Linear(3, 1)
    optimizer = Adam([{"params": layer.parameters()}], lr=0.1)
    rng = np.random.default_rng(seed)

    def epoch(number: int) -> float:
        optimizer.zero_grad()
        rows = torch.nn.functional.dropout(torch.from_numpy(rng.standard_normal((8, 3)).astype(np.float32)), 0.3)
        loss = ((layer(rows) - rows.sum(1, keepdim=True)) ** 2).mean()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return Learner(layer, optimizer, rng, epoch, lambda: -float(layer.weight.detach().abs().sum()))


def bytes_of(one: Learner) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in one.module.state_dict().values())


@pytest.mark.parametrize("stopped_after", [1, 4, 9])
def test_a_fit_that_stopped_takes_the_steps_that_it_would_have_taken(tmp_path: Path, stopped_after: int) -> None:
    whole = learner()
    expected = run_epochs(whole, 10, 10, Callbacks())

    def stop(epoch: Epoch) -> None:
        if epoch.number == stopped_after:
            raise Stop

    checkpoint_file = tmp_path / "fit.safetensors"
    keeper = FileKeeper(checkpoint_file)
    with pytest.raises(Stop):
        run_epochs(learner(), 10, 10, Callbacks(on_epoch=stop, keeper=keeper))
    epochs: list[Epoch] = []
    again = learner(seed=99)
    found = run_epochs(again, 10, 10, Callbacks(on_epoch=epochs.append, keeper=FileKeeper(checkpoint_file)))
    assert found == expected == tuple(epochs)
    assert bytes_of(again) == bytes_of(whole)


def test_a_finished_fit_gives_its_best_epoch_without_another_step(tmp_path: Path) -> None:
    first = learner()
    expected = run_epochs(first, 5, 5, Callbacks(keeper=FileKeeper(tmp_path / "fit.safetensors")))

    def never() -> float:
        raise AssertionError("another step")

    again = dataclasses.replace(learner(), epoch=never)
    assert run_epochs(again, 5, 5, Callbacks(keeper=FileKeeper(tmp_path / "fit.safetensors"))) == expected
    assert bytes_of(again) == bytes_of(first)


def test_the_best_epoch_is_the_last_of_the_highest() -> None:
    values = [1.0, 3.0, 2.0, 3.0, 2.5]
    assert best_epoch(tuple(Epoch(n + 1, 0.0, value) for n, value in enumerate(values))) == 4
    assert best_epoch(tuple(Epoch(n + 1, 0.0) for n in range(3))) == 3
    assert best_epoch(()) == 0


def test_progress_says_loss_and_metric() -> None:
    said: list[tuple[str, int, int | None]] = []
    one = learner()
    epochs = run_epochs(one, 2, 2, Callbacks("net", "ndcg@20", progress=lambda *given: said.append(given)))
    assert [given[1:] for given in said] == [(0, 2), (1, 2), (2, 2)]
    assert said[0][0] == "net epochs"
    assert said[1][0] == f"net epochs: loss {epochs[0].loss:.4f}, ndcg@20 {epochs[0].value:.4f}"


def test_states_are_written_as_often_as_their_share_of_the_time_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Reading the clock: before and after a writing, once where nothing is written.
    times = iter([0.0, 1.0, 5.0, 20.9, 21.0, 22.0, 23.0, 24.0])
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: next(times)))
    keeper, one, written = FileKeeper(tmp_path / "fit.safetensors"), learner(), []

    def state() -> object:
        written.append(True)
        return one.state(())

    for _ in range(4):  # at 0 (took a second: nothing before 21), 5, 20.9 and 21
        keeper.keep(state, is_last=False)  # type: ignore[arg-type]
    assert len(written) == 2
    keeper.keep(state, is_last=True)  # type: ignore[arg-type]
    assert len(written) == 3


def test_a_step_is_made_once_and_another_request_begins_anew(tmp_path: Path) -> None:
    def never() -> object:
        raise AssertionError("made twice")

    work = FileWork.of(tmp_path, "kernel-test", {"seed": 1})
    assert work.once("walks", lambda: {"powers": (0.5, 0.1)}) == {"powers": [0.5, 0.1]}
    assert FileWork.of(tmp_path, "kernel-test", {"seed": 1}).once("walks", never) == {"powers": [0.5, 0.1]}
    other = FileWork.of(tmp_path, "kernel-test", {"seed": 2})
    assert other.once("walks", lambda: 3) == 3
    assert work.folder is not None
    assert not work.folder.exists()
    FileWork.of(tmp_path, "blend-test", {})
    assert other.once("walks", never) == 3
    other.clear()
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_results_look_the_same() -> None:
    assert FileWork().once("walks", lambda: {"powers": (0.5, 0.1)}) == {"powers": [0.5, 0.1]}
    assert FileWork().keeper("fit") is None


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """A blend: its terms are fitted step by step, and lightgcn among them epoch by epoch."""
    command = [sys.executable, "-m", "tests.training.killed", str(tmp_path), "blend"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    whole, killed, kills = (line.split() for line in done.stdout.splitlines())
    assert int(kills[0]) >= 5
    assert killed[0] == whole[0]  # the hash of the model
    # A kill costs at most the epoch that it fell into; nothing is left in the working folder.
    assert int(whole[1]) <= int(killed[1]) <= int(whole[1]) + int(kills[0])
    assert whole[2] == killed[2] == "0"


def test_learning_curves_are_kept_with_the_model(tmp_path: Path) -> None:
    snapshot: Snapshot = bank.taste_bank(tmp_path / "s")
    meta = read_meta(train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("lightgcn")).path)
    choosing, refit = meta.curves
    assert (choosing.stage, choosing.term, choosing.metric) == ("choosing", "lightgcn", "ndcg@3")
    assert len(choosing.loss) == len(choosing.value)
    assert max(choosing.value) == pytest.approx(meta.metrics["ndcg@3"].value)
    assert (refit.stage, refit.value) == ("refit", ())
    assert len(refit.loss) == meta.configuration.terms["lightgcn"]["epochs"]
