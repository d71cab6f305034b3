"""Vault and serving side: modes of files, a copy without personal fields that answers the same, snapshots that go."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphrec.app.maintenance.retention import sweep_snapshots, why_kept
from graphrec.cli import app
from graphrec.errors import SettingsError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from tests.banks import bank_snapshot
from tests.banks.commands import Commands
from tests.banks.demo import cut_demo_bank
from tests.served import copied

pytestmark = pytest.mark.slow


class Bank:
    """The demo bank in a home, used by commands with a wide umask."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "bank"
        self.home = folder / "home"
        self.open: dict[str, list[str]] = {}
        """What others could read after each command."""

    def run(self, *words: str, home: Path | None = None, code: int = 0) -> Result:
        """Run one command."""
        where = home or self.home
        umask = os.umask(0)
        try:
            return Commands(where).run(*words, code=code)
        finally:
            os.umask(umask)
            self.open[" ".join(words)] = open_to_others(where)


def open_to_others(home: Path) -> list[str]:
    """The files that are not 0600 and the folders that are not 0700."""
    found = []
    for path in (home, *home.rglob("*")) if home.exists() else ():
        mode = path.lstat().st_mode & 0o777
        if not path.is_symlink() and mode != (0o700 if path.is_dir() else 0o600):
            found.append(f"{path.relative_to(home)} {mode:o}")
    return found


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Loaded, trained, tuned, exported."""
    made = Bank(tmp_path_factory.mktemp("vault"))
    made.run("demo", "--out", str(made.files))
    cut_demo_bank(made.files)
    made.run("load", "demo", "--data", str(made.files))
    made.run("train", "--model", "kernel", "--fixed", "--final")
    made.run("policy", "init")
    made.run("tune", "--model", "itemknn", "--trials", "1")
    made.run("snapshot", "--as-of", "2025-07-01")
    made.run("snapshot")
    made.run("recommend", "C000004")
    made.run("query", "popular")
    made.run("export", "--out", str(made.home / "lists.csv"), "-k", "3")
    made.run("export", "--out", str(made.files.parent / "lists.csv"), "-k", "3", "--no-record")
    made.run("record", "verify")
    made.run("replay", "1")
    made.run("upgrade")
    return made


def test_no_command_leaves_anything_to_others(bank: Bank) -> None:
    assert {words: found for words, found in bank.open.items() if found} == {}
    assert (bank.files.parent / "lists.csv").stat().st_mode & 0o777 == 0o600


def personal_values(files: Path) -> set[bytes]:
    """The names and dates of birth of all customers."""
    with (files / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row[name].encode() for row in rows for name in ("display_name", "birth_date") if row[name]}
    assert len(found) > 500
    return found


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def test_the_serving_side_holds_no_personal_value(bank: Bank) -> None:
    values = personal_values(bank.files)
    for folder in (bank.home / "serving", bank.home / "records", bank.home / "logs"):
        for path, content in contents(folder):
            there = {value for value in values if value in content}
            assert there == set(), path
    vault = b"".join(content for _, content in contents(bank.home / "vault"))
    assert sum(value in vault for value in values) > 500, "the search finds what is there"


def test_a_copy_without_the_vault_gives_the_same_bytes(bank: Bank, tmp_path: Path) -> None:
    copy = tmp_path / "serving-machine"
    said = bank.run("publish", "--to", str(copy)).stdout
    assert said.startswith(f"{copy}: ")
    assert sorted(path.name for path in copy.iterdir()) == ["format.json", "policy.toml", "serving"]
    assert open_to_others(copy) == []
    away = bank.home.rename(tmp_path / "away")
    try:
        bank_at(bank, away, copy, tmp_path)
    finally:
        away.rename(bank.home)
    assert bank.run("publish", "--to", str(copy)).stdout == f"nothing to do: {copy} holds what this home serves\n"


def bank_at(bank: Bank, away: Path, copy: Path, tmp_path: Path) -> None:
    product = json.loads(bank.run("recommend", "C000004", "--json", "--no-record", home=copy).stdout)["items"][0][
        "product"
    ]
    for words in (
        ("recommend", "C000004", "--json", "--no-record"),
        ("explain", "C000004", product, "--json", "--no-record"),
        ("why-not", "C000004", "P00006", "--json", "--no-record"),
        ("find", "energy", "--json"),
    ):
        assert bank.run(*words, home=copy).stdout == bank.run(*words, home=away).stdout
    for home, name in ((copy, "copy.csv"), (away, "home.csv")):
        bank.run("export", "--out", str(tmp_path / name), "-k", "3", "--no-record", home=home)
    assert (tmp_path / "copy.csv").read_bytes() == (tmp_path / "home.csv").read_bytes()
    for words, what in (
        (("load", "demo", "--data", str(bank.files)), "graphrec load"),
        (("snapshot",), "graphrec snapshot"),
        (("train",), "graphrec train"),
        (("query", "popular"), "graphrec query"),
    ):
        done = bank.run(*words, home=copy, code=3)
        assert (done.stdout, done.stderr.splitlines()[-1]) == (
            "",
            f"error: {what} needs the vault, and {copy} is a serving copy without one; run it in the home that was "
            f"published, then there: graphrec publish --to {copy}",
        )
    # The copy records what it answers, under keys of its own.
    bank.run("recommend", "C000004", home=copy)
    assert "are as they were recorded" in bank.run("record", "verify", home=copy).stdout
    assert (copy / "vault" / "keys" / "persons").exists()
    assert open_to_others(copy) == []


def test_publish_refuses_other_homes_and_places_in_the_home(served_home: Home, tmp_path: Path) -> None:
    home = copied(served_home, tmp_path / "home")
    other = Home(tmp_path / "other").prepare()

    def run(to: Path) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["--home", str(home), "publish", "--to", str(to)], prog_name="graphrec")
        return done.exit_code, done.stderr

    said = "is a home with a vault of its own; name an empty folder"
    assert run(other.path) == (2, f"error: --to {other.path} {said}\n")
    said = f"lies in the home {home} or around it; name another folder"
    assert run(home / "copy") == (2, f"error: --to {home / 'copy'} {said}\n")
    assert run(tmp_path / "copy")[0] == 0
    with pytest.raises(SettingsError, match="needs the vault"):
        Home(tmp_path / "copy").need_vault("graphrec load")
    Home(home).need_vault("graphrec load")


def test_snapshots_go_that_nothing_needs(served_home: Home, tmp_path: Path) -> None:
    home = Home(copied(served_home, tmp_path / "home"))
    shelf = SnapshotShelf(home.snapshots)
    (bound,) = shelf.names()
    for seed in range(2, 7):
        shelf.add(lambda path, seed=seed: bank_snapshot(path, seed))  # type: ignore[misc]
    names = shelf.names()
    kept = {one.name: one.reasons for one in why_kept(home, 2)}
    assert list(kept) == names
    assert kept[bound] == ("model blend-final",)
    assert [kept[name] for name in names[1:]] == [(), (), (), ("newest 2",), ("latest", "newest 2")]
    assert sweep_snapshots(home, 2) == 3
    assert shelf.names() == [bound, *names[-2:]]
    assert sweep_snapshots(home, 2) == 0
    done = CliRunner().invoke(app, ["--home", str(home.path), "doctor", "--json"])
    checks = {check["name"]: check["detail"] for check in json.loads(done.stdout)["checks"]}
    assert checks["snapshots"] == (
        f"{bound} (model blend-final, newest 3); {names[-2]} (newest 3); {names[-1]} (latest, newest 3)"
    )
