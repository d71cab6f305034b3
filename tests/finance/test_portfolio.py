"""Portfolios: sums that add up, covariance as the paper has it, a candidate as if bought, blind to later prices."""

import json
import math
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskPortfolio, AskPortfolios, Load, ProposePortfolio, Train
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.finance.market.figures import Prices
from graphrec.finance.market.portfolio import DAY, Portfolio, Thing, portfolio, shrunk
from graphrec.finance.market.proposal import least_volatile, walk_forward
from graphrec.finance.market.stress import worst
from graphrec.service.access.limits import Limits
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions

TODAY = date(2025, 6, 1)
MAPPING = """
[source]
name = "broker"
[source.files]
customers = "customers.csv"
products = "products.csv"
held = "held.csv"
prices = "prices.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["HOLDS"]
min_group = 1
[nodes.Customer]
key = "id"
sql = "SELECT id, CAST(cash AS DOUBLE) AS cash_eur FROM customers"
[nodes.Product]
key = "id"
name = "name"
sql = "SELECT id, name, kind, CAST(fee AS DOUBLE) AS fee_percent FROM products"
[nodes.Issuer]
key = "issuer"
sql = "SELECT DISTINCT issuer FROM products"
[edges.ISSUED_BY]
from = "Product.id"
to = "Issuer.issuer"
sql = "SELECT id, issuer FROM products"
[edges.HOLDS]
from = "Customer.customer"
to = "Product.product"
at = "day"
weight = "value"
sql = "SELECT customer, product, CAST(held.since AS DATE) AS day, CAST(held.value AS DOUBLE) AS value FROM held"
[series.price]
of = "Product.id"
at = "day"
values = ["close"]
sql = "SELECT id, CAST(day AS DATE) AS day, CAST(close AS DOUBLE) AS close FROM prices"
"""


def course(seed: int, count: int = 400) -> np.ndarray:
    """Prices that move with a common market."""
    market = np.random.default_rng(1).normal(0, 0.008, count)
    own = np.random.default_rng(100 + seed).normal(0, 0.01, count)
    return 100 * np.exp(np.cumsum((0.4 + 0.2 * seed) * market + own))


