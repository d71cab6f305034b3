"""Every kind of model on the banks of `moved.py`, by what is asked of it: `benchmarks/others_stay_out.py`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.content.profile import ProfileConfig, fit_profile
from graphrec.models.content.text_map import fit as fit_text_map
from graphrec.models.counted.federated import FederatedConfig, fit_sums
from graphrec.models.counted.sums import sums_of
from graphrec.models.factors.als import AlsConfig, fit_als
from graphrec.models.factors.chebyshev import ChebyshevConfig, fit_chebyshev
from graphrec.models.factors.spectral import SpectralConfig, fit_spectral
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import Inputs
from graphrec.models.networks.graphsage import GraphSageConfig
from graphrec.models.networks.graphsage.network import fit_graphsage
from graphrec.models.networks.lightgcn import LightGCNConfig
from graphrec.models.networks.lightgcn.network import fit_lightgcn
from graphrec.models.networks.lightgcn_id import PlainLightGCNConfig
from graphrec.models.networks.lightgcn_id.network import fit_lightgcn_id
from graphrec.models.registry import models
from graphrec.models.spec import NoConfig
from graphrec.models.tables.ease import EaseConfig, fit_ease
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.models.tables.pairs import fit_pairs
from graphrec.models.tables.softmax import fit_softmax
from graphrec.models.walks.kernel import fit as fit_walks
from graphrec.models.walks.kernel import plain_walks, starting_walks
from graphrec.models.walks.learned_kernel import WalkWeightsConfig
from graphrec.models.walks.learned_kernel.weights import learn_walks
from graphrec.models.walks.rp3beta import rp3beta
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from tests.privacy.moved import BANDS, dense


def text_map(graph: Graph, seed: int) -> Term:
    """Products with texts of no meaning, and the map of them that holdings teach."""
    texts = np.random.default_rng(7).standard_normal((graph.num_products, 16)).astype(np.float32)
    return fit_text_map(graph, NoConfig(), Inputs(blocks=Blocks.of("text", {"Product": texts}), seed=seed)).parts[0][0]


SMALL: dict[str, Any] = {"dim": 16, "batch_size": 64}


def kernel(graph: Graph) -> Blend:
    """The walks of a default blend, each standardised."""
    config = models()["kernel"].configure(plain_walks(starting_walks(graph.schema)), Inputs())
    return Blend(*zip(*fit_walks(graph, config, Inputs()).parts, strict=True))


def learned(graph: Graph, seed: int = 0) -> Blend:
    """The same walks with learned weights."""
    config = WalkWeightsConfig(epochs=1, seed=seed)
    return Blend(*zip(*learn_walks(graph, starting_walks(graph.schema), config).parts, strict=True))


def profile(graph: Graph, *, numbers: bool = False) -> Term:
    """Columns of customers: one for each band, and with `numbers` one in which everybody has another number."""
    columns = [dense(graph, "IN_BAND")[:, :BANDS]]
    if numbers:
        columns.append(np.random.default_rng(7).standard_normal((graph.num_users, 1)))
    matrix = np.concatenate(columns, axis=1).astype(np.float32)
    return fit_profile(graph, ProfileConfig(), Inputs(blocks=Blocks.of("columns", {"User": matrix})))


def federated(graph: Graph) -> Term:
    """The table of several banks' sums, which `min_group` is asked of as a whole."""
    sums = sums_of(graph.held(), graph.num_products, 0.5)
    return fit_sums("federated", graph, sums, FederatedConfig(), graph.schema.roles.min_group)


SOLVED: dict[str, Callable[[Graph], Term]] = {
    "ease": fit_ease,
    "ease of a large catalogue": lambda graph: fit_ease(graph, EaseConfig(max_columns=1)),
    "itemknn": fit_itemknn,
    "spectral": lambda graph: fit_spectral(graph, SpectralConfig(dim=64, max_share=1.0)),
    "chebyshev": fit_chebyshev,
    "chebyshev as a sparse table": lambda graph: fit_chebyshev(graph, ChebyshevConfig(most_whole=1, most_dense=1)),
    "als": lambda graph: fit_als(graph, AlsConfig(dim=16, iterations=8)),
    "popularity": fit_popularity,
    "profile": profile,
    "federated": federated,
}
"""A formula of counts: the bar is that no list gains a product. So it is for the walks `kernel` and `rp3beta`."""

DATED = ("trend",)
"""Counts of the holdings that popularity counts, faded: tests/models/test_trend.py; the banks here have no times."""

TRAINED: dict[str, Callable[[Graph, int], Term | Blend]] = {
    "learned-kernel": learned,
    "profile with numbers": lambda graph, _: profile(graph, numbers=True),
    "softmax": lambda graph, _: fit_softmax(graph),
    "pairs": lambda graph, _: fit_pairs(graph),
    "text-map": text_map,
    "lightgcn": lambda graph, seed: fit_lightgcn(graph, LightGCNConfig(**SMALL, epochs=20, seed=seed)).term,
    "lightgcn-id": lambda graph, seed: fit_lightgcn_id(graph, PlainLightGCNConfig(**SMALL, epochs=20, seed=seed)).term,
    "graphsage": lambda graph, seed: fit_graphsage(graph, GraphSageConfig(**SMALL, epochs=10, seed=seed)).term,
}
"""Steps down a loss, or a regression on numbers, in which every holder weighs a little.

The bar is that ranks change no more than in the control.
"""

NOISED = ("private",)
"""Sums with noise: how much one customer moves them is bounded by epsilon, which tests/models/test_counted.py asks."""

CONVEX = ("profile with numbers", "softmax", "pairs")
"""Of these with one result whatever the seed."""

CONTENT = ("text", "columns", "series", "vector")
"""What products and the asked customer say themselves: nothing is learned from holdings."""

WALKS: dict[str, Callable[[Graph], Term | Blend]] = {"kernel": kernel, "rp3beta": rp3beta}
