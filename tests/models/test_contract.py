"""What every model promises: the known answer, one arithmetic for one user and many, the same bytes twice."""

from collections.abc import Callable

import numpy as np
import pytest

from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.content import text_map
from graphrec.models.content.text import fit_text
from graphrec.models.factors.chebyshev import ChebyshevConfig, fit_chebyshev
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import Inputs
from graphrec.models.spec import NoConfig
from graphrec.models.tables.ease import EaseConfig, fit_ease
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.models.walks.rp3beta import Rp3BetaConfig, rp3beta
from graphrec.terms.base import Term
from tests.models.boards import best_new, check_contract, checkerboard, random_board, same_scores


def texts(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """Text vectors that tell the two parities apart, for products and users."""
    rng = np.random.default_rng(seed)
    themes = rng.standard_normal((2, 8)).astype(np.float32)
    noise = 0.05 * rng.standard_normal((max(graph.num_products, graph.num_users), 8)).astype(np.float32)
    rows = themes[np.arange(len(noise)) % 2] + noise
    return {"Product": rows[: graph.num_products], "User": rows[: graph.num_users]}


def with_texts(graph: Graph) -> Inputs:
    """What a fit takes, with these vectors."""
    return Inputs(blocks=Blocks.of("text", texts(graph)))


MODELS: dict[str, Callable[[Graph], Term]] = {
    "kernel": lambda graph: fit_kernel(graph, starting_walks(graph.schema)),
    "rp3beta": lambda graph: rp3beta(graph, Rp3BetaConfig(0.3)),
    "spectral": fit_spectral,
    "chebyshev": fit_chebyshev,
    "chebyshev of patterns": lambda graph: fit_chebyshev(graph, ChebyshevConfig(most_whole=1)),
    "chebyshev as factors": lambda graph: fit_chebyshev(graph, ChebyshevConfig(most_whole=1, most_dense=1)),
    "ease": lambda graph: fit_ease(graph, EaseConfig(regularization=5.0)),
    "ease without attributes": lambda graph: fit_ease(graph, EaseConfig(regularization=5.0, attributes=False)),
    "itemknn": fit_itemknn,
    "text": lambda graph: fit_text(graph, with_texts(graph)),
    "text-map": lambda graph: text_map.fit(graph, NoConfig(), with_texts(graph)).parts[0][0],
}


@pytest.mark.parametrize("name", MODELS)
def test_the_withheld_product_of_a_checkerboard_comes_back(name: str) -> None:
    graph = checkerboard()
    best = best_new(MODELS[name](graph), graph)
    if name in ("text", "text-map"):
        assert (best % 2 == np.arange(16) % 2).all()
        return
    assert best.tolist() == list(range(16))


@pytest.mark.parametrize("name", [*MODELS, "popularity"])
@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(name: str, relevant: tuple[str, ...]) -> None:
    graph = random_board(3, relevant=relevant)
    check_contract((MODELS | {"popularity": fit_popularity})[name](graph), graph)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_inputs_give_the_same_bytes(name: str) -> None:
    graph = random_board(5)
    assert same_scores(MODELS[name](graph), MODELS[name](graph), graph)


def test_popularity_counts_users_who_hold_a_product_once() -> None:
    graph = random_board(1, relevant=("BOUGHT", "VIEWED"))
    expected = np.bincount(graph.held().indices, minlength=graph.num_products)
    term = fit_popularity(graph)
    assert term.scores(0).tolist() == term.scores(7).tolist() == expected.tolist()
    shares = term.shares(0, np.array([4], np.int32))
    assert (shares.groups[0].kind, shares.via.tolist(), shares.values.tolist()) == ("general", [-1], [[expected[4]]])
