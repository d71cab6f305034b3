"""What a customer contests is in no list until it is withdrawn, as if it had never been loaded; records replay."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export, ListRecord, Load, Train
from graphrec.app.requests import Explain, PutContest, Recommend, SubjectAccess
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


@pytest.mark.parametrize("model", ["kernel", "ease", "als"])
def test_a_contested_reason_leaves_the_score_of_its_product_alone(model: str, bank: Bank) -> None:
    before = asked(bank, model)
    scores = {one.product: one.score for one in before.items}
    product = before.items[0].product
    reason = bank.contestable("c00", product)[0]
    assert reason.number in range(1, len(before.items[0].reasons) + 1)
    done = bank.contest(PutContest("c00", why="no", product=product, number=reason.number, k=4))
    assert (done.contest.product, done.contest.text, done.contest.edge) == (product, reason.text, None)
    after = asked(bank, model)
    explained = bank.explain(Explain("c00", product, model=model, audit=True)).answer.items[0]
    assert reason.text not in {one.text for one in bank.contestable("c00", product)}
    gone = {id_ for start in reason.starts for _, id_ in start.nodes}
    assert gone
    assert not gone & {line.via.id for line in explained.lines if line.via and line.share}
    assert explained.score == pytest.approx(sum(line.share for line in explained.lines), abs=1e-12)
    assert explained.score < scores[product]
    assert explained.audit is not None
    assert explained.audit.sum_error < 1e-9
    others = [(one.product, one.score) for one in after.items if one.product in scores and one.product != product]
    assert others == [(name, scores[name]) for name, _ in others], "to the bit"
    for one in bank.subject_access(SubjectAccess("c00", 3)).counterfactuals:
        assert not one.without or one.verified
    bank.contest(PutContest("c00", withdraw=True, product=product))
    assert said(asked(bank, model)) == said(before)
    numbers = [one.record for one in bank.record_list(ListRecord(last=100)) if one.command in ("recommend", "explain")]
    assert len(numbers) == 4
    assert [one.differences for one in bank.replays(numbers) if not one.same] == []


def test_a_contest_of_a_reason_outlives_a_training_and_is_told(bank: Bank) -> None:
    product = asked(bank).items[0].product
    reason = bank.contestable("c00", product)[0]
    with pytest.raises(UnknownId, match=f"{product} has no reason 99 for c00 that can be contested; there are 1"):
        bank.contest(PutContest("c00", product=product, number=99))
    with pytest.raises(UnknownId, match=f"c00 does not contest a reason of {product}; contested is nothing"):
        bank.contest(PutContest("c00", product=product, withdraw=True))
    run, options = CliRunner(), ["--home", str(bank.home.path), "contest", "c00"]
    shown = run.invoke(app, [*options, "--product", product, "--json"])
    assert json.loads(shown.stdout)["reasons"][0]["number"] == reason.number
    done = run.invoke(app, [*options, "--product", product, "--number", str(reason.number), "--reason", "a present"])
    assert done.exit_code == 0, done.output
    assert f"reason of {product}: {reason.text} of c00 is contested as not-relevant" in done.stdout
    assert reason.text in run.invoke(app, options).stdout
    told = bank.subject_access(SubjectAccess("c00"))
    assert [(one.product, one.text, one.why) for one in told.contests] == [(product, reason.text, "a present")]
    assert "what is contested" in run.invoke(app, ["--home", str(bank.home.path), "subject-access", "c00"]).stdout
    listed = asked(bank)
    bank.train(Train("kernel", fixed=True))
    again = asked(bank)
    assert [(one.product, one.score) for one in again.items] == [(one.product, one.score) for one in listed.items]
    assert reason.text not in {one.text for one in bank.contestable("c00", product)}
    assert run.invoke(app, [*options, "--product", product, "--withdraw"]).exit_code == 0
    assert bank.contests("c00") == ()
    for wrong in (["--number", "1"], ["--product", product, "--edge", "BOUGHT", "--of", HELD], ["--withdraw"]):
        assert run.invoke(app, [*options, *wrong]).exit_code == 2
