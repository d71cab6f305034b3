"""The profit term: learned from earlier prices alone, off by default, and never in a customer's reason."""

import csv
import json
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import EvaluateProfit, Load, MakeReport, Train
from graphrec.app.report.business import returns
from graphrec.app.report.figures import PARTS, Concern, Figure
from graphrec.app.requests import Explain, Recommend
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import ModelError, UsageError
from graphrec.evaluation.profit import AFTER, WEIGHTS, _Course, _Events
from graphrec.evaluation.rolling import DAY
from graphrec.models.general.profit import AHEAD, LEAST, LOOK, PENALTY, expected_returns, features_of
from graphrec.progress import silent
from graphrec.terms.folder import latest, open_model, read_meta
from tests.finance.test_diversification import DEPOSIT, SETTINGS, STOOD, TODAY, UNPRICED, snapshot_of, write_files
from tests.training.bank import day, make

DAYS, PRODUCTS = 800, 12
FIRST = np.datetime64("2023-01-01")


def drifting(count: int, days: int, seed: int = 4) -> np.ndarray:
    """Daily returns of products, each with a drift of its own that stays."""
    draw = np.random.default_rng(seed)
    return draw.normal(np.linspace(-0.002, 0.002, count)[:, None], 0.01, (count, days))


def test_what_goes_on_is_expected_to_go_on_and_each_learner_ranks_it() -> None:
    returns = drifting(60, 600)
    for learner in ("ridge", "boosting"):
        if learner == "boosting":
            pytest.importorskip("lightgbm")
        found = expected_returns(returns, learner)
        assert np.corrcoef(found, np.arange(60))[0, 1] > 0.8
        assert (expected_returns(returns, learner) == found).all()


def test_ridge_equals_least_squares_with_the_penalty_as_rows() -> None:
    returns = drifting(20, LEAST + 40)
    rows, targets = [], []
    for end in range(returns.shape[1] - AHEAD, LOOK - 1, -AHEAD):
        after = np.prod(1 + returns[:, end : end + AHEAD], axis=1) - 1
        rows.append(features_of(returns[:, :end]))
        targets.append(after - after.mean())
    table, wanted = np.concatenate(rows), np.concatenate(targets)
    wanted = np.clip(wanted, *np.quantile(wanted, (0.01, 0.99)))
    width = table.shape[1]
    padded = np.concatenate([table, np.sqrt(PENALTY) * np.eye(width)]), np.concatenate([wanted, np.zeros(width)])
    weights = np.linalg.lstsq(*padded, rcond=None)[0]
    assert np.abs(features_of(returns) @ weights - expected_returns(returns)).max() <= 1e-12


