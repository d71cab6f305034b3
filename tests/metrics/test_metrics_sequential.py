"""Intervals that hold at all times: who looks every day is misled as seldom as was promised."""

import numpy as np
import pytest

from graphrec.metrics.rates import wilson
from graphrec.metrics.sequential import Bounds, confidence_sequence, difference

RUNS, CUSTOMERS, ALPHA = 300, 1_500, 0.05
#: Three standard errors above alpha.
MOST = ALPHA + 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


@pytest.mark.slow
def test_a_difference_that_is_none_is_found_as_seldom_as_promised_although_one_looks_always() -> None:
    rng = np.random.default_rng(3)
    alarms = peeked = 0
    for _ in range(RUNS):
        outcomes = rng.binomial(1, 0.1, CUSTOMERS).astype(float)
        treated = rng.random(CUSTOMERS) < 0.5
        # The interval is the intersection over all moments: it is without 0 where it was so at any of them.
        found = difference(outcomes, treated, 0.5, alpha=ALPHA)
        alarms += not found.low <= 0 <= found.high
        peeked += _is_seen_by_a_fixed_interval(outcomes, treated)
    assert alarms / RUNS <= MOST
    assert peeked / RUNS > 0.15  # The same looks at intervals for one look.


def _is_seen_by_a_fixed_interval(outcomes: np.ndarray, treated: np.ndarray) -> bool:
    for seen in range(100, CUSTOMERS + 1, 50):
        here, treated_here = outcomes[:seen], treated[:seen]
        one, other = here[treated_here], here[~treated_here]
        spread = (one.var() / len(one) + other.var() / len(other)) ** 0.5
        if abs(one.mean() - other.mean()) > 1.96 * spread:
            return True
    return False


def test_a_planted_difference_is_held_and_found() -> None:
    rng = np.random.default_rng(4)
    held = found_it = 0
    for _ in range(60):
        treated = rng.random(4_000) < 0.5
        outcomes = rng.binomial(1, np.where(treated, 0.25, 0.1)).astype(float)
        found = difference(outcomes, treated, 0.5)
        held += found.low <= 0.15 <= found.high
        found_it += found.low > 0
    assert held >= 57
    assert found_it >= 57


def test_unequal_arms_give_the_same_difference() -> None:
    rng = np.random.default_rng(5)
    treated = rng.random(20_000) < 0.2
    outcomes = rng.binomial(1, np.where(treated, 0.3, 0.2)).astype(float)
    found = difference(outcomes, treated, 0.2)
    assert found.low <= 0.1 <= found.high
    assert found.low > 0


def test_more_values_never_widen_the_interval_and_it_shrinks_towards_that_of_one_look() -> None:
    rng = np.random.default_rng(6)
    values = rng.binomial(1, 0.3, 10_000).astype(float)
    before = confidence_sequence(values[:500], Bounds(0, 1))
    after = confidence_sequence(values, Bounds(0, 1))
    once = wilson(values.sum(), len(values))
    assert before.low <= after.low <= 0.3 <= after.high <= before.high
    assert after.high - after.low < 3 * (once.high - once.low)


def test_no_value_says_nothing_and_one_beyond_its_bounds_is_refused() -> None:
    nothing = confidence_sequence(np.array([]), Bounds(-1, 2))
    assert (nothing.low, nothing.high) == (-1, 2)
    with pytest.raises(ValueError, match="not within"):
        confidence_sequence(np.array([1.5]), Bounds(0, 1))
