"""Lists made on a Ray cluster of this machine: the bytes of one process, through a worker that dies of its batch."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.app.lists import cluster
from graphrec.app.lists.workers import Failed, Job, Made
from graphrec.config.settings import Settings
from graphrec.delivery import parquet
from graphrec.errors import MissingExtra, UsageError
from graphrec.home import Home
from graphrec.records.read import entries
from graphrec.records.verify import verify
from tests.served import copied

pytest.importorskip("ray", reason="the extra graphrec[scale] is not installed")


class Dying(cluster.Shards):
    """Dies once of the second batch, when its lists are made and their entries are sealed."""

    def made(self, number: int, users: Sequence[int]) -> Made | Failed:
        made = super().made(number, users)
        begun = self._job.home.path.parent / "begun"
        with begun.open("a") as file:
            file.write(f"{number} {os.getpid()}\n")
        if number == 1 and begun.read_text().count("1 ") == 1:
            os._exit(9)
        return made


def bank_at(served_home: Home, folder: Path) -> Bank:
    copied(served_home, folder / "home")
    return Bank(Settings(home=folder / "home", policy="none"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_worker_dies_of_its_batch_and_all_lists_are_made_once(
    served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PARTITIONS", replace(parquet.PARTITIONS, chunk=20))
    monkeypatch.setattr(parquet, "PART_USERS", 40)
    monkeypatch.setattr(cluster, "Shards", Dying)
    alone, bank = bank_at(served_home, tmp_path / "one"), bank_at(served_home, tmp_path / "two")
    alone.export(Export(to=f"{tmp_path}/one/lists/", k=3, workers=1))
    bank.export(Export(to=f"{tmp_path}/two/lists/", k=3, on="ray", workers=2))

    one, two = ({path.name: path.read_bytes() for path in folder.glob("lists/run=*/*")} for folder in (
        tmp_path / "one", tmp_path / "two"
    ))  # fmt: skip
    assert sorted(one) == ["lists.2.parquet", "lists.parquet", "without.2.parquet", "without.parquet"]
    assert one == two
    begun = [line.split() for line in (tmp_path / "two" / "begun").read_text().splitlines()]
    assert sorted(number for number, _ in begun) == ["0", "1", "1", "2"]
    assert len({process for number, process in begun if number == "1"}) == 2
    assert str(os.getpid()) not in {process for _, process in begun}
    assert verify(bank.home.records).problems == []
    lists = [entry.entry["user"] for entry in entries(bank.home.records) if "answer" in entry.entry]
    assert (len(lists), len(set(lists))) == (60, 60)


def test_what_a_machine_lacks_is_one_line(served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphrec import __version__

    # This process is no worker: its loops keep their threads.
    monkeypatch.setattr(cluster, "THREADS", ())

    job = object.__new__(Job)
    object.__setattr__(job, "home", served_home)
    assert cluster.Shards(job).ready(__version__) is None
    other = cluster.Shards(job).ready("0.0.1")
    assert other is not None
    assert f"has graphrec {__version__}, this one 0.0.1" in other.line
    object.__setattr__(job, "home", Home(tmp_path / "elsewhere"))
    away = cluster.Shards(job).ready(__version__)
    assert away is not None
    assert f"does not see the home {tmp_path / 'elsewhere'}" in away.line


@pytest.mark.parametrize("on", ["spark", "ray://", "http://head:8265"])
def test_what_is_no_cluster_is_refused(on: str, served_home: Home, tmp_path: Path) -> None:
    bank = bank_at(served_home, tmp_path)
    with pytest.raises(UsageError, match=f"--on {on}: want ray, a cluster of this machine, or ray://HOST:10001"):
        bank.export(Export(tmp_path / "lists.csv", k=3, on=on))
    assert not (tmp_path / "lists.csv").exists()


def test_exports_of_one_process_refuse_a_cluster(served_home: Home, tmp_path: Path) -> None:
    bank = bank_at(served_home, tmp_path)
    with pytest.raises(UsageError, match="--on ray: exports with --pseudonyms and in experiments are made in one"):
        bank.export(Export(tmp_path / "lists.csv", k=3, on="ray", pseudonyms="crm"))


def test_a_cluster_that_does_not_answer_is_one_line(
    served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    asked: list[object] = []

    def init(**options: object) -> None:
        asked.append(options["address"])
        raise ConnectionError("Initialization failure from server:\nTraceback …")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    bank = bank_at(served_home, tmp_path)
    with pytest.raises(UsageError, match=r"^--on ray://head:1: no Ray cluster answers \(Initialization failure from"):
        bank.export(Export(tmp_path / "lists.csv", k=3, on="ray://head:1"))
    assert asked == ["ray://head:1"] * 2


def test_without_ray_the_extra_is_named(served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    bank = bank_at(served_home, tmp_path)
    with pytest.raises(
        MissingExtra, match=r"^--on ray needs the Python package ray, .*pip install 'graphrec\[scale\]'"
    ):
        bank.export(Export(tmp_path / "lists.csv", k=3, on="ray"))