def test_features_read_the_last_year_alone_and_are_standardised() -> None:
    returns = drifting(30, 400)
    found = features_of(returns)
    assert np.abs(found.mean(axis=0)).max() < 0.2
    assert (features_of(np.concatenate([np.full((30, 50), 0.5), returns[:, -LOOK:]], axis=1)) == found).all()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank whose products have two years of prices, the later ones with a higher drift."""
    folder = tmp_path_factory.mktemp("profit")
    write_files(folder / "files")
    courses = 50 * np.cumprod(1 + drifting(PRODUCTS, DAYS), axis=1)
    rows = [
        f"P{n:02},{FIRST + day},{float(courses[n, day])!r}"
        for n in range(PRODUCTS)
        if f"P{n:02}" not in (DEPOSIT, UNPRICED, STOOD)
        for day in range(DAYS)
    ]
    (folder / "files" / "prices.csv").write_text("id,day,close\n" + "\n".join(rows) + "\n")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "broker.toml")))
    (folder / "home" / "market.toml").write_text(SETTINGS)
    return folder


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", policy="none", today=TODAY))


@pytest.mark.slow
def test_it_is_off_unless_the_bank_sets_its_weight_and_no_customer_reads_it(broker: Path) -> None:
    bank = bank_in(broker)
    bank.train(Train(blocks=("portfolio",)))
    assert "profit" not in {term.name for term in open_model(latest(bank.home), snapshot_of(bank)).blend.terms}
    bank.train(Train(blocks=("portfolio",), overrides=("profit.weight=0.8",)))
    model = open_model(latest(bank.home), snapshot_of(bank))
    (term,) = [one for one in model.blend.terms if one.name == "profit"]
    assert any("the past is no promise" in note for note in read_meta(latest(bank.home)).notes)
    part = returns(bank, silent)
    assert (part.figure("profit_weight"), part.command) == (
        Figure("profit_weight", 0.8, "short"), "graphrec evaluate --profit ridge",
    )  # fmt: skip
    assert part.details is not None
    own = next(row for row in part.details.rows if row[0] == 0.8)
    assert (part.figures[0].value, part.figures[3].value) == (own[5], own[1])
    # Two dates prove nothing, and the report says so of a weight that the bank has set.
    assert Concern("profit_unproved", {"weight": "0.8"}) in part.concerns
    assert any(one.name == "profit_costs" for one in part.concerns) == (own[3] is not None and float(own[3]) < 0)
    ids = list(snapshot_of(bank).nodes("Product").ids)
    scores = dict(zip(ids, term.scores(0).tolist(), strict=True))
    assert scores[UNPRICED] == scores[DEPOSIT] == 0
    assert scores[STOOD] == scores["P01"]
    priced = [one for one in ids if one not in (DEPOSIT, UNPRICED, STOOD)]
    assert np.corrcoef([scores[one] for one in priced], np.arange(len(priced)))[0, 1] > 0.5
    said = 0
    for user in ("c01", "c02", "c03"):
        for item in bank.recommend(Recommend(user, 4, record=False)).answer.items:
            whole = bank.explain(Explain(user, item.product, record=False)).answer.items[0]
            own = [line for line in whole.lines if line.kind == "profit"]
            assert abs(sum(line.share for line in whole.lines) - whole.score) <= 1e-9
            said += sum("the past is no promise" in line.text for line in own)
            told = bank.explain(Explain(user, item.product, voice="customer", record=False)).answer.items[0]
            assert not any("past" in text.text for text in (*told.lines, *told.reasons))
        listed = bank.recommend(Recommend(user, 4, record=False, voice="customer")).answer.items
        assert not any("past" in one.text for item in listed for one in item.reasons)
    assert said > 5


def by_hand(folder: Path, date: int) -> tuple[float, float, float, int]:
    """nDCG and monthly return of lists by popularity on a day of the prices, the market, and customers."""
    with (folder / "files" / "prices.csv").open(newline="") as file:
        course: dict[str, list[float]] = {}
        for row in csv.DictReader(file):
            course.setdefault(row["id"], []).append(float(row["close"]))
    course[STOOD] = course["P01"]
    with (folder / "files" / "held.csv").open(newline="") as file:
        taken = [(row["customer"], row["product"], np.datetime64(row["since"])) for row in csv.DictReader(file)]
    day, end = FIRST + date, FIRST + date - 1 + AFTER
    grown = {one: (own[date - 1 + AFTER] / own[date - 1]) ** (AHEAD / AFTER) - 1 for one, own in course.items()}
    holders = Counter(product for _, product, since in taken if since < day)
    order = sorted(sorted(holders), key=lambda one: -holders[one])
    order += sorted(f"P{n:02}" for n in range(PRODUCTS) if f"P{n:02}" not in holders)
    ndcg, earned = [], []
    for user in sorted({one for one, *_ in taken}):
        held = {product for one, product, since in taken if one == user and since < day}
        later = {product for one, product, since in taken if one == user and day <= since <= end} - held
        later &= grown.keys()
        if not held or not later:
            continue
        listed = [one for one in order if one in grown and one not in held][:3]
        gains = [1 / np.log2(place + 2) for place in range(3)]
        found = sum(gain for gain, one in zip(gains, listed, strict=False) if one in later)
        ndcg.append(found / sum(gains[: min(3, len(later))]))
        earned.append(sum(grown[one] for one in listed) / len(listed))
    return float(np.mean(ndcg)), float(np.mean(earned)), float(np.mean(list(grown.values()))), len(ndcg)


@pytest.mark.slow
def test_the_curve_equals_lists_by_hand_and_shows_what_prices_bring(
    broker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(broker, tmp_path / "own")
    folder = tmp_path / "own"
    shutil.rmtree(folder / "home" / "serving" / "models", ignore_errors=True)
    bank = bank_in(folder)
    bank.train(Train(model="popularity", overrides=()))
    found = bank.evaluate_profit(EvaluateProfit())
    dates = [int((np.datetime64(one) - FIRST).astype(int)) for one in (found.first, found.last)]
    assert (dates[1] - dates[0]) % AHEAD == 0
    hand = np.array([by_hand(folder, date) for date in range(dates[0], dates[1] + 1, AHEAD)])
    assert found.dates == len(hand) >= 3
    assert (found.k, found.lists, found.products) == (3, hand[:, 3].sum(), 10)
    first = found.points[0]
    assert (first.weight, first.ndcg_change, first.low, found.own) == (0, None, None, 0)
    assert first.ndcg == pytest.approx(hand[:, 0].mean(), abs=1e-12)
    assert first.monthly == pytest.approx(hand[:, 1].mean(), abs=1e-12)
    assert found.market == pytest.approx(hand[:, 2].mean(), abs=1e-12)
    assert first.over_market == pytest.approx((hand[:, 1] - hand[:, 2]).mean(), abs=1e-12)
    # What rose goes on rising in this bank, so that the term is right about it.
    assert found.points[-1].monthly > found.market
    assert found.points[-1].monthly > first.monthly
    change = found.points[-1].ndcg_change
    assert change is not None
    assert change.value == pytest.approx(found.points[-1].ndcg - first.ndcg, abs=1e-9)
    assert bank.evaluate_profit(EvaluateProfit()) == found
    told = CliRunner().invoke(app, ["--home", str(bank.home.path), "evaluate", "--profit", "ridge", "--json"])
    assert json.loads(told.stdout)["points"][0]["ndcg"] == first.ndcg
    shown = CliRunner().invoke(app, ["--home", str(bank.home.path), "evaluate", "--profit", "ridge"]).stdout
    assert "What prices did is no promise." in shown
    part = returns(bank, silent)
    assert part.figure("over_market") == Figure("over_market", first.over_market, "rate", None, None, 1)
    assert part.details is not None
    assert [row[0] for row in part.details.rows] == list(WEIGHTS)
    assert part.state == "good"
    bank.report(MakeReport(tmp_path / "report.html", without=tuple(one for one in PARTS if one != "returns")))
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<circle") == 2 * len(WEIGHTS)
    assert "graphrec evaluate --profit ridge" in page
    called = []

    def measured(*_: object, **__: object) -> object:
        called.append(1)
        return found

    monkeypatch.setattr(Bank, "evaluate_profit", measured)
    alone = MakeReport(without=tuple(one for one in PARTS if one != "returns"))
    assert bank.report(alone).report.part("returns") is not None
    assert called == []  # as in the last report: the same model and the same prices
    (bank.home.path / "market.toml").write_text(SETTINGS + "horizon_years = 3\n")
    bank.report(alone)
    assert called == [1]


def test_what_a_date_learns_from_ends_before_it(broker: Path) -> None:
    snapshot = snapshot_of(bank_in(broker))
    ids = list(snapshot.nodes("Product").ids)
    days = np.arange(19_000, 19_500)
    draw = np.random.default_rng(1)
    prices = {one: (days, np.exp(draw.normal(0, 0.01, 500).cumsum())) for one in ids[:5]}
    later = {one: (own, np.where(own >= 19_400, 7.0, values)) for one, (own, values) in prices.items()}
    first, second = (_Course.of(snapshot, one) for one in (prices, later))
    assert first.before(400).digest == second.before(400).digest
    assert first.before(401).digest != second.before(401).digest


def test_dealings_without_days_cannot_be_measured(tmp_path: Path) -> None:
    undated = make(tmp_path / "undated", {"BOUGHT": [("u0", "p0")]})
    with pytest.raises(ModelError, match="^what customers took has no dates"):
        _Events.of(undated)
    assert _Events.of(make(tmp_path / "dated", {"BOUGHT": [("u0", "p0", 3)]})).days.tolist() == [day(3) // DAY]


@pytest.mark.slow
def test_what_is_missing_is_said(broker: Path, tmp_path: Path) -> None:
    shutil.copytree(broker / "home", tmp_path / "home")
    home = tmp_path / "home"
    bank = Bank(Settings(home=home, policy="none", today=TODAY))
    (home / "market.toml").write_text('series = "quotes"\n')
    with pytest.raises(UsageError, match=r"there is no series quotes of Product.*graphrec market --init$"):
        returns(bank, silent)
    (home / "market.toml").write_text(SETTINGS)
    (file,) = (home / "vault" / "series").glob("*price*")
    table = pq.read_table(file)
    pq.write_table(table.filter(pc.less(table["at"], pa.scalar(datetime(2023, 12, 1, tzinfo=UTC)))), file)
    with pytest.raises(ModelError, match=r"there are prices of 334 trading days, and the profit term needs 295 to"):
        returns(bank, silent)
