"""Diversity, Gini, calibration and the catalogue without popular products, by hand and against torch_geometric."""

from math import log2

import numpy as np
import pytest

from graphrec.metrics.beyond import calibration, diversity, gini, gini_interval, without_products
from graphrec.metrics.ranking import evaluate_lists


def test_diversity_counts_what_pairs_share() -> None:
    """Pairs of 0, 1, 2: 0 and 1 share one of two groups (1/2), the others nothing."""
    groups = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], float)
    lists = np.array([[0, 1, 2], [3, 0, -1], [1, -1, -1], [-1, -1, -1]], np.int32)
    assert diversity(lists, 3, groups).tolist() == pytest.approx([1 - 0.5 / 3, 1, 0, 0])
    assert diversity(lists, 2, groups).tolist() == pytest.approx([0.5, 1, 0, 0])


def test_diversity_by_category_is_that_of_torch_geometric() -> None:
    torch = pytest.importorskip("torch")
    from torch_geometric.metrics import LinkPredDiversity

    rng = np.random.default_rng(3)
    category = rng.integers(0, 5, 40)
    lists = np.stack([rng.permutation(40)[:10] for _ in range(30)]).astype(np.int32)
    theirs = LinkPredDiversity(k=10, category=torch.from_numpy(category))
    theirs.update(torch.from_numpy(lists).long(), torch.zeros((2, 0), dtype=torch.long))
    assert diversity(lists, 10, np.eye(5)[category]).mean() == pytest.approx(float(theirs.compute()), abs=1e-6)


def test_calibration_is_the_divergence_worked_out_by_hand() -> None:
    """History (3/4, 1/4), list (1/4, 3/4), middle (1/2, 1/2): both terms are 3/4 log2(3/2) + 1/4 log2(1/2)."""
    history = np.array([[3.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    groups = np.array([[1, 0], [0, 1], [0, 1], [0, 1], [0, 0]], float)
    lists = np.array([[0, 1, 2, 3], [0, 1, 2, 3], [4, -1, -1, -1]], np.int32)
    found = calibration(lists, 4, history, groups)
    assert found[0] == pytest.approx(0.75 * log2(1.5) + 0.25 * log2(0.5))
    assert np.isnan(found[1:]).all()  # no history; a list without a kind
    one_kind = 0.75 * log2(0.75 / 0.875) + 0.25 * log2(0.25 / 0.125), log2(1 / 0.875)
    assert calibration(lists, 1, history, groups)[0] == pytest.approx(sum(one_kind) / 2)


def test_gini_of_counts() -> None:
    """1, 2, 3, 4: mean absolute difference 20 / 16 over twice the mean 5."""
    assert gini(np.array([4, 1, 3, 2])) == pytest.approx(0.25)
    assert gini(np.array([0, 0, 0, 0])) == 0
    lists = np.array([[0, 1], [0, 2], [0, -1]], np.int32)
    found = gini_interval(lists, 2, 4)  # counts 3, 1, 1, 0
    assert found.value == pytest.approx((3 * 3 + 1 - 1 - 3 * 0) / (4 * 5))
    assert found.low < found.value < found.high
    assert gini_interval(lists, 1, 3).value == pytest.approx(2 / 3)


def test_without_the_popular_products_lists_close_up() -> None:
    """User 0 has only product 5 to find and is gone; user 1 finds 7 at rank 1 once 5 is away, 9 nowhere."""
    lists = np.array([[5, 7, 9], [5, 7, 8]], np.int32)
    closed, indptr, indices, rows = without_products(
        lists, np.array([0, 1, 4]), np.array([5, 5, 7, 9], np.int32), np.array([5])
    )
    assert (closed.tolist(), rows.tolist()) == ([[7, 8, -1]], [1])
    ndcg = evaluate_lists(closed, indptr, indices, [2])["ndcg@2"]
    assert ndcg.tolist() == pytest.approx([1 / (1 + 1 / log2(3))])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^k must be at least 1 \(got 0\)$"):
        diversity(np.zeros((1, 1), np.int32), 0, np.eye(1))
    with pytest.raises(ValueError, match=r"^a list names product 3, there are 2$"):
        calibration(np.array([[3]], np.int32), 1, np.ones((1, 2)), np.eye(2))
