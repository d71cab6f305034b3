"""What the demo bank knows of money: it loads beside demo.toml or alone, and first files find what was planted."""

import csv
from datetime import date
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskPortfolio, FindDuplicates, InitFile, ListAlerts, Load, PlanLoan, RunAlerts
from graphrec.config.market import read_market
from graphrec.config.settings import Settings
from graphrec.demo import BankReport
from graphrec.finance.credit.loan_file import read_plan
from graphrec.loading import load_mapping
from tests.demo.conftest import Ask, only

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def money(bank: BankReport, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A home with what the bank knows of money alone, and first files."""
    own = Bank(Settings(home=tmp_path_factory.mktemp("money") / "home", today=date(2026, 1, 1)))
    own.load(Load("demo-money", bank.path))
    own.init_file(InitFile("market"))
    own.init_file(InitFile("plan"))
    own.init_file(InitFile("alerts"))
    return own


def test_the_roles_are_those_of_the_bank() -> None:
    assert load_mapping("demo-money").roles == load_mapping("demo").roles


def test_first_files_find_all_that_was_planted_and_nothing_else(money: Bank, bank: BankReport) -> None:
    with (bank.path / "truth" / "alerts.csv").open(encoding="utf-8", newline="") as file:
        planted = {(row["rule"], row["customer_id"]) for row in csv.DictReader(file)}
    assert len(planted) == 20 + 20 + 6 + 6 + 4 + 4
    with (bank.path / "truth" / "signals.csv").open(encoding="utf-8", newline="") as file:
        signals = {(row["rule"], row["customer_id"]) for row in csv.DictReader(file)}
    assert len(signals) == 4 * 5 + 6
    assert {(one.rule, one.user) for one in money.run_alerts(RunAlerts()).alerts} == planted | signals
    assert all(one.path for one in money.alerts(ListAlerts(kind="graph")))


def test_customers_who_are_there_twice_are_found(money: Bank, bank: BankReport, tmp_path: Path) -> None:
    with (bank.path / "truth" / "duplicates.csv").open(encoding="utf-8", newline="") as file:
        planted = {(row["customer_id"], row["other"]) for row in csv.DictReader(file)}
    assert len(planted) == 25
    money.find_duplicates(FindDuplicates(tmp_path / "review.csv"))
    with (tmp_path / "review.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row.values())[:2] for row in csv.DictReader(file)]
    assert {tuple(sorted(row)) for row in rows} == planted


def test_hours_and_devices(ask: Ask) -> None:
    assert not ask("SELECT * FROM logins l ANTI JOIN device_users u USING (customer_id, device_id)")
    joined = "logins JOIN device_users USING (customer_id, device_id)"
    assert only(ask(f"SELECT count(*) FROM {joined} WHERE logins.at < first_used_on")) == 0
    assert only(ask("SELECT avg(CAST(hour(logins.at) BETWEEN 7 AND 23 AS INT)) FROM logins")) > 0.98
    assert only(ask("SELECT count(*) - count(DISTINCT (customer_id, device_id, logins.at)) FROM logins")) == 0


def test_a_portfolio_is_worth_what_prices_made_of_it(money: Bank, ask: Ask) -> None:
    file = read_market(money.home.path / "market.toml")
    assert (file.positions, file.cash, file.riskless) == ("POSITION", "cash_eur", ("deposit",))
    found = money.portfolio(AskPortfolio("C000004"))
    rows = ask(
        """SELECT p.product_id, sum(amount_eur * coalesce(last.close / before.close, 1)) AS value
        FROM (SELECT *, happened_at::DATE AS day FROM purchases WHERE customer_id = 'C000004') p
        JOIN products USING (product_id)
        LEFT JOIN (SELECT product_id, arg_max(close, day) AS close FROM prices GROUP BY 1) last USING (product_id)
        ASOF LEFT JOIN (SELECT product_id, day, close FROM prices) before
            ON p.product_id = before.product_id AND p.day >= before.day
        WHERE products.kind IN ('equity', 'fund', 'ETF', 'bond', 'deposit') GROUP BY 1"""
    )
    assert {one.product: one.value for one in found.positions} == {
        product: pytest.approx(value, abs=0.011) for product, value in rows
    }
    cash = only(ask("SELECT cash_eur FROM means WHERE customer_id = 'C000004'"))
    assert found.cash == cash
    assert found.wealth == pytest.approx(sum(one.value for one in found.positions) + cash)


def test_loans_are_planned_from_the_terms_of_products(money: Bank) -> None:
    table = read_plan(money.home.path / "plan.toml").loan
    assert (table.kinds, table.rate, table.duties) == (("loan",), "rate_percent", "debt_service_eur_month")
    found = money.plan_loan(PlanLoan("C000004", 5000.0))
    assert found.limit is not None
    assert {one.rank is None for one in found.plans} == {True, False}


def test_the_lines_of_insurances_are_found_for_needs(money: Bank, ask: Ask) -> None:
    """When customers have them the table of the bank says, which is not in this home."""
    text = money.init_file(InitFile("needs")).path.read_text("utf-8")
    for line in ("life", "disability", "home", "health"):
        assert f"# products = \"product.covers in ['{line}']\"" in text
    assert only(ask("SELECT count(*) FROM covers")) == only(
        ask("SELECT count(*) FROM products WHERE kind = 'insurance'")
    )


def test_answers_of_the_last_questionnaire_are_those_of_the_customers(ask: Ask) -> None:
    assert not ask(
        """SELECT customer_id FROM (SELECT customer_id, arg_max(risk_class, assessed_on) AS risk, max(assessed_on)
        AS day
        FROM assessments GROUP BY 1) JOIN customers USING (customer_id) JOIN means USING (customer_id)
        WHERE risk != risk_tolerance OR day != assessed_on"""
    )
