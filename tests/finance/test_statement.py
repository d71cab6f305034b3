"""Statements: every figure and name is the value of a field of the record; what must be there is, or it is refused."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.finance.classes import open_offers
from graphrec.app.jobs import AskExposure, InitFile
from graphrec.app.lists.about import dealt
from graphrec.app.recording import engine_of
from graphrec.app.requests import AboutCustomer, AskStatement, Decide, Explain, ReadStatement, Recommend, WhyNot
from graphrec.app.results import OpenOffer
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import NotSuitable, UnknownId, UsageError
from graphrec.finance.statement.file import LOSSES, read_statement
from graphrec.finance.statement.statement import ELEMENTS, REQUIRED, Element
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.rows import node_fields
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.policy.facts import NO_OCCASION, Occasion
from graphrec.records.read import entries
from graphrec.schema import Column, GraphSchema
from graphrec.terms.forms.blend import Blend
from tests.banks import SCHEMA, small_bank
from tests.served import random_factors, write_model

TODAY = date(2026, 1, 2)
CUSTOMERS = {
    "goal": "text", "horizon_years": "integer", "attitude": "integer", "loss_class": "integer", "wealth_eur": "real",
    "income_band": "text", "knowledge": "text", "esg": "text", "assessed_on": "text",
}  # fmt: skip
PRODUCTS = {"risk_class": "integer", "fee_percent": "real", "entry_percent": "real", "exit_percent": "real",
            "binds_years": "integer", "esg_share": "real", "clients": "text", "not_for": "text",
            "own_brand": "boolean", "paid_percent": "real"}  # fmt: skip
FILE = """version = "7"
regimes = ["fca_suitability_v1", "mifid_54_12", "idd_20", "cn_7_2025"]
objectives = ["goal"]
term = "horizon_years"
risk_attitude = "attitude"
capacity_for_loss = "loss_class"
capacity_of = "wealth_eur"
capacity_share = 0.2
financial_situation = ["income_band", "wealth_eur"]
knowledge = ["knowledge"]
sustainability = ["esg"]
assessed_on = "assessed_on"
product_term = "binds_years"
product_sustainability = ["esg_share"]
own_brand = "own_brand"
inducement = "paid_percent"
[[cost]]
column = "fee_percent"
[[cost]]
column = "entry_percent"
each = "once"
[[cost]]
column = "exit_percent"
each = "exit"
"""
POLICY = """version = "3"
[target_market.positive]
clients = "knowledge"
[target_market.negative]
not_for = "income_band"
[[rule]]
id = "disclosed"
severity = "warn"
sentence = "the bank makes it, or is paid {product.paid_percent}% a year for it"
require = "not product.own_brand and product.paid_percent == 0"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "risk"
sentence = "its risk class {product.risk_class} is above {user.attitude}"
require = "product.risk_class <= user.attitude"
[[rule]]
id = "large"
severity = "review"
sentence = "an amount above 4000 wants approval"
require = "amount <= 4000"
missing = "allow"
"""
FIGURE = re.compile(r"\d[\d.,\u202f\u00a0]*\d|\d")


def schema() -> GraphSchema:
    def of(kinds: dict[str, str]) -> tuple[Column, ...]:
        return tuple(Column(name, kind) for name, kind in sorted(kinds.items()))  # type: ignore[arg-type]

    customer, product = SCHEMA.nodes["Customer"], SCHEMA.nodes["Product"]
    columns = tuple(sorted((*product.columns, *of(PRODUCTS)), key=lambda one: one.name))
    nodes = {
        **SCHEMA.nodes,
        "Customer": replace(customer, columns=(*of(CUSTOMERS), *customer.columns)),
        "Product": replace(product, columns=columns, show={"kind": "kind", "risk": "risk_class", "fee": "fee_percent"}),
    }
    return GraphSchema(SCHEMA.roles, nodes, SCHEMA.edges, reasons=SCHEMA.reasons)


def tables() -> tuple[dict[str, list[dict[str, Any]]], dict[str, pa.Table]]:
    """Rows of nodes with what a statement wants; C000 lacks a goal, C001 was asked long ago."""
    nodes, edges = small_bank(4, 60, 20)
    rng, rows = np.random.default_rng(8), {label: table.to_pylist() for label, table in nodes.items()}
    for n, row in enumerate(rows["Customer"]):
        row |= {
            "goal": None if n == 0 else ("a house", "old age", "the children")[n % 3],
            "horizon_years": int(rng.integers(6, 30)), "attitude": int(rng.integers(3, 7)),
            "loss_class": int(rng.integers(4, 7)), "wealth_eur": float(rng.integers(50_000, 400_000)) + 0.5,
            "income_band": ("low", "middle", "high")[n % 3], "knowledge": ("basic", "good")[n % 2],
            "esg": ("none", "some", "much")[n % 3], "assessed_on": "2024-03-01" if n == 1 else f"2025-0{1 + n % 9}-15",
        }  # fmt: skip
    for n, row in enumerate(rows["Product"]):
        row |= {"risk_class": 1 + n % 4, "fee_percent": round(0.15 + 0.07 * n, 2), "entry_percent": 0.5 * (n % 4),
                "exit_percent": 0.25, "binds_years": n % 5, "esg_share": 12.5 * (n % 5),
                "clients": ("basic;good", "good", None)[n % 3], "not_for": (None, "low|middle")[n % 2],
                "own_brand": (True, False, None)[n % 3], "paid_percent": (0.0, 0.35, None)[n % 3]}  # fmt: skip
    return rows, edges


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model, a policy and a statement's file."""
    home = Home(tmp_path_factory.mktemp("advised")).prepare()
    rows, edges = tables()
    made = schema()
    nodes = {label: pa.Table.from_pylist(one, node_fields(made.nodes[label].columns)) for label, one in rows.items()}
    snapshot = SnapshotShelf(home.snapshots).add(lambda folder: write_snapshot(folder, made, nodes, edges))
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    home.policy.write_text(POLICY, "utf-8")
    (home.path / "statement.toml").write_text(FILE, "utf-8")
    return home.path


