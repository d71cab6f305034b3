"""What only batches need: rows of spread one."""

import numpy as np

from graphrec.terms.batch import standardise_rows


def test_rows_get_spread_one_times_the_weight_and_rows_without_spread_become_zero() -> None:
    rng = np.random.default_rng(0)
    for num_products in (1, 2, 3, 7, 40):
        scores = (5 + rng.standard_normal((6, num_products))).astype(np.float32)
        scores[2] = 0.3
        scores[3] = -1e6
        expected = scores.astype(np.float64)
        spread = expected.std(axis=1, keepdims=True)
        varied = (spread > 1e-9).ravel()
        standardise_rows(scores, 2.5)
        wanted = 2.5 * expected / np.where(spread > 0, spread, 1)
        np.testing.assert_allclose(scores[varied], wanted[varied], rtol=1e-6)
        assert not scores[~varied].any()
        assert not scores[[2, 3]].any()
