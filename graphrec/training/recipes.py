"""How each term is fitted from a configuration of plain values: by the search, and again by a refit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.terms.walks import Walk

Plain = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a fit takes besides a graph and its configuration."""

    seed: int = 0
    use_protected: bool = False
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Text vectors (num_nodes, dim) by label."""
    progress: Progress = silent


EASE_COLUMNS = 6_000
"""Products and attribute nodes up to which a blend tries EASE: inverting that many takes seconds, twice takes minutes."""


def is_affordable(name: str, graph: Graph, inputs: Inputs) -> bool:
    """Whether a blend tries this term: what is not there or takes too long is left out, `--model` still fits it."""
    if name == "ease":
        from graphrec.models.ease import attribute_hops

        attributes = {graph.target(hop) for hop in attribute_hops(graph, inputs.use_protected)}
        return graph.num_products + sum(graph.counts[label] for label in attributes) <= EASE_COLUMNS
    if name == "text":
        return graph.schema.roles.product in inputs.vectors
    return True


def fit_term(name: str, graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    """The term of that name, fitted on a graph with a configuration."""
    return _FITS[name](graph, plain, inputs)


def plain_walks(walks: list[Walk]) -> Plain:
    """The configuration of a kernel of these walks."""
    return {"walks": [{"walk": str(walk), "powers": list(walk.powers), "beta": walk.beta} for walk in walks]}


def _kernel(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.kernel import KernelConfig, fit_kernel

    walks = [
        Walk(tuple(Hop.parse(hop) for hop in entry["walk"].split()), tuple(entry["powers"]), entry["beta"])
        for entry in plain["walks"]
    ]
    return fit_kernel(graph, walks, KernelConfig(seed=inputs.seed), progress=inputs.progress)


def _spectral(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.spectral import SpectralConfig, fit_spectral

    return fit_spectral(graph, SpectralConfig(**plain, seed=inputs.seed), progress=inputs.progress)


def _ease(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.ease import EaseConfig, fit_ease

    return fit_ease(graph, EaseConfig(**plain, use_protected=inputs.use_protected), progress=inputs.progress)


def _itemknn(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.itemknn import ItemKnnConfig, fit_itemknn

    return fit_itemknn(graph, ItemKnnConfig(**plain), progress=inputs.progress)


def _popularity(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.popularity import fit_popularity

    return fit_popularity(graph)


def _text(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.text import fit_text

    return fit_text(graph, inputs.vectors)


_FITS: Mapping[str, Callable[[Graph, Plain, Inputs], Term]] = {
    "kernel": _kernel,
    "spectral": _spectral,
    "ease": _ease,
    "itemknn": _itemknn,
    "popularity": _popularity,
    "text": _text,
}
