"""The confidence of a product: its formula, and what it rises and falls with."""

import numpy as np
import pytest

from graphrec.serving.confidence import confidence, total_weight
from graphrec.terms.forms.blend import Blend

ALL = np.ones(4, np.bool_)


def test_mass_and_confidence_by_hand() -> None:
    # Mean 2; the masses are 4 / 2, 0, -1 and -1 spreads.
    found = confidence(np.array([6.0, 2.0, 0.0, 0.0]), ALL, 2.0)
    assert found == pytest.approx([4 / 5, 0.0, 0.0, 0.0])


def test_only_what_may_be_shown_is_in_the_mean() -> None:
    allowed = np.array([True, True, True, False])
    found = confidence(np.array([6.0, 2.0, 1.0, 99.0]), allowed, 3.0)
    assert found[0] == pytest.approx(1 / 2)
    assert found[1] == 0.0


def test_many_users_are_each_as_alone() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(6, 9)).astype(np.float32)
    allowed = rng.random((6, 9)) < 0.7
    together = confidence(scores, allowed, 1.5)
    for user in range(6):
        np.testing.assert_array_equal(together[user], confidence(scores[user], allowed[user], 1.5))
        order = np.argsort(scores[user])
        assert (np.diff(together[user][order]) >= 0).all()


def test_a_term_that_says_nothing_lowers_it() -> None:
    scores = np.array([3.0, 1.0, 0.0, 0.0])
    assert confidence(scores, ALL, 1.0)[0] > confidence(scores, ALL, 2.0)[0] > 0


def test_nothing_known_is_no_confidence() -> None:
    np.testing.assert_array_equal(confidence(np.zeros(4), ALL, 1.0), np.zeros(4))


def test_the_weights_of_all_terms_count() -> None:
    assert total_weight(Blend([None, None], [1.0, 0.25])) == 1.25  # type: ignore[list-item]