@pytest.fixture
def bank(advised: Path) -> Bank:
    return Bank(Settings(home=advised, today=TODAY))


def listed(bank: Bank, count: int, k: int = 4) -> Iterator[tuple[str, str]]:
    """Customers with the products of their lists; not the two of whom something is wrong."""
    for n in range(2, 2 + count):
        for item in bank.recommend(Recommend(f"C{n:03}", k, record=False)).answer.items:
            yield f"C{n:03}", item.product


def at(basis: Any, path: str) -> Any:
    """What a JSON pointer leads to."""
    for part in path.split("/")[1:]:
        basis = basis[int(part)] if isinstance(basis, list) else basis[part.replace("~1", "/").replace("~0", "~")]
    return basis


def spellings(value: Any, language: str) -> set[str]:
    """How a value may stand in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = str(value)
        found = {text, *FIGURE.findall(text)}
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            found |= {str(day.year), str(day.month), str(day.day)}
        return found
    plain = {f"{value:,.{digits}f}" for digits in range(7) if round(value, digits) == round(value, 7)}
    return {one.translate(str.maketrans(",.", ".,")) for one in plain} if language == "de" else plain


def untraced(element: Element, basis: Any, language: str, names: set[str]) -> list[str]:
    """The figures and names of products in a text that no field of the recorded basis has."""
    assert all(at(basis, path) == value for path, value in element.fields.items())
    told = {one for value in element.fields.values() for one in spellings(value, language)}
    gone = [figure for figure in FIGURE.findall(element.text) if figure not in told]
    said = [name for name in names if re.search(rf"{name}(?!\d)", element.text)]
    return gone + [name for name in said if not any(name in str(value) for value in element.fields.values())]


@pytest.mark.slow
def test_every_figure_and_name_is_a_field_of_the_record(bank: Bank, advised: Path) -> None:
    rows, _ = tables()
    source = {row["id"]: row for label in ("Customer", "Product") for row in rows[label]}
    names = {row["name"] for row in rows["Product"]}
    languages, amounts, made = ("en", "de", "zh"), (None, 2500.0, 4000.0), {}
    for n, (user, product) in enumerate(listed(bank, 51)):
        handed = bank.statement(AskStatement(user, product, amounts[n % 3], language=languages[n % 3]))
        made[handed.record] = (handed.statement, amounts[n % 3])
    assert len(made) >= 200
    for entry in entries(bank.home.records):
        if entry.number not in made:
            continue
        found, amount = made.pop(entry.number)
        recorded, user, product, language = entry.entry["event"], found.user, found.product, found.language
        assert found.refused is None, found.refused
        assert list(found.elements) == list(ELEMENTS)
        assert not any(element.missing for element in found.elements.values())
        for name, element in found.elements.items():
            assert recorded["statement"]["elements"][name]["text"] == element.text
            assert untraced(element, recorded["basis"], language, names) == [], (name, element.text)
        basis = recorded["basis"]
        # The basis itself is what the bank's rows say.
        for columns in basis["customer"].values():
            assert all(source[user][column] == value for column, value in columns.items())
        for columns in basis["offered"].values():
            assert all(source[product][column] == value for column, value in columns.items())
        assert [cost["percent"] for cost in basis["costs"]] == [source[product][c] for c in list(PRODUCTS)[1:4]]
        assert basis["bound"] == min(source[user]["attitude"], source[user]["loss_class"]) >= basis["risk"]
        of = 1000.0 if amount is None else amount
        assert basis["year_money"] == round(
            of * (source[product]["fee_percent"] + source[product]["entry_percent"]) / 100, 2
        )
    assert not made


def test_reasons_and_alternatives_are_those_of_the_list(bank: Bank) -> None:
    user, product = next(listed(bank, 1))
    handed = bank.statement(AskStatement(user, product, 1000.0))
    explained = bank.explain(Explain(user, product, voice="customer", record=False))
    seen = bank.seen(explained, "customer").answer.items[0].reasons
    reasons = [one for one in seen if one.kind not in ("concentration", "other")]
    assert [(one.text, one.percent) for one in handed.basis.reasons] == [(one.text, one.percent) for one in reasons]
    ranks = [item.product for item in bank.recommend(Recommend(user, 10, record=False)).answer.items]
    assert [one.product for one in handed.basis.alternatives] == [one for one in ranks if one != product][:3]
    assert not any(one.is_ahead for one in handed.basis.alternatives)
    last = bank.statement(AskStatement(user, ranks[3], record=False))
    assert [one.is_ahead for one in last.basis.alternatives] == [True, True, True]
    others = (bank.statement(AskStatement(*pair, record=False)) for pair in listed(bank, 20, 1))
    one = next(one for one in others if one.basis.refused is not None and one.basis.refused.rule == "risk")
    assert one.basis.refused is not None
    refusing = bank.why_not(WhyNot(one.basis.user, one.basis.refused.product, record=False)).found.refused
    assert one.basis.refused.sentence == next(rule.sentence for rule in refusing if rule.rule == "risk")
    assert f"{one.basis.refused.name} would fit and is refused: its risk class 4 is above 3." in (
        one.statement.elements["alternatives_considered"].text
    )


def test_what_may_not_be_handed_over_says_why(bank: Bank, advised: Path) -> None:
    best = next(listed(bank, 1))[1]
    first = next(iter(bank.recommend(Recommend("C000", 1, record=False)).answer.items)).product
    lacking = bank.statement(AskStatement("C000", first)).statement
    assert lacking.refused == "it may not be handed over: nothing is recorded of Your objectives"
    assert lacking.elements["client_objectives"].missing
    old = next(iter(bank.recommend(Recommend("C001", 1, record=False)).answer.items)).product
    assert "1 March 2024" in str(bank.statement(AskStatement("C001", old)).statement.refused)
    user, _ = next(listed(bank, 1))
    most = bank.statement(AskStatement(user, best)).basis.capacity_limit
    assert most is not None
    assert "more than the" in str(bank.statement(AskStatement(user, best, most + 1)).statement.refused)
    owned = next(one.product for one in bank.about_customer(AboutCustomer(user)).events if one.is_holding)
    assert "already held" in str(bank.statement(AskStatement(user, owned)).statement.refused)
    with pytest.raises(UnknownId):
        bank.statement(AskStatement("nobody", best))
    file = advised / "statement.toml"
    try:
        for text, line in (
            ('objectives = ["gaol"]', "column gaol of Customer is not there"),
            ('objectives = ["display_name"]', "personal ones stay in the store"),
            ('aims = ["goal"]', "aims"),
        ):
            file.write_text(text, "utf-8")
            with pytest.raises(UsageError, match=line):
                bank.statement(AskStatement(user, best))
        file.unlink()
        with pytest.raises(UsageError, match="graphrec statement --init"):
            bank.statement(AskStatement(user, best))
        # Each regime wants its own.
        for regime, required in REQUIRED.items():
            file.write_text(f'regimes = ["{regime}"]', "utf-8")
            found = bank.statement(AskStatement(user, best)).statement
            gone = {name for name, one in found.elements.items() if one.missing}
            lacks = [found.headings[name] for name in ELEMENTS if name in required and name in gone]
            assert found.refused == f"it may not be handed over: nothing is recorded of {', '.join(lacks)}"
    finally:
        file.write_text(FILE, "utf-8")


@pytest.mark.slow
def test_a_decision_is_made_once_and_an_exception_by_two(bank: Bank) -> None:
    user, product = next(listed(bank, 1))
    handed = bank.statement(AskStatement(user, product, 3000.0))
    number = handed.record
    assert number is not None
    assert handed.decision.state == "proposed"
    assert OpenOffer(user, number, TODAY.isoformat()) in open_offers(bank, bank.now(), 90)[product]
    assert open_offers(bank, bank.now("2026-06-01"), 90) == {}
    done = bank.decide(Decide(number, "accepted", "agreed on the phone", "A. Baker"))
    assert (done.decision.state, done.decision.by, done.decision.why) == ("accepted", "A. Baker", "agreed on the phone")
    offers = [one.entry for listed in open_offers(bank, bank.now(), 90).values() for one in listed]
    assert number not in offers
    assert done.basis == handed.basis
    assert done.statement == handed.statement
    with pytest.raises(UsageError, match="is accepted by A. Baker"):
        bank.decide(Decide(number, "rejected", "no", "C. Doe"))
    large = bank.statement(AskStatement(user, product, 5000.0)).record
    assert large is not None
    assert bank.decide(Decide(large, "modified", "half of it", "A. Baker")).decision.waits_for_second
    with pytest.raises(UsageError, match="another person"):
        bank.decide(Decide(large, "approved", "fine", "A. Baker"))
    both = bank.decide(Decide(large, "approved", "fine", "B. Cook")).decision
    assert (both.state, both.by, both.approved_by, both.waits_for_second) == ("modified", "A. Baker", "B. Cook", False)
    other = bank.statement(AskStatement(user, product)).record
    assert other is not None
    with pytest.raises(UsageError, match="waits for nobody"):
        bank.decide(Decide(other, "approved", "fine", "B. Cook"))
    with pytest.raises(UsageError, match="--by NAME"):
        bank.decide(Decide(other, "accepted", "fine"))
    first = next(iter(bank.recommend(Recommend("C000", 1, record=False)).answer.items)).product
    refused = bank.statement(AskStatement("C000", first)).record
    assert refused is not None
    assert refused not in [one.entry for listed in open_offers(bank, bank.now(), 90).values() for one in listed]
    with pytest.raises(UsageError, match="it can be rejected alone"):
        bank.decide(Decide(refused, "accepted", "fine", "A. Baker"))
    explained = bank.explain(Explain(user, product)).record
    assert explained is not None
    with pytest.raises(UnknownId, match="is no statement"):
        bank.read_statement(ReadStatement(explained))


def test_the_need_that_a_product_meets_is_said_and_without_one_it_is_refused(bank: Bank, advised: Path) -> None:
    user, product = next(listed(bank, 1))
    file = advised / "needs.toml"
    only = f"product.fee_percent == {round(0.15 + 0.07 * int(product[1:]), 2)}"  # of this product alone
    need = f'[[need]]\nid = "old"\nname = "money for old age"\nproducts = "{only}"\nwhen = "{{when}}"\n'
    try:
        file.write_text(need.format(when="user.wealth_eur > 1000"))
        handed = bank.statement(AskStatement(user, product, record=False))
        told = handed.statement.elements["client_objectives"]
        wealth = handed.basis.needs[0].evidence["user.wealth_eur"]
        assert handed.statement.refused is None
        assert "It meets a need that your data show: money for old age." in told.text
        assert told.fields["/needs/0/evidence/user.wealth_eur"] == wealth
        file.write_text(need.format(when="user.wealth_eur < 1000"))
        refused = bank.statement(AskStatement(user, product, record=False)).statement
        assert refused.refused == "your data show no open need that it meets (money for old age)"
        german = bank.statement(AskStatement(user, product, language="de", record=False)).statement
        assert "keinen solchen Bedarf" in german.elements["client_objectives"].text
        file.write_text(need.format(when="user.wealth < 1000"))
        with pytest.raises(UsageError, match="need old of needs.toml: there is no user.wealth"):
            bank.statement(AskStatement(user, product, record=False))
    finally:
        file.unlink()


def test_costs_of_a_switch(bank: Bank) -> None:
    user, product = next(listed(bank, 1))
    found = bank.statement(AskStatement(user, product, 2000.0, replaces="P19", record=False))
    assert found.record is None
    element = found.statement.elements["switch_costs"]
    assert element.text.startswith("Fund 19 would be given up: leaving it costs 0.25%, 5.00 EUR. It costs 1.48% a year")
    assert set(element.fields) >= {"/switched/name", "/switched/exit_money", "/year_percent"}


def test_the_command_prints_a_document(
    bank: Bank, advised: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user, product = next(listed(bank, 1))
    monkeypatch.setenv("GRAPHREC_HOME", str(advised))
    run = CliRunner().invoke
    shown = run(app, ["statement", user, product, "--amount", "2500", "--language", "de"])
    assert shown.exit_code == 0, shown.output
    assert "# Geeignetheitserklärung" in shown.output
    assert "Entwurf: Fassung 7 dieser Vorlage hat niemand freigegeben." in shown.output
    told = json.loads(run(app, ["statement", user, product, "--amount", "2500", "--json"]).stdout)
    assert set(told) >= {"user", "product", "elements", "refused", "decision", "record"}
    number = str(told["record"])
    assert run(app, ["decide", number, "rejected", "--by", "A. Baker", "--why", "too <dear>"]).exit_code == 0
    page = tmp_path / "statement.html"
    assert run(app, ["statement", "--entry", number, "--format", "html", "--out", str(page)]).exit_code == 0
    text = page.read_text("utf-8")
    assert "Rejected by A. Baker on" in text
    assert "too &lt;dear&gt;" in text
    assert not re.search(r"(src|href)=|<script", text)
    refused = run(app, ["statement", "C000", product])
    assert (refused.exit_code, refused.stdout) == (NotSuitable.exit_code, "")
    assert run(app, ["statement", user]).exit_code == 2


def test_it_is_in_the_docs(root: Path) -> None:
    page = (root / "docs" / "statement.md").read_text("utf-8")
    for name in ELEMENTS:
        wanted = {regime for regime, required in REQUIRED.items() if name in required}
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert {regime for regime in REQUIRED if f"`{regime}`" in row} == wanted


def test_a_first_file_is_filled_by_the_names_of_columns(advised: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(advised, home)
    (home / "statement.toml").unlink()
    bank = Bank(Settings(home=home, today=TODAY))
    with pytest.raises(UsageError, match="graphrec statement --init writes a first one"):
        bank.statement(AskStatement("C002", "P000"))
    written = bank.init_file(InitFile("statement"))
    assert (written.path.name, written.left_out) == ("statement.toml", ("capacity_for_loss",))
    text = written.path.read_text("utf-8")
    assert '\nterm = "horizon_years"\n' in text
    assert '\nassessed_on = "assessed_on"\n' in text
    assert '\nknowledge = ["knowledge"]\n' in text
    assert read_statement(written.path).loss_shares == LOSSES
    assert "# Columns of customers that may be named: " in text
    assert read_statement(written.path).approved_by is None
    with pytest.raises(UsageError, match="is there already"):
        bank.init_file(InitFile("statement"))


def test_what_a_bad_year_takes_is_at_stake_where_the_file_says_it(advised: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(advised, home)
    bank = Bank(Settings(home=home, today=TODAY))
    user, product = next(listed(bank, 1))
    most = bank.statement(AskStatement(user, product)).basis.capacity_limit
    assert most is not None
    # The last share holds for all classes above it.
    (home / "statement.toml").write_text(f"loss_shares = [0.02, 0.25]\n{FILE}", "utf-8")
    found = bank.statement(AskStatement(user, product, 3 * most))
    share = 0.02 if found.basis.risk == 1 else 0.25
    assert (found.basis.loss_percent, found.basis.at_stake) == (100 * share, round(3 * most * share, 2))
    said = found.statement.elements["capacity_for_loss"].text
    assert f"a bad year would put {3 * most * share:,.2f} EUR at stake: {100 * share:.0f}%" in said
    assert "more than the" not in str(found.statement.refused)
    too_much = bank.statement(AskStatement(user, product, round(most / share) + 100)).statement
    assert f"more than the {most:,.2f} EUR that may be lost" in str(too_much.refused)


def test_classes_that_are_words_are_compared_by_their_place(advised: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(advised, home)
    bank = Bank(Settings(home=home, today=TODAY))
    snapshot = engine_of(bank, bank.home, None, NO_OCCASION).snapshot
    kinds = sorted({str(one) for one in snapshot.nodes("Product").column("kind").values})
    words = f'risk_attitude = "esg"\nrisk = ["kind"]\nrisk_levels = {json.dumps(kinds)}\ncapacity_of = "wealth_eur"\n'
    file = home / "statement.toml"
    file.write_text(f'{words}customer_levels = ["none", "some", "much"]\n', "utf-8")
    refused = 0
    for user, product in islice(listed(bank, 12), 12):
        found = bank.statement(AskStatement(user, product))
        own = str(found.basis.customer["risk_attitude"]["esg"])
        kind = str(found.basis.offered["risk"]["kind"])
        assert (found.basis.attitude, found.basis.risk) == (
            ("none", "some", "much").index(own) + 1,
            kinds.index(kind) + 1,
        )
        # Wealth is no class that the customer can bear.
        assert found.basis.capacity is None
        assert f"Risk class of the product: {kind}." in found.statement.elements["risk_attitude"].text
        if kinds.index(kind) > ("none", "some", "much").index(own):
            assert f"its risk class {kind} is above {own}" in str(found.statement.refused)
            refused += 1
    assert 0 < refused < 12
    file.write_text(words, "utf-8")
    with pytest.raises(UsageError, match="customer_levels: esg holds '.*', a word; list its words, the lowest first"):
        bank.statement(AskStatement(user, product))
    file.write_text(f'{words}customer_levels = ["other"]\n', "utf-8")
    with pytest.raises(UsageError, match="customer_levels: esg holds '.*', which is none of other"):
        bank.statement(AskStatement(user, product))


def test_without_costs_the_fee_that_the_mapping_shows_counts(advised: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(advised, home)
    (home / "statement.toml").write_text(FILE.partition("[[cost]]")[0], "utf-8")
    bank = Bank(Settings(home=home, today=TODAY))
    costs = bank.statement(AskStatement(*next(listed(bank, 1)))).basis.costs
    assert [(one.column, one.each) for one in costs] == [("fee_percent", "year")]


@pytest.mark.slow
def test_the_target_market_and_the_bank_s_own_interest_are_said(bank: Bank) -> None:
    rows, _ = tables()
    source = {row["id"]: row for label in ("Customer", "Product") for row in rows[label]}
    said: set[str] = set()
    for user, product in listed(bank, 30):
        offered, own = source[product], source[user]
        element = bank.statement(AskStatement(user, product, 2000.0, record=False)).statement.elements
        market, interest = element["target_market"].text, element["disclosures"].text
        if offered["clients"] is not None:
            among = own["knowledge"] in offered["clients"].split(";")
            parts = offered["clients"].replace(";", ", ")
            told = f"It is made for: {parts}. You are {'among' if among else 'not among'} them: {own['knowledge']}."
            assert told in market
            said.add(f"target {among}")
        if offered["not_for"] is not None:
            among = own["income_band"] in offered["not_for"].split("|")
            where = "among" if among else "not among"
            assert f"It is not made for: low, middle. You are {where} them: {own['income_band']}." in market
            said.add(f"negative {among}")
        if offered["clients"] is offered["not_for"] is None:
            assert market == "No target market is declared for it."
        if offered["own_brand"] is None:
            assert interest == "The bank has declared nothing about it."
        elif offered["own_brand"]:
            assert interest == "The bank or its group makes it. Others pay the bank nothing for it."
        else:
            paid = "Others pay the bank for it: 0.35% a year, 7.00 EUR of 2,000.00 EUR."
            assert interest == f"Neither the bank nor its group makes it. {paid}"
        said.add(f"own {offered['own_brand']}")
    assert len(said) >= 6
    # On lists the disclosure is the sentence of a rule that warns.
    items = bank.recommend(Recommend("C004", 10, record=False)).answer.items
    known = [one for one in items if source[one.product]["own_brand"] is not None]
    assert known
    assert all(one.warnings[0].startswith("the bank makes it, or is paid") for one in known)


@pytest.mark.slow
def test_exposure_counts_lists_beside_what_is_allowed(bank: Bank, advised: Path) -> None:
    rows, edges = tables()
    own = {row["id"]: row["own_brand"] for row in rows["Product"]}
    held = {(one["source"], one["target"]) for name in SCHEMA.roles.holding for one in edges[name].to_pylist()}
    found = bank.exposure(AskExposure(k=5))
    listed, allowed = Counter[bool | None](), Counter[bool | None]()
    for customer in rows["Customer"]:
        answer = bank.recommend(Recommend(customer["id"], 5, record=False)).answer
        listed.update(own[item.product] for item in answer.items)
        if answer.items:
            # The policy written out: not held, and not above the customer's attitude to risk.
            allowed.update(
                row["own_brand"]
                for row in rows["Product"]
                if row["risk_class"] <= customer["attitude"] and (customer["id"], row["id"]) not in held
            )
    by_value = {one.value: one for one in found.groups if one.column == "own_brand"}
    names = {True: "yes", False: "no", None: "not recorded"}
    assert found.places == sum(listed.values())
    for value, name in names.items():
        assert by_value[name].products == sum(one is value for one in own.values())
        assert by_value[name].of_lists == pytest.approx(listed[value] / sum(listed.values()))
        assert by_value[name].of_allowed == pytest.approx(allowed[value] / sum(allowed.values()))
        assert by_value[name].lift == pytest.approx(by_value[name].of_lists / by_value[name].of_allowed)
    assert {one.column for one in found.groups} == {"own_brand", "paid_percent"}
    assert found.record is not None
    shown = CliRunner().invoke(app, ["--home", str(advised), "exposure", "--by", "kind", "-k", "3", "--json"])
    told = json.loads(shown.stdout)
    assert sum(one["of_lists"] for one in told["groups"]) == pytest.approx(1)
    with pytest.raises(UsageError, match="products have no column own_brnd; the nearest is own_brand"):
        bank.exposure(AskExposure(("own_brnd",)))


def test_what_is_read_shortly_is_what_the_whole_answers_say(bank: Bank) -> None:
    """Of many customers: events and what is refused first, rules that ask for a second look, scores asked twice."""
    engine = engine_of(bank, bank.home, None, NO_OCCASION)
    reviewed = refused = 0
    for user, product in listed(bank, 12):
        person = engine.users.ids.find(user)
        about, short = bank.about_customer(AboutCustomer(user, "customer")), dealt(engine, person, "en")
        assert sorted(map(repr, short.events)) == sorted(map(repr, about.events))
        found = tuple(short.refused)
        assert found == about.refused
        refused += len(found)
        place = engine.products.ids.find(product)
        for amount in (None, 10.0, 90_000.0):
            asked = engine.asking(Occasion(amount))
            assert asked is engine.asking(Occasion(amount))  # those asked last are known
            letters = asked.eligibility.outcomes(person, np.array([place]))[0].outcomes
            assert asked.eligibility.wants_review(person, place) == ("a" in letters)
            reviewed += "a" in letters
        inside = engine.positions.in_model("Customer", person)
        row = engine.model.blend.row(inside)
        assert row is engine.model.blend.row(inside)
        with pytest.raises(ValueError, match="read-only"):
            row.scores[0] = 1
        (other,) = Blend(engine.model.blend.terms, engine.model.blend.weights).rows(np.array([inside], np.int32))
        assert (row.scores == other.scores).all()
    assert refused > 0
    assert reviewed > 0
    own = engine.among({"C001": cast("Any", object())})
    assert own.asking(Occasion(10.0)) is not engine.asking(Occasion(10.0))
