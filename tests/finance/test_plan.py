"""Loan plans: a hundred thousand against an independent checker, instalments that repay, limits that are limits."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, PlanLoan
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.finance.credit.loan_file import read_plan
from graphrec.finance.credit.loans import Loan, Means, Plan, instalment, limit, plans
from graphrec.service.access.limits import Limits
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions

TERMS = tuple(range(6, 106))
MAPPING = """
[source]
name = "lender"
[source.files]
customers = "customers.csv"
products = "products.csv"
held = "held.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["HOLDS"]
[nodes.Customer]
key = "id"
sql = '''
SELECT id, CAST(income AS DOUBLE) AS income, CAST(spending AS DOUBLE) AS spending, CAST(duties AS DOUBLE) AS duties,
       CAST(pd AS DOUBLE) AS pd FROM customers'''
[nodes.Product]
key = "id"
name = "name"
show = { kind = "kind" }
sql = '''
SELECT id, name, kind, CAST(rate AS DOUBLE) AS rate, CAST(least AS DOUBLE) AS least, CAST(most AS DOUBLE) AS most,
       CAST(longest AS INTEGER) AS longest, purposes FROM products'''
[edges.HOLDS]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product FROM held"
"""
PLAN = """[loan]
kinds = ["loan"]
rate = "rate"
minimum = "least"
maximum = "most"
most_months = "longest"
purposes = "purposes"
income = "income"
spending = "spending"
duties = "duties"
pd = "pd"
most_pd = 0.05
terms = [12, 24, 48]
"""
POLICY = """version = "1"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "large"
sentence = "more than four incomes"
require = "is_missing(amount) or amount <= 48 * user.income"
missing = "allow"
"""


def repays(plan: Plan) -> float:
    """What is left of a loan after all instalments, month by month."""
    assert plan.rate_percent is not None
    assert plan.instalment is not None
    balance = plan.amount
    for _ in range(plan.months):
        balance += balance * plan.rate_percent / 1200 - plan.instalment
    return balance


def is_allowed(loan: Loan, means: Means, months: int, amount: float, purpose: str) -> bool:
    """An independent checker: the payment by the geometric sum of discount factors."""
    if loan.rate_percent is None or means.income is None or means.spending is None or means.pd is None:
        return False
    paid = amount / float(np.sum((1 + loan.rate_percent / 1200) ** -np.arange(1.0, months + 1)))
    inside = (loan.minimum or 0) <= amount <= (loan.maximum or np.inf) and months <= (loan.most_months or np.inf)
    fits = loan.purposes is None or purpose in loan.purposes
    bears = (
        means.duties + paid <= means.most_share * means.income and means.spending + means.duties + paid <= means.income
    )
    return inside and fits and bears and means.pd <= means.most_pd


@pytest.mark.slow
def test_a_hundred_thousand_plans_break_no_rule() -> None:
    rng = np.random.default_rng(3)
    loans = [
        Loan(f"L{n}", f"Loan {n}", None if n == 9 else float(rng.integers(0, 14)), float(rng.integers(0, 3000)),
             float(rng.integers(5_000, 60_000)), None, float(rng.integers(24, 110)), ("car", "home")[: 1 + n % 2])
        for n in range(10)
    ]  # fmt: skip
    count = offered = 0
    for n in range(100):
        means = Means(
            None if n == 7 else float(rng.integers(1200, 6000)), float(rng.integers(500, 2500)),
            float(rng.integers(0, 400)), float(rng.random() * 0.12), 0.35, 0.1, needs_pd=True, needs_spending=True,
        )  # fmt: skip
        amount, purpose = float(rng.integers(500, 40_000)), ("car", "home")[n % 2]
        by_id = {loan.product: loan for loan in loans}
        found = plans(loans, means, TERMS, amount, purpose, lambda _product, _amount: ())
        count += len(found)
        for plan in found:
            allowed = is_allowed(by_id[plan.product], means, plan.months, amount, purpose)
            assert (not plan.refused) == allowed, plan
            assert (plan.rank is not None) == allowed
        offered += sum(plan.rank is not None for plan in found)
        totals = [plan.total or 0.0 for plan in found if plan.rank is not None]
        assert totals == sorted(totals)
        largest = limit(loans, means, TERMS, purpose, lambda _product, _amount: ())
        if largest is not None:
            assert is_allowed(by_id[largest.product], means, largest.months, largest.amount, purpose)
        every = [(loan, months) for loan in loans for months in TERMS[::9]]
        more = 1.0 if largest is None else largest.amount + 1
        assert not any(is_allowed(loan, means, months, more, purpose) for loan, months in every) or more == 1.0
    assert count == 100_000
    assert offered > 1000


def test_instalments_repay_the_loan() -> None:
    # The example of numpy_financial.pmt: pmt(0.075 / 12, 12 * 15, 200000).
    assert instalment(200_000, 7.5, 180) == pytest.approx(1854.0247200054619, abs=1e-9)
    assert instalment(1200, 0.0, 12) == 100.0
    means = Means(9000.0, 0.0, 0.0, None, 1.0, 1.0, needs_pd=False, needs_spending=False)
    for rate in (0.0, 0.5, 3.9, 12.0):
        for plan in plans(
            [Loan("L", "L", rate)], means, (1, 12, 84, 360), 25_000.0, None, lambda _product, _amount: ()
        ):
            assert abs(repays(plan)) <= 1e-6


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded home with a policy and a file of plans."""
    folder = tmp_path_factory.mktemp("lender")
    files = folder / "files"
    files.mkdir()
    (files / "customers.csv").write_text(
        "id,income,spending,duties,pd\nc1,3000,1500,200,0.02\nc2,3000,1500,200,0.2\nc3,,1500,,0.02\nc4,900,850,,0.01\n"
    )
    (files / "products.csv").write_text(
        "id,name,kind,rate,least,most,longest,purposes\nL1,Car loan,loan,6,1000,20000,48,car;bike\n"
        "L2,Any loan,loan,9,500,50000,84,\nL3,Old loan,loan,5,0,90000,84,\nF1,Fund,fund,,,,,\n"
    )
    (files / "held.csv").write_text("customer,product\nc1,L3\nc2,F1\n")
    (files / "lender.toml").write_text(MAPPING)
    Bank(Settings(home=folder / "home")).load(Load(str(files / "lender.toml")))
    (folder / "home" / "plan.toml").write_text(PLAN)
    (folder / "home" / "policy.toml").write_text(POLICY)
    return folder


