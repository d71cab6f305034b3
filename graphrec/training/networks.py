"""The models that are trained with torch, from a configuration of plain values."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphrec.graph.adjacency import Graph
from graphrec.terms.base import Term

if TYPE_CHECKING:
    from graphrec.models.fitting.loop import Fitted
    from graphrec.training.recipes import Inputs

Judge = Callable[[Any], float]
ONE_THREAD_PRODUCTS = 500


def fit_network(
    name: str, graph: Graph, plain: Mapping[str, Any], inputs: "Inputs", judge: Judge | None = None
) -> tuple[Term, int]:
    """The term and how many epochs it took; with `judge` (higher is better) those of its best epoch.

    Raises:
        ModelError: there is nothing to learn from, or `inputs.device` is not there.
    """
    from graphrec.features.text import choose_device

    device = choose_device(inputs.device).name
    with _torch_threads(graph):
        fitted = NETWORKS[name](graph, {**plain, "seed": inputs.seed}, inputs, judge, device)
    return fitted.term, fitted.epochs


def _lightgcn(graph: Graph, plain: dict[str, Any], inputs: "Inputs", judge: Judge | None, device: str) -> "Fitted[Any]":
    from graphrec.models.lightgcn.fit import LightGCNConfig, fit_lightgcn

    config = LightGCNConfig(**plain, use_protected=inputs.use_protected)
    supervision = inputs.supervision("lightgcn", plain)
    return fit_lightgcn(graph, inputs.vectors, config, evaluate=judge, supervision=supervision, device=device)


def _lightgcn_id(
    graph: Graph, plain: dict[str, Any], inputs: "Inputs", judge: Judge | None, device: str
) -> "Fitted[Any]":
    from graphrec.models.lightgcn_id.network import PlainLightGCNConfig, fit_lightgcn_id

    supervision = inputs.supervision("lightgcn-id", plain)
    return fit_lightgcn_id(graph, PlainLightGCNConfig(**plain), evaluate=judge, supervision=supervision, device=device)


def _graphsage(
    graph: Graph, plain: dict[str, Any], inputs: "Inputs", judge: Judge | None, device: str
) -> "Fitted[Any]":
    from graphrec.models.graphsage.network import GraphSageConfig, fit_graphsage

    config = GraphSageConfig(**plain, use_protected=inputs.use_protected)
    supervision = inputs.supervision("graphsage", plain)
    return fit_graphsage(graph, inputs.vectors, config, evaluate=judge, supervision=supervision, device=device)


NETWORKS: Mapping[str, Callable[..., "Fitted[Any]"]] = {
    "lightgcn": _lightgcn,
    "lightgcn-id": _lightgcn_id,
    "graphsage": _graphsage,
}


@contextmanager
def _torch_threads(graph: Graph) -> Iterator[None]:
    """One thread for small catalogues, whose steps of a millisecond would mostly wait for their threads."""
    import torch

    before = torch.get_num_threads()
    if graph.num_products <= ONE_THREAD_PRODUCTS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
