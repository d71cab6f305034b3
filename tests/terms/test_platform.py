"""What does not depend on the processor: sums of learned weights, powers of degrees; and what says the rest."""

import math

import numpy as np

from graphrec.graph.adjacency import Hop
from graphrec.terms.factors import FactorTerm, Neighbours
from graphrec.terms.platform import platform
from graphrec.terms.walks import MOST_USUAL, powers
from tests.terms.graphs import random_graph


def test_scores_of_factors_are_sums_without_any_rounding() -> None:
    """No order in which a processor adds can change a bit of them."""
    rng = np.random.default_rng(5)
    graph = random_graph(5, users=12, products=15)
    sizes = 10.0 ** rng.integers(-6, 6, (2, 15, 1))
    left, right = (rng.normal(size=(2, 15, 300)) * sizes).astype(np.float32)
    term = FactorTerm("factors", graph, [Neighbours(Hop("BOUGHT"), left)], right)
    for user in range(graph.num_users):
        held = graph.hops[Hop("BOUGHT")].row(user)
        total = term.neighbours[0].dense[held].sum(axis=0)
        for one, other in zip(term.scores(user), term.right, strict=True):
            exact = math.fsum(a * b for a, b in zip(_rounded(total), other.astype(np.float64).tolist(), strict=True))
            assert float(one) == exact


def _rounded(total: np.ndarray) -> list[float]:
    """The numbers to 21 bits below the largest of them."""
    step = 2.0 ** (math.frexp(float(np.abs(total).max()))[1] - 21) if total.any() else 1.0
    return [round(float(value) / step) * step for value in total]


def test_powers_of_degrees_are_those_of_the_c_library() -> None:
    degrees = np.array([0, 1, 2, 3, 10, 999, MOST_USUAL - 1, MOST_USUAL, MOST_USUAL + 1, 70_000])
    for power in (0.0, 0.3, 0.5, 1.0):
        expected = [0.0 if degree == 0 else math.pow(degree, -power) for degree in degrees.tolist()]
        assert powers(degrees, power).tolist() == expected


def test_the_platform_is_one_line() -> None:
    assert platform() == platform()
    assert f"numpy {np.__version__}" in platform()
    assert "\n" not in platform()
