"""The paths: the answers of the command line, problems in one form, tags, limits, swaps."""

import json
import logging
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from starlette.testclient import TestClient

from graphrec.app.answers import refused_to_json
from graphrec.app.bank import Bank
from graphrec.app.requests import AskPortrait, Explain, Recommend, WhyNot
from graphrec.home import Home
from graphrec.service import application
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits, Rates
from graphrec.service.application import make_app
from graphrec.service.core import SLASH, ServiceOptions
from graphrec.service.direct import read
from tests.service.conftest import bearer


def test_the_answers_are_those_of_the_library(client: TestClient, bank: Bank) -> None:
    found = client.get("/v1/users/C003/recommendations", params={"k": 4, "record": False})
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    expected = json.loads(json.dumps(bank.recommend(Recommend("C003", 4, record=False)).answer.to_json()))
    assert found.json()["items"] == expected["items"]
    assert found.json()["record"] is None
    product = expected["items"][0]["product"]
    told = client.get(f"/v1/users/C003/products/{product}/explanation?record=false").json()
    explained = bank.explain(Explain("C003", product, record=False)).answer.to_json()
    assert told["items"] == json.loads(json.dumps(explained["items"]))
    refused = client.get(f"/v1/users/C003/products/{product}/why-not?record=false").json()
    found = bank.why_not(WhyNot("C003", product, record=False))
    assert refused == json.loads(json.dumps(refused_to_json(found, found.found)))
    assert (refused["notes"], refused["record"]) == (list(found.notes), None)
    assert client.get("/v1/search", params={"q": product}).json()["products"][0]["id"] == product


@pytest.mark.parametrize("role", ["compliance", "service"])
def test_a_list_without_lines_has_the_same_products_and_reasons(client: TestClient, keys: Keys, role: str) -> None:
    """Where a role sees no scores, per cents are in steps of ten: nobody has counted who stands behind lines."""
    _, key = keys.make("a channel", role)
    whole, short = (
        client.get("/v1/users/C003/recommendations", params={"k": 4, "lines": lines}, headers=bearer(key)).json()
        for lines in (True, False)
    )
    assert [one["product"] for one in short["items"]] == [one["product"] for one in whole["items"]]
    for one, other in zip(whole["items"], short["items"], strict=True):
        assert (bool(one["lines"]) or role == "service", other["lines"]) == (True, [])
        assert [said["text"] for said in one["reasons"]] == [said["text"] for said in other["reasons"]]
        per_cents = [said["percent"] for said in other["reasons"]]
        if role == "compliance":
            assert per_cents == [said["percent"] for said in one["reasons"]]
            assert other["score"] == other["rest"] == one["score"]
        else:
            assert all(percent % 10 == 0 for percent in per_cents)
    many = {"users": ["C003"], "k": 4, "lines": False, "record": False}
    found = client.post("/v1/recommendations", json=many, headers=bearer(key))
    assert role == "service" or found.json()["answers"][0]["items"] == short["items"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/users/C003/recommendations", "k=4&record=false", 200),
        ("/v1/users/C003/recommendations", "k=100&lines=false&language=de&record=false", 200),
        ("/v1/users/C003/recommendations", "k=0", 422),
        ("/v1/users/C003/recommendations", "k=101", 422),
        ("/v1/users/C003/recommendations", "k=3&k=4&record=false", 200),
        ("/v1/users/C003/recommendations", "k=%34&record=False&lines=yes", 200),
        ("/v1/users/C003/recommendations", "language=xx", 422),
        ("/v1/users/C003/recommendations", "language=EN", 422),
        ("/v1/users/C003/recommendations", "model=nothing", 409),
        ("/v1/users/C003/recommendations", "as_of=never", 422),
        ("/v1/users/no%2Fbody/recommendations", "", 404),
        ("/v1/users//recommendations", "", 404),
        (f"/v1/users/{'C' * 501}/recommendations", "", 422),
    ],
)
def test_what_is_read_without_fastapi_is_answered_as_by_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, query: str, status: int
) -> None:
    plain = client.get(f"{path}?{query}")
    again = client.get(f"{path}?{query}", headers={"If-None-Match": plain.headers.get("ETag", "")})
    monkeypatch.setattr(application, "read", lambda _: None)
    whole = client.get(f"{path}?{query}")
    assert (plain.status_code, plain.content, plain.headers) == (whole.status_code, whole.content, whole.headers)
    assert plain.status_code == status
    assert again.status_code == (304 if status == 200 else status)


