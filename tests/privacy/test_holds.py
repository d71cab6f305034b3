"""A customer who is held is not forgotten, until the hold is lifted or over."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, LegalHold, UnknownId, UsageError

USER, OTHER = "KUNDE-003", "KUNDE-004"


@pytest.fixture
def bank(people: Path, tmp_path: Path) -> Bank:
    return Bank(Settings(home=shutil.copytree(people / "home", tmp_path / "home"), policy="none", actor="counsel"))


def test_who_is_held_is_not_forgotten(bank: Bank) -> None:
    bank.put_hold(jobs.PutHold(USER, "case 12", "2999-01-31"))
    before = sorted(path for path in bank.home.vault.rglob("*") if path.is_file())
    with pytest.raises(LegalHold, match=r"1 of 2 are held: case 12, until 2999-01-31 \(counsel\); nothing was removed"):
        bank.forget(jobs.Forget((OTHER, USER)))
    assert sorted(path for path in bank.home.vault.rglob("*") if path.is_file()) == before
    assert USER not in (bank.home.vault / "holds.json").read_text("utf-8")
    assert [one.command for one in bank.record_list(jobs.ListRecord(USER))] == ["hold"]
    assert bank.put_hold(jobs.PutHold(USER, lift=True)) is None
    assert bank.forget(jobs.Forget((USER,))).removed["store: Customer"] == 1


@pytest.mark.slow
def test_a_hold_that_is_over_holds_nothing(bank: Bank) -> None:
    bank.put_hold(jobs.PutHold(USER, "case 11", "2020-01-31"))
    assert bank.forget(jobs.Forget((USER,))).certificate is not None


def test_what_cannot_be_used_is_one_line(bank: Bank) -> None:
    with pytest.raises(UsageError, match="why\\? graphrec hold USER --reason TEXT"):
        bank.put_hold(jobs.PutHold(USER))
    with pytest.raises(UsageError, match="--until soon is no date; want YYYY-MM-DD"):
        bank.put_hold(jobs.PutHold(USER, "case", "soon"))
    with pytest.raises(UnknownId, match="nothing of 'KUNDE-004' is held; see: graphrec hold"):
        bank.put_hold(jobs.PutHold(OTHER, lift=True))
    (bank.home.vault / "holds.json").write_text("{}", "utf-8")
    with pytest.raises(
        Damaged, match=r"holds\.json is damaged \(KeyError\), and it says of whom nothing may be removed"
    ):
        bank.holds()


def test_the_command_sets_and_lists(bank: Bank) -> None:
    words = ["--home", str(bank.home.path), "--policy", "none", "hold"]
    assert CliRunner().invoke(app, words).stdout == "nothing is held\n"
    done = CliRunner().invoke(app, [*words, USER, "--reason", "case 9"])
    assert done.stdout == f"{USER} is held until the hold is lifted: case 9\n"
    (one,) = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["holds"]
    assert (one["reason"], one["until"]) == ("case 9", None)
