"""Campaigns over HTTP and on the page: planned from a text, listed for advisers, compared with the control."""

import re
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListContacts, PlanCampaign, ReportCampaign
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from tests.service.conftest import CAMPAIGN, bearer, campaign
from tests.service.test_page import token_of, words_of


@pytest.fixture(autouse=True)
def advisers(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two advisers take turns; customers whose number ends with 3 have moved to another one since."""
    monkeypatch.setattr("graphrec.app.campaigns.plans._adviser", lambda _, user: ("A1", "A2")[user % 2])
    monkeypatch.setattr(bank, "adviser_of", lambda user: "A3" if user[-1] == "3" else ("A1", "A2")[int(user[1:]) % 2])


def test_a_campaign_is_planned_from_a_text(client: TestClient, bank: Bank) -> None:
    made = client.post("/v1/campaigns", json={"toml": CAMPAIGN})
    assert made.status_code == 200
    assert "file" not in made.json()
    assert client.get("/v1/campaigns/spring").json() == {**made.json(), "record": None, "seconds": 0.0}
    (known,) = client.get("/v1/campaigns").json()["campaigns"]
    assert (known["campaign"], known["delivered_at"], known["contacts"]) == ("spring", None, made.json()["contacts"])
    found = client.get("/v1/campaigns/spring/contacts?k=100").json()
    assert found["total"] == len(found["contacts"]) == made.json()["contacts"] > 10
    assert all(one["reasons"] == [] and one["record"] is None for one in found["contacts"])
    assert Counter(one["adviser"] for one in found["contacts"]) == made.json()["by_adviser"]
    assert client.get("/v1/campaigns/spring/report").status_code == 422  # nobody was contacted


def test_a_plan_that_takes_longer_than_a_request_goes_on(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, plan = threading.Event(), bank.plan_campaign

    def slow(asked: PlanCampaign) -> object:
        assert go_on.wait(60)
        return plan(asked)

    monkeypatch.setattr(bank, "plan_campaign", slow)
    app = make_app(bank, ServiceOptions(Limits(seconds=60, threads=4), is_open=True))
    with TestClient(app, raise_server_exceptions=False, base_url="http://127.0.0.1:8000") as client:
        token, runner = token_of(client.get("/campaigns").text), app.state.service.runner
        limits, runner._limits = runner._limits, Limits(seconds=0.2, threads=4)
        made = client.post("/v1/campaigns", json={"toml": CAMPAIGN})
        assert (made.status_code, made.json()) == (202, {"state": "planning"})
        assert made.headers["location"] == "/v1/campaigns"
        text = CAMPAIGN.replace("spring", "summer")
        there = client.post("/campaigns", data={"token": token, "toml": text}, follow_redirects=False)
        runner._limits = limits
        assert (there.status_code, there.headers["location"]) == (303, "/campaigns?begun=1")
        assert "is still being made" in words_of(client.get(there.headers["location"]).text)
        assert client.get("/v1/campaigns").json() == {"campaigns": []}
        go_on.set()
        until = time.monotonic() + 60
        while len(bank.campaigns()) < 2:
            assert time.monotonic() < until, "the plans are not made"
            time.sleep(0.05)
        assert {one.campaign for one in bank.campaigns()} == {"spring", "summer"}


@pytest.mark.parametrize(
    ("text", "status", "detail"),
    [
        ("name = 1", 422, "campaign.toml line 1: name"),
        ("no toml", 422, "campaign.toml line 1"),
        (CAMPAIGN.replace("control", 'exclude = "/etc/passwd"\ncontrol'), 422, "the file is read on the machine of"),
        (CAMPAIGN.replace("P02", "P99"), 404, "There is no such customer, product or entry"),
    ],
)
def test_a_text_that_cannot_be_used(client: TestClient, home: Home, text: str, status: int, detail: str) -> None:
    found = client.post("/v1/campaigns", json={"toml": text})
    assert (found.status_code, detail in found.json()["detail"]) == (status, True), found.text
    assert str(home.path) not in found.text
    assert client.get("/v1/campaigns").json() == {"campaigns": []}
    assert client.get("/v1/campaigns/spring").status_code == 404


@pytest.mark.slow
def test_an_adviser_reads_own_contacts_once_they_are_delivered(
    client: TestClient, bank: Bank, keys: Keys, tmp_path: Path
) -> None:
    client.post("/v1/campaigns", json={"toml": CAMPAIGN.replace("spring", "planned")})
    campaign(bank, tmp_path, record=True)
    _, text = keys.make("Ms A", "adviser", "A1")
    own = client.get("/v1/campaigns/spring/contacts?adviser=A2&k=100", headers=bearer(text)).json()["contacts"]
    assert own
    assert {one["adviser"] for one in own} == {"A1"}
    assert not any(one["user"][-1] == "3" for one in own)  # who moved since
    assert all(one["reasons"] and one["record"] for one in own)
    assert client.get("/v1/campaigns/planned/contacts", headers=bearer(text)).status_code == 404
    (known,) = client.get("/v1/campaigns", headers=bearer(text)).json()["campaigns"]
    assert (known["campaign"], known["contacts"]) == ("spring", len(own))
    shown = client.get("/campaigns/spring", headers=bearer(text)).text
    assert set(re.findall(r'href="/customers/(\w+)"', shown)) == {one["user"] for one in own[:25]}
    assert 'id="the-plan"' not in shown
    assert 'id="rates"' not in shown


@pytest.mark.slow
def test_the_page_plans_and_shows_what_came_of_it(
    client: TestClient, bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.base_url = "http://127.0.0.1:8000"  # type: ignore[assignment]
    token = token_of(client.get("/campaigns").text)
    wrong = client.post("/campaigns", data={"token": token, "toml": "name = 1"})
    assert (wrong.status_code, "campaign.toml line 1" in words_of(wrong.text)) == (422, True)
    planned = client.post("/campaigns", data={"token": token, "toml": CAMPAIGN.replace("spring", "autumn")})
    assert planned.url.path == "/campaigns/autumn"
    assert "Nobody was contacted yet" in words_of(planned.text)
    campaign(bank, tmp_path)
    taken = {one.user for one in bank.campaign_contacts(ListContacts("spring", k=1000)).contacts[::2]}
    monkeypatch.setattr("graphrec.app.campaigns.plans._took", lambda _, user, *__: user in taken)
    report = bank.report_campaign(ReportCampaign("spring"))
    text = client.get("/campaigns/spring?channel=mail").text
    rates = text[text.index('id="rates"') : text.index("</table>")]
    assert f"{report.accepted}</td>" in rates
    assert f"{100 * report.rate.value:.2f}%" in rates
    assert f"{100 * report.uplift:.2f} percentage points more" in words_of(text)
    assert "campaigns/spring?channel=mail&amp;skip=25#contacts" in text
