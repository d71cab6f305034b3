"""Questions over HTTP and on the page: one object, events, whose customers, forms."""

import html
import json
import re

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.ask.asking import Ask, ask
from graphrec.service.access.keys import Keys
from tests.service.conftest import bearer


def test_the_answer_is_that_of_the_library_as_one_object_or_as_events(client: TestClient, bank: Bank) -> None:
    body = {"question": "Which products fit best?", "user": "C003", "record": False}
    found = client.post("/v1/ask", json=body)
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    told = ask(bank, Ask(body["question"], "C003", record=False))  # type: ignore[arg-type]
    assert found.json() == json.loads(json.dumps(told.to_json()))
    streamed = client.post("/v1/ask", json=body, headers={"Accept": "text/event-stream"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", streamed.text)
    names = [name for name, _ in events]
    count = (len(told.evidence), len(told.sentences))
    assert names == ["intent", *["evidence"] * count[0], *["sentence"] * count[1], "answer"]
    assert json.loads(events[-1][1]) == found.json()


def test_only_the_named_customer_is_spoken_of(client: TestClient) -> None:
    for body, refused in (
        ({"question": "What does C005 hold?"}, "other_customer"),
        ({"question": "What does C005 hold?", "user": "C003"}, "other_customer"),
        ({"question": "What do I hold?"}, "no_customer"),
    ):
        found = client.post("/v1/ask", json={**body, "record": False}).json()
        assert found["refused"] == refused
        assert "C005" not in found["answer"]
    assert client.post("/v1/ask", json={"question": "x" * 1001}).status_code == 422
    assert client.post("/v1/ask", json={"question": "Why?", "sql": "x"}).status_code == 422
    missing = client.post("/v1/ask", json={"question": "Why P01?", "user": "nobody"})
    assert missing.json()["type"] == "urn:graphrec:problem:unknown-id"


def test_an_adviser_asks_about_own_customers_and_goes_on_with_own_questions(
    client: TestClient, bank: Bank, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "adviser_of", lambda user: "A1" if user == "C003" else None)
    first, second = (keys.make(name, "adviser", "A1")[1] for name in ("one", "two"))
    body = {"question": "Why is P01 recommended?", "user": "C003"}
    entry = client.post("/v1/ask", json=body, headers=bearer(first)).json()["record"]
    assert client.post("/v1/ask", json={**body, "user": "C004"}, headers=bearer(first)).status_code == 403
    follow = {"question": "Is it risky?", "user": "C003", "after": entry}
    assert client.post("/v1/ask", json=follow, headers=bearer(first)).json()["slots"]["products"] == ["P01"]
    assert client.post("/v1/ask", json=follow, headers=bearer(second)).status_code == 422


def test_the_page_answers_without_javascript(client: TestClient) -> None:
    browser = TestClient(client.app, base_url="http://127.0.0.1:8000")
    page = browser.get("/customers/C003").text
    token = re.findall(r'action="/customers/C003/ask">\s*<input type="hidden" name="token" value="([^"]+)"', page)[0]
    sent = {"token": token, "question": "Why is P01 recommended? <b>"}
    shown = browser.post("/customers/C003/ask", data=sent)
    assert shown.status_code == 200
    text = html.unescape(re.sub(r"<[^>]+>", " ", shown.text))
    assert "Fund 1 (P01)" in text
    assert "recommended? &lt;b&gt;" in shown.text
    after = re.findall(r'name="after" value="(\d+)"', shown.text)[0]
    again = browser.post("/customers/C003/ask", data={"token": token, "question": "Is it risky?", "after": after})
    assert "P01" in again.text
    assert browser.post("/customers/C003/ask", data={"question": "Why?"}).status_code == 403
    assert browser.post("/customers/C003/ask", data={"token": token, "question": " "}).status_code == 422
