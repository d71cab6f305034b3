"""The head of the record is dated by a real authority (`openssl ts`), and checked without it afterwards."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.errors import DeliveryError, RecordError, SourceError, UsageError
from graphrec.records.recorder import Recorder
from tests.records.authority import Authority, served
from tests.records.test_signed_heads import bank_of, verified


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def address(authority: Authority) -> Iterator[str]:
    with served(authority) as found:
        yield found


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return bank_of(tmp_path / "home")


def test_a_head_is_dated_and_checked_without_the_authority(
    bank: Bank, tmp_path: Path, authority: Authority, address: str
) -> None:
    file = tmp_path / "anchors.jsonl"
    bank.sign_head(jobs.SignHead(file))
    Recorder(bank.home.records).append({"model": "m"}, [{"user": "C3"}])
    done = bank.sign_head(jobs.SignHead(file, address, authority.roots))
    assert done.line == 2
    assert abs(datetime.fromisoformat(str(done.stamped_at)) - datetime.now(UTC)) < timedelta(minutes=5)
    found = bank.verify_record(jobs.VerifyRecord(str(file), authority.roots))
    assert found.problems == []
    assert found.notes == [
        f"1 time stamps fit; the last ({file} line 2) says that {done.anchor[:18]}… was there at "
        f"{datetime.fromisoformat(str(done.stamped_at)):%Y-%m-%d %H:%M:%S} UTC"
    ]
    unchecked = bank.verify_record(jobs.VerifyRecord(str(file)))
    assert unchecked.notes[0].endswith("by an authority that was not checked: --roots FILE.pem")
    assert verified(bank_of(tmp_path / "other"), file) == ["block 2, which the anchor names, is not there"]


def test_a_line_that_was_changed_or_stamped_elsewhere_is_refused(
    bank: Bank, tmp_path: Path, authority: Authority, address: str
) -> None:
    file = tmp_path / "anchors.jsonl"
    for _ in range(2):
        bank.sign_head(jobs.SignHead(file, address, authority.roots))
        Recorder(bank.home.records).append({"model": "m"}, [{"user": "C3"}])
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    # The head of the second line with the stamp of the first one: dated back.
    file.write_text(json.dumps({**second, "time_stamp": first["time_stamp"]}) + "\n")
    with pytest.raises(RecordError, match=r"line 1: the time stamp is not valid \(Mismatch between messages\)"):
        bank.verify_record(jobs.VerifyRecord(str(file), authority.roots))
    with pytest.raises(RecordError, match="line 1: the time stamp is of other bytes"):
        bank.verify_record(jobs.VerifyRecord(str(file)))
    broken = bytearray(base64.b64decode(first["time_stamp"]["response"]))
    broken[-5] ^= 1
    stamp = {**first["time_stamp"], "response": base64.b64encode(bytes(broken)).decode()}
    file.write_text(json.dumps({**first, "time_stamp": stamp}) + "\n")
    with pytest.raises(RecordError, match="line 1"):
        bank.verify_record(jobs.VerifyRecord(str(file), authority.roots))
    file.write_text(json.dumps({**first, "time_stamp": {"response": "bm9uc2Vuc2U="}}) + "\n")
    with pytest.raises(RecordError, match="this is no answer of a time stamp authority"):
        bank.verify_record(jobs.VerifyRecord(str(file), authority.roots))


@pytest.mark.slow
def test_an_authority_that_is_not_trusted_dates_nothing(bank: Bank, tmp_path: Path, address: str) -> None:
    other, file = Authority(tmp_path / "other-tsa"), tmp_path / "anchors.jsonl"
    with pytest.raises(RecordError, match="the time stamp is not valid"):
        bank.sign_head(jobs.SignHead(file, address, other.roots))
    assert not file.exists()


def test_who_does_not_answer_is_one_line(bank: Bank, tmp_path: Path, authority: Authority, address: str) -> None:
    file = tmp_path / "anchors.jsonl"
    with pytest.raises(DeliveryError, match="does not answer .* nothing was written: run it again"):
        bank.sign_head(jobs.SignHead(file, "http://127.0.0.1:1/", authority.roots))
    with pytest.raises(UsageError, match="--tsa ftp://x: want https:// or http://"):
        bank.sign_head(jobs.SignHead(file, "ftp://x", authority.roots))
    with pytest.raises(UsageError, match="--tsa wants the root certificates"):
        bank.sign_head(jobs.SignHead(file, address))
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(SourceError, match=r"wrong\.pem is no file of certificates"):
        bank.sign_head(jobs.SignHead(file, address, wrong))
    assert not file.exists()


def test_a_refusal_is_told(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Authority(tmp_path / "own")
    own.config.write_text(own.config.read_text().replace("digests = sha256, sha512", "digests = sha256"))
    with served(own) as address, pytest.raises(DeliveryError, match="the time stamp authority refuses"):
        bank.sign_head(jobs.SignHead(tmp_path / "anchors.jsonl", address, own.roots))


def test_the_command(bank: Bank, tmp_path: Path, authority: Authority, address: str) -> None:
    words, file = ["--home", str(bank.home.path), "record"], tmp_path / "anchors.jsonl"
    asked = ["anchor", "--out", str(file), "--tsa", address, "--roots", str(authority.roots)]
    done = CliRunner().invoke(app, [*words, *asked, "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["stamped_at"].endswith("+00:00")
    shown = CliRunner().invoke(app, [*words, "verify", "--anchor", str(file), "--roots", str(authority.roots)])
    assert (shown.exit_code, "1 time stamps fit" in shown.stderr) == (0, True)
    for wrong in (["anchor", "--out", str(file)], ["head", "--tsa", address], ["list", "--roots", str(file)]):
        assert CliRunner().invoke(app, [*words, *wrong]).exit_code == 2
