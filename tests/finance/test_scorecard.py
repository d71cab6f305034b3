"""A scorecard: bins, lines that add up, files; its fit on a small set, beside its peers."""

import math
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import Damaged
from graphrec.finance.credit.fitting import FOLDS, Fit, fit, folds, lightgbm, logistic
from graphrec.finance.credit.report import ADDITIVE, held_out, qualities
from graphrec.finance.credit.scorecard import Axis, Part, Scorecard, Values
from graphrec.metrics.probabilities import isotonic, quality, stability_index, venn_abers

INCOME = Axis("income", np.array([10.0, 20.0]))
JOB = Axis("job", None, ("clerk", "smith"))
CARD = Scorecard(
    -1.0,
    (
        Part((INCOME,), np.array([0.5, 1.0, 0.0, -1.0])),
        Part((JOB,), np.array([0.0, 0.25, -0.25, 0.125])),
        Part((INCOME, JOB), np.arange(16.0).reshape(4, 4) / 16),
    ),
)
TABLE: dict[str, Values] = {
    "income": np.array([np.nan, 9.0, 10.0, 20.0]),
    "job": np.array(["", "clerk", "smith", "pilot"], object),
}


def cases(rows: int = 600) -> tuple[dict[str, Values], np.ndarray]:
    """Cases that get less likely with income, more with debt where there is no home, and differ by job."""
    rng = np.random.default_rng(3)
    income, debt = rng.normal(50, 15, rows), rng.uniform(0, 10, rows)
    home = rng.integers(0, 2, rows).astype(float)
    job = rng.choice(np.array(["clerk", "smith", "pilot"], object), rows)
    z = -1 - 0.08 * (income - 50) + 0.3 * (debt - 5) * (1 - home) + 0.8 * (job == "smith")
    income[rng.random(rows) < 0.1] = np.nan
    return {"income": income, "debt": debt, "home": home, "job": job}, rng.random(rows) < 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def fitted() -> Fit:
    table, target = cases()
    return fit(table, target, monotone={"income": -1}, pairs=2)


def test_bins_of_numbers_and_texts() -> None:
    assert INCOME.bins(TABLE["income"]).tolist() == [0, 1, 2, 3]
    assert JOB.bins(TABLE["job"]).tolist() == [0, 1, 2, 3]
    assert [INCOME.said(place) for place in range(4)] == ["not known", "below 10", "10 to below 20", "20 or more"]
    assert JOB.said(3) == "another one"


def test_lines_add_up_and_a_file_brings_the_same_back(tmp_path: Path) -> None:
    lines = CARD.lines(TABLE)
    assert lines[1].tolist() == [1.0, 0.25, 5 / 16]
    assert np.abs(CARD.base + lines.sum(axis=1) - CARD.logits(TABLE)).max() == 0
    CARD.write(tmp_path / "a", {"name": "pd"})
    CARD.write(tmp_path / "b", {"name": "pd"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read, about = Scorecard.read(tmp_path / "a")
    assert about == {"name": "pd"}
    assert (read.lines(TABLE) == lines).all()
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-8])
    with pytest.raises(Damaged, match="run graphrec risk fit again"):
        Scorecard.read(tmp_path / "a")


def test_scaling_multiplies_every_line() -> None:
    scaled = CARD.scaled(2.0, 0.5)
    assert np.abs(scaled.logits(TABLE) - (2 * CARD.logits(TABLE) + 0.5)).max() < 1e-12
    assert (scaled.lines(TABLE) == 2 * CARD.lines(TABLE)).all()


@pytest.mark.slow
def test_the_points_are_the_machine_that_was_fitted(fitted: Fit) -> None:
    """Another run of the same fit, asked directly, says the same before calibration."""
    from graphrec.finance.credit.fitting import _boosted, platt

    table, target = cases()
    machine = _boosted(table, target, folds(target, FOLDS, 0), {"income": -1}, 2, 0)
    own = fitted.scorecard.logits(table)
    theirs = machine.decision_function(table)
    slope, level = np.polyfit(theirs, own, 1)
    assert np.abs(slope * theirs + level - own).max() < 1e-9
    again = platt(np.log(fitted.held_out / (1 - fitted.held_out)), target)
    assert again == pytest.approx((1.0, 0.0), abs=1e-6), "held-out probabilities need no further scaling"


def test_a_monotone_column_falls_everywhere_and_enters_no_pair(fitted: Fit) -> None:
    with_income = [part for part in fitted.scorecard.parts if any(axis.name == "income" for axis in part.axes)]
    assert [len(part.axes) for part in with_income] == [1]
    points = with_income[0].points[1:]
    assert (np.diff(points) <= 1e-12).all()
    assert points[0] > points[-1]
    assert any(len(part.axes) == 2 for part in fitted.scorecard.parts)


@pytest.mark.slow
def test_peers_see_the_same_rows_and_the_figures_are_theirs() -> None:
    table, target = cases()
    later = np.arange(len(target)) >= 450
    held = held_out(table, target, monotone={}, pairs=0, later=later)
    assert held.rows.tolist() == list(range(450, 600))
    own = {name: values[:450] for name, values in table.items()}
    rest = {name: values[450:] for name, values in table.items()}
    assert (held.probabilities["logistic"] == logistic(own, target[:450])(rest)).all()
    assert (held.probabilities["LightGBM"] == lightgbm(own, target[:450])(rest)).all()
    found = qualities(held, target)
    assert found[ADDITIVE].auc.value > 0.6
    assert found[ADDITIVE].auc.low < found[ADDITIVE].auc.value < found[ADDITIVE].auc.high
    assert 0 < held.venn_abers_width < 0.5


def test_figures_equal_a_plain_count() -> None:
    rng = np.random.default_rng(1)
    p, y = rng.random(200).round(2), rng.random(200) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in p[y] for b in p[~y]]
    found = quality(p, y, resamples=20)
    assert found.auc.value == pytest.approx(float(np.mean(pairs)), abs=1e-12)
    ks = max(abs(float((p[y] <= t).mean() - (p[~y] <= t).mean())) for t in p)
    assert found.ks.value == pytest.approx(ks, abs=1e-12)
    values, rates = isotonic(p, y)
    assert (np.diff(rates) >= 0).all()
    assert rates.mean() == pytest.approx(float(np.interp(values, values, rates).mean()))
    low, high = venn_abers(p, y, p)
    assert (low <= high).all()
    assert stability_index(p, p + 0.5) > 0.25 > stability_index(p, p[::-1])


def test_folds_keep_both_outcomes() -> None:
    target = np.array([True] * 20 + [False] * 80)
    found = folds(target, 5, 7)
    assert all(target[found == part].sum() == 4 and (found == part).sum() == 20 for part in range(5))


def test_a_probability_has_a_ledger(fitted: Fit) -> None:
    table, _ = cases()
    lines = fitted.scorecard.lines(table)
    p = fitted.scorecard.probabilities(table)
    gap = [
        abs(fitted.scorecard.base + math.fsum(line) - math.log(q / (1 - q))) for line, q in zip(lines, p, strict=True)
    ]
    assert max(gap) < 1e-9
