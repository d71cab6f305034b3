"""LIR, SEP and ETD against fractions worked out by hand."""

from fractions import Fraction

import numpy as np
import pytest

from graphrec.metrics.paths import entity_popularity, ewma, interaction_recency, mean_of_known, type_diversity


def by_hand(values: list[int], decay: Fraction) -> list[Fraction]:
    """The sums of the definition, in fractions."""
    keep = 1 - decay
    return [
        sum((keep**q * values[j - q] for q in range(j + 1)), Fraction()) / sum(keep**q for q in range(j + 1))
        for j in range(len(values))
    ]


def test_ewma_is_the_sum_of_its_definition() -> None:
    decay = Fraction(2, 11)
    assert by_hand([0, 1, 2], decay) == [0, Fraction(11, 20), Fraction(341, 301)]
    values = [3, -1, 4, 1, 5, 9]
    assert ewma(np.array(values, float), 2 / 11).tolist() == pytest.approx([float(y) for y in by_hand(values, decay)])


def test_recency_of_sigir22_depends_on_the_order_alone() -> None:
    """Four interactions: 0, 11/20, 341/301, 3531/2020, divided by the last."""
    last = Fraction(3531, 2020)
    expected = [float(value / last) for value in (last, Fraction(0), Fraction(341, 301), Fraction(11, 20))]
    assert interaction_recency(np.array([9_000, 1, 70, 2])).tolist() == pytest.approx(expected)
    assert interaction_recency(np.array([4, 1, 3, 2])).tolist() == pytest.approx(expected)


def test_recency_of_hopwise_sees_the_times() -> None:
    """Times 10, 20, 40 with decay 1/2: 10, 50/3, 30; from 0 to 1: 0, 1/3, 1. Years later nothing changes."""
    found = interaction_recency(np.array([40, 10, 20]), "hopwise")
    assert found.tolist() == pytest.approx([1, 0, 1 / 3])
    later = interaction_recency(np.array([40, 10, 20]) + 1_700_000_000_000_000, "hopwise")
    assert later.tolist() == pytest.approx([1, 0, 1 / 3])


def test_interactions_at_one_time_share_the_last_ones_recency() -> None:
    expected = float(Fraction(301, 620))
    assert interaction_recency(np.array([5, 5, 8])).tolist() == pytest.approx([expected, expected, 1])
    assert interaction_recency(np.array([5, 5])).tolist() == [1, 1]
    assert interaction_recency(np.array([5, 5]), "hopwise").tolist() == [1, 1]


def test_one_interaction_has_no_recency() -> None:
    assert np.isnan(interaction_recency(np.array([5]))).all()
    assert interaction_recency(np.array([5]), "hopwise").tolist() == [0]
    assert len(interaction_recency(np.array([], int))) == 0


def test_popularity_of_sigir22_is_a_rank_and_of_hopwise_a_degree() -> None:
    middle = float(Fraction(301, 620))
    assert entity_popularity(np.array([7, 1, 3])).tolist() == pytest.approx([1, 0, middle])
    assert entity_popularity(np.array([40, 10, 20]), "hopwise").tolist() == pytest.approx([1, 0, 1 / 3])
    assert entity_popularity(np.array([2, 2, 2])).tolist() == pytest.approx([0, middle, 1])  # arbitrary, as coded
    assert entity_popularity(np.array([2, 2, 2]), "hopwise").tolist() == pytest.approx([0, 7 / 15, 1])
    assert np.isnan(entity_popularity(np.array([3]))).all()


def test_the_type_diversity_of_a_list() -> None:
    assert type_diversity(["a", "b", "a", "c"], 6) == 0.5
    assert type_diversity([], 6) == 0
    with pytest.raises(ValueError, match=r"^num_types must be at least the 2 types shown \(got 1\)$"):
        type_diversity(["a", "b"], 1)


def test_a_mean_leaves_out_what_is_not_known() -> None:
    assert mean_of_known([0.25, float("nan"), 0.75]) == 0.5
    assert np.isnan(mean_of_known([]))
