"""The page in a real browser: widths, colours, accessibility, keyboard, with JavaScript and without."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from graphrec.app.bank import Bank
from graphrec.app.requests import AskStatement, Explain, Recommend
from graphrec.config.settings import Settings
from graphrec.home import Home
from graphrec.records.decision import events
from tests.served import copied
from tests.service.browser import AXE, browser
from tests.service.conftest import campaign, listening
from tests.service.test_page import POLICY
from tests.service.test_roles import RAISED

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1280, 390)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def bank(served_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    folder = tmp_path_factory.mktemp("browser") / "home"
    copied(served_home, folder)
    home = Home(folder)
    home.policy.write_text(POLICY, "utf-8")
    (folder / "statement.toml").write_text("", "utf-8")
    found = Bank(Settings(home=folder))
    campaign(found, folder.parent)
    product = found.recommend(Recommend("C003", 1)).answer.items[0].product
    assert found.statement(AskStatement("C003", product)).record == 3
    events(found.home, "alert", None, [("C003", {"did": "raised", **RAISED, "evidence": ["count('BOUGHT', 7) is 9"]})])
    return found


@pytest.fixture(scope="module")
def product(bank: Bank) -> str:
    """The best one for C003."""
    return bank.recommend(Recommend("C003", 1)).answer.items[0].product


@pytest.fixture(scope="module")
def address(bank: Bank, product: str) -> Iterator[str]:
    """The page, served on a port of its own."""
    with listening(bank) as found:
        yield found


@pytest.fixture(scope="module")
def opened() -> "Iterator[Browser]":
    with browser() as found:
        yield found


@pytest.fixture
def page(opened: "Browser", address: str) -> "Iterator[Page]":
    """A page of a wide window; what the browser complains of fails the test."""
    context = opened.new_context(viewport={"width": 1280, "height": 900}, base_url=address, locale="en")
    found = context.new_page()
    complaints: list[str] = []
    found.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    found.on("pageerror", lambda one: complaints.append(str(one)))
    yield found
    context.close()
    assert complaints == []


def paths(product: str) -> list[str]:
    return [
        "/", "/?q=Fund", "/customers/C003?product=P19", f"/customers/C003/products/{product}", f"/products/{product}",
        f"/products/{product}?audience=1", "/policy", "/records", "/records/1", "/models", "/monitor", "/campaigns",
        "/campaigns/spring", "/login", "/alerts", "/customers/C003/contests", "/customers/C003/loans",
        "/statements/3",
    ]  # fmt: skip


def test_every_page_fits_is_accessible_and_strict(page: "Page", product: str, address: str) -> None:
    """At both widths without a horizontal scroll bar; in light and dark without a finding of axe; all of it ours."""
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.add_init_script(
        "window.refused = []; "
        "document.addEventListener('securitypolicyviolation', event => refused.push(event.violatedDirective))"
    )
    axe = AXE.read_text("utf-8")
    for path in paths(product):
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.emulate_media(color_scheme="light")
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        # Evaluated by the driver, which the content policy of the page does not concern.
        page.evaluate(f"() => {{ for (const one of document.querySelectorAll('details')) one.open = true; {axe} }}")
        # What a colour scheme or a width can change is asked again for the other one.
        for width, scheme, rules in (
            (WIDTHS[0], "light", {"runOnly": RULES}),
            (WIDTHS[1], "dark", {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}}),
        ):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate("document.documentElement.scrollWidth") == width, (path, width)
            findings = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in findings] == [], (path, scheme)
        assert page.evaluate("refused") == [], path
    assert {url[: len(address) + 1] for url in asked} == {f"{address}/"}


def test_axe_finds_what_is_wrong(page: "Page") -> None:
    page.goto("/")
    page.evaluate("document.querySelector('label').remove(); document.querySelector('#q').placeholder = ''")
    page.evaluate(AXE.read_text("utf-8"))
    assert "label" in [one["id"] for one in page.evaluate("axe.run(document)")["violations"]]


def test_the_waterfall_and_the_json_agree_to_the_digit(page: "Page", bank: Bank, product: str, address: str) -> None:
    page.goto(f"/customers/C003/products/{product}")
    shown = page.locator("#waterfall tbody tr")
    rows = [(one.locator("th").inner_text(), Decimal(one.locator(".figure").inner_text())) for one in shown.all()]
    answer = page.request.get(f"/v1/users/C003/products/{product}/explanation?record=false").json()["items"][0]
    *parts, (_, score) = rows
    assert score == Decimal(f"{answer['score']:.4f}") == sum(value for _, value in parts)
    told = [one for one in answer["reasons"] if one["percent"] is not None][:8]
    assert parts[: len(told)] == [(one["text"], Decimal(f"{one['share']:.4f}")) for one in told]
    lines = [Decimal(one.inner_text()) for one in page.locator(".ledger .figure").all() if one.is_visible()]
    assert lines == [Decimal(f"{line['share']:.4f}") for line in answer["lines"]][: len(lines)]
    assert len(lines) == min(14, len(answer["lines"]))


def test_the_bars_begin_where_the_one_before_ends(page: "Page", product: str) -> None:
    page.goto("/customers/C003")
    for chart in page.locator("ul.reasons").all():
        ends = [0.0]
        for bar in chart.locator("svg rect:not(.track)").all():
            box: Any = bar.bounding_box()
            track: Any = bar.locator("xpath=preceding-sibling::*").bounding_box()
            assert abs(box["x"] - track["x"] - ends[-1]) <= 1.5
            ends.append(box["x"] - track["x"] + box["width"])
        assert abs(ends[-1] - track["width"]) <= 1.5


def test_a_choice_in_the_graph_opens_the_statement(page: "Page", bank: Bank, product: str) -> None:
    page.goto(f"/customers/C003/products/{product}")
    page.wait_for_selector("#ways[data-ready]")
    assert page.locator("#ways canvas").count() > 0
    lines = bank.explain(Explain("C003", product, record=False)).answer.items[0].lines
    graph = page.locator("#ways")
    graph.scroll_into_view_if_needed()
    box: Any = graph.bounding_box()
    at = graph.evaluate("place => place._cyreg.cy.edges()[0].renderedMidpoint()")
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    chosen = page.locator(".ledger .is-shown")
    number = int(str(chosen.get_attribute("id")).removeprefix("line-"))
    assert chosen.locator("pre").is_visible()
    assert chosen.locator("pre").inner_text().strip() == str(lines[number - 1].cypher).strip()


def test_a_search_answers_while_one_types(page: "Page") -> None:
    page.goto("/")
    page.keyboard.type("Fund 4")  # the field has the focus
    page.wait_for_selector('#found a[href="/products/P04"]')
    assert page.url.endswith("?q=Fund+4") or page.url.endswith("?q=Fund%204")
    page.goto("/customers/C003")
    page.fill("#product", "P19")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .verdict")
    assert "is refused" in page.locator("#answer").inner_text()
    assert page.url.endswith("/customers/C003")


def test_a_rule_is_changed_and_an_entry_is_replayed(page: "Page") -> None:
    page.goto("/policy")
    rule = page.locator(".rules > li", has_text="bonds")
    rule.locator("summary").click()
    rule.locator('button[name="without"]').click()
    page.wait_for_selector("#change .card")
    assert re.search(r"Customers who gain products\s+\d+", page.locator("#change").inner_text())
    page.goto("/records/1")
    page.locator("main form button").click()
    page.wait_for_selector("#replayed .good")
    page.goto("/records")
    page.locator("main .head button").click()
    page.wait_for_selector("#checked .good")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: "Page") -> None:
    page.goto("/customers/C003")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    wanted = page.locator("main a, main button, main summary, main input:not([type=hidden]), main select").count()
    reached = set()
    for _ in range(2 * wanted + 20):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "[[...document.querySelectorAll('main *')].indexOf(document.activeElement),"
            " getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML]"
        )
        if here[0] < 0:
            break
        assert here[1] != "none", here[2]
        reached.add(here[0])
    assert len(reached) >= page.evaluate(
        "[...document.querySelectorAll('main a, main button, main summary')].filter(e => e.checkVisibility()).length"
    )


def test_without_javascript_all_of_it_can_be_read(opened: "Browser", address: str, product: str) -> None:
    context = opened.new_context(java_script_enabled=False, base_url=address, locale="en")
    page = context.new_page()
    page.goto("/customers/C003")
    assert page.locator("ol.items > li").count() > 0
    page.fill("#product", "P19")
    page.locator("#product + button").click()
    assert "is refused" in page.locator("#answer").inner_text()
    page.goto(f"/customers/C003/products/{product}")
    assert page.locator("#waterfall tr").count() > 2
    assert not page.locator("#ways").is_visible()
    assert page.locator(".way").count() > 0
    page.goto("/policy")
    page.locator("summary").last.click()
    page.locator('button[name="without"]').last.click()
    assert page.locator("#change .card").is_visible()
    context.close()


def test_it_prints(page: "Page", product: str, tmp_path: Path) -> None:
    page.goto(f"/customers/C003/products/{product}")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("#waterfall").is_visible()
    assert page.pdf().startswith(b"%PDF")
