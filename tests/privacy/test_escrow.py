"""A rule asks to keep what was recorded of who is forgotten: the key is in escrow until its date."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, RecordError, UnknownId, UsageError
from graphrec.home import Home
from graphrec.privacy.certificate import is_signed
from graphrec.privacy.search import search
from graphrec.records.escrow import Escrow
from graphrec.records.keys import Erased, Keys

USER, OTHER = "KUNDE-003", "KUNDE-004"
RULE = "MiFID II, Article 16(7)"


@pytest.fixture(scope="module")
def forgotten(people: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home in which USER was forgotten and the record kept, and the certificate."""
    home = shutil.copytree(people / "home", tmp_path_factory.mktemp("escrow") / "home")
    bank = Bank(Settings(home=home, policy="none", actor="desk"))
    bank.recommend(requests.Recommend(USER, 3))
    bank.recommend(requests.Recommend(OTHER, 3))
    done = bank.forget(jobs.Forget((USER,), reason="asked", keep_record_until="2999-01-31", rule=RULE))
    return home, done.document


@pytest.fixture
def bank(forgotten: tuple[Path, str], tmp_path: Path) -> Bank:
    return Bank(Settings(home=shutil.copytree(forgotten[0], tmp_path / "home"), policy="none", actor="desk"))


def numbers(bank: Bank) -> list[int]:
    """The entries of lists in the order of the record: of USER, of OTHER."""
    return [one.record for one in bank.record_list(jobs.ListRecord(last=100)) if one.command == "recommend"]


def over(home: Home) -> None:
    """The same key with a date that is over."""
    keys = Keys(home.keys)
    escrow = Escrow(keys)
    escrow.release(USER)
    escrow.put([USER], "2020-01-31", RULE)


def test_nothing_of_the_person_can_be_read_and_the_certificate_says_what_stays(
    bank: Bank, forgotten: tuple[Path, str]
) -> None:
    certificate = json.loads(forgotten[1])
    assert certificate["removed"]["record: keys, into escrow"] == 1
    assert "record: keys" not in certificate["removed"]
    (kept,) = (one for one in certificate["kept"] if one["place"].startswith("record: key "))
    assert kept["until"] == "2999-01-31"
    assert kept["why"].startswith(f"in escrow by {RULE}: ")
    assert search(bank.home.path, [USER]).found == ()
    first = numbers(bank)[0]
    with pytest.raises(Erased, match=rf"its person is in escrow until 2999-01-31 \({RULE[:5]}.*it still verifies"):
        assert bank.record_entry(first).entry
    assert bank.verify_record(jobs.VerifyRecord()).problems == []


def test_who_asks_about_themselves_is_told_what_stays(bank: Bank) -> None:
    with pytest.raises(UnknownId, match=r"KUNDE-003 was forgotten; what was recorded stays in escrow until 2999-01-31"):
        bank.subject_access(requests.SubjectAccess(USER))


def test_a_release_is_recorded_first_and_ends(bank: Bank) -> None:
    first, second = numbers(bank)
    with pytest.raises(UsageError, match="wants a reason and who asks"):
        bank.escrow(jobs.AskEscrow(release=USER, by="Ms A"))
    with pytest.raises(UnknownId, match="no key of 'KUNDE-004' is in escrow; see: graphrec escrow"):
        bank.escrow(jobs.AskEscrow(release=OTHER, reason="case 12", by="Ms A"))
    done = bank.escrow(jobs.AskEscrow(release=USER, reason="case 12", by="Ms A"))
    assert (done.entries, done.changed is not None) == (1, True)
    assert bank.record_entry(first).entry["user"] == USER
    last = bank.record_list(jobs.ListRecord(last=1))[-1]
    event = bank.record_entry(last.record).entry["event"]
    assert (event["reason"], event["by"], event["released"]["rule"]) == ("case 12", "Ms A", RULE)
    bank.escrow(jobs.AskEscrow(close=USER))
    with pytest.raises(Erased, match="in escrow until"):
        assert bank.record_entry(first).entry
    assert bank.record_entry(second).entry["user"] == OTHER
    assert bank.verify_record(jobs.VerifyRecord()).problems == []
    again = bank.escrow(jobs.AskEscrow(release=USER, reason="case 13", by="Ms A"))
    assert again.entries == 1


@pytest.mark.parametrize("is_released", [False, True])
def test_at_its_date_the_key_is_destroyed(bank: Bank, *, is_released: bool) -> None:
    first = numbers(bank)[0]
    assert bank.escrow(jobs.AskEscrow(due=True)).destroyed == ()
    over(bank.home)
    sealed = Escrow(Keys(bank.home.keys)).all()[0].key
    if is_released:
        bank.escrow(jobs.AskEscrow(release=USER, reason="case 12", by="Ms A"))
    done = bank.escrow(jobs.AskEscrow(due=True))
    assert ([one.until for one in done.destroyed], done.keys) == (["2020-01-31"], ())
    assert not search(bank.home.path, [sealed]).found
    with pytest.raises(Erased, match="the key of its person was destroyed"):
        assert bank.record_entry(first).entry
    assert done.certificate is not None
    certificate = json.loads(done.certificate.read_text("utf-8"))
    assert is_signed(certificate)
    assert certificate["destroyed"][0]["rule"] == RULE
    assert bank.verify_record(jobs.VerifyRecord()).problems == []
    with pytest.raises(UnknownId):
        bank.escrow(jobs.AskEscrow(release=USER, reason="case 12", by="Ms A"))


def test_a_refresh_destroys_what_is_over(bank: Bank) -> None:
    over(bank.home)
    bank.refresh(jobs.Refresh(train=False))
    assert Escrow(Keys(bank.home.keys)).all() == ()


def test_who_changes_the_date_gets_no_key(bank: Bank) -> None:
    file = bank.home.keys / "escrow.json"
    file.write_text(file.read_text("utf-8").replace("2999", "3999"), "utf-8")
    with pytest.raises(RecordError, match=r"escrow\.json was changed: the key in slot \d+ does not open"):
        bank.escrow(jobs.AskEscrow(release=USER, reason="case 12", by="Ms A"))
    file.write_text("[]", "utf-8")
    with pytest.raises(Damaged, match=r"escrow\.json is damaged \(TypeError\), and it holds the keys of what has to"):
        bank.escrow(jobs.AskEscrow())


def test_what_cannot_be_used_is_one_line(bank: Bank) -> None:
    for until, rule, said in (
        ("2999-01-31", None, "by which rule\\? graphrec forget USER --keep-record-until DAY --rule TEXT"),
        ("soon", RULE, "--keep-record-until soon is no date; want YYYY-MM-DD"),
        ("2020-01-31", RULE, "--keep-record-until 2020-01-31 is over; leave it out"),
    ):
        with pytest.raises(UsageError, match=said):
            bank.forget(jobs.Forget((OTHER,), keep_record_until=until, rule=rule))


def test_the_command_lists_releases_and_closes(bank: Bank) -> None:
    words = ["--home", str(bank.home.path), "--policy", "none", "escrow"]
    assert "2999-01-31" in CliRunner().invoke(app, words).stdout
    (one,) = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["keys"]
    assert (one["until"], one["rule"], one["released"]) == ("2999-01-31", RULE, None)
    done = CliRunner().invoke(app, [*words, "--release", USER, "--reason", "case 12", "--by", "Ms A"])
    assert done.stdout.startswith(f"1 entries of {USER} can be read: graphrec record list --user {USER}\n")
    done = CliRunner().invoke(app, [*words, "--close", USER])
    assert done.stdout.startswith(f"the entries of {USER} cannot be read any more\n")
