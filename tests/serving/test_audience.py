"""Where products stand with many customers: the same ranks, refusals and scores as one customer at a time."""

import numpy as np
import pytest

from graphrec.errors import PolicyError
from graphrec.policy.read import parse_policy
from graphrec.serving.audience import UNREFUSED, chosen, standings
from graphrec.serving.engine import Engine

POLICY = """version = "1"
[[rule]]
id = "no_bonds"
sentence = "bonds are not offered"
require = "product.kind != 'bond'"
[[rule]]
id = "not_held"
sentence = "already held"
require = "not held"
"""


@pytest.fixture
def ruled(engine: Engine) -> Engine:
    """The engine with two rules."""
    return Engine(engine.snapshot, engine.model, policy=parse_policy(POLICY, "policy.toml"), now=engine.now)


@pytest.mark.slow
def test_ranks_and_scores_are_those_of_explanations(ruled: Engine) -> None:
    products = [2, 3, 4]
    found = standings(ruled, np.arange(len(ruled.users)), products)
    seen = outweighed = 0
    for row, user in enumerate(found.users.tolist()):
        for column, product in enumerate(products):
            answer = ruled.explain(ruled.users.ids[user], ruled.products.ids[product], 5)
            refusals = ruled.eligibility.refusals(user, product)
            assert (found.refused[row, column] == UNREFUSED) == (not refusals)
            if refusals:
                assert found.rules[found.refused[row, column]] == refusals[0].rule
            if not answer.items:
                assert found.ranks[row, column] == 0
                continue
            (item,) = answer.items
            if item.score <= 0:
                assert found.ranks[row, column] == 0
                outweighed += 1
                continue
            assert found.ranks[row, column] == item.rank
            assert found.scores[row, column] == pytest.approx(item.score, abs=1e-9)
            assert found.confidence[row, column] == pytest.approx(item.confidence)
            seen += 1
    assert seen > 40
    assert outweighed
    assert (found.ranks[:, 1] == 0).all()  # P03 is a bond


def test_counts_are_of_the_first_rule(ruled: Engine) -> None:
    found = standings(ruled, np.arange(len(ruled.users)), [2, 3])
    assert found.counts(1) == {"no_bonds": len(ruled.users)}
    held = sum(bool(ruled.eligibility.refusals(user, 2)) for user in range(len(ruled.users)))
    assert found.counts(0) == {"not_held": held}


def test_the_order_of_blocks_changes_nothing(ruled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = standings(ruled, np.arange(len(ruled.users)), [2, 6])
    monkeypatch.setattr("graphrec.serving.audience.BLOCK_USERS", 7)
    monkeypatch.setattr("graphrec.serving.audience._BLOCK_PAIRS", 10)
    parts = standings(ruled, np.arange(len(ruled.users)), [2, 6])
    for name in ("refused", "ranks", "scores", "confidence"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_a_condition_chooses_customers(ruled: Engine) -> None:
    assert len(chosen(ruled, None)) == len(ruled.users)
    with pytest.raises(PolicyError, match="--where"):
        chosen(ruled, "user.nothing == 'x'")