def test_plain_requests_for_lists_are_read_without_fastapi() -> None:
    def scope(path: str, query: str = "", **changed: object) -> dict[str, object]:
        return {"method": "GET", "path": path, "query_string": query.encode(), "headers": [], **changed}

    path = f"/v1/users/a{SLASH}b/recommendations"
    tag = [(b"if-none-match", b'"x"')]
    assert read(scope(path, "k=10&lines=false", headers=tag)) == (
        "a/b", {"k": 10, "lines": False, "if_none_match": '"x"'}
    )  # fmt: skip
    assert read(scope(path)) == ("a/b", {})
    for query in ("k=0", "k=1&k=2", "k=%31", "lines=no", "as_of=2026-01-01", "else=1", "k"):
        assert read(scope(path, query)) is None
    assert read(scope(path, headers=tag * 2)) is None
    assert read(scope(path, method="POST")) is None
    assert read(scope(path, root_path="/bank")) is None
    assert read(scope("/v1/users/a/products/b/recommendations")) is None


def test_a_portrait_is_that_of_the_library(client: TestClient, bank: Bank, home: Home) -> None:
    (home.path / "portrait.toml").write_text("[[tag]]\nid = 'owner'\nwhen = \"count('BOUGHT', 36500) >= 1\"\n", "utf-8")
    found = client.get("/v1/users/C003/portrait")
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    assert found.json() == json.loads(msgspec.json.encode(bank.portrait(AskPortrait("C003"))))
    assert [tag["rule"] for tag in found.json()["tags"]] == ["count('BOUGHT', 36500) >= 1"]
    earlier = client.get("/v1/users/C003/portrait?as_of=1990-01-01").json()
    assert (earlier["tags"], earlier["numbers"]["holdings"]) == ([], 0)
    assert client.get("/v1/users/nobody/portrait").json()["type"] == "urn:graphrec:problem:unknown-id"
    browser = TestClient(client.app, base_url="http://127.0.0.1:8000")
    page = browser.get("/customers/C003").text
    assert "<b>owner</b>" in page
    assert f'<td class="num">{found.json()["numbers"]["BOUGHT_total"]:.0f}</td>' in page
    (home.path / "portrait.toml").write_text("[[tag]]\nid = 'owner'\nwhen = 'product.x > 1'\n", "utf-8")
    faulty = browser.get("/customers/C003")
    assert faulty.status_code == 200
    assert "tag owner of the portrait" in faulty.text


def test_answers_are_recorded_and_replay(client: TestClient, bank: Bank) -> None:
    number = client.get("/v1/users/C003/recommendations").json()["record"]
    entry = client.get(f"/v1/records/{number}").json()
    assert (entry["user"], entry["record"]) == ("C003", number)
    assert bank.replay(number).same
    assert client.post(f"/v1/records/{number}/replay").json()["same"] is True
    assert [one["record"] for one in client.get("/v1/records?user=C003").json()["entries"]] == [number]


