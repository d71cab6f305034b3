"""Figures of prices: equal to pandas, blind to later prices, kept as dated columns with the higher rating."""

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskMarket, Load, TakeSnapshot
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.finance.market.figures import DAY, Prices, class_of, figures, garch_of, vev_of

TODAY = date(2025, 6, 1)
MAPPING = """
[source]
name = "exchange"
[source.files]
customers = "customers.csv"
products = "products.csv"
bought = "bought.csv"
prices = "prices.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id FROM customers"
[nodes.Product]
key = "id"
name = "name"
sql = '''
SELECT id, name, TRY_CAST(issuer_class AS INTEGER) AS issuer_class, TRY_CAST(own AS INTEGER) AS own
FROM products'''
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product FROM bought"
[series.price]
of = "Product.id"
at = "day"
values = ["close"]
sql = "SELECT id, CAST(day AS DATE) AS day, CAST(close AS DOUBLE) AS close FROM prices"
"""


def walk(seed: int, days: int, spread: float) -> list[float]:
    """Prices of some working days."""
    steps = np.random.default_rng(seed).normal(0.0002, spread, days)
    return [float(one) for one in 100 * np.exp(np.cumsum(steps))]


def write_files(folder: Path, *, later: bool = False) -> None:
    """Four products, three of them with prices; later: prices after the date."""
    folder.mkdir(exist_ok=True)
    days = [str(one) for one in np.arange(np.datetime64("2022-01-03"), np.datetime64("2025-06-01")) if _works(one)]
    rows = [
        f"{name},{day},{close!r}"
        for name, seed, spread, first in (("A", 1, 0.01, 0), ("INDEX", 2, 0.006, 0), ("NEW", 3, 0.03, len(days) - 60))
        for day, close in zip(days[first:], walk(seed, len(days) - first, spread), strict=True)
    ]
    if later:
        rows += [f"{name},2025-06-0{n},1000000" for name in ("A", "INDEX", "NEW", "B") for n in (2, 3)]
    (folder / "prices.csv").write_text("id,day,close\n" + "\n".join(rows) + "\n")
    (folder / "products.csv").write_text(
        "id,name,issuer_class,own\nA,Alpha,2,6\nB,Beta,4,1\nINDEX,Index,,\nNEW,New,,\n"
    )
    (folder / "customers.csv").write_text("id\nc1\nc2\n")
    (folder / "bought.csv").write_text("customer,product\nc1,A\nc2,NEW\n")
    (folder / "exchange.toml").write_text(MAPPING)


def _works(day: np.datetime64) -> bool:
    return bool(np.is_busday(day))


def loaded(folder: Path, *, later: bool = False) -> Bank:
    write_files(folder / "files", later=later)
    bank = Bank(Settings(home=folder / "home", today=TODAY))
    bank.load(Load(str(folder / "files" / "exchange.toml")))
    (folder / "home" / "market.toml").write_text('benchmark = "INDEX"\nratings = ["issuer_class", "own"]\n')
    return bank


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exchange")
    loaded(folder)
    return folder


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", today=TODAY))


def series_of(seed: int, spread: float) -> tuple[Prices, Any]:
    pandas = pytest.importorskip("pandas")
    days = np.arange(np.datetime64("2022-01-03"), np.datetime64("2025-06-01"))
    values = np.array(walk(seed, len(days), spread))
    times = days.astype("datetime64[us]").astype(np.int64)
    return Prices(times, values), pandas.Series(values, index=pandas.DatetimeIndex(days))


def test_figures_equal_pandas() -> None:
    (own, frame), (index, other) = series_of(1, 0.01), series_of(2, 0.006)
    found = figures(own, index)
    assert found is not None
    logs = (frame / frame.shift(1)).map(math.log, na_action="ignore").dropna()
    market = (other / other.shift(1)).map(math.log, na_action="ignore").dropna()
    last = frame.index[-1]
    for days in (30, 91, 182, 365):
        ago = frame.asof(last - np.timedelta64(days, "D"))
        assert found.returns[f"{days}d"] == pytest.approx(frame.iloc[-1] / ago - 1, abs=1e-12)
    ewma = math.sqrt(252 * (logs**2).ewm(alpha=0.06, adjust=False).mean().iloc[-1])
    assert found.volatility == pytest.approx(ewma, abs=1e-12)
    year = frame[frame.index > last - np.timedelta64(365, "D")]
    assert found.drawdown == pytest.approx(1 - frame.iloc[-1] / year.max(), abs=1e-12)
    a, b = logs.iloc[-252:], market.iloc[-252:]
    assert found.beta == pytest.approx(a.cov(b) / b.var(), abs=1e-12)
    assert found.correlation == pytest.approx(a.corr(b), abs=1e-12)
    momentum = frame.asof(last - np.timedelta64(30, "D")) / frame.asof(last - np.timedelta64(365, "D")) - 1
    assert found.momentum == pytest.approx(momentum, abs=1e-12)
    assert figures(Prices(own.times[:0], own.values[:0])) is None


