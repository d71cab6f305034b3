"""Models are validated, approved by somebody else, retired; what may be live; and what the card says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListRecord
from graphrec.app.requests import AskModelCard, SetStanding, SwitchModel
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, NotApproved, UnknownId, UsageError
from graphrec.home import Home
from graphrec.terms.standing import FILE, read_steps
from tests.app.test_models import trained_anew
from tests.served import copied

NAME = "blend-final"


@pytest.fixture
def bank(served_home: Home, tmp_path: Path) -> Bank:
    copied(served_home, tmp_path / "home")
    (tmp_path / "home" / "policy.toml").write_text('version = "1"\n')
    return Bank(Settings(home=tmp_path / "home", require_approval=True))


def judge(bank: Bank, action: str, by: str, model: str = NAME) -> str:
    return bank.set_standing(SetStanding(action, model, f"{action} it", by)).step.standing  # type: ignore[arg-type]


def test_only_what_two_people_approved_is_made_live(bank: Bank) -> None:
    with pytest.raises(NotApproved, match="is draft, not approved; next: graphrec models validate blend-final "):
        bank.switch_model(SwitchModel("promote", NAME))
    assert bank.switches() == ()
    with pytest.raises(UsageError, match="model blend-final is draft, and only what is validated can be approved"):
        judge(bank, "approve", "Ms B")
    assert judge(bank, "validate", "Mr A") == "validated"
    with pytest.raises(NotApproved, match="is validated, not approved; next: graphrec models approve"):
        bank.switch_model(SwitchModel("promote", NAME))
    with pytest.raises(UsageError, match="four eyes: Mr A validated model blend-final, so somebody else has to"):
        judge(bank, "approve", "Mr A")
    assert judge(bank, "approve", "Ms B") == "approved"
    done = bank.switch_model(SwitchModel("promote", NAME))
    assert done.live.startswith("blend-final@")
    with pytest.raises(UsageError, match="model blend-final is live; promote another one first"):
        judge(bank, "retire", "Ms B")
    with pytest.raises(NotApproved, match="the newest model cannot be live unseen"):
        bank.switch_model(SwitchModel("follow"))
    assert [one.command for one in bank.record_list(ListRecord(last=10))] == ["models"] * 3
    assert {one.id: one.standing for one in bank.models()} == {NAME: "approved", done.live: "approved"}


def test_what_is_trained_next_is_a_draft_and_what_is_retired_stays_away(bank: Bank) -> None:
    judge(bank, "validate", "Mr A")
    judge(bank, "approve", "Ms B")
    old = bank.switch_model(SwitchModel("promote", NAME)).live
    trained_anew(bank, 3.0)
    assert {one.id: one.standing for one in bank.models()} == {NAME: "draft", old: "approved"}
    with pytest.raises(NotApproved, match="is draft"):
        bank.switch_model(SwitchModel("promote", NAME))
    judge(bank, "validate", "Mr A")
    judge(bank, "approve", "Ms B")
    new = bank.switch_model(SwitchModel("promote", NAME)).live
    assert judge(bank, "retire", "Ms C", old) == "retired"
    with pytest.raises(NotApproved, match="is retired; another graphrec models validate begins anew"):
        bank.switch_model(SwitchModel("rollback"))
    assert [one.id for one in bank.models() if one.state == "live"] == [new]
    assert [(one.standing, one.by) for one in read_steps(bank.home)][-1] == ("retired", "Ms C")


def test_steps_want_a_name_a_reason_and_a_model(bank: Bank) -> None:
    with pytest.raises(UsageError, match="wants the name of who takes it: --by NAME, or actor in graphrec.toml"):
        bank.set_standing(SetStanding("validate", NAME, "good"))
    with pytest.raises(UsageError, match="wants a reason"):
        bank.set_standing(SetStanding("validate", NAME, " ", "Mr A"))
    with pytest.raises(UnknownId, match="there is no model 'other'; there are blend-final"):
        judge(bank, "validate", "Mr A", "other")
    judge(bank, "validate", "Mr A")
    with pytest.raises(UsageError, match="model blend-final is validated already, since .* by Mr A"):
        judge(bank, "validate", "Mr A")
    (bank.home.models / FILE).write_text("{")
    with pytest.raises(Damaged, match=r"standing\.json is damaged"):
        bank.models()


def test_the_card_says_what_the_folder_holds(bank: Bank, tmp_path: Path) -> None:
    judge(bank, "validate", "Mr A")
    card = bank.model_card(AskModelCard())
    assert (card.model, card.standing) == (NAME, "validated")
    text = card.markdown
    assert re.search(r"\| kernel \| walks \| 1 \|", text)
    assert re.search(r"\| factors \| factors \| 0\.5 \|", text)
    assert "| nodes Customer | 60 |" in text
    assert "| personal | Customer.display_name |" in text
    assert "| validated | " in text
    assert card.hash in text
    assert card == bank.model_card(AskModelCard(NAME))
    run = CliRunner()
    options = ["--home", str(bank.home.path), "models"]
    done = run.invoke(app, [*options, "card", "--out", str(tmp_path / "card.html")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "card.html").read_text()
    assert "Mr A" in page
    assert "so that no review is due" in page
    check = [*options, "card", "--verify", str(tmp_path / "card.html")]
    assert "is the card of blend-final as it was written at" in run.invoke(app, check).stdout
    (tmp_path / "card.html").write_text(page.replace("Mr A", "Ms B"))
    edited = run.invoke(app, check)
    assert (edited.exit_code, "it was edited" in edited.stderr) == (5, True)
    (tmp_path / "card.html").write_text("a page")
    assert run.invoke(app, check).exit_code == 3
    assert "<script" not in page
    assert json.loads(run.invoke(app, [*options, "card", "--json"]).stdout)["hash"] == card.hash
    assert run.invoke(app, [*options, "approve", NAME, "--reason", "fine", "--by", "Ms B"]).exit_code == 0
    assert "approved" in run.invoke(app, options).stdout
    assert "12 months after the last approval" in bank.model_card(AskModelCard()).markdown
    for wrong in (["approve", NAME], ["list", NAME], ["promote", NAME, "--reason", "x"], ["list", "--out", "x.md"]):
        assert run.invoke(app, [*options, *wrong]).exit_code == 2
