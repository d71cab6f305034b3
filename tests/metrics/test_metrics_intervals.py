"""Intervals and paired tests: known answers, the same bits for the same seed, memory in chunks."""

from itertools import product

import numpy as np
import pytest

from graphrec.metrics import intervals
from graphrec.metrics.intervals import Interval, bootstrap, bootstrap_all, jackknife, paired_test


def test_bootstrap_is_the_normal_interval_where_that_is_known() -> None:
    values = np.repeat([0.0, 1.0], [600, 400])  # SE = sqrt(.4 * .6 / 1000) = .015492
    interval = bootstrap(values, seed=3, resamples=4000)
    assert interval.value == 0.4
    assert interval.low == pytest.approx(0.4 - 1.96 * 0.015492, abs=0.0015)
    assert interval.high == pytest.approx(0.4 + 1.96 * 0.015492, abs=0.0015)
    narrow = bootstrap(values, seed=3, resamples=4000, level=0.5)
    assert narrow.high - narrow.low == pytest.approx(2 * 0.6745 * 0.015492, abs=0.002)


def test_one_value_and_equal_values_have_no_width() -> None:
    assert bootstrap(np.array([0.1]), seed=0) == Interval(0.1, 0.1, 0.1)
    assert bootstrap(np.full(7, 1 / 3), seed=0) == Interval(1 / 3, 1 / 3, 1 / 3)
    assert bootstrap(np.zeros(3), seed=0) == Interval(0.0, 0.0, 0.0)


def test_an_interval_lies_among_the_values() -> None:
    """Without the cut its low end is -2.5e-16, and prints as -0.0000."""
    values = np.zeros(49)
    values[0] = 0.1
    found = bootstrap(values, seed=0)
    assert (found.low, f"{found.low:.4f}") == (0.0, "0.0000")


def test_same_seed_same_bits_alone_or_together_and_in_any_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "recall@20": rng.random(500),
        "ndcg@20": rng.random(500) * 1e-3,
        "hit_rate@1": rng.integers(0, 2, 500) * 1.0,
    }
    together = bootstrap_all(columns, seed=7)
    assert together == {name: bootstrap(values, seed=7) for name, values in columns.items()}
    assert together["recall@20"] != bootstrap(columns["recall@20"], seed=8)
    p_value = paired_test(columns["recall@20"], columns["hit_rate@1"], 7)
    monkeypatch.setattr(intervals, "_CHUNK", 1 << 30)
    assert bootstrap_all(columns, seed=7) == together
    assert paired_test(columns["recall@20"], columns["hit_rate@1"], 7) == p_value


def test_bootstrap_agrees_with_drawing_users_one_by_one() -> None:
    values = np.random.default_rng(1).random(50)
    drawn = np.random.default_rng(9).integers(0, 50, (200, 50))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    interval = bootstrap(values, seed=9, resamples=200)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))


def test_bootstrap_refuses_what_is_no_value_per_user() -> None:
    assert bootstrap_all({}, seed=0) == {}
    with pytest.raises(ValueError, match=r"values: need one finite value per user, at least one \(got \(0,\)\)"):
        bootstrap(np.zeros(0), seed=0)
    with pytest.raises(ValueError, match="ndcg: need one finite value per user"):
        bootstrap_all({"recall": np.zeros(2), "ndcg": np.array([0.0, np.nan])}, seed=0)
    with pytest.raises(ValueError, match=r"ndcg: need one finite value per user, at least one \(got \(3,\)\)"):
        bootstrap_all({"recall": np.zeros(2), "ndcg": np.zeros(3)}, seed=0)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array([0.1, 0.4, 0.4, 0.9])
    without_each = (values.sum() - values) / 3
    interval = jackknife(float(values.mean()), without_each, level=0.95)
    half = 1.959963984540054 * values.std(ddof=1) / 2
    assert interval.low == pytest.approx(max(0.0, 0.45 - half), abs=1e-12)
    assert interval.high == pytest.approx(0.45 + half, abs=1e-12)
    assert jackknife(0.3, np.array([0.0])) == Interval(0.3, 0.0, 1.0)


def test_paired_test_is_exact_for_few_users() -> None:
    a, b = np.array([0.9, 0.5, 0.2, 0.7, 0.3]), np.array([0.5, 0.6, 0.1, 0.2, 0.3])
    difference = (a - b)[:4]  # the last user has no difference
    sums = [abs(np.dot(signs, difference)) for signs in product((-1, 1), repeat=4)]
    expected = sum(found >= abs(difference.sum()) - 1e-9 for found in sums) / 16
    assert paired_test(a, b, 0) == expected == paired_test(b, a, 1)


def test_paired_test_finds_a_difference_and_no_difference() -> None:
    rng = np.random.default_rng(4)
    base = rng.random(400)
    assert paired_test(base + 0.1 + 0.2 * rng.standard_normal(400), base, 0) == 1 / 10_001
    # one standard error away from nothing: p = .317
    noise = rng.standard_normal(400)
    noise = (noise - noise.mean()) / noise.std() + 1 / 20
    assert paired_test(base + noise, base, 0) == pytest.approx(0.317, abs=0.015)
    assert paired_test(base, base, 0) == 1.0


def test_paired_test_refuses_other_users() -> None:
    with pytest.raises(ValueError, match=r"a \(2,\) and b \(3,\) are not values of the same users"):
        paired_test(np.zeros(2), np.zeros(3), 0)
    with pytest.raises(ValueError, match="a and b must be finite"):
        paired_test(np.array([np.inf]), np.zeros(1), 0)
