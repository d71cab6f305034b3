"""How each term is fitted from a configuration of plain values: by the search, and again by a refit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph, Hop
from graphrec.models.kernel import MAX_HOPS
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.terms.walks import Walk
from graphrec.training.checkpoint import Work
from graphrec.training.networks import NETWORKS, fit_network
from graphrec.training.tracking import Fit, Tracker

if TYPE_CHECKING:
    from graphrec.models.fitting.epochs import Supervision

Plain = Mapping[str, Any]

PATH_SHARE = 0.62
"""About as much of what lists show is then on real paths, 60 % at least."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a fit takes besides a graph and its configuration."""

    seed: int = 0
    use_protected: bool = False
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Text vectors (num_nodes, dim) by label."""
    progress: Progress = silent
    tuned: Mapping[str, Plain] = field(default_factory=dict)
    """Configurations by term that `graphrec tune` found: a search takes them as they are."""
    given: Mapping[str, Plain] = field(default_factory=dict)
    """Values by term and name that stand over those of every configuration that is tried."""
    stage: str = "choosing"
    """What the fits are for: choosing, refit or tuning."""
    metric: str = "value"
    """Name of the metric that a fit by epochs is judged by."""
    work: Work = field(default_factory=Work)
    """What is done already."""
    tracker: Tracker = field(default_factory=Tracker)
    device: str = "auto"
    """Where networks are trained: auto, cpu or cuda."""
    path_share: float = PATH_SHARE
    """Part of a blend's weight on real paths, where that costs little."""

    def supervision(self, term: str, plain: Plain) -> "Supervision":
        """What goes along with a fit by epochs: progress, learning curve, checkpoints."""
        from graphrec.models.fitting.epochs import Supervision

        fit = Fit(self.stage, term, plain, self.metric)
        return Supervision(term, self.metric, self.progress, self.tracker.hears(fit), self.work.keeper(fit.key))


EASE_COLUMNS = 6_000
"""Products and attribute nodes up to which a blend tries EASE: inverting them takes seconds, twice as many minutes."""


SOFTMAX_SCORES = 10_000_000
"""Held pairs times products up to which a blend tries softmax: a fit takes hundreds of passes over them, a minute."""
LIGHTGCN_SCORES = 200_000_000
"""Users times products up to which a blend tries lightgcn and a learned kernel: an epoch scores all of them."""
KERNEL, LEARNED = "kernel", "learned-kernel"
PATHS = (KERNEL, LEARNED)
"""The terms whose score lies on real paths alone; the learned one starts from the walks of the other."""
NEW = "new"
"""The head start of products without holders; its weight is in units of the whole score."""


def is_affordable(name: str, graph: Graph, inputs: Inputs) -> bool:
    """Whether a blend tries this term: what is not there or takes too long is left out, `--model` still fits it."""
    if name == "ease":
        from graphrec.models.ease import attribute_hops

        attributes = {graph.target(hop) for hop in attribute_hops(graph, inputs.use_protected)}
        return graph.num_products + sum(graph.counts[label] for label in attributes) <= EASE_COLUMNS
    if name == "softmax":
        from graphrec.models.softmax import num_scores

        return 0 < num_scores(graph) <= SOFTMAX_SCORES
    if name in ("lightgcn", LEARNED):
        learners = int((graph.held().degrees() > 0).sum())
        return 0 < learners * graph.num_products <= LIGHTGCN_SCORES
    if name == "text":
        return graph.schema.roles.product in inputs.vectors
    return True


