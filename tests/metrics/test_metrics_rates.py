"""Intervals of rates: the published formula, trials in groups, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from graphrec.metrics.rates import chi_squared_tail, design_effect, grouped_rate, rates_differ, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (1, 10), (7, 10), (10, 10), (38, 10_000)])
def test_wilson_is_the_interval_of_scipy(successes: int, trials: int) -> None:
    found = wilson(successes, trials)
    peer = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((successes / trials, peer.low, peer.high), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 12, 35])
def test_the_tail_is_that_of_scipy(freedom: int) -> None:
    for value in (0.1, 1.0, 5.0, 20.0, 60.0):
        assert chi_squared_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9, abs=1e-12)


def test_several_rates_are_tested_as_scipy_tests_a_table() -> None:
    successes, trials = np.array([12.0, 30.0, 22.0]), np.array([200.0, 240.0, 260.0])
    peer = stats.chi2_contingency(np.stack((successes, trials - successes)), correction=False)
    assert rates_differ(successes, trials) == pytest.approx(peer.pvalue, rel=1e-9)


def test_the_interval_of_grouped_trials_keeps_its_level_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(1)
    truth, groups, size, held, plain = 0.2, 200, 5, 0, 0
    for _ in range(400):
        # Customers differ: their own rates are spread as Beta(1, 4), mean .2.
        successes = rng.binomial(size, rng.beta(1.0, 4.0, groups))
        trials = np.full(groups, size)
        one, other = grouped_rate(successes, trials), wilson(int(successes.sum()), groups * size)
        held += one.low <= truth <= one.high
        plain += other.low <= truth <= other.high
    assert 0.92 <= held / 400 <= 0.98
    assert plain / 400 < 0.91


def test_a_design_effect_of_trials_alone_is_one() -> None:
    rng = np.random.default_rng(2)
    found = design_effect(rng.binomial(1, 0.3, 20_000), np.ones(20_000, int))
    assert found == pytest.approx(1, abs=0.001)
