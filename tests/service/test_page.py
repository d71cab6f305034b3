"""The page as HTML: who gets in, what each page says, forms of other sites. In a browser: test_browser.py."""

import html
import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import numpy as np
import pytest
from starlette.testclient import TestClient

import graphrec.languages
from graphrec.app.bank import Bank
from graphrec.app.jobs import ChangeRule, ListRecord
from graphrec.app.lists import about
from graphrec.app.requests import AboutCustomer, AboutProduct, Audience, Explain, Find, Recommend
from graphrec.config.settings import Settings
from graphrec.errors import NoPolicy, PolicyError, UnknownId
from graphrec.home import Home
from graphrec.languages import LANGUAGES, language_of
from graphrec.schema import EXACT, GraphSchema, Roles, SeriesSchema
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.access.roles import ALLOWED, ON_PAGE, ROLES
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from graphrec.service.page.charts import waterfall
from graphrec.service.page.visit import local
from graphrec.serving.reasons.columns import named
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import Band
from tests.served import copied
from tests.service.conftest import CAMPAIGN, bearer, campaign

POLICY = """version = "7"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "open"
sentence = "its status is {product.status}"
require = "product.status == 'open'"
[[rule]]
id = "bonds"
sentence = "no {product.kind}s are offered"
require = "product.kind != 'bond'"
"""
PAGES = {
    "search": "/?q=Fund",
    "recommendations": "/customers/C003",
    "explanation": "/customers/C003/products/P00",
    "product": "/products/P00",
    "policy": "/policy",
    "records": "/records",
    "record": "/records/1",
    "models": "/models",
    "monitor": "/monitor",
    "alerts": "/alerts",
    "contests": "/customers/C003/contests",
    "loan_plans": "/customers/C003/loans",
    "campaigns": "/campaigns",
    "campaign_contacts": "/campaigns/spring",
}
POSTS = {
    "feedback": "/customers/C003/events",
    "what_if": "/policy",
    "verify_record": "/records",
    "replay_record": "/records/1",
    "plan_campaign": "/campaigns",
}


