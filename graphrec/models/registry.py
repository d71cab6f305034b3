"""Every model there is: those of graphrec in one list, then those of other distributions.

A distribution adds a model by an entry point of the group `graphrec.models` that names a ModelSpec:

    [project.entry-points."graphrec.models"]
    mine = "my_models.mine:SPEC"

Read by train, tune, evaluate, help and docs. Serving opens a model folder by its forms of term and needs no plug-in.
"""

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from graphrec.config.names import nearest
from graphrec.errors import ModelError, UsageError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.content import columns, profile, series, text, text_map, vector
from graphrec.models.counted import federated, private
from graphrec.models.factors import als, chebyshev, spectral
from graphrec.models.general import diversification, fresh, newness, popularity, profit, rejection, trend
from graphrec.models.inputs import Inputs
from graphrec.models.networks import graphsage, lightgcn, lightgcn_id
from graphrec.models.spec import ModelSpec
from graphrec.models.support import has_times
from graphrec.models.tables import ease, itemknn, pairs, softmax
from graphrec.models.walks import kernel, learned_kernel, rp3beta

GROUP = "graphrec.models"
BLEND = "blend"
"""The sum of those models that help together, which is served when nothing else is asked for."""

#: In the order in which a blend tries them.
OWN: tuple[ModelSpec[Any], ...] = (
    kernel.SPEC,
    learned_kernel.SPEC,
    spectral.SPEC,
    chebyshev.SPEC,
    ease.SPEC,
    softmax.SPEC,
    pairs.SPEC,
    itemknn.SPEC,
    popularity.SPEC,
    trend.SPEC,
    fresh.SPEC,
    lightgcn.SPEC,
    text.SPEC,
    text_map.SPEC,
    columns.SPEC,
    series.SPEC,
    vector.SPEC,
    profile.SPEC,
    lightgcn_id.SPEC,
    graphsage.SPEC,
    als.SPEC,
    rp3beta.SPEC,
    newness.SPEC,
    rejection.SPEC,
    diversification.SPEC,
    profit.SPEC,
    private.SPEC,
    federated.SPEC,
)


@cache
def models() -> dict[str, ModelSpec[Any]]:
    """Every model by its name, those of graphrec first.

    Raises:
        ModelError: a plug-in cannot be imported, is no ModelSpec, or has the name of another model.
    """
    found = {spec.name: spec for spec in OWN}
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        where = f"model plug-in {point.name} ({point.value})"
        try:
            spec = point.load()
        except Exception as error:
            raise ModelError(f"{where}: cannot be imported ({error}); correct or uninstall it") from error
        if not isinstance(spec, ModelSpec):
            raise ModelError(f"{where}: it is no graphrec.models.spec.ModelSpec; correct or uninstall it")
        if spec.name in found or spec.name == BLEND:
            raise ModelError(f"{where}: there is a model {spec.name!r} already; rename or uninstall it")
        found[spec.name] = spec
    return found


def model(name: str) -> ModelSpec[Any]:
    """The model of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in models():
        raise UsageError(unknown(name))
    return models()[name]


def kinds() -> tuple[str, ...]:
    """What `train --model` takes; the first is what is served when nothing else is asked for."""
    return (BLEND, *(spec.name for spec in models().values() if spec.is_alone))


def tunable() -> tuple[str, ...]:
    """The models that have something to tune; the walks of a kernel are chosen by every training."""
    return tuple(spec.name for spec in models().values() if spec.space is not None)


def settable() -> tuple[str, ...]:
    """The models of which something can be set."""
    return tuple(spec.name for spec in models().values() if spec.settable())


def parts_of_kind(kind: str) -> tuple[ModelSpec[Any], ...]:
    """The models that a model of a kind may consist of: of the blend those that it tries, else itself."""
    if kind != BLEND:
        return (model(kind),)
    return tuple(spec for spec in models().values() if spec.in_blend)


def added_to(kind: str) -> tuple[ModelSpec[Any], ...]:
    """The models that a kind adds after its parts are weighed, and whose blocks and settings it takes."""
    return (diversification.SPEC, profit.SPEC) if kind == BLEND else ()


def is_affordable(spec: ModelSpec[Any], graph: Graph, inputs: Inputs) -> bool:
    """Whether a blend tries a model: what is not there or takes too long is left out, `--model` still fits it."""
    return has_inputs(spec, graph, inputs) and spec.is_affordable(graph, inputs)


def has_inputs(spec: ModelSpec[Any], graph: Graph, inputs: Inputs) -> bool:
    """Whether the feature blocks and the times are there that a model cannot do without."""
    if spec.needs_times and not has_times(graph):
        return False
    labels = {"product": graph.schema.roles.product, "user": graph.schema.roles.user}
    return all(labels[role] in inputs.blocks.matrices(name) for name, role in spec.needs)


def unknown(name: str) -> str:
    """What to say of a model that does not exist."""
    near = nearest(name, kinds())
    hint = f"; the nearest is {near}" if near else ""
    return f"there is no model {name!r}{hint}; there are {', '.join(kinds())}"
