"""Learning curves for TensorBoard, and what happens without the package that writes them."""

import sys
from pathlib import Path

import pytest

from graphrec.errors import UsageError
from graphrec.home import Home
from graphrec.models.fitting import loop
from graphrec.models.fitting.callbacks import Epoch, Fit
from graphrec.training.fit import TrainOptions, train
from graphrec.training.tracking import EpochTracker
from tests.training import bank


def test_events_hold_every_epoch(tmp_path: Path) -> None:
    record_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    from tensorboardX.event_file_writer import EventFileWriter  # noqa: F401 - the package is whole

    fit = Fit("choosing", "lightgcn", {"dim": 8}, "ndcg@3")
    tracker = EpochTracker(tmp_path / "log")
    for number, (loss, value) in enumerate([(2.5, 0.25), (1.5, 0.5)], 1):
        tracker.callback(fit)(Epoch(number, loss, value))
    tracker.close()
    (file,) = (tmp_path / "log" / fit.key).iterdir()
    found = [
        (value.tag, event.step, value.simple_value)
        for event in _events(file.read_bytes(), record_pb2)
        for value in event.summary.value
    ]
    assert found == [("loss", 1, 2.5), ("ndcg_3", 1, 0.25), ("loss", 2, 1.5), ("ndcg_3", 2, 0.5)]


def _events(content: bytes, record_pb2: object) -> list:
    """Events of a record file: length (8 bytes), its checksum (4), the event, its checksum (4)."""
    found = []
    while content:
        length = int.from_bytes(content[:8], "little")
        found.append(record_pb2.Event.FromString(content[12 : 12 + length]))  # type: ignore[attr-defined]
        content = content[16 + length :]
    return found


def test_train_writes_one_folder_a_fit(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    home = Home(tmp_path / "home").prepare()
    train(bank.taste_bank(tmp_path / "s"), home, TrainOptions("lightgcn"), log_dir=tmp_path / "log")
    stages = sorted(folder.name.split("-")[0] for folder in (tmp_path / "log").iterdir())
    assert stages == ["choosing", "refit"]


def test_what_was_logged_before_a_failure_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboardX")
    closed, close = [], EpochTracker.close

    def closing(tracker: EpochTracker) -> None:
        closed.append(len(tracker.curves("choosing")[0]["loss"]))
        close(tracker)

    monkeypatch.setattr(EpochTracker, "close", closing)
    run_epoch = loop.run_epoch

    def failing(*given: object) -> float:
        monkeypatch.setattr(loop, "run_epoch", lambda *_: 1 / 0)
        return run_epoch(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "run_epoch", failing)
    home = Home(tmp_path / "home").prepare()
    with pytest.raises(ZeroDivisionError):
        train(bank.taste_bank(tmp_path / "s"), home, TrainOptions("lightgcn"), log_dir=tmp_path / "log")
    assert closed == [1]


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UsageError) as caught:
        EpochTracker(tmp_path)
    assert str(caught.value) == (
        f"--log-dir {tmp_path}: writing TensorBoard events needs the package tensorboardX, which is not installed; "
        "run: pip install 'graphrec[tracking]'"
    )
