"""The spread of compiled scores is numpy's to the bit."""

import numpy as np
import pytest

pytest.importorskip("numba")
from graphrec.terms.compiled.spread import add_spread, means, spreads


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 7, 8, 127, 128, 129, 136, 257, 2_001, 5_003])
def test_the_spread_of_rows_is_that_of_numpy(count: int) -> None:
    rng = np.random.default_rng(count)
    scores = rng.lognormal(size=(7, count)) * (rng.random((7, count)) < 0.6)
    assert (spreads(scores) == scores.std(axis=1)).all()
    assert (spreads(scores) == [row.std() for row in scores]).all()


def test_rows_are_added_by_their_spread_and_even_ones_left_out() -> None:
    scores = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    total = np.ones((2, 3))
    scales = add_spread(scores, np.array([2.0, 2.0]), 1e-9, total)
    assert scales.tolist() == [2.0 / scores[0].std(), 0.0]
    assert (total == 1.0 + scales[:, None] * scores).all()


@pytest.mark.parametrize(("lines", "count"), [(0, 3), (1, 200), (2, 1), (3, 9), (40, 200)])
def test_means_of_columns_are_those_of_numpy(lines: int, count: int) -> None:
    rng = np.random.default_rng(lines)
    whole = rng.lognormal(size=(lines + 4, 260))
    values, places = whole[2 : lines + 2, :240], rng.permutation(240)[:count]
    assert means(values, places).tobytes() == values[:, places].mean(axis=1).tobytes()
    assert means(values, places[:0]).tolist() == [0.0] * lines
