"""What does not depend on the processor: sums of learned weights, powers of degrees; and what says the rest."""

import math

import numpy as np

from graphrec.graph.edges.adjacency import Hop
from graphrec.terms.forms.factors import FactorTerm, Neighbours
from graphrec.terms.platform import platform
from graphrec.terms.walks.scorer import MOST_USUAL, powers
from tests.terms.graphs import random_graph


def test_no_order_of_adding_changes_a_bit_of_the_scores_of_factors() -> None:
    rng = np.random.default_rng(5)
    graph = random_graph(5, users=12, products=15)
    sizes = 10.0 ** rng.integers(-6, 6, (2, 15, 1))
    left, right = (rng.normal(size=(2, 15, 300)) * sizes).astype(np.float32)
    users = np.arange(graph.num_users, dtype=np.int32)

    def scores(dimensions: np.ndarray) -> bytes:
        sources = [Neighbours(Hop("BOUGHT"), left[:, dimensions])]
        return FactorTerm("factors", graph, sources, right[:, dimensions]).rows(users).tobytes()

    expected = scores(np.arange(300))
    assert all(scores(rng.permutation(300)) == expected for _ in range(20))


def test_powers_of_degrees_are_those_of_the_c_library() -> None:
    degrees = np.array([0, 1, 2, 3, 10, 999, MOST_USUAL - 1, MOST_USUAL, MOST_USUAL + 1, 70_000])
    for power in (0.0, 0.3, 0.5, 1.0):
        expected = [0.0 if degree == 0 else math.pow(degree, -power) for degree in degrees.tolist()]
        assert powers(degrees, power).tolist() == expected


def test_the_platform_is_one_line() -> None:
    assert platform() == platform()
    assert f"numpy {np.__version__}" in platform()
    assert "\n" not in platform()