def test_many_customers_at_once(client: TestClient) -> None:
    asked = {"users": ["C003", "nobody", "C001", "C003"], "k": 2, "record": False}
    found = client.post("/v1/recommendations", json=asked).json()
    assert [answer["user"] for answer in found["answers"]] == ["C003", "C001"]
    assert found["unknown"] == ["nobody"]
    alone = client.get("/v1/users/C001/recommendations?k=2&record=false").json()
    assert found["answers"][1] == alone


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/users/nobody/recommendations", 404, "unknown-id"),
        ("/v1/users/C003/products/nothing/explanation", 404, "unknown-id"),
        ("/v1/records/99", 404, "unknown-id"),
        ("/v1/users/C003/recommendations?k=0", 422, "bad-request"),
        ("/v1/users/C003/recommendations?k=many", 422, "bad-request"),
        ("/v1/users/C003/recommendations?as_of=soon", 422, "bad-request"),
        ("/v1/users/C003/recommendations?language=xx", 422, "bad-request"),
        ("/v1/users/C003/recommendations?model=sage", 409, "not-trained"),
        ("/v1/nothing", 404, "not-found"),
        ("/v1/recommendations", 405, "not-allowed"),
    ],
)
def test_failures_are_problems(client: TestClient, path: str, status: int, kind: str) -> None:
    found = client.get(path)
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
    assert (found.json()["type"], found.json()["status"]) == (f"urn:graphrec:problem:{kind}", status)
    assert "C0" not in found.json()["detail"]  # no other customer is named
    assert "/" not in found.json()["detail"].replace("graphrec access", "")  # and no file of the machine


def test_an_answer_that_is_still_right_is_not_sent_again(client: TestClient, bank: Bank, home: Home) -> None:
    first = client.get("/v1/users/C003/recommendations")
    tag = {"If-None-Match": first.headers["etag"]}
    again = client.get("/v1/users/C003/recommendations", headers=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert len(client.get("/v1/records").json()["entries"]) == 1  # what is not sent is not recorded
    assert client.get("/v1/users/C001/recommendations", headers=tag).status_code == 200
    assert client.get("/v1/users/C003/recommendations?k=3", headers=tag).status_code == 200
    home.policy.write_text('version = "2"\n', "utf-8")
    changed = client.get("/v1/users/C003/recommendations", headers=tag)
    assert changed.status_code == 200
    assert changed.json()["policy"]["version"] == "2"


@pytest.mark.slow
def test_the_next_day_has_another_tag(bank: Bank) -> None:
    """Windows of the policy count from the date of the answer."""
    tags = []
    for day in (date(2026, 1, 2), date(2026, 1, 2), date(2026, 1, 3)):
        dated = Bank(replace(bank.settings, today=day))
        with TestClient(make_app(dated, ServiceOptions(is_open=True)), raise_server_exceptions=False) as client:
            tags.append(client.get("/v1/users/C003/recommendations?record=false").headers["etag"])
    assert tags[0] == tags[1] != tags[2]


def test_an_id_may_hold_a_slash(client: TestClient) -> None:
    found = client.get(f"/v1/users/{quote('a/b c', safe='')}/recommendations")
    assert (found.status_code, found.json()["type"]) == (404, "urn:graphrec:problem:unknown-id")
    assert client.get("/v1/users/a/b/recommendations").json()["type"] == "urn:graphrec:problem:not-found"


def test_health_models_and_measures(client: TestClient, bank: Bank, home: Home) -> None:
    assert client.get("/v1/health/live").json() == {"status": "alive"}
    assert client.get("/v1/health/ready").json() == {"status": "ready"}
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["id"], model["state"]) == ("blend-final", "live")
    client.get("/v1/users/C003/recommendations?record=false")
    client.get("/v1/users/nobody/recommendations")
    measured = client.get("/metrics").text
    assert 'graphrec_requests_total{operation="recommendations",status="200"} 1.0' in measured
    assert 'graphrec_requests_total{operation="recommendations",status="404"} 1.0' in measured
    home.policy.unlink()
    assert client.get("/v1/health/ready").status_code == 409


def test_a_body_beyond_the_bound_is_refused(bank: Bank) -> None:
    options = ServiceOptions(Limits(body=1_000), is_open=True)
    with TestClient(make_app(bank, options), raise_server_exceptions=False) as client:
        users = [f"U{number}" for number in range(500)]
        found = client.post("/v1/recommendations", json={"users": users})
        assert (found.status_code, found.json()["type"]) == (413, "urn:graphrec:problem:too-large")


