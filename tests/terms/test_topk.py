"""The k best of every row: ties, masks, short rows and what is not a number."""

import numba
import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import from_codes
from graphrec.terms import compiled
from graphrec.terms.topk import top_k


def by_sorting(scores: np.ndarray, k: int, masked: np.ndarray) -> np.ndarray:
    best = np.full((len(scores), k), -1, np.int32)
    for row, values in enumerate(scores):
        order = [i for i in np.argsort(-values, kind="stable") if not masked[row, i] and values[i] > -np.inf]
        best[row, : len(order[:k])] = order[:k]
    return best


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("k", [0, 1, 3, 20, 90])
def test_equals_a_stable_sort(seed: int, k: int, *, is_compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "is_there", lambda: is_compiled)
    rng = np.random.default_rng(seed)
    # Few distinct values: most places are decided by ties.
    scores = rng.integers(-3, 4, (17, 70)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.05] = -np.inf
    masked = rng.random(scores.shape) < 0.3
    adjacency = from_codes(np.flatnonzero(masked.ravel()), *masked.shape)
    np.testing.assert_array_equal(top_k(scores, k, adjacency), by_sorting(scores, k, masked))
    rows = rng.integers(0, 17, 9).astype(np.int32)
    np.testing.assert_array_equal(top_k(scores[rows], k, adjacency, rows), by_sorting(scores[rows], k, masked[rows]))


def test_ties_rank_by_product_and_short_rows_end_with_nothing() -> None:
    scores = np.array([[1, 2, 2, 1, 2]], np.float32)
    assert top_k(scores, 4).tolist() == [[1, 2, 4, 0]]
    assert top_k(scores, 7).tolist() == [[1, 2, 4, 0, 3, -1, -1]]
    everything = from_codes(np.arange(5), 1, 5)
    assert top_k(scores, 2, everything).tolist() == [[-1, -1]]


def test_the_answer_does_not_depend_on_the_threads() -> None:
    scores = np.random.default_rng(0).standard_normal((50, 300)).astype(np.float32)
    expected = top_k(scores, 10)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(top_k(scores, 10), expected)
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("place", [0, 3, 69])
def test_what_is_not_a_number_is_refused(place: int, *, is_compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "is_there", lambda: is_compiled)
    scores = np.zeros((4, 70), np.float32)
    scores[2, place] = np.nan
    with pytest.raises(ModelError) as caught:
        top_k(scores, 2)
    assert str(caught.value) == f"the score in row 2 of product {place} is not a number; train the model again"
