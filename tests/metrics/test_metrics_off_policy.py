"""Off-policy estimates against the formulas as they are published, the truth of a simulation, and the obp package.

The figures of obp 0.5.7 (`InverseProbabilityWeighting`, `SelfNormalizedInverseProbabilityWeighting`, `DoublyRobust` of
obp.ope.estimators, on Python 3.11) were computed once on the sample of the Open Bandit Dataset that the package brings:
obp asks for torch < 2 and scikit-learn < 2, so that it is no dependency of the tests.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphrec.metrics.off_policy import MeanRewards, doubly_robust, effective_size, ips, off_policy, snips

ITEMS, PLACES = 80, 3


def _log(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    with (folder / "all.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ints = [np.array([int(row[name]) for row in rows]) for name in ("item_id", "position", "click")]
    return ints[0], ints[1] - 1, ints[2].astype(float), np.array([float(row["propensity_score"]) for row in rows])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("logged", "peers"),
    [
        ("random", (0.005035366932711512, 0.0052530721964214695, 0.005042376877618841)),
        ("bts", (0.0023596395168460037, 0.002333713893161806, 0.0030494806262375343)),
    ],
)
def test_estimates_are_those_of_obp_on_open_bandit(
    data_dir: Callable[[str], Path], logged: str, peers: tuple[float, float, float]
) -> None:
    """The random log judges how often BTS showed each item at each place; the log of BTS judges the even choice."""
    folder = data_dir("open-bandit")
    actions, places, rewards, propensities = _log(folder / logged / "all")
    new = np.full((ITEMS, PLACES), 1 / ITEMS)
    if logged == "random":
        other, at, _, _ = _log(folder / "bts" / "all")
        counts = np.zeros((ITEMS, PLACES))
        np.add.at(counts, (other, at), 1)
        new = counts / counts.sum(axis=0)
    q = MeanRewards.of(actions, places, rewards, (ITEMS, PLACES)).values
    weights = new[actions, places] / propensities
    logged_q, wanted_q = q[actions, places], (new * q).sum(axis=0)[places]
    owners = np.arange(len(actions))
    found = off_policy(rewards, weights, logged_q, wanted_q, owners, seed=1)
    assert (found.ips.value, found.snips.value, found.dr.value) == pytest.approx(peers, abs=1e-12)
    # The documented formulas, one choice after the other.
    total = [0.0, 0.0, 0.0]
    for one in range(len(actions)):
        weight = new[actions[one], places[one]] / propensities[one]
        direct = sum(new[item, places[one]] * q[item, places[one]] for item in range(ITEMS))
        total[0] += weight * rewards[one]
        total[1] += weight
        total[2] += direct + weight * (rewards[one] - q[actions[one], places[one]])
    assert found.ips.value == pytest.approx(total[0] / len(actions), abs=1e-9)
    assert found.snips.value == pytest.approx(total[0] / total[1], abs=1e-9)
    assert found.dr.value == pytest.approx(total[2] / len(actions), abs=1e-9)
    assert found.ips.low < found.ips.value < found.ips.high
    assert found.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


@pytest.mark.slow
def test_estimates_hold_the_truth_of_a_policy_that_was_never_served() -> None:
    rng = np.random.default_rng(7)
    truth = rng.uniform(0.02, 0.3, (6, 2))
    logging = np.full((6, 2), 1 / 6)
    new = np.zeros((6, 2))
    new[[4, 1], [0, 1]] = 1  # always item 4 first and item 1 second
    value = (truth[4, 0] + truth[1, 1]) / 2
    held = np.zeros(3)
    runs, customers = 100, 2_000
    for run in range(runs):
        owners, places = np.repeat(np.arange(customers), 2), np.tile([0, 1], customers)
        actions = rng.integers(0, 6, len(owners))
        rewards = (rng.random(len(owners)) < truth[actions, places]).astype(float)
        weights = new[actions, places] / logging[actions, places]
        q = MeanRewards.of(actions, places, rewards, (6, 2)).values
        found = off_policy(rewards, weights, q[actions, places], (new * q).sum(axis=0)[places], owners, seed=run)
        held += [one.low <= value <= one.high for one in (found.ips, found.snips, found.dr)]
    assert (held / runs >= 0.88).all(), held
    assert (held / runs <= 0.99).all(), held


def test_doubly_robust_is_right_where_the_rewards_are_known_although_the_weights_are_wrong() -> None:
    rewards, weights = np.array([1.0, 0.0, 1.0]), np.array([5.0, 9.0, 0.1])
    assert doubly_robust(rewards, weights, rewards, np.array([0.25, 0.5, 0.75])) == pytest.approx(0.5)
    assert ips(rewards, weights) != pytest.approx(0.5)


def test_no_support_has_no_size_and_no_value() -> None:
    nothing = np.zeros(4)
    assert (snips(np.ones(4), nothing), effective_size(nothing)) == (0.0, 0.0)
