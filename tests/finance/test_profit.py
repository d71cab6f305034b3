"""The profit term: learned from earlier prices alone, off by default, and never in a customer's reason."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, Train
from graphrec.app.requests import Explain, Recommend
from graphrec.config.settings import Settings
from graphrec.models.general.profit import AHEAD, LEAST, LOOK, PENALTY, expected_returns, features_of
from graphrec.terms.folder import latest, open_model, read_meta
from tests.finance.test_diversification import DEPOSIT, SETTINGS, STOOD, TODAY, UNPRICED, snapshot_of, write_files

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
