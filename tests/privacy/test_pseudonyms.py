"""Exports with pseudonyms name nobody, join for one receiver and not for two; the key alone opens them."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export, ListRecord, Reidentify
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import RecordError, UsageError
from graphrec.home import Home
from graphrec.privacy.search import search

USERS = {f"C{n:03}" for n in range(60)}


def bank_of(served_home: Home, folder: Path) -> Bank:
    shutil.copytree(served_home.path, folder / "home", ignore=shutil.ignore_patterns("records", "vault"))
    (folder / "home" / "policy.toml").write_text('version = "1"\n')
    return Bank(Settings(home=folder / "home"))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.slow
def test_pseudonyms_join_for_one_receiver_alone(served_home: Home, tmp_path: Path) -> None:
    bank = bank_of(served_home, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    for name, receiver in (("one", "Agency One"), ("again", "Agency One"), ("two", "Agency Two")):
        bank.export(Export(out / f"{name}.csv", k=3, pseudonyms=receiver, record=False))
    bank.export(Export(out / "one.jsonl", k=3, pseudonyms="Agency One", record=False))
    assert not search(out, USERS).found
    bank.export(Export(tmp_path / "plain.csv", k=3, record=False))
    one, again, two, plain = (rows_of(path) for path in (
        out / "one.csv", out / "again.csv", out / "two.csv", tmp_path / "plain.csv"
    ))  # fmt: skip
    names = [row["user"] for row in one]
    assert [row["user"] for row in again] == names
    assert not set(names) & {row["user"] for row in two}
    without = {"user", "crm_id"}
    assert [{k: v for k, v in row.items() if k not in without} for row in one] == [
        {k: v for k, v in row.items() if k not in without} for row in plain
    ]
    real = {row["user"]: other["user"] for row, other in zip(one, plain, strict=True)}
    asked = Reidentify("Agency One", (names[0], names[-1]), "complaint 12", "Ms A")
    assert bank.reidentify(asked).users == {name: real[name] for name in (names[0], names[-1])}
    looked = [(one.command, one.user) for one in bank.record_list(ListRecord(last=2))]
    assert looked == [("reidentify", real[names[0]]), ("reidentify", real[names[-1]])]
    assert bank.reidentify(Reidentify("Agency Two", (names[0],), "x", "Ms A")).unknown == (names[0],)
    last = json.loads((bank.home.vault / "exports" / "last.json").read_text())
    assert set(last["lists"]) == USERS, "the bank's own ledger has ids, so that forget finds them"


def test_what_cannot_be_done_is_one_line(served_home: Home, tmp_path: Path) -> None:
    bank = bank_of(served_home, tmp_path)
    with pytest.raises(UsageError, match="--pseudonyms writes files, and --to store is none"):
        bank.export(Export(to="store", pseudonyms="A"))
    with pytest.raises(UsageError, match="wants the name of the receiver"):
        bank.export(Export(tmp_path / "x.csv", pseudonyms=" "))
    with pytest.raises(UsageError, match="wants a reason and who asks"):
        bank.reidentify(Reidentify("A", ("0" * 32,), "", "B"))
    with pytest.raises(UsageError, match="'C003' is no pseudonym; want 32 digits"):
        bank.reidentify(Reidentify("A", ("C003",), "x", "B"))
    run = CliRunner()
    done = run.invoke(
        app, ["--home", str(bank.home.path), "export", "--to", str(tmp_path / "a.csv"), "--pseudonyms", "A", "-k", "2"]
    )
    assert done.exit_code == 0, done.output
    name = rows_of(tmp_path / "a.csv")[0]["user"]
    silent = Bank(Settings(home=bank.home.path, record=False))
    with pytest.raises(RecordError, match="nobody is told unrecorded"):
        silent.reidentify(Reidentify("A", (name,), "x", "B"))
    options = ["--home", str(bank.home.path), "reidentify", "A", name, "--reason", "x", "--by", "B", "--json"]
    told = run.invoke(app, options)
    assert json.loads(told.stdout)["users"] == {name: "C000"}
