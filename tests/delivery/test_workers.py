"""Lists made by several processes: the same bytes as one process makes, through a worker that is killed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.app.lists import workers
from graphrec.config.settings import Settings
from graphrec.delivery import text_files
from graphrec.errors import UnknownId
from graphrec.home import Home
from graphrec.records.read import entries
from graphrec.records.verify import verify
from tests.served import copied


def exported(served_home: Home, folder: Path, count: int) -> tuple[bytes, bytes, Home]:
    copied(served_home, folder / "home")
    bank = Bank(Settings(home=folder / "home", policy="none"))
    bank.export(Export(folder / "lists.csv", k=3, workers=count))
    return (folder / "lists.csv").read_bytes(), (folder / "lists.without.csv").read_bytes(), bank.home


@pytest.mark.slow
def test_a_worker_is_killed_and_its_lists_are_made_once(
    served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "CSV", replace(text_files.CSV, chunk=20))
    *alone, _ = exported(served_home, tmp_path / "one", 1)
    asked: list[int] = []
    ask = workers.Process.ask

    def killed(worker: workers.Process, number: int, users: Sequence[int]) -> object:
        asked.append(number)
        if len(asked) == 1:
            worker.process.kill()
        return ask(worker, number, users)

    monkeypatch.setattr(workers.Process, "ask", killed)
    *several, home = exported(served_home, tmp_path / "two", 2)
    assert several == alone
    assert sorted(asked) == sorted([asked[0], 0, 1, 2])
    assert verify(home.records).problems == []
    lists = [entry.entry["user"] for entry in entries(home.records) if "answer" in entry.entry]
    assert (len(lists), len(set(lists))) == (60, 60)


def test_what_a_worker_fails_with_is_one_line_here() -> None:
    error = workers.Failed(UnknownId, "no user 'C9'").error
    assert (type(error), str(error)) == (UnknownId, "no user 'C9'")
