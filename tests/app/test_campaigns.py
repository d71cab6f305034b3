"""Campaigns of a home: planned, delivered, reported; never anybody the policy refuses."""

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.campaigns.plans import is_control
from graphrec.app.jobs import DeliverCampaign, FitResponse, PlanCampaign, ReportCampaign, ScoreResponse
from graphrec.app.requests import Explain
from graphrec.campaigns.file import read_campaign
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import SourceError, UnknownId, UsageError
from graphrec.home import Home
from graphrec.policy.facts import Occasion
from tests.served import copied

POLICY = """version = "1"
[[rule]]
id = "not_held"
sentence = "already held"
require = "not held"
[[rule]]
id = "no_bonds_by_phone"
sentence = "bonds are not sold by phone"
require = "product.kind != 'bond' or channel != 'phone'"
"""
CAMPAIGN = """name = "spring"
products = ["P02", "P03", "P06"]
budget_eur = 100.0
control = 0.25
objective = "revenue"
[values]
P03 = 3.0
[cap]
contacts = 2
days = 30
per_campaign = 2
[[channel]]
name = "phone"
cost_eur = 10.0
capacity_per_adviser = 3
[[channel]]
name = "mail"
cost_eur = 1.5
effect = 0.6
"""


@pytest.fixture
def home(served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with rules and two advisers."""
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    home.policy.write_text(POLICY, "utf-8")
    (home.serving / "secret").write_text("07" * 32 + "\n", "utf-8")  # the same control in every run
    monkeypatch.setattr("graphrec.app.campaigns.plans._adviser", lambda _, user: ("A1", "A/2", None)[user % 3])
    return home


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path, today=date(2026, 1, 2)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "spring.toml").write_text(CAMPAIGN, "utf-8")
    return tmp_path / "spring.toml"


def read(home: Home, name: str, what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.vault / "campaigns" / name / what).read_text("utf-8"))
    return found


def test_a_plan_keeps_policy_caps_budget_and_control(bank: Bank, home: Home, file: Path) -> None:
    made = bank.plan_campaign(PlanCampaign(file))
    content = read(home, "spring", "plan.json")
    contacts, control = content["contacts"], content["control"]
    assert made.contacts == len(contacts) > 10
    assert made.withheld == len(control) > 0
    assert {one["user"] for one in contacts}.isdisjoint(one["user"] for one in control)
    campaign = read_campaign(file)
    assert all(is_control(home.secret(), campaign, one["user"]) for one in control)
    assert not any(is_control(home.secret(), campaign, one["user"]) for one in contacts)
    chosen = [*contacts, *control]
    assert sum(one["cost_eur"] for one in chosen) <= 100.0
    assert made.cost_eur + made.reserved_eur == pytest.approx(sum(one["cost_eur"] for one in chosen))
    assert max(Counter(one["user"] for one in chosen).values()) <= 2
    assert max(Counter((one["user"], one["product"]) for one in chosen).values()) == 1
    by_phone = [one for one in chosen if one["channel"] == "phone"]
    assert max(Counter(one["adviser"] for one in by_phone).values()) <= 3
    assert None not in {one["adviser"] for one in by_phone}
    for one in chosen:
        asked = Explain(
            one["user"], one["product"], 10, record=False, occasion=Occasion(None, one["channel"], "campaign")
        )
        (item,) = bank.explain(asked).answer.items
        assert item.rank == one["rank"]
        assert item.confidence == pytest.approx(one["confidence"])
    assert not any(one["product"] == "P03" for one in by_phone)
    assert 0 <= made.gap < 0.001
    assert made.value <= made.bound <= made.unconstrained
    assert 0 < made.loss < 1
    assert made.record is not None
    assert bank.record_entry(made.record).entry["event"]["contacts"] == len(contacts)


@pytest.mark.slow
def test_a_delivery_is_explained_recorded_and_asks_again(bank: Bank, home: Home, file: Path, tmp_path: Path) -> None:
    planned = bank.plan_campaign(PlanCampaign(file))
    home.policy.write_text(
        POLICY.replace("product.kind != 'bond' or channel != 'phone'", "product.kind != 'bond'"), "utf-8"
    )
    done = bank.deliver_campaign(DeliverCampaign("spring", tmp_path / "out"))
    bonds = planned.by_product["P03"]
    assert done.left_out == {"policy": bonds}
    assert done.contacts == planned.contacts - bonds
    rows = []
    for path in sorted((tmp_path / "out").rglob("*.csv")):
        rows += list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(rows) == done.contacts
    assert {path.stem for path in (tmp_path / "out" / "phone").iterdir()} <= {"A1"} | {
        path.stem for path in (tmp_path / "out" / "phone").glob("adviser-*")
    }
    assert all(row["reason"] and not row["score"] and row["record"] for row in rows)
    first = bank.record_entry(int(rows[0]["record"]))
    assert first.entry["user"] == rows[0]["user"]
    assert bank.replay(int(rows[0]["record"])).same
    delivered = read(home, "spring", "delivered.json")
    assert not {one["user"] for one in delivered["contacts"]} & {one["user"] for one in delivered["control"]}
    with pytest.raises(UsageError, match="delivered already"):
        bank.deliver_campaign(DeliverCampaign("spring", tmp_path / "again"))
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_earlier_contacts_count(bank: Bank, file: Path, tmp_path: Path) -> None:
    bank.plan_campaign(PlanCampaign(file))
    bank.deliver_campaign(DeliverCampaign("spring", tmp_path / "out"))
    file.write_text(CAMPAIGN.replace('"spring"', '"second"').replace("contacts = 2", "contacts = 1"), "utf-8")
    second = bank.plan_campaign(PlanCampaign(file))
    contacted = {one["user"] for one in read(bank.home, "spring", "delivered.json")["contacts"]}
    planned = {one["user"] for one in read(bank.home, "second", "plan.json")["contacts"]}
    assert second.capped == len(contacted)
    assert not planned & contacted
    later = Bank(replace(bank.settings, today=date(2026, 3, 1)))
    assert later.plan_campaign(PlanCampaign(file)).capped == 0


@pytest.mark.slow
def test_a_report_compares_with_the_control(
    bank: Bank, home: Home, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownId, match="there is no plan"):
        bank.report_campaign(ReportCampaign("spring"))
    bank.plan_campaign(PlanCampaign(file))
    with pytest.raises(UsageError, match="not delivered yet"):
        bank.report_campaign(ReportCampaign("spring"))
    bank.deliver_campaign(DeliverCampaign("spring", tmp_path / "out"))
    delivered = read(home, "spring", "delivered.json")
    taken = {(one["user"], one["product"]) for one in delivered["contacts"][::2]}
    monkeypatch.setattr("graphrec.app.campaigns.plans._took", lambda _, user, product, __: (user, product) in taken)
    found = bank.report_campaign(ReportCampaign("spring"))
    assert (found.accepted, found.control_accepted) == (len(taken), 0)
    assert found.uplift == pytest.approx(len(taken) / found.contacted)
    assert found.low < found.uplift < found.high
    monkeypatch.undo()
    assert bank.report_campaign(ReportCampaign("spring")).accepted == 0  # nothing was bought since


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("products", "product"), "products"),
        (('"P02"', '"P2"'), "the nearest are P02"),
        (("control = 0.25", "control = 2.0"), "control"),
        (("products = [", 'goal = "user.x == 1"\nproducts = ['), "either products or a goal"),
        (('"mail"', '"phone"'), "two channels have one name"),
    ],
)
def test_a_file_that_cannot_be_used(bank: Bank, file: Path, change: tuple[str, str], match: str) -> None:
    file.write_text(CAMPAIGN.replace(*change), "utf-8")
    with pytest.raises((UsageError, UnknownId), match=match):
        bank.plan_campaign(PlanCampaign(file))


def test_a_goal_a_condition_and_an_exclusion(bank: Bank, file: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("C000\nC001\n", "utf-8")
    text = CAMPAIGN.replace(
        'products = ["P02", "P03", "P06"]', 'goal = "product.kind == \'fund\'"\nexclude = "out.txt"'
    )
    file.write_text(text, "utf-8")
    made = bank.plan_campaign(PlanCampaign(file))
    assert (made.audience, made.products) == (58, 10)
    assert all(int(product[1:]) % 2 == 0 for product in made.by_product)


@pytest.mark.slow
def test_the_command(home: Home, file: Path, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        found = CliRunner().invoke(app, ["--home", str(home.path), "campaign", *words])
        assert found.exit_code == 0, found.output
        return found.stdout

    assert "gap" in run("plan", str(file))
    assert json.loads(run("plan", str(file), "--json"))["campaign"] == "spring"
    assert "files below" in run("deliver", "spring", "--to", str(tmp_path / "out"), "--form", "jsonl")
    assert "uplift" in run("report", "spring")


def test_a_response_model_is_fitted_scored_and_used(bank: Bank, home: Home, file: Path, tmp_path: Path) -> None:
    rows = [f"{n % 7},{('mail', 'phone')[n % 2]},{int(n % 7 > 3)}" for n in range(400)]
    (tmp_path / "past.csv").write_text("visits,channel,bought\n" + "\n".join(rows), "utf-8")
    done = bank.fit_response(FitResponse(tmp_path / "past.csv", "past", "bought"))
    assert done.auc["response"] > 0.99
    (tmp_path / "new.csv").write_text("visits,channel\n6,mail\n0,phone\n", "utf-8")
    first, second = bank.score_response(ScoreResponse(tmp_path / "new.csv", "past")).rows
    assert first.response is not None
    assert second.response is not None
    assert first.response > 0.8 > 0.2 > second.response
    logit = first.base + sum(line.share for line in first.lines)
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(first.response, abs=1e-9)
    assert (first.user, first.uplift, [line.column for line in first.lines]) == (None, None, ["visits", "channel"])
    file.write_text(CAMPAIGN.replace('"revenue"', '"response"\nresponse = "past"'), "utf-8")
    with pytest.raises(UsageError, match="reads columns of a file"):
        bank.plan_campaign(PlanCampaign(file))
    with pytest.raises(SourceError, match="line 2: bought is 'x'"):
        (tmp_path / "past.csv").write_text("visits,bought\n1,x\n", "utf-8")
        bank.fit_response(FitResponse(tmp_path / "past.csv", "past", "bought"))
