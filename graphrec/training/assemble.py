"""A blend from its configuration: plain values of models and their weights, fitted on a graph."""

from collections.abc import Sequence

from graphrec.errors import ModelError, NothingToLearn
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs, Values
from graphrec.models.registry import models
from graphrec.models.spec import Fitted
from graphrec.models.walks.kernel import MAX_HOPS
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Configuration

#: The parts of a model, with their weights in it.
Parts = Sequence[tuple[Term, float]]


def fit_model(name: str, graph: Graph, values: Values, inputs: Inputs) -> Fitted:
    """A model of the registry, fitted with plain values.

    Args:
        name: of the model.
        graph: what may be seen.
        values: of its configuration.
        inputs: seed, blocks and all else that a fit takes.

    Returns:
        Its parts; without any where no walk leads to a product.

    Raises:
        ModelError: it cannot be fitted on this graph, or a value does not fit.
        MissingExtra: a package that it needs is not installed.
    """
    spec = models().get(name)
    if spec is None:
        raise ModelError(f"model {name} is not installed here; install the distribution that brings it, or train anew")
    fitted = spec.fit(graph, spec.configure(values, inputs), inputs)
    return fitted


def blend_of(configuration: Configuration, graph: Graph, inputs: Inputs) -> Blend:
    """The blend of a configuration (`terms` and `weights` by name), fitted on a graph.

    Raises:
        ModelError: nothing of it has a score on this graph.
    """
    parts = parts_of(configuration, graph, inputs)
    check_parts(parts)
    return Blend([part for part, _ in parts], [weight for _, weight in parts])


def parts_of(configuration: Configuration, graph: Graph, inputs: Inputs) -> list[tuple[Term, float]]:
    """The parts of a configuration with their weights, fitted on a graph; none where no walk leads anywhere.

    A model that finds nothing to learn from in this graph, as in that of few customers, adds nothing.

    Raises:
        NothingToLearn: that is so for its only model.
    """
    graph = graph.fading(configuration.half_life_days)
    found: list[tuple[Term, float]] = []
    for name, values in configuration.terms.items():
        try:
            parts = fit_model(name, graph, values, inputs).parts
        except NothingToLearn:
            if len(configuration.terms) == 1:
                raise
            continue
        found += [(part.reading(graph), configuration.weights[name] * weight) for part, weight in parts]
    return found


def check_parts(parts: Sequence[object]) -> None:
    """Raise a ModelError when a model has no part at all."""
    if not parts:
        raise ModelError(
            f"no walk of up to {MAX_HOPS} hops leads a user to a product by the edges that may be seen, so a kernel "
            "has no score to give; load more edges, or run: graphrec train --model popularity"
        )
