"""Statements, contests, alerts and steps of models on the page and over HTTP: what a person does is on record."""

import html
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.requests import Recommend
from graphrec.finance.statement.statement import ELEMENTS
from graphrec.home import Home
from graphrec.records.decision import events
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from graphrec.service.page.alerts import SHOWN
from tests.service.conftest import bearer
from tests.service.test_page import best, token_of, words_of
from tests.service.test_roles import RAISED


@pytest.fixture
def page(bank: Bank, home: Home) -> TestClient:
    """The page of the owner of a home that names no columns for its statements."""
    (home.path / "statement.toml").write_text("", "utf-8")
    return TestClient(
        make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), base_url="http://127.0.0.1:8000"
    )


def send(page: TestClient, path: str, **form: str) -> str:
    """Send a form of the page; what the page then says."""
    found = page.post(path, data={"token": token_of(page.get("/records").text), **form})
    assert found.status_code == 200, words_of(found.text)
    return found.text


def test_a_statement_is_written_read_handed_over_and_decided_once(page: TestClient, bank: Bank) -> None:
    product = best(bank)
    assert "#statement" in page.get("/customers/C003").text
    shown = send(page, f"/customers/C003/products/{product}/statement", amount="1,500")
    found = re.search(r"/statements/(\d+)/document", shown)
    assert found is not None
    path = f"/statements/{found[1]}"
    headings = re.findall(r'<section class="element"><h2>(.*?)</h2>', shown)
    api = page.get(f"/v1/users/C003/products/{product}/statement?amount=1500&record=false").json()
    assert len(headings) == len(ELEMENTS)
    assert [one for one in ELEMENTS if one in api["elements"]] == list(api["elements"])
    for element in api["elements"].values():
        assert " ".join(element["text"].split()) in words_of(shown)
    document = page.get(f"{path}/document")
    assert document.headers["content-disposition"] == f"attachment; filename=statement-{found[1]}.html"
    assert headings[0] in document.text
    assert 'value="accepted"' not in shown, "the bank names no columns, so that it is refused"
    decided = send(page, path, outcome="rejected", why="talked about it")
    assert "talked about it" in words_of(decided)
    assert 'name="outcome"' not in decided, "it is decided once"
    again = page.post(path, data={"token": token_of(page.get("/records").text), "outcome": "modified", "why": "no"})
    assert again.status_code == 422
    assert page.get("/statements/1").status_code == 404, "entry 1 is no statement"
    assert page.get("/statements/x").status_code == 404


