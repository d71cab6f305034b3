"""What a customer contests is in no list until it is withdrawn, as if it had never been loaded; records replay."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export, ListRecord, Load
from graphrec.app.requests import PutContest, Recommend
from graphrec.cli import app
from graphrec.errors import Damaged, UnknownId
from graphrec.privacy.ledgers import erase_ledgers
from tests.events.conftest import bank_in, purchases, write_files
from tests.events.test_next_answer import asked, said

HELD = next(row[1] for row in purchases() if row[0] == "c00")


def contested(bank: Bank, ground: str = "not-true", **more: bool) -> list[tuple[str, int | None, int | None]]:
    done = bank.contest(PutContest("c00", "BOUGHT", HELD, ground, "not mine", k=4, by="Ms A", **more))  # type: ignore[arg-type]
    return [(one.product, one.before, one.after) for one in done.moves]


@pytest.mark.parametrize("model", ["als", "ease"])
def test_what_is_not_true_is_as_if_it_had_never_been_loaded(model: str, bank: Bank, shop: Path) -> None:
    others = said(asked(bank, model, "c01"))
    contested(bank)
    after = asked(bank, model)
    assert said(asked(bank, model, "c01")) == others
    write_files(shop / "files", [row for row in purchases() if row[:2] != ("c00", HELD)])
    other = bank_in(shop)
    other.home.contests.unlink()
    other.load(Load(str(shop / "files" / "shop.toml")))
    loaded = asked(other, model)
    assert said(loaded) == said(after)
    assert loaded.refused == after.refused


def test_what_is_not_relevant_is_in_no_score_and_rules_still_see_it(bank: Bank) -> None:
    before = asked(bank)
    moves = contested(bank, "not-relevant")
    after = asked(bank)
    assert said(after) != said(before)
    assert HELD not in [item.product for item in after.items]
    assert after.refused == before.refused
    lines = [line for item in after.items for line in item.lines]
    assert lines
    assert all(HELD not in repr(line.via) for line in lines if hasattr(line, "via"))
    listed = [item.product for item in bank.recommend(Recommend("c00", 4)).answer.items]
    assert [product for product, _, rank in moves if rank is not None and rank <= 4] == listed
    contested(bank)
    assert asked(bank).refused != before.refused, "what is not true is not held"


def test_a_contest_stays_until_it_is_withdrawn_and_records_replay(bank: Bank, shop: Path, tmp_path: Path) -> None:
    before = asked(bank)
    contested(bank)
    between = bank.recommend(Recommend("c00", 4, "kernel"))
    bank.export(Export(tmp_path / "lists.csv", k=4, model="kernel"))
    other = bank_in(shop)
    assert said(asked(other)) == said(asked(bank))
    assert [(one.of, one.ground, one.by, one.why) for one in other.contests("c00")] == [
        (HELD, "not-true", "Ms A", "not mine")
    ]
    with pytest.raises(UnknownId, match="c00 does not contest VIEWED p1; contested is BOUGHT " + HELD):
        bank.contest(PutContest("c00", "VIEWED", "p1", withdraw=True))
    contested(bank, withdraw=True)
    assert said(asked(bank)) == said(before)
    assert bank.contests("c00") == ()
    entries = bank.record_list(ListRecord(last=100))
    numbers = [one.record for one in entries if one.command in ("recommend", "export") and one.user == "c00"]
    assert between.record in numbers
    assert [one.differences for one in bank.replays(numbers) if not one.same] == []
    assert [one.user for one in entries if one.command == "contest"] == ["c00", "c00"]


def test_it_goes_with_the_customer_and_wrong_input_is_one_line(bank: Bank) -> None:
    run, options = CliRunner(), ["--home", str(bank.home.path), "contest", "c00"]
    done = run.invoke(app, [*options, "--edge", "BOUGHT", "--of", HELD, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["contest"]["ground"] == "not-relevant"
    assert HELD in run.invoke(app, options).stdout
    assert run.invoke(app, [*options, "--edge", "BOUGHT"]).exit_code == 2
    with pytest.raises(UnknownId, match="customers have no edges 'OWNS'; they have BOUGHT, REJECTED, VIEWED"):
        bank.contest(PutContest("c00", "OWNS", HELD))
    with pytest.raises(UnknownId, match="c00 has no BOUGHT to 'p99'; there are p"):
        bank.contest(PutContest("c00", "BOUGHT", "p99"))
    assert erase_ledgers(bank.home, ["c00"])["contests"] == 1
    file = bank.home.contests
    assert "c00" not in file.read_text()
    assert bank.contests("c00") == ()
    file.write_text("{}")
    with pytest.raises(Damaged, match=r"contests\.json is damaged .* restore it from a backup"):
        asked(bank)