def fit_term(name: str, graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    """The term of that name (not a kernel, which has parts), fitted on a graph with a configuration."""
    return _FITS[name](graph, plain, inputs)


def fit_parts(name: str, graph: Graph, plain: Plain, inputs: Inputs) -> list[tuple[Term, float]]:
    """The term as the parts that a blend adds, with their weights in it: a kernel walk by walk, any other term whole.

    A blend divides each part by its own spread for the user, so that the few paths of a rare relation count beside the
    thousands of a common one. A walk that leads nowhere is no part.
    """
    if name == LEARNED:
        return fit_learned(graph, plain, inputs)[0]
    if name == NEW:
        from graphrec.models.newness import fit_newness

        return [fit_newness(graph)]
    if name != KERNEL:
        return [(fit_term(name, graph, plain, inputs), 1.0)]
    from graphrec.models.kernel import fit_kernel

    fitted = [(fit_kernel(graph, [replace(walk, beta=1.0)]), walk.beta) for walk in walks_of(plain)]
    return [(term, beta) for term, beta in fitted if term.scorers]


def fit_learned(
    graph: Graph, plain: Plain, inputs: Inputs, judge: Callable[[Blend], float] | None = None
) -> tuple[list[tuple[Term, float]], int]:
    """The walks of a learned kernel with their weights, and the epochs; with `judge` those of its best epoch."""
    from graphrec.models.learned_kernel.weights import WalkWeightsConfig, learn_walks
    from graphrec.training.search.walks import few_threads

    given = {key: value for key, value in plain.items() if key != "walks"}
    walks = walks_of(plain)
    if not walks:
        return [], 0
    with few_threads(graph.num_users * graph.num_products):
        learned = learn_walks(
            graph,
            walks,
            WalkWeightsConfig(**given, seed=inputs.seed),
            evaluate=None if judge is None else lambda parts: judge(Blend(*zip(*parts, strict=True))),
            supervision=inputs.supervision(LEARNED, plain),
        )
    return list(learned.parts), learned.epochs


def blend_of(configuration: Plain, graph: Graph, inputs: Inputs) -> Blend:
    """The blend of a configuration (`terms` and `weights` by name), fitted on a graph.

    Raises:
        ModelError: nothing of it has a score on this graph.
    """
    parts = parts_of(configuration, graph, inputs)
    check_parts(parts)
    return Blend([part for part, _ in parts], [weight for _, weight in parts])


def parts_of(configuration: Plain, graph: Graph, inputs: Inputs) -> list[tuple[Term, float]]:
    """The parts of a configuration with their weights, fitted on a graph; none where no walk leads anywhere."""
    return [
        (part, configuration["weights"][name] * weight)
        for name, plain in configuration["terms"].items()
        for part, weight in fit_parts(name, graph, plain, inputs)
    ]


def check_parts(parts: Sequence[object]) -> None:
    """Raise a ModelError when a model has no part at all."""
    if not parts:
        raise ModelError(
            f"no walk of up to {MAX_HOPS} hops leads a user to a product by the edges that may be seen, so a kernel "
            "has no score to give; load more edges, or run: graphrec train --model popularity"
        )


def walks_of(plain: Plain) -> list[Walk]:
    """The walks that `plain_walks` described."""
    return [
        Walk(tuple(Hop.parse(hop) for hop in entry["walk"].split()), tuple(entry["powers"]), entry["beta"])
        for entry in plain["walks"]
    ]


def plain_walks(walks: list[Walk]) -> Plain:
    """The configuration of a kernel of these walks."""
    return {"walks": [{"walk": str(walk), "powers": list(walk.powers), "beta": walk.beta} for walk in walks]}


def _spectral(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.spectral import SpectralConfig, fit_spectral

    return fit_spectral(graph, SpectralConfig(**plain, seed=inputs.seed), progress=inputs.progress)


def _ease(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.ease import EaseConfig, fit_ease

    return fit_ease(graph, EaseConfig(**plain, use_protected=inputs.use_protected), progress=inputs.progress)


def _softmax(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.softmax import SoftmaxConfig, fit_softmax

    return fit_softmax(graph, SoftmaxConfig(**plain, use_protected=inputs.use_protected), progress=inputs.progress)


def _itemknn(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.itemknn.neighbours import ItemKnnConfig, fit_itemknn

    return fit_itemknn(graph, ItemKnnConfig(**plain), progress=inputs.progress)


def _popularity(graph: Graph, _plain: Plain, _inputs: Inputs) -> Term:
    from graphrec.models.popularity import fit_popularity

    return fit_popularity(graph)


def _text(graph: Graph, _plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.text import fit_text

    return fit_text(graph, inputs.vectors)


def _als(graph: Graph, plain: Plain, inputs: Inputs) -> Term:
    from graphrec.models.als import AlsConfig, fit_als

    return fit_als(graph, AlsConfig(**plain, seed=inputs.seed), progress=inputs.progress)


def _rp3beta(graph: Graph, plain: Plain, _inputs: Inputs) -> Term:
    from graphrec.models.kernel import Rp3BetaConfig, rp3beta

    return rp3beta(graph, Rp3BetaConfig(**plain))


def _network(name: str) -> Callable[[Graph, Plain, Inputs], Term]:
    return lambda graph, plain, inputs: fit_network(name, graph, plain, inputs)[0]


_FITS: Mapping[str, Callable[[Graph, Plain, Inputs], Term]] = {
    "spectral": _spectral,
    "ease": _ease,
    "softmax": _softmax,
    "itemknn": _itemknn,
    "popularity": _popularity,
    "text": _text,
    "als": _als,
    "rp3beta": _rp3beta,
    **{name: _network(name) for name in NETWORKS},
}