def test_an_adviser_reads_statements_of_own_customers(
    page: TestClient, bank: Bank, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(page, f"/customers/C003/products/{best(bank)}/statement")
    number = bank.record_head().entries
    monkeypatch.setattr(bank, "adviser_of", {"C003": "A1"}.get)
    _, own = keys.make("Ms A", "adviser", "A1")
    _, other = keys.make("Mr B", "adviser", "A2")
    for path in (f"/statements/{number}", f"/statements/{number}/document", "/customers/C003/contests"):
        assert page.get(path, headers=bearer(own)).status_code == 200, path
        assert page.get(path, headers=bearer(other)).status_code == 403, path


def test_what_is_contested_leaves_the_list_until_it_is_withdrawn(page: TestClient, bank: Bank) -> None:
    before = [one.product for one in bank.recommend(Recommend("C003", 5, record=False)).answer.items]
    option = re.search(r'<option value="(BOUGHT \w+)">', page.get("/customers/C003/contests").text)
    assert option is not None
    shown = send(page, "/customers/C003/contests", what=option[1], ground="not-true", why="not mine")
    assert "not mine" in words_of(shown)
    edge, of = option[1].split()
    listed = page.get("/v1/users/C003/contests").json()["contests"]
    assert [(one["edge"], one["of"], one["ground"], one["by"]) for one in listed] == [(edge, of, "not-true", "owner")]
    assert of in [one.product for one in bank.recommend(Recommend("C003", 20, record=False)).answer.items]
    body = {"edge": edge, "of": of, "withdraw": True}
    assert page.post("/v1/users/C003/contests", json=body).json()["withdrawn"] is True
    assert page.get("/v1/users/C003/contests").json() == {"contests": []}
    assert [one.product for one in bank.recommend(Recommend("C003", 5, record=False)).answer.items] == before
    assert page.post("/v1/users/C003/contests", json=body).status_code == 404, "nothing is contested"
    product = before[0]
    (first, *_) = bank.contestable("C003", product)
    body = {"product": product, "number": first.number}
    assert page.post("/v1/users/C003/contests", json=body).json()["contest"]["text"] == first.text
    assert first.text in words_of(page.get("/customers/C003/contests").text)
    assert first.text not in {one.text for one in bank.contestable("C003", product)}
    assert page.post("/v1/users/C003/contests", json={"product": product}).status_code == 422, "which reason?"
    assert "C003" in send(page, "/customers/C003/contests", product=product, withdraw="1")
    assert page.get("/v1/users/C003/contests").json() == {"contests": []}


def test_a_reason_is_contested_where_it_is_read(page: TestClient, bank: Bank, keys: Keys) -> None:
    """The page of one product offers its reasons, without numbers of people, to who may contest; not in the past."""
    product = best(bank)
    there = bank.contestable("C003", product)
    path = f"/customers/C003/products/{product}"
    shown = page.get(path).text
    offered = re.findall(r'<option value="(\d+)">([^<]+)</option>', shown)
    assert [(int(number), html.unescape(text)) for number, text in offered] == [(one.number, one.text) for one in there]
    assert "contests" not in re.findall(r'action="[^"]*/(\w+)"', page.get(f"{path}?as_of=2025-06-30").text)
    send(page, "/customers/C003/contests", product=product, number=offered[0][0], ground="not-relevant", why="no")
    (contest,) = bank.contests("C003")
    assert (contest.product, contest.ground, contest.text) == (product, "not-relevant", there[0].text)
    send(page, "/customers/C003/contests", product=product, withdraw="1")
    _, auditor = keys.make("Mr C", "auditor")
    assert 'name="number"' not in page.get(path, headers=bearer(auditor)).text


def test_alerts_are_acknowledged_and_closed_with_a_reason(page: TestClient, bank: Bank) -> None:
    told = ["count('BOUGHT', 7) is 9"]
    events(bank.home, "alert", None, [("C003", {"did": "raised", **RAISED, "evidence": told})])
    assert told[0] in words_of(page.get("/alerts").text)
    path = f"/alerts/{RAISED['id']}"
    send(page, path, state="acknowledged")
    assert "C003" not in words_of(page.get("/alerts").text)
    assert "C003" in words_of(page.get("/alerts?state=acknowledged").text)
    silent = page.post(path, data={"token": token_of(page.get("/records").text), "state": "closed", "why": ""})
    assert silent.status_code == 422
    send(page, path, state="closed", why="the customer called")
    assert "the customer called" in words_of(page.get("/alerts?state=closed").text)


def test_alerts_are_read_by_rule_a_page_at_a_time(page: TestClient, bank: Bank) -> None:
    """Evidence beyond the first lines is folded away; rules are counted, whichever is looked at."""
    raised = []
    for number in range(SHOWN + 3):
        told = [f"line {number} of {part}" for part in range(8)]
        name = "rule one" if number else "rule two"
        severity = "critical" if number == 1 else RAISED["severity"]
        raised.append({**RAISED, "id": f"{number:016x}", "name": name, "evidence": told, "severity": severity})
    events(bank.home, "alert", None, [("C003", {"did": "raised", **one}) for one in raised])
    first = page.get("/alerts").text
    assert (first.count('<ul class="why">'), first.count("</summary>")) == (2 * SHOWN, SHOWN)
    assert "3 more" in words_of(first)
    assert re.findall(r"line 0 of (\d+)|line (\d+) of 0", first)[0] == ("", "1"), "the urgent one stands first"
    older = re.search(r'<a href="(/alerts\?[^"]*skip=\d+)"', first)
    assert older is not None
    assert page.get(html.unescape(older[1])).text.count("</summary>") == 3
    one = words_of(page.get("/alerts?rule=rule+two").text)
    assert "line 0 of 0" in one
    assert "line 1 of 0" not in one
    assert f"rule one {SHOWN + 2} rule two 1" in one
    assert page.get("/alerts?skip=x&rule=none").status_code == 200


def test_two_keys_bring_a_model_to_approval(page: TestClient, keys: Keys) -> None:
    _, first = keys.make("Ms A", "compliance")
    _, second = keys.make("Mr B", "admin")
    path = "/v1/models/blend-final/steps"
    step = {"step": "validate", "reason": "looked at"}
    assert page.post(path, json=step, headers=bearer(first)).json()["step"]["standing"] == "validated"
    step["step"] = "approve"
    assert page.post(path, json=step, headers=bearer(first)).status_code == 422, "four eyes"
    assert page.post(path, json=step, headers=bearer(second)).json()["before"] == "validated"
    assert "approved" in words_of(page.get("/models", headers=bearer(first)).text)
    assert page.get("/v1/models/blend-final/card", headers=bearer(first)).json()["standing"] == "approved"
    assert "looked at" in page.get("/models/blend-final/card", headers=bearer(first)).text


def test_what_moved_is_measured_on_the_page_as_over_http(page: TestClient) -> None:
    told = page.get("/v1/monitor?record=false").json()
    before = page.get("/monitor").text
    assert "Nothing was measured yet" in words_of(before)
    for _ in range(2):
        page.post("/monitor", data={"token": token_of(before)})
    shown = page.get("/monitor").text
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="nowrap">(.*?)</td>', shown)
    assert sorted(about for _, about in rows) == sorted(one["about"] for one in told["measures"])
    assert ("days since the last event", "facts") in rows
    # A line over time for every measure that was known both times.
    assert shown.count("<polyline") == sum(one["value"] is not None for one in told["measures"])


def test_a_problem_names_no_folder(page: TestClient, home: Path) -> None:
    found = page.get("/v1/users/C003/loan-plans?amount=1000")
    assert found.status_code == 422
    assert found.json()["detail"].startswith("plan.toml is not there")
    assert "/" not in found.json()["detail"].replace("docs/finance.md", "")