@pytest.fixture(scope="module")
def campaign_home(served_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose policy has rules, with a campaign that is delivered; tests get a copy."""
    folder = tmp_path_factory.mktemp("campaign")
    copied(served_home, folder / "home")
    home = Home(folder / "home")
    home.policy.write_text(POLICY, "utf-8")
    campaign(Bank(Settings(home=home.path)), folder)
    return home.path


@pytest.fixture
def home(campaign_home: Path, tmp_path: Path) -> Home:
    shutil.copytree(campaign_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def page(bank: Bank) -> TestClient:
    """The page of the owner of a home on this machine."""
    return TestClient(
        make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), base_url="http://127.0.0.1:8000"
    )


def token_of(text: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', text)
    assert found is not None
    return found[1]


def words_of(text: str) -> str:
    """What a page says, without markup."""
    without = re.sub(r"(?s)<(script|style|pre)\b.*?</\1>", "", text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


def best(bank: Bank, user: str = "C003") -> str:
    return bank.recommend(Recommend(user, 1, record=False)).answer.items[0].product


def test_every_page_is_there_and_strict(page: TestClient, bank: Bank) -> None:
    for operation, path in {**PAGES, "explanation": f"/customers/C003/products/{best(bank)}"}.items():
        found = page.get(path)
        assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8"), operation
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert found.headers["cache-control"] == "no-store"
        # Nothing that the policy would forbid, and nothing from another host.
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|https?://", found.text), operation
        assert re.findall(r"<script(?![^>]*\bsrc=)", found.text) == []


def test_the_waterfall_is_the_ledger_to_the_digit(page: TestClient, bank: Bank) -> None:
    product = best(bank)
    exact = bank.explain(Explain("C003", product, record=False)).answer.items[0]
    text = page.get(f"/customers/C003/products/{product}").text
    table = text[text.index('id="waterfall"') : text.index("</table>")]
    rows = [
        (html.unescape(name), Decimal(value), Decimal(total))
        for name, value, total in re.findall(
            r'<th scope="row">(.*?)</th><td class="num figure">([+-]?[\d.]+)</td><td class="num sum">([+-]?[\d.]+)<',
            table,
        )
    ]
    *parts, score = rows
    assert score[1] == Decimal(f"{exact.score:.4f}")
    assert sum(value for _, value, _ in parts) == score[1]
    running = Decimal()
    for _, value, total in parts:
        running += value
        assert total == running
    told = [one for one in exact.reasons if one.percent is not None][:8]
    assert [(name, value) for name, value, _ in parts[: len(told)]] == [
        (one.text, Decimal(f"{one.share:.4f}")) for one in told
    ]
    assert [float(one) for one in re.findall(r'data-share="([^"]+)"', text)] == [line.share for line in exact.lines]


def test_columns_are_called_as_people_call_them() -> None:
    schema = GraphSchema(Roles("Customer", "Product", ()), {}, {})
    english, german, chinese = (Sentences(schema, language_of(code)) for code in LANGUAGES)
    assert named(english, "user.liquid_assets_eur", 1200.0) == ("liquid assets", "1,200 EUR")
    assert named(german, "fee_percent", 0.5) == ("Kosten", "0,50 %")
    assert named(chinese, "horizon_years", 10) == ("投资期限", "10年")
    assert (named(english, "horizon_years", 1)[1], named(german, "term_months", 1)[1]) == ("1 year", "1 Monat")
    assert named(german, "risk_class", 3) == ("Risikoklasse", "3")
    assert named(english, "income_eur_month", 870) == ("income", "870 EUR a month")
    assert named(german, "user.spending_chf_year", 8700.0)[1] == "8.700 CHF im Jahr"
    assert named(english, "user.status", "open") == ("status", "open")


def test_figures_add_up_as_they_are_printed() -> None:
    found = waterfall([(str(n), 1 / 3) for n in range(3)], ("sum", 1.0), rounding="rounding", digits=2)
    assert [str(bar.value) for bar in found.bars] == ["0.33", "0.33", "0.33", "0.01", "1.00"]
    assert [bar.start + bar.width for bar in found.bars] == [330, 660, 990, 1000, 1000]
    below = waterfall([("for", 1.0), ("against", -3.0)], ("sum", -2.0), rounding="rounding", digits=0)
    assert [(bar.start, bar.width, bar.kind) for bar in below.bars] == [
        (667, 333, "for"), (0, 1000, "against"), (0, 667, "total"),
    ]  # fmt: skip
    assert below.zero == 667


def test_per_cents_of_a_list_add_up(page: TestClient) -> None:
    text = page.get("/customers/C003").text
    lists = re.findall(r'(?s)<ul class="reasons">(.*?)</ul>', text)
    assert lists
    for one in lists:
        assert sum(int(figure) for figure in re.findall(r'class="figure">(\d+)%', one)) == 100


def test_the_graph_has_the_ways_of_the_cypher(page: TestClient, bank: Bank) -> None:
    product = best(bank)
    lines = bank.explain(Explain("C003", product, record=False)).answer.items[0].lines
    text = page.get(f"/customers/C003/products/{product}").text
    found = json.loads(html.unescape(re.search(r'data-graph="([^"]+)"', text)[1]))  # type: ignore[index]
    walked = {edge["line"] for edge in found["edges"]}
    assert walked <= {number for number, line in enumerate(lines, 1) if line.cypher}
    ids = {node["id"] for node in found["nodes"]}
    assert all(edge["source"] in ids and edge["target"] in ids for edge in found["edges"])
    for number in walked:
        assert html.escape(str(lines[number - 1].cypher), quote=False).replace("'", "&#39;") in text.replace('"', '"')


@pytest.mark.slow
@pytest.mark.parametrize("code", LANGUAGES)
def test_no_english_leaks(page: TestClient, bank: Bank, home: Home, tmp_path: Path, code: str) -> None:
    english = language_of("en")
    mine = language_of(code)
    said = [
        text
        for key, text in english.texts.items()
        if key.startswith("page.") and len(text) > 6 and "{" not in text and mine.texts[key] != text
    ]
    home.policy.write_text('version = "7"\n', "utf-8")
    product = best(bank)
    campaign(bank, tmp_path, "mine", language=code)
    pages = {**PAGES, "campaign_contacts": "/campaigns/mine"}
    for path in (*pages.values(), f"/customers/C003/products/{product}", "/customers/C003?product=P01", "/login"):
        page.get("/language", params={"to": code, "back": "/"})
        text = page.get(path).text
        assert f'<html lang="{code}">' in text
        shown = words_of(text)
        if code != "en":
            assert [one for one in said if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", shown)] == [], path
    assert mine.texts["page.whom"] in page.get("/").text


def test_a_browser_chooses_the_language_at_first(page: TestClient) -> None:
    assert '<html lang="de">' in page.get("/", headers={"accept-language": "fr, de-AT;q=0.9, en;q=0.8"}).text
    gone = page.get("/language?to=zh&back=//evil.example", follow_redirects=False)
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
    assert '<html lang="zh">' in page.get("/", headers={"accept-language": "de"}).text


def test_a_language_of_the_bank_is_offered(page: TestClient, home: Home, client: TestClient) -> None:
    home.languages.mkdir()
    whole = (Path(graphrec.languages.__file__).parent / "en.toml").read_text("utf-8")
    own = whole.replace('"English"', '"Latina"').replace('"Who is it about?"', '"De quo agitur?"')
    (home.languages / "la.toml").write_text(own, "utf-8")
    (home.languages / "xx.toml").write_text("language = 7", "utf-8")  # cannot be used: not offered
    page.get("/language?to=la&back=/")
    text = page.get("/").text
    assert '<html lang="la">' in text
    assert "De quo agitur?" in text
    assert re.findall(r'hreflang="(\w+)"', text) == ["en", "de", "zh", "la"]
    assert client.get("/v1/users/C003/recommendations?language=la").status_code == 200
    assert client.get("/v1/users/C003/recommendations?language=xx").status_code == 503


def test_addresses_of_other_sites_are_not_gone_to() -> None:
    assert [local(one) for one in ("/a?b", "//evil", "/\\evil", "https://evil", "", None)] == ["/a?b", *["/"] * 5]


def test_search_finds_what_may_be_found(
    page: TestClient, bank: Bank, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'href="/customers/C003"' in page.get("/?q=C003").text
    assert 'href="/products/P04"' in page.get("/?q=Fund 4").text
    assert "Nothing was found" in page.get("/?q=zzzz").text
    _, text = keys.make("page", "analyst")
    shown = page.get("/?q=C003", headers=bearer(text)).text
    assert "/customers/C003" not in shown
    assert 'href="/products/P04"' in page.get("/?q=Fund 4", headers=bearer(text)).text


def test_ids_are_encoded(page: TestClient) -> None:
    found = page.get(f"/products/{quote('a/b <c>', safe='')}")
    assert found.status_code == 404
    assert "<c>" not in found.text
    text = page.get("/", params={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in text


def test_why_not(page: TestClient, bank: Bank) -> None:
    text = words_of(page.get("/customers/C003?product=P19").text)
    assert "Fund 19 is refused: its status is closed" in text
    assert "no bonds are offered" in text
    listed = words_of(page.get(f"/customers/C003?product={best(bank)}").text)
    assert "is in the list: rank 1." in listed
    assert "There is no product P99." in words_of(page.get("/customers/C003?product=P99").text)


def test_why_not_by_name_and_as_a_part_of_the_page(page: TestClient, bank: Bank) -> None:
    assert "Fund 19 is refused" in words_of(page.get("/customers/C003", params={"product": "fund 19"}).text)
    several = page.get("/customers/C003", params={"product": "fund"}).text
    assert "Which one of these?" in several
    assert 'href="/customers/C003?product=P04#answer"' in several
    entries = len(bank.record_list(ListRecord("C003", 100)))
    part = page.get("/customers/C003?product=P19", headers={"hx-request": "true"}).text
    assert part.startswith('<div id="answer"')
    assert "Fund 19 is refused: its status is closed" in words_of(part)
    # The answer alone is recorded: no list is made beside it.
    assert [one.command for one in bank.record_list(ListRecord("C003", 100))[entries:]] == ["why-not"]
    assert page.get("/customers/nobody?product=fund 19").status_code == 404


def test_a_list_on_the_page_is_recorded(page: TestClient, bank: Bank) -> None:
    page.get("/customers/C003")
    assert bank.record_entry(1).entry["user"] == "C003"
    text = words_of(page.get("/records/1").text)
    assert "Entry 1" in text
    assert "· list" in text
    token = token_of(page.get("/records/1").text)
    assert "The same bytes as recorded." in page.post("/records/1", data={"token": token}).text
    assert "All is as it was written: 1 entries" in page.post("/records", data={"token": token}).text


def test_a_form_of_another_site_is_refused(page: TestClient) -> None:
    page.get("/customers/C003")
    token = token_of(page.get("/records/1").text)
    for sent, headers in (
        ({}, {}),
        ({"token": "0" * 64}, {}),
        ({"token": token}, {"origin": "https://evil.example"}),
        ({"token": token}, {"sec-fetch-site": "cross-site"}),
    ):
        assert page.post("/records/1", data=sent, headers=headers).status_code == 403, (sent, headers)
    assert (
        page.post("/records/1", data={"token": token}, headers={"origin": "http://127.0.0.1:8000"}).status_code == 200
    )
    page.cookies.delete("graphrec_browser")
    assert page.post("/records/1", data={"token": token}).status_code == 403


def test_signing_in(page: TestClient, keys: Keys) -> None:
    key, text = keys.make("Ms A", EXACT)
    away = page.get("/customers/C003", follow_redirects=False)
    assert (away.status_code, away.headers["location"]) == (303, "/login?next=%2Fcustomers%2FC003")
    assert page.get("/", headers={"hx-request": "true"}).headers["hx-redirect"] == "/login?next=%2F"
    form = page.get("/login?next=/customers/C003")
    sent = {"token": token_of(form.text), "next": "/customers/C003", "key": "grk_no_key"}
    wrong = page.post("/login", data=sent)
    assert (wrong.status_code, "This key opens nothing." in wrong.text) == (403, True)
    entered = page.post("/login", data={**sent, "key": f" {text} "}, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/customers/C003")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert text not in cookie
    assert "C003" in page.get("/customers/C003").text
    # A session opens the page alone: the API takes keys.
    assert page.get("/v1/users/C003/recommendations").status_code == 401
    spoiled = page.cookies["graphrec_session"]
    other, _ = keys.make("Mr B", EXACT)
    keys.revoke(key.id)
    assert page.get("/", follow_redirects=False).status_code == 303
    page.cookies.set("graphrec_session", spoiled.replace(key.id, other.id))
    assert page.get("/", follow_redirects=False).status_code == 303


def test_signing_out(page: TestClient, keys: Keys) -> None:
    _, text = keys.make("Ms A", EXACT)
    token = token_of(page.get("/login").text)
    page.post("/login", data={"token": token, "next": "/", "key": text})
    page.post("/logout", data={"token": token_of(page.get("/").text)})
    assert page.get("/", follow_redirects=False).status_code == 303


def test_another_name_of_this_machine_opens_nothing(bank: Bank) -> None:
    app = make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True))
    assert TestClient(app, base_url="http://localhost:8000").get("/", follow_redirects=False).status_code == 200
    assert TestClient(app, base_url="http://evil.example:8000").get("/", follow_redirects=False).status_code == 303


@pytest.mark.slow
@pytest.mark.parametrize("operation", sorted({**PAGES, **POSTS}))
def test_a_role_is_let_in_where_the_tables_say_so(
    page: TestClient, keys: Keys, bank: Bank, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    page.get("/customers/C003")  # entry 1
    monkeypatch.setattr(bank, "adviser_of", lambda user: "A1" if user == "C003" else None)
    allowed = (ALLOWED | ON_PAGE)[operation]
    for role in ROLES:
        _, text = keys.make(role, role, "A1" if role == "adviser" else None)
        headers = bearer(text)
        if operation in PAGES:
            status = page.get(PAGES[operation], headers=headers).status_code
        else:
            page.get("/login", headers=headers)
            sent = {"token": token_of(page.get("/login", headers=headers).text), "rule": "bonds", "without": "1"}
            sent |= {"product": "P01", "said": "accepted", "event": role}
            sent["toml"] = CAMPAIGN.replace("spring", f"by-{role}")
            status = page.post(POSTS[operation], data=sent, headers=headers).status_code
        assert status == (200 if role in allowed else 403), role


def test_an_adviser_sees_own_customers_alone_and_no_exact_number(
    page: TestClient, keys: Keys, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank, "adviser_of", {"C003": "A1", "C001": "A2"}.get)
    _, text = keys.make("Ms A", "adviser", "A1")
    headers, product = bearer(text), best(bank)
    own = np.array([user == "C003" for user in bank.opened.engine(bank.home, None, bank.now()).users.ids])
    monkeypatch.setattr("graphrec.app.lists.serve._of_adviser", lambda *_: own)
    # The first page has the own customers, before anything is sought.
    first = page.get("/", headers=headers).text
    assert re.findall(r'href="/customers/(\w+)"', first) == ["C003"]
    assert "Nothing was found" not in first
    assert page.get("/customers/C001", headers=headers).status_code == 403
    assert page.get(f"/customers/C001/products/{product}", headers=headers).status_code == 403
    exact = bank.explain(Explain("C003", product, record=False)).answer.items[0]
    shown = page.get(f"/customers/C003/products/{product}", headers=headers).text
    assert f"{exact.score:.4f}" not in shown
    assert "data-share" not in shown
    assert "100%" in shown
    assert page.get("/records/1", headers=headers).status_code == 200
    assert "&#34;score&#34;" not in page.get("/records/1", headers=headers).text


def test_what_is_known_of_a_customer(bank: Bank, page: TestClient) -> None:
    found = bank.about_customer(AboutCustomer("C003"))
    engine = bank.opened.engine(bank.home, None, bank.now())
    user = engine.users.ids.find("C003")
    bought = engine.snapshot.edges("BOUGHT")
    span = slice(int(bought.indptr[user]), int(bought.indptr[user + 1]))
    held = {engine.products.ids[int(one)] for one in bought.indices[span]}
    assert {one.product for one in found.events if one.is_holding} == held
    assert sum(one.times for one in found.events if one.is_holding) == span.stop - span.start
    assert {one.type for one in found.events if not one.is_holding} == {"VIEWED"}
    assert [(one.name, one.value) for one in found.facts] == [("AgeBand", "18-34")]  # no personal column
    # What is refused is not held, and would be ahead of others.
    assert found.refused
    for one in found.refused:
        assert one.product not in held
        assert {why.rule for why in one.why} <= {"open", "bonds"}
    with pytest.raises(UnknownId, match="no user 'C999'"):
        bank.about_customer(AboutCustomer("C999"))


def test_who_holds_a_product(bank: Bank, page: TestClient) -> None:
    engine = bank.opened.engine(bank.home, None, bank.now())
    bought = engine.snapshot.edges("BOUGHT")
    product = engine.products.ids.find("P00")
    holders = {
        user
        for user in range(len(engine.users))
        if product in bought.indices[int(bought.indptr[user]) : int(bought.indptr[user + 1])]
    }
    found = bank.about_product(AboutProduct("P00"))
    assert (found.holders, found.of, found.min_group) == (len(holders), 60, 3)
    (bands,) = found.segments
    assert bands.name == "AgeBand"
    assert sum(group.people for group in bands.groups if isinstance(group.people, int)) == len(holders)
    assert all(isinstance(group.people, int) and group.people >= 3 for group in bands.groups)
    assert "P00" not in {one.product for one in found.similar}
    first = engine.products.ids.find(found.similar[0].product)
    both = sum(first in bought.indices[int(bought.indptr[u]) : int(bought.indptr[u + 1])] for u in holders)
    assert found.similar[0].percent == round(100 * both / len(holders))
    seen = bank.about_product(AboutProduct("P00", "adviser"))
    assert isinstance(seen.holders, Band)
    assert all(isinstance(group.people, Band) and group.people.low >= 3 for group in seen.segments[0].groups)
    assert all(one.percent % 10 == 0 for one in seen.similar)
    assert 'href="/products/' in page.get("/products/P00").text


def test_a_changed_rule_says_who_gains_and_loses(bank: Bank, page: TestClient) -> None:
    found = bank.change_rule(ChangeRule("bonds", None))
    assert found.newly_refused == 0
    assert sum(one.gained for one in found.by_product) == found.newly_allowed > 0
    engine = bank.opened.engine(bank.home, None, bank.now())
    kinds = engine.products.column("kind")
    for one in found.by_product:
        assert kinds.get(engine.products.ids.find(one.product)) == "bond"
    turned = bank.change_rule(ChangeRule("bonds", "product.kind == 'bond'"))
    assert turned.users_newly_refused > 0
    assert turned.newly_refused == sum(one.lost for one in turned.by_product)
    assert all(kinds.get(engine.products.ids.find(product)) == "fund" for _, product in turned.refused_examples)
    with pytest.raises(UnknownId, match="the policy has no rule 'none'; it has held, open, bonds"):
        bank.change_rule(ChangeRule("none", None))
    with pytest.raises(PolicyError):
        bank.change_rule(ChangeRule("bonds", "product.colour == 'red'"))
    token = token_of(page.get("/policy").text)
    text = words_of(page.post("/policy", data={"token": token, "rule": "bonds", "without": "1"}).text)
    assert f"Customers who gain products {found.users_newly_allowed}" in text
    wrong = page.post("/policy", data={"token": token, "rule": "bonds", "require": "product.colour == 'red'"}).text
    assert "colour" in words_of(wrong[wrong.index('role="alert"') :])
    assert bank.home.policy.read_text("utf-8") == POLICY


def test_without_a_policy_nothing_can_be_changed(bank: Bank, home: Home) -> None:
    home.policy.unlink()
    with pytest.raises(NoPolicy, match="there is no policy whose rule could change"):
        bank.change_rule(ChangeRule("held", None))


def test_an_adviser_finds_nobody_where_the_mapping_names_no_column(bank: Bank) -> None:
    assert bank.find(Find("C003", adviser="A1", users=False)).users == ()


def test_what_a_customer_said_counts_once_and_at_once(page: TestClient, bank: Bank) -> None:
    text = page.get("/customers/C003").text
    sent = {"token": token_of(text), "product": "P04", "said": "rejected", "reason": "too_risky", "event": "e1"}
    sent["event"] = re.findall(r'name="event" value="(\w+)"', text)[0]
    for _ in range(2):
        noted = page.post("/customers/C003/events", data=sent)
        assert "Noted: P04 was declined." in words_of(noted.text)
    (event,) = [stored.event for stored in bank.events.log.of_user("C003", 0)]
    assert (event.type, event.product, event.reason) == ("rejected", "P04", "too_risky")
    served = bank.recommend(Recommend("C003", record=False)).answer
    assert served.last_event is not None
    assert page.post("/customers/C003/events", data={**sent, "said": "stolen"}).status_code == 422
    assert page.post("/customers/C003/events", data={**sent, "product": "P99"}).status_code in (404, 422)


def test_an_admin_promotes_a_model_and_goes_back(page: TestClient, bank: Bank, keys: Keys) -> None:
    _, text = keys.make("root", "admin")
    headers = bearer(text)
    shown = page.get("/models", headers=headers).text
    live = next(one.id for one in bank.models() if one.state == "live")
    sent = {"token": token_of(shown), "model": live}
    page.post("/models/promote", data=sent, headers=headers)
    assert [one.action for one in bank.switches()] == ["promote"]
    assert "Promoted" in words_of(page.get("/models", headers=headers).text)
    assert page.post("/models/promote", data={**sent, "model": "none"}, headers=headers).status_code == 404


def test_prices_of_a_product(page: TestClient, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bank.about_product(AboutProduct("P00")).courses == ()  # this bank has none
    values = {"price_close_last": 104.5, "price_close_change_30d": -0.021, "price_close_change_365d": None,
              "price_close_volatility": 0.18, "price_close_drawdown": 0.3}  # fmt: skip
    schema = SimpleNamespace(series={"price": SeriesSchema("price", "Product", ("close", "volume"))})
    nodes = SimpleNamespace(columns=[*values], column=lambda name: SimpleNamespace(get=lambda _: values[name]))
    engine = SimpleNamespace(schema=schema, roles=SimpleNamespace(product="Product"), products=nodes)
    (course,) = about._courses(cast("Any", engine), 0)
    assert course == about.Course("close", 104.5, -0.021, None, 0.18, 0.3)
    monkeypatch.setattr(about, "_courses", lambda *_: iter([course]))
    shown = words_of(page.get("/products/P00").text)
    assert "Prices Last 104.50 Change in 30 days -2.1% Volatility a year 18.0% Greatest fall 30.0%" in shown


def test_the_audience_of_a_product(page: TestClient, bank: Bank, keys: Keys) -> None:
    text = page.get("/products/P00?audience=1").text
    shown = text[text.index('id="audience"') :]
    found = bank.audience(Audience("P00", 10, record=False))
    assert re.findall(r'href="/customers/(\w+)"', shown) == [one.user for one in found.users]
    assert f"{found.eligible} of 60 customers may be shown it" in words_of(shown)
    _, key = keys.make("desk", "analyst")
    seen = page.get("/products/P00?audience=1", headers=bearer(key)).text
    assert "/customers/" not in seen


def test_a_date_without_a_model_is_said(page: TestClient) -> None:
    found = page.get("/customers/C003?as_of=2024-06-01")
    assert found.status_code == 200
    assert "There is no model as of 1 June 2024" in words_of(found.text)


def test_the_page_of_the_docs_has_the_table(root: Path) -> None:
    text = (root / "docs" / "page.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|$", text, re.MULTILINE))
    assert rows == {name: ", ".join(role for role in ROLES if role in open_to) for name, open_to in ON_PAGE.items()}
