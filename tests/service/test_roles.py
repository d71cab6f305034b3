"""The table of operation and role, walked through whole; advisers and their customers; views."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.requests import AskStatement, SetStanding, SwitchModel
from graphrec.records.decision import events
from graphrec.schema import EXACT
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.access.roles import ALLOWED, ROLES
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from tests.service.conftest import CAMPAIGN, bearer, campaign

RAISED: dict[str, Any] = {
    "id": "3f2a9c0d11ab", "rule": "burst", "name": "burst", "severity": "warning", "about": "C003", "label": "Customer",
    "user": "C003", "at": "2025-01-01", "evidence": [], "state": "open", "by": None, "why": None,
}  # fmt: skip
CALLS = {
    "recommendations": ("GET", "/v1/users/C003/recommendations"),
    "recommendations_of_many": ("POST", "/v1/recommendations"),
    "explanation": ("GET", "/v1/users/C003/products/P01/explanation"),
    "why_not": ("GET", "/v1/users/C003/products/P01/why-not"),
    "statement": ("GET", "/v1/users/C003/products/P01/statement"),
    "decide": ("POST", "/v1/records/2/decision"),
    "portrait": ("GET", "/v1/users/C003/portrait"),
    "portfolio": ("GET", "/v1/users/C003/portfolio"),
    "loan_plans": ("GET", "/v1/users/C003/loan-plans?amount=1000"),
    "contests": ("GET", "/v1/users/C003/contests"),
    "contest": ("POST", "/v1/users/C003/contests"),
    "audience": ("GET", "/v1/products/P01/audience"),
    "ask": ("POST", "/v1/ask"),
    "search": ("GET", "/v1/search?q=P01"),
    "events": ("POST", "/v1/events"),
    "records": ("GET", "/v1/records"),
    "record": ("GET", "/v1/records/1"),
    "replay_record": ("POST", "/v1/records/1/replay"),
    "alerts": ("GET", "/v1/alerts?state=open"),
    "set_alert": ("POST", f"/v1/alerts/{RAISED['id']}"),
    "models": ("GET", "/v1/models"),
    "promote_model": ("POST", "/v1/models/blend-final/promote"),
    "roll_back_model": ("POST", "/v1/models/rollback"),
    "follow_models": ("POST", "/v1/models/follow"),
    "set_standing": ("POST", "/v1/models/blend-final/steps"),
    "model_card": ("GET", "/v1/models/blend-final/card"),
    "monitor": ("GET", "/v1/monitor"),
    "outcomes": ("GET", "/v1/outcomes"),
    "experiments": ("GET", "/v1/experiments"),
    "campaigns": ("GET", "/v1/campaigns"),
    "plan_campaign": ("POST", "/v1/campaigns"),
    "campaign": ("GET", "/v1/campaigns/spring"),
    "campaign_contacts": ("GET", "/v1/campaigns/spring/contacts"),
    "campaign_report": ("GET", "/v1/campaigns/spring/report"),
    "metrics": ("GET", "/metrics"),
}
#: Let in, and told that this bank has no such thing: loans and amounts, which tests/finance has.
INSIDE = {"portfolio": 409, "loan_plans": 422}
FREE = {"live": "/v1/health/live", "ready": "/v1/health/ready"}


@pytest.fixture
def closed(bank: Bank, keys: Keys) -> Iterator[TestClient]:
    """The service with keys; the record holds one entry about C003."""
    keys.make("first", "service")
    with TestClient(
        make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), raise_server_exceptions=False
    ) as client:
        yield client


def test_every_operation_is_in_the_table_or_free(closed: TestClient) -> None:
    paths = closed.get("/openapi.json").json()["paths"]
    operations = {one["operationId"] for path in paths.values() for one in path.values()}
    assert operations == set(ALLOWED) | set(FREE)
    assert set(CALLS) == set(ALLOWED)


@pytest.mark.slow
@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_role_is_let_in_where_the_table_says_so_and_nowhere_else(
    closed: TestClient, keys: Keys, bank: Bank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, operation: str
) -> None:
    monkeypatch.setattr(bank, "adviser_of", lambda user: "A1" if user == "C003" else None)
    if operation.startswith("campaign"):
        campaign(bank, tmp_path)
    method, path = CALLS[operation]
    event = {"id": "1", "user": "C003", "type": "viewed", "product": "P01", "at": "2025-01-01"}
    bodies = {
        "recommendations_of_many": {"users": ["C003"], "k": 1}, "events": event, "plan_campaign": {"toml": CAMPAIGN},
        "decide": {"outcome": "rejected", "why": "no need"},
        "contest": {"edge": "BOUGHT", "of": "P03"}, "set_standing": {"step": "validate", "reason": "looked at"},
        "set_alert": {"state": "acknowledged"}, "ask": {"question": "What is P01?"},
    }  # fmt: skip
    body = bodies.get(operation)
    _, first = keys.make("exact", EXACT)
    assert closed.get(CALLS["recommendations"][1], headers=bearer(first)).status_code == 200  # entry 1
    bank.switch_model(SwitchModel("promote", "blend-final", record=False))  # something to go back to
    assert closed.request(method, path, json=body).status_code == 401
    assert closed.request(method, path, headers=bearer("grk_no_key"), json=body).status_code == 401
    assert closed.request(method, path, headers={"Authorization": "Basic eDp5"}, json=body).status_code == 401
    if operation == "set_alert":
        events(bank.home, "alert", None, [("C003", {"did": "raised", **RAISED})])
    if operation in ("statement", "decide"):
        (bank.home.path / "statement.toml").write_text("", "utf-8")
    for role in ROLES:
        if operation == "decide":  # each statement is decided once
            path = f"/v1/records/{bank.statement(AskStatement('C003', 'P01')).record}/decision"
        key, text = keys.make(role, role, "A1" if role == "adviser" else None)
        status = closed.request(method, path, headers=bearer(text), json=body).status_code
        assert status == (INSIDE.get(operation, 200) if role in ALLOWED[operation] else 403), role
        if operation == "set_standing" and status == 200:  # validated once; the next role begins anew
            bank.set_standing(SetStanding("approve", "blend-final", "looked at", "somebody else", record=False))
        keys.revoke(key.id)
        assert closed.request(method, path, headers=bearer(text), json=body).status_code == 401


@pytest.mark.parametrize("path", FREE.values())
def test_health_needs_no_key(closed: TestClient, path: str) -> None:
    assert closed.get(path).status_code == 200


def test_an_adviser_sees_own_customers_alone(
    closed: TestClient, keys: Keys, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "adviser_of", {"C003": "A1", "C001": "A2"}.get)
    _, exact = keys.make("exact", EXACT)
    for user in ("C003", "C001"):  # entries 1 and 2
        closed.get(f"/v1/users/{user}/recommendations", headers=bearer(exact))
    _, text = keys.make("Ms A", "adviser", "A1")
    for path, status in (
        ("/v1/users/C003/recommendations", 200),
        ("/v1/users/C001/recommendations", 403),
        ("/v1/users/nobody/recommendations", 403),
        ("/v1/users/C001/products/P01/explanation", 403),
        ("/v1/users/C001/products/P01/why-not", 403),
        ("/v1/users/C001/products/P01/statement", 403),
        ("/v1/users/C001/portrait", 403),
        ("/v1/users/C001/portfolio", 403),
        ("/v1/users/C001/loan-plans?amount=1", 403),
        ("/v1/users/C001/contests", 403),
        ("/v1/records/1", 200),
        ("/v1/records/2", 403),
    ):
        assert closed.get(path, headers=bearer(text)).status_code == status, path


def test_other_roles_than_compliance_see_no_exact_number(closed: TestClient, keys: Keys) -> None:
    _, exact = keys.make("exact", EXACT)
    _, app = keys.make("app", "service")
    path = "/v1/users/C003/recommendations?record=false"
    assert "score" in closed.get(path, headers=bearer(exact)).json()["items"][0]
    seen = closed.get(path, headers=bearer(app)).json()["items"]
    assert [item["product"] for item in seen] == [
        item["product"] for item in closed.get(path, headers=bearer(exact)).json()["items"]
    ]
    for item in seen:
        assert item.get("score") is None
        assert item.get("rest") is None
        assert all(line.get("share") is None for line in item.get("lines", []))


def test_an_adviser_reads_records_as_an_adviser(
    closed: TestClient, keys: Keys, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "adviser_of", lambda _: "A1")
    _, exact = keys.make("exact", EXACT)
    closed.get("/v1/users/C003/recommendations", headers=bearer(exact))
    _, text = keys.make("Ms A", "adviser", "A1")
    assert '"share"' not in closed.get("/v1/records/1", headers=bearer(text)).text


def test_the_page_shows_the_table(root: Path) -> None:
    page = (root / "docs" / "service.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|$", page, re.MULTILINE))
    assert rows == {name: ", ".join(role for role in ROLES if role in open_to) for name, open_to in ALLOWED.items()}
