"""The end of the record is signed into a file; changed lines, other keys and another record are told."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import RecordError, SourceError, UsageError
from graphrec.privacy.certificate import is_signed
from graphrec.records.recorder import Recorder


def bank_of(folder: Path) -> Bank:
    """A home with a record of one block."""
    bank = Bank(Settings(home=folder, policy="none"))
    bank.home.prepare()
    Recorder(bank.home.records).append({"model": "m"}, [{"user": "C1"}, {"user": "C2"}])
    return bank


def verified(bank: Bank, anchor: Path | str) -> list[str]:
    return bank.verify_record(jobs.VerifyRecord(str(anchor))).problems


def test_each_head_is_a_signed_line_and_the_last_one_is_checked(tmp_path: Path) -> None:
    bank, file = bank_of(tmp_path / "home"), tmp_path / "anchors.jsonl"
    first = bank.sign_head(jobs.SignHead(file))
    Recorder(bank.home.records).append({"model": "m"}, [{"user": "C3"}])
    second = bank.sign_head(jobs.SignHead(file))
    assert (first.line, second.line, first.public_key) == (1, 2, second.public_key)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["anchor"], one["entries"]) for one in lines] == [(first.anchor, 2), (second.anchor, 3)]
    assert all(map(is_signed, lines))
    assert not is_signed({**lines[0], "entries": 3})
    assert verified(bank, file) == []
    assert verified(bank, second.anchor) == []
    other = bank_of(tmp_path / "other")
    assert verified(other, file) == ["block 2, which the anchor names, is not there"]


def test_what_was_changed_is_told(tmp_path: Path) -> None:
    bank, file = bank_of(tmp_path / "home"), tmp_path / "anchors.jsonl"
    bank.sign_head(jobs.SignHead(file))
    written = file.read_text()
    file.write_text(written.replace('"entries": 2', '"entries": 1'))
    with pytest.raises(RecordError, match="anchors.jsonl line 1 is not as it was signed; compare with a copy"):
        verified(bank, file)
    file.write_text(written)
    bank_of(tmp_path / "other").sign_head(jobs.SignHead(file))
    with pytest.raises(RecordError, match="line 2 is signed with another key than the lines before it"):
        verified(bank, file)
    file.write_text("")
    with pytest.raises(UsageError, match="the file holds no signed head; want one of graphrec record head --out"):
        verified(bank, file)
    with pytest.raises(SourceError, match="cannot be"):
        bank.sign_head(jobs.SignHead(tmp_path))


def test_the_command(tmp_path: Path) -> None:
    bank, file = bank_of(tmp_path / "home"), tmp_path / "anchors.jsonl"
    words = ["--home", str(bank.home.path), "record"]
    done = CliRunner().invoke(app, [*words, "head", "--out", str(file), "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["line"] == 1
    assert CliRunner().invoke(app, [*words, "verify", "--anchor", str(file)]).exit_code == 0
    wrong = CliRunner().invoke(app, [*words, "list", "--out", str(file)])
    assert (wrong.exit_code, "record list takes no --out; want graphrec record head --out FILE" in wrong.stderr) == (
        2,
        True,
    )
