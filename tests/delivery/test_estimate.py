"""What an export would take, and that asking leaves nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.app.lists import deliver, estimate
from graphrec.config.settings import Settings
from graphrec.delivery import text_files
from graphrec.delivery.text_files import CSV
from graphrec.errors import UsageError
from graphrec.home import Home
from tests.served import copied, listed


@pytest.fixture
def bank(served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    monkeypatch.setattr(text_files, "CSV", replace(text_files.CSV, chunk=20))
    return Bank(Settings(home=copied(served_home, tmp_path / "home"), policy="none"))


def test_seconds_of_a_sample_are_those_of_all_users(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes on by 2 s whenever it is read: 20 users take 2 s, 60 take 6."""
    seconds = iter(range(0, 1000, 2))
    monkeypatch.setattr(estimate.time, "process_time", lambda: float(next(seconds)))
    monkeypatch.setattr(estimate.os, "cpu_count", lambda: 2)
    before = listed(tmp_path)
    found = bank.estimate_export(Export(tmp_path / "lists.csv", k=3, workers=8))
    assert listed(tmp_path) == before
    assert (found.users, found.sampled, found.processes) == (60, 20, 2)
    assert (found.processor_seconds, found.seconds) == (6.0, 3.0)
    assert found.is_recorded
    assert 1e6 < found.bytes_each < 1e11
    rows = bank.export(Export(tmp_path / "lists.csv", k=3, workers=1)).report.rows
    assert found.rows == pytest.approx(rows, rel=0.2)
    assert found.lines()[1] == "  at least 6.0 s of processor, 3.0 s by the clock with 2 processes"


def test_workers_of_a_cluster_elsewhere_are_those_that_are_named(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "lists.csv"
    assert bank.estimate_export(Export(file, on="ray://head:10001", workers=3)).processes == 3
    assert bank.estimate_export(Export(file, on="ray://head:10001")).processes == 1


@pytest.mark.parametrize(("users", "processes"), [(1_999, 1), (2_000, 2), (9_999, 4)])
def test_another_process_helps_where_each_has_lists_enough(
    users: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver.os, "cpu_count", lambda: 4)
    assert max(1, deliver.process_count(Export(Path("lists.csv")), range(users), CSV)) == processes


def test_nobody_is_one_line(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "nobody.txt").write_text("\n")
    with pytest.raises(UsageError, match=r"^--estimate: no user is chosen"):
        bank.estimate_export(Export(tmp_path / "lists.csv", users=tmp_path / "nobody.txt"))
