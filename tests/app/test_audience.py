"""The customers for whom a product ranks best, as each role sees them."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.requests import Audience, Explain
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from graphrec.serving.views import Band
from tests.served import copied

POLICY = """version = "1"
[[rule]]
id = "not_held"
sentence = "already held"
require = "not held"
"""


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    home.policy.write_text(POLICY, "utf-8")
    return home


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path))


def test_an_audience_is_ordered_and_explained(bank: Bank) -> None:
    found = bank.audience(Audience("P02", k=8))
    assert len(found.users) == 8
    assert [one.rank for one in found.users] == sorted(one.rank for one in found.users)
    first = bank.explain(Explain(found.users[0].user, "P02", 10, record=False)).answer.items[0]
    assert (found.users[0].rank, found.users[0].score) == (first.rank, first.score)
    assert found.users[0].reasons[0].text == first.reasons[0].text
    assert found.asked == found.eligible + sum(found.refused.values()) == 60
    assert set(found.refused) == {"not_held"}
    assert found.record is not None
    entry = bank.record_entry(found.record).entry["event"]
    assert (entry["product"], entry["shown"]) == ("P02", 8)
    assert "C0" not in json.dumps(entry["refused"])


@pytest.mark.slow
def test_the_next_customer_ranks_no_better(bank: Bank) -> None:
    ranks = [one.rank for one in bank.audience(Audience("P02", k=100, record=False)).users]
    everyone = []
    for number in range(59):
        items = bank.explain(Explain(f"C{number:03}", "P02", 10, record=False)).answer.items
        everyone += [items[0].rank or 0] if items else []
    assert ranks == sorted(everyone)


def test_an_analyst_sees_groups_and_nobody(bank: Bank) -> None:
    found = bank.audience(Audience("P02"), "analyst")
    assert found.users == ()
    assert {one.column for one in found.groups} == {"IN_AGE_BAND"}
    assert all(isinstance(one.eligible, Band) and one.eligible.low >= 3 for one in found.groups)
    assert isinstance(found.eligible, Band)
    exact = bank.audience(Audience("P02", record=False))
    assert sum(one.eligible for one in exact.groups) == exact.eligible - 1  # the last customer has no age band


def test_a_product_for_nobody(bank: Bank, home: Home) -> None:
    home.policy.write_text(POLICY.replace("not held", "product.kind == 'bond'"), "utf-8")
    found = bank.audience(Audience("P02"))
    assert found.users == ()
    assert found.refused == {"not_held": 60}
    assert found.abstained is not None
    with pytest.raises(UnknownId, match="the nearest are P02"):
        bank.audience(Audience("p02"))
    with pytest.raises(UsageError, match="--where"):
        bank.audience(Audience("P02", where="user.nothing == 'x'"))


def test_roles_over_http(bank: Bank, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(home.path)
    texts = {
        role: keys.make(role, role, "A1" if role == "adviser" else None)[1]
        for role in ("campaign", "analyst", "adviser")
    }
    monkeypatch.setattr("graphrec.app.lists.audience._adviser", lambda _, user: "A1" if user < 5 else "A2")
    path = "/v1/products/P02/audience?k=50"
    with TestClient(make_app(bank, ServiceOptions())) as client:
        seen = {
            role: client.get(path, headers={"Authorization": f"Bearer {text}"}).json() for role, text in texts.items()
        }
    assert len(seen["campaign"]["users"]) > 20
    assert all(one["score"] is None for one in seen["campaign"]["users"])
    assert {one["user"] for one in seen["adviser"]["users"]} <= {f"C00{n}" for n in range(5)}
    assert seen["adviser"]["users"]
    assert "C0" not in json.dumps(seen["analyst"])


def test_the_command(home: Home) -> None:
    def run(*words: str) -> str:
        found = CliRunner().invoke(app, ["--home", str(home.path), "audience", "P02", *words])
        assert found.exit_code == 0, found.output
        return found.stdout

    shown = run("-k", "3", "--language", "de")
    assert "Fund 2 (P02)" in shown
    assert "not_held" in shown
    assert len(json.loads(run("-k", "3", "--json"))["users"]) == 3
    assert "IN_AGE_BAND" in run("--view", "analyst")