def test_the_plans_of_a_customer(lender: Path) -> None:
    bank = Bank(Settings(home=lender / "home", today=date(2026, 1, 2)))
    found = bank.plan_loan(PlanLoan("c1", 12_000.0, "car"))
    assert [(one.product, one.months, one.rank) for one in found.plans if one.rank] == [
        ("L1", 24, 1), ("L2", 24, 2), ("L1", 48, 3), ("L2", 48, 4),
    ]  # fmt: skip
    assert found.left == 1300.0
    over = TestClient(make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), base_url="http://127.0.0.1")
    said = over.get("/v1/users/c1/loan-plans?amount=12000&purpose=car&record=false").json()
    assert said["plans"] == json.loads(json.dumps([asdict(one) for one in found.plans]))
    assert "already held" in over.get("/customers/c1/loans?amount=12,000&purpose=car").text
    assert over.get("/customers/c1/loans?amount=much").status_code == 422
    why = {(one.product, one.months): one.refused for one in found.plans if one.refused}
    assert why["L3", 24] == ("already held",)
    assert why["L1", 12] == ("debt service of 41.1% of income is above 35.0%",)
    assert found.limit is not None
    assert (found.limit.product, found.limit.months) == ("L2", 48)
    assert instalment(found.limit.amount, 9.0, 48) <= 0.35 * 3000 - 200 < instalment(found.limit.amount + 1, 9.0, 48)
    entry = bank.record_entry(found.record or 0)
    assert (entry.entry["user"], entry.entry["event"]["limit"]["amount"]) == ("c1", found.limit.amount)
    assert bank.plan_loan(PlanLoan("c1", 12_000.0, "boat")).plans[0].product == "L2"
    risky = bank.plan_loan(PlanLoan("c2", 5000.0))
    assert risky.limit is None
    assert all("the probability of default of 20.00% is above 5.00%" in one.refused for one in risky.plans)
    unknown = bank.plan_loan(PlanLoan("c3", 5000.0))
    assert all("income is not known" in one.refused for one in unknown.plans)
    poor = bank.plan_loan(PlanLoan("c4", 5000.0, "car"))
    assert any("a month would be lacking" in line for one in poor.plans for line in one.refused)
    assert poor.limit is not None
    assert poor.limit.instalment <= 50
    large = bank.plan_loan(PlanLoan("c4", 45_000.0))
    assert any("more than four incomes" in one.refused for one in large.plans)
    with pytest.raises(UnknownId):
        bank.plan_loan(PlanLoan("nobody", 5000.0))


def test_the_command(lender: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(lender / "home"))
    run = CliRunner().invoke
    shown = run(app, ["plan", "loan", "c1", "--amount", "12000", "--purpose", "car"])
    assert shown.exit_code == 0, shown.output
    assert "L3 over 48 months is refused: already held" in shown.output
    assert json.loads(run(app, ["plan", "loan", "c1", "--amount", "12000", "--json"]).stdout)["plans"]
    file = lender / "home" / "plan.toml"
    try:
        file.write_text(PLAN.replace('rate = "rate"', 'rate = "price"'))
        failed = run(app, ["plan", "loan", "c1", "--amount", "12000"])
        assert (failed.exit_code, "no column price of numbers" in failed.stderr) == (UsageError.exit_code, True)
        file.unlink()
        assert "plan loan --init writes a first one" in run(app, ["plan", "loan", "c1", "--amount", "12000"]).stderr
        written = run(app, ["plan", "loan", "--init"])
        assert "found kinds, rate, income, spending, purposes, pd" in written.stdout, written.output
        assert read_plan(file).loan.kinds == ("loan",)
        assert json.loads(run(app, ["plan", "loan", "c1", "--amount", "12000", "--json"]).stdout)["plans"]
        assert "is there already" in run(app, ["plan", "loan", "--init"]).stderr
        assert run(app, ["plan", "loan"]).exit_code == UsageError.exit_code
    finally:
        file.write_text(PLAN)