def test_the_value_at_risk_of_a_normal_price_is_its_volatility() -> None:
    """Without skew and kurtosis VEV is close to the volatility, by the formula of the regulation."""
    returns = np.random.default_rng(0).normal(0, 0.01, 100_000)
    assert vev_of(returns, 1.0) == pytest.approx(0.01 * math.sqrt(252), rel=0.01)
    assert vev_of(np.zeros(600), 5.0) == 0.0
    assert [class_of(edge) for edge in (0.0, 0.0049, 0.0499, 0.1199, 0.1999, 0.2999, 0.7999)] == [1, 1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_garch_expects_the_volatility_that_made_the_returns() -> None:
    """Returns of a known GARCH process: the forecast is that of its own parameters, within what a fit can tell."""
    pytest.importorskip("arch")
    w, a, b = 2e-6, 0.08, 0.9
    noise, variance, returns = np.random.default_rng(3).normal(size=1260), w / (1 - a - b), []
    for shock in noise:
        returns.append(math.sqrt(variance) * float(shock))
        variance = w + a * returns[-1] ** 2 + b * variance
    ahead, mean = variance, w / (1 - a - b)
    known = math.sqrt(252 * np.mean([mean + (a + b) ** n * (ahead - mean) for n in range(21)]))
    found = garch_of(np.array(returns))
    assert found == pytest.approx(known, rel=0.05)
    assert garch_of(np.array(returns)) == found
    assert garch_of(np.zeros(600)) == 0.0


def test_garch_is_there_where_it_is_asked_for(exchange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("arch")
    found = {one.product: one.figures for one in bank_in(exchange).market(AskMarket(garch=True)).products}
    assert found["A"] is not None
    assert found["A"].garch == pytest.approx(0.01 * math.sqrt(252), rel=0.2)
    assert found["NEW"] is not None
    assert found["NEW"].garch is None
    assert all(
        one.figures is None or one.figures.garch is None for one in bank_in(exchange).market(AskMarket()).products
    )
    monkeypatch.setenv("GRAPHREC_HOME", str(exchange / "home"))
    shown = CliRunner().invoke(app, ["market", "A", "--garch"])
    assert shown.exit_code == 0, shown.output
    assert "GARCH" in shown.output


def test_prices_are_cut_and_cleaned() -> None:
    found = Prices.of(np.array([3, 1, 2, 9]) * DAY, np.array([3.0, 1.0, -2.0, 9.0]), 9 * DAY)
    assert found.values.tolist() == [1.0, 3.0]


def test_the_higher_rating_counts_and_few_prices_have_no_class(exchange: Path) -> None:
    found = {one.product: one for one in bank_in(exchange).market(AskMarket()).products}
    assert set(found) == {"A", "B", "INDEX", "NEW"}
    assert found["A"].rating == 6
    assert found["A"].figures is not None
    assert found["A"].figures.market_class in (3, 4)
    assert (found["B"].figures, found["B"].rating) == (None, 4)
    assert found["NEW"].figures is not None
    assert (found["NEW"].figures.market_class, found["NEW"].rating) == (None, None)
    assert found["NEW"].figures.returns["365d"] is None
    assert found["INDEX"].figures is not None
    assert found["INDEX"].figures.beta == pytest.approx(1.0)


def test_later_prices_change_nothing(exchange: Path, tmp_path: Path) -> None:
    bank = loaded(tmp_path, later=True)
    assert bank.market(AskMarket()).products == bank_in(exchange).market(AskMarket()).products


def test_kept_figures_are_of_their_day(exchange: Path) -> None:
    bank = bank_in(exchange)
    done = bank.market(AskMarket(keep=True))
    assert done.kept
    assert done.without == 0
    now = bank.take_snapshot(TakeSnapshot()).snapshot
    place = now.nodes("Product").ids.find("A")
    assert now.value("Product", "market_rating", place) == 6
    assert now.value("Product", "market_class", now.nodes("Product").ids.find("B")) is None
    earlier = bank.take_snapshot(TakeSnapshot(as_of="2025-01-01")).snapshot
    assert earlier.value("Product", "market_rating", place) is None


def test_faults_and_the_command(exchange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, file = bank_in(exchange), exchange / "home" / "market.toml"
    text = file.read_text()
    with pytest.raises(UnknownId, match="^no product 'Z'; search with: graphrec find Z$"):
        bank.market(AskMarket("Z"))
    try:
        for wrong, line in (
            ('series = "level"', "no series level"),
            ('benchmark = "B"', "has no price before"),
            ('ratings = ["name"]', "no column name of whole numbers"),
            ("windows = 3", "windows"),
        ):
            file.write_text(wrong)
            with pytest.raises(UsageError, match=line):
                bank.market(AskMarket())
    finally:
        file.write_text(text)
    monkeypatch.setenv("GRAPHREC_HOME", str(exchange / "home"))
    shown = CliRunner().invoke(app, ["market", "A"])
    assert shown.exit_code == 0, shown.output
    assert "Alpha" in shown.output
    told = json.loads(CliRunner().invoke(app, ["market", "--json"]).output)
    assert told["products"][0]["figures"]["last_day"] == "2025-05-30"