def write_files(folder: Path, *, later: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    days = [str(np.datetime64("2024-04-01") + n) for n in range(400)]
    rows = [
        f"{name},{day},{price!r}"
        for n, name in enumerate("ABC")
        for day, price in zip(days, course(n).tolist(), strict=True)
    ]
    if later:
        rows += [f"{name},2025-06-0{n},{10 ** (n + 3)}" for name in "ABC" for n in (1, 2, 3)]
    (folder / "prices.csv").write_text("id,day,close\n" + "\n".join(rows) + "\n")
    (folder / "products.csv").write_text(
        "id,name,kind,fee,issuer\nA,Alpha,fund,1.5,X\nB,Beta,fund,0.5,X\nC,Gamma,bond,0.2,Y\nD,Delta,deposit,0,Y\n"
    )
    (folder / "customers.csv").write_text("id,cash\nc1,2000\nc2,\nc3,500\n")
    (folder / "held.csv").write_text(
        "customer,product,since,value\nc1,A,2024-05-05,5000\nc1,B,2024-06-06,2000\nc1,D,2024-07-07,1000\nc2,A,2024-08-08,300\nc2,C,2024-08-08,300\n"
    )
    (folder / "broker.toml").write_text(MAPPING)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded home."""
    folder = tmp_path_factory.mktemp("broker")
    write_files(folder / "files")
    bank_in(folder).load(Load(str(folder / "files" / "broker.toml")))
    (folder / "home" / "market.toml").write_text('cash = "cash_eur"\nfee = "fee_percent"\n')
    return folder


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", today=TODAY))


def thing(name: str, seed: int | None, group: str = "X") -> Thing:
    prices = None
    if seed is not None:
        values = course(seed)
        prices = Prices(np.arange(len(values)) * DAY, values)
    return Thing(name, name, {"Issuer": (group,)}, 1.0, prices)


def test_contributions_add_up_and_covariance_is_that_of_the_paper() -> None:
    held = [(thing("A", 0), 600.0), (thing("B", 1), 300.0), (thing("C", 2), 100.0)]
    found = portfolio("c", "2025-06-01", held, 1000.0)
    assert found.volatility is not None
    assert abs(sum(one.contribution or 0.0 for one in found.positions) - found.volatility) <= 1e-9
    # Ledoit and Wolf (2004), written as sums over days: d2 and b2 of lemmas 3.2 and 3.3.
    returns = np.stack([course(n)[1:] / course(n)[:-1] - 1 for n in range(3)], axis=1)
    x = returns - returns.mean(axis=0)
    days, count = x.shape
    sample = sum(np.outer(row, row) for row in x) / days
    mean = sum(sample[n, n] for n in range(count)) / count
    d2 = np.linalg.norm(sample - mean * np.eye(count)) ** 2 / count
    b2 = min(sum(np.linalg.norm(np.outer(row, row) - sample) ** 2 / count for row in x) / days**2, d2)
    expected = b2 / d2 * mean * np.eye(count) + (1 - b2 / d2) * sample
    covariance, part = shrunk(returns)
    assert part == pytest.approx(b2 / d2, abs=1e-12)
    assert np.abs(covariance - expected).max() <= 1e-15
    weights = np.array([0.3, 0.15, 0.05])
    assert found.volatility == pytest.approx(math.sqrt(252 * weights @ expected @ weights), abs=1e-12)
    assert found.concentration == pytest.approx({"product": 0.46, "Issuer": 1.0})


def test_a_candidate_is_as_if_it_were_bought() -> None:
    held = [(thing("A", 0), 600.0), (thing("B", 1), 300.0)]
    found = portfolio("c", "2025-06-01", held, 100.0, thing("C", 2, "Y"))
    assert found.candidate is not None
    for one in found.candidate.purchases:
        kept = 1 - one.part
        bought = [*((what, kept * value) for what, value in held), (thing("C", 2, "Y"), one.part * 1000.0)]
        after = portfolio("c", "2025-06-01", bought, kept * 100.0)
        assert after.wealth == pytest.approx(1000.0)
        assert one.volatility == pytest.approx(after.volatility, abs=1e-12)
        assert one.concentration == pytest.approx(after.concentration)
    more = portfolio("c", "2025-06-01", held, 100.0, thing("A", 0))
    assert more.candidate is not None
    assert more.candidate.purchases[2].concentration["product"] > found.candidate.purchases[2].concentration["product"]


def test_what_has_no_prices_has_no_part_and_is_named() -> None:
    found = portfolio("c", "2025-06-01", [(thing("A", 0), 100.0), (thing("D", None), 300.0)], None)
    assert (found.without_prices, found.positions[0].contribution, found.cash) == (("D",), None, None)
    alone = portfolio("c", "2025-06-01", [(thing("A", 0), 100.0)], 300.0)
    assert found.volatility == pytest.approx(alone.volatility)
    nothing = portfolio("c", "2025-06-01", [], None, thing("D", None))
    assert (nothing.volatility, nothing.wealth, nothing.concentration) == (None, 0.0, {})


@pytest.mark.slow
def test_the_portfolio_of_a_customer(broker: Path, tmp_path: Path) -> None:
    bank = bank_in(broker)
    found = bank.portfolio(AskPortfolio("c1", "C"))
    assert [(one.product, one.value, one.weight) for one in found.positions] == [
        ("A", 5000.0, 0.5), ("B", 2000.0, 0.2), ("D", 1000.0, 0.1),
    ]  # fmt: skip
    assert (found.wealth, found.cash, found.days) == (10_000.0, 2000.0, 399)
    assert found.without_prices == ("D",)
    assert set(found.concentration) == {"product", "kind", "Issuer"}
    assert found.cost_percent == pytest.approx((5000 * 1.5 + 2000 * 0.5) / 8000)
    assert found.candidate is not None
    assert found.candidate.purchases[0].amount == 100.0
    over = TestClient(make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), base_url="http://127.0.0.1")
    said = over.get("/v1/users/c1/portfolio?candidate=C").json()
    assert said["positions"] == [asdict(one) for one in found.positions]
    assert said["candidate"] == json.loads(json.dumps(asdict(found.candidate)))
    shown = over.get("/customers/c1/portfolio?with=C").text
    assert all(one in shown for one in ("10,000.00", "Alpha", "Gamma", f"{100 * (found.volatility or 0):.1f}%"))
    earlier = bank.portfolio(AskPortfolio("c1", as_of="2024-06-01"))
    assert [one.product for one in earlier.positions] == ["A"]
    assert earlier.volatility is None or earlier.days < found.days
    assert bank.portfolio(AskPortfolio("c2")).cash is None
    assert bank.portfolio(AskPortfolio("c3")).positions == ()
    write_files(tmp_path / "files", later=True)
    bank_in(tmp_path).load(Load(str(tmp_path / "files" / "broker.toml")))
    (tmp_path / "home" / "market.toml").write_text('cash = "cash_eur"\nfee = "fee_percent"\n')
    assert same(bank_in(tmp_path).portfolio(AskPortfolio("c1", "C")), found)


def same(one: Portfolio, other: Portfolio) -> bool:
    return repr(one) == repr(other)


def test_faults_are_one_line_and_the_command_prints(broker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_in(broker)
    with pytest.raises(UnknownId, match="^no product 'nothing'; search with: graphrec find nothing$"):
        bank.portfolio(AskPortfolio("c1", "nothing"))
    file = broker / "home" / "market.toml"
    before = file.read_text()
    try:
        file.write_text('cash = "name"\n')
        with pytest.raises(UsageError, match="no column name of numbers"):
            bank_in(broker).portfolio(AskPortfolio("c1"))
    finally:
        file.write_text(before)
    monkeypatch.setenv("GRAPHREC_HOME", str(broker / "home"))
    shown = CliRunner().invoke(app, ["portfolio", "c1", "--with", "C"])
    assert shown.exit_code == 0, shown.output
    assert "5% of the wealth (500.00) in it: volatility" in shown.output
    told = json.loads(CliRunner().invoke(app, ["portfolio", "c1", "--json"]).output)
    assert set(told) >= {"user", "positions", "concentration", "volatility", "as_of"}


def test_the_mix_is_the_least_volatile_one_within_its_limits() -> None:
    rng = np.random.default_rng(5)
    for n in range(20):
        root = rng.normal(size=(6, 6))
        covariance = root @ root.T / 6 + 0.01 * np.eye(6)
        start = rng.dirichlet(np.ones(6)) * (1.0 if n % 2 else 0.8)
        most = np.maximum(start, 0.3)
        groups = [(np.array([0, 1]), max(0.35, float(start[:2].sum())))]
        found = least_volatile(covariance, start, (np.zeros(6), most), groups, 0.5)
        assert abs(found.sum() - 1) <= 1e-6
        assert (found <= most + 1e-6).all()
        assert found[:2].sum() <= groups[0][1] + 1e-6
        assert np.maximum(start - found, 0).sum() <= 0.5 + 1e-6
        # No small move between two products that stays within the limits makes it less volatile.
        risk = found @ covariance @ found
        for taken in np.flatnonzero(found > 2e-3):
            for given in np.flatnonzero(found + 1e-3 <= most):
                other = found.copy()
                other[taken] -= 1e-3
                other[given] += 1e-3
                inside = other[:2].sum() <= groups[0][1] and np.maximum(start - other, 0).sum() <= 0.5
                assert not inside or other @ covariance @ other >= risk - 1e-7
    free = least_volatile(np.diag([0.01, 0.02, 0.04]), np.full(3, 1 / 3), (np.zeros(3), np.ones(3)))
    assert free == pytest.approx(np.array([4, 2, 1]) / 7, abs=1e-5)
    with pytest.raises(UsageError, match="no mix is within the limits"):
        least_volatile(np.eye(2), np.array([0.2, 0.2]), (np.zeros(2), np.array([0.3, 0.3])))


def test_mixes_are_measured_on_days_that_they_had_not_seen() -> None:
    returns = np.stack([course(n)[1:] / course(n)[:-1] - 1 for n in range(3)], axis=1)
    found = walk_forward(returns, 0.6, returns[:, 0], look=150, step=50)
    assert found is not None
    assert found.days == 200
    later = returns.copy()
    later[-50:] *= 7
    other = walk_forward(later, 0.6, look=150, step=50)
    assert other is not None
    assert other.turnover == pytest.approx(found.turnover, abs=1e-12)
    assert found.equal == pytest.approx(returns[150:350].mean(axis=1).std(ddof=1) * np.sqrt(252))
    assert found.benchmark == pytest.approx(returns[150:350, 0].std(ddof=1) * np.sqrt(252))
    assert walk_forward(returns, 0.6) is None


def test_a_proposal_buys_nothing_that_the_policy_refuses(broker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_in(broker)
    bank.train(Train(model="popularity", final=True))
    file, policy = broker / "home" / "market.toml", broker / "home" / "policy.toml"
    before = file.read_text()
    rule = '[[rule]]\nid = "r"\nsentence = "not for you"\nrequire = "product.fee_percent < 1"\n'
    try:
        file.write_text(before + "[propose]\nmost_share = 0.5\nmost_turnover = 0.5\n")
        policy.write_text(f'version = "1"\n{rule}')
        found = bank_in(broker).propose_portfolio(ProposePortfolio("c1", 1000.0))
        bought = {one.product for one in found.dealings if one.amount > 0}
        assert bought == {"B", "C"}
        assert found.invested == 8000.0
        assert sum(one.amount for one in found.dealings) == pytest.approx(1000.0, abs=0.01)
        assert found.turnover <= 0.5 + 1e-6
        assert (found.left_alone, found.volatility_before) == (("D",), None)
        assert bank.record_entry(found.record or 0).entry["event"]["did"] == "portfolio proposed"
        with pytest.raises(UsageError, match="is more than the cash"):
            bank_in(broker).propose_portfolio(ProposePortfolio("c1", 5000.0))
        with pytest.raises(UsageError, match="c3 holds nothing with enough prices"):
            bank_in(broker).propose_portfolio(ProposePortfolio("c3"))
        monkeypatch.setenv("GRAPHREC_HOME", str(broker / "home"))
        shown = CliRunner().invoke(app, ["portfolio", "propose", "c1"])
        assert shown.exit_code == 0, shown.output
        assert "stays as it is: D" in shown.output
        assert CliRunner().invoke(app, ["portfolio", "c1", "c2"]).exit_code == 2
    finally:
        file.write_text(before)
        policy.unlink(missing_ok=True)


def test_all_portfolios_at_once(broker: Path, tmp_path: Path) -> None:
    bank = bank_in(broker)
    done = bank.portfolios(AskPortfolios(tmp_path / "all.jsonl", "C"))
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert (done.customers, done.empty, done.known) == (3, 1, 2)
    assert [line["user"] for line in lines] == ["c1", "c2", "c3"]
    # One covariance for the bank, as the paper has it, and every sum over positions written out.
    returns = np.stack([course(n)[1:] / course(n)[:-1] - 1 for n in range(3)], axis=1)
    covariance, part = shrunk(returns)
    assert done.shrinkage == pytest.approx(part, abs=1e-12)
    yearly = 252 * covariance
    for line, weights in ((lines[0], [0.5, 0.2, 0.0]), (lines[1], [0.5, 0.0, 0.5])):
        w = np.array(weights)
        assert line["volatility"] == pytest.approx(math.sqrt(w @ yearly @ w), abs=1e-12)
        parts = {one: value or 0.0 for one, value in line["contributions"].items()}
        assert abs(sum(parts.values()) - line["volatility"]) <= 1e-9
        for after in line["after"]:
            d = after["part"]
            moved = (1 - d) * w + d * np.array([0.0, 0.0, 1.0])
            assert after["volatility"] == pytest.approx(math.sqrt(moved @ yearly @ moved), abs=1e-12)
    # Concentration, cost and stress are those of one customer's own portfolio.
    for line in lines[:2]:
        own = bank.portfolio(AskPortfolio(line["user"], "C"))
        assert own.candidate is not None
        assert line["concentration"] == pytest.approx(dict(own.concentration), abs=1e-12)
        assert line["cost_percent"] == pytest.approx(own.cost_percent, abs=1e-12)
        for mine, all_ in zip(own.candidate.purchases, line["after"], strict=True):
            assert all_["concentration"] == pytest.approx(dict(mine.concentration), abs=1e-12)
            assert all_["cost_percent"] == pytest.approx(mine.cost_percent, abs=1e-12)
    assert lines[2]["volatility"] is None
    assert lines[2]["stress"][0]["covered"] == 1.0


def test_stress_is_what_today_s_weights_would_have_lost(broker: Path, tmp_path: Path) -> None:
    told = (broker / "home" / "market.toml").read_text()
    episode = '[[episode]]\nname = "the fall"\nbegin = 2024-06-01\nend = 2024-09-01\n'
    try:
        (broker / "home" / "market.toml").write_text(told + 'riskless = ["deposit"]\n' + episode)
        bank = bank_in(broker)
        (found,) = bank.portfolio(AskPortfolio("c1", "C")).stress
        first, last = 61, 153  # days after 2024-04-01
        moves = [course(n)[last] / course(n)[first] - 1 for n in range(3)]
        assert found.loss == pytest.approx(-(0.5 * moves[0] + 0.2 * moves[1]), abs=1e-12)
        assert found.covered == pytest.approx(1.0)
        after = bank.portfolio(AskPortfolio("c1", "C")).candidate
        assert after is not None
        assert after.purchases[2].stress[0].loss == pytest.approx(0.9 * found.loss - 0.1 * moves[2], abs=1e-12)
        bank.portfolios(AskPortfolios(tmp_path / "all.jsonl", "C"))
        line = json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])
        assert line["stress"] == [{"episode": "the fall", "loss": pytest.approx(found.loss, abs=1e-12), "covered": 1.0}]
        assert line["after"][2]["stress"][0]["loss"] == pytest.approx(after.purchases[2].stress[0].loss, abs=1e-12)
        shown = CliRunner().invoke(app, ["--home", str(broker / "home"), "portfolio", "c1", "--with", "C", "--json"])
        assert json.loads(shown.stdout)["stress"][0]["episode"] == "the fall"
        (broker / "home" / "market.toml").write_text(told + episode.replace("2024-09-01", "2024-05-01"))
        with pytest.raises(UsageError, match="ends on 2024-05-01 and begins on 2024-06-01"):
            bank.portfolio(AskPortfolio("c1"))
    finally:
        (broker / "home" / "market.toml").write_text(told)


def test_the_worst_windows_of_an_index_are_found() -> None:
    days = np.arange(200)
    values = np.full(200, 100.0)
    values[50:] *= 0.7
    values[120:] *= 0.9
    found = worst((days, values), window=10)
    assert [one.begin for one in found] == ["1970-02-10", "1970-04-21"], "10 days up to day 50, then up to day 120"
    assert worst((days, np.arange(1.0, 201.0))) == ()
    with pytest.raises(UsageError, match="--out FILE"):
        raise_of(["portfolio"])


def raise_of(arguments: list[str]) -> None:
    found = CliRunner().invoke(app, arguments)
    if found.exit_code == 2:
        raise UsageError(found.output)