def test_a_full_queue_says_when_to_come_back(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    right = bank.recommend_seen
    monkeypatch.setattr(bank, "recommend_seen", lambda *asked: (gate.wait(60), right(*asked))[1])
    options = ServiceOptions(Limits(threads=1, queue=2), is_open=True)
    app = make_app(bank, options)
    with TestClient(app, raise_server_exceptions=False) as client:
        found: list[int] = []

        def ask() -> None:
            found.append(client.get("/v1/users/C003/recommendations?record=false").status_code)

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        deadline = time.monotonic() + 10
        while app.state.service.runner.waiting < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        last = client.get("/v1/users/C003/recommendations?record=false")
        assert last.status_code == 503
        assert (last.json()["type"], last.headers["retry-after"]) == ("urn:graphrec:problem:busy", "1")
        gate.set()
        for thread in asking:
            thread.join()
        assert found == [200, 200, 200]
        assert client.get("/v1/users/C003/recommendations?record=false").status_code == 200


def test_a_key_has_a_rate() -> None:
    now = [0.0]
    rates = Rates(2.0, lambda: now[0])
    assert [rates.wait("a") for _ in range(5)] == [0.0] * 4 + [0.5]
    assert rates.wait("b") == 0.0
    now[0] = 0.5
    assert rates.wait("a") == 0.0
    assert rates.wait("a") == 0.5


def test_too_many_requests_with_a_key(bank: Bank, keys: Keys) -> None:
    _, text = keys.make("app", "service")
    options = ServiceOptions(Limits(rate=1.0))
    with TestClient(make_app(bank, options), raise_server_exceptions=False) as client:
        answers = [client.get("/v1/users/C003/recommendations?record=false", headers=bearer(text)) for _ in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_every_access_is_logged_without_an_id(client: TestClient, home: Home) -> None:
    client.get("/v1/users/C003/recommendations?record=false")
    client.get("/v1/users/C003/recommendations?record=false")
    client.get("/v1/users/nobody/recommendations")
    (file,) = home.logs.glob("access-*.log")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == [200, 200, 404]
    assert lines[0]["user"] == lines[1]["user"] != lines[2]["user"]
    assert "C003" not in file.read_text("utf-8")
    assert "nobody" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_openapi_text_names_every_operation(client: TestClient) -> None:
    text = client.get("/openapi.json").json()
    assert text["openapi"].startswith("3.1")
    operations = {operation["operationId"] for path in text["paths"].values() for operation in path.values()}
    assert {"recommendations", "explanation", "why_not", "records", "live"} <= operations


def test_a_failure_inside_says_nothing_of_the_inside(client: TestClient, home: Home) -> None:
    for file in (home.models / "blend-final").iterdir():
        if file.suffix == ".json":
            file.write_text("{", "utf-8")
    found = client.get("/v1/users/C003/recommendations")
    assert found.status_code in (409, 503)
    assert str(home.path) not in found.text


def test_a_home_without_a_model_is_not_ready(tmp_path: Path) -> None:
    from graphrec.config.settings import Settings

    home = Home(tmp_path / "empty").prepare()
    with TestClient(make_app(Bank(Settings(home=home.path)), ServiceOptions(is_open=True))) as client:
        assert client.get("/v1/health/live").status_code == 200
        assert client.get("/v1/health/ready").json()["type"] == "urn:graphrec:problem:not-trained"


def test_the_log_says_what_failed_and_where_without_naming_a_customer(
    client: TestClient, bank: Bank, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_asked: object) -> None:
        raise KeyError("C003")

    monkeypatch.setattr(bank, "find", broken)
    with caplog.at_level(logging.ERROR, "graphrec.service"):
        monkeypatch.setattr(logging.getLogger("graphrec"), "propagate", True)
        answer = client.get("/v1/search", params={"q": "C003"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "C003" not in answer.text
    (line,) = {one.getMessage() for one in caplog.records if "a request failed" in one.getMessage()}
    assert line.startswith("a request failed: KeyError at test_paths.py:")
    assert " broken, from office.py:" in line
    assert "C003" not in line
