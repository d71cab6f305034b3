"""LightGCN as published: trained with a vector for every user and product, served without those of users.

The mathematics of the network: `network.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, NotNegative, Positive, PropagationConfig
from graphrec.models.fitting.threads import torch_threads
from graphrec.models.inputs import Inputs, Values
from graphrec.models.spec import Fitted, ModelSpec

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class PlainLightGCNConfig(PropagationConfig):
    """How LightGCN with user vectors is built and trained."""

    dim: Count = 64
    """Width of a vector."""
    num_layers: Count = 3
    """K, hops of propagation."""
    init: Positive = 0.1
    """Spread of the vectors at the start."""
    spectral_start: bool = True
    """Start from the leading singular vectors of Ah, which propagation only scales, instead of at random."""
    learning_rate: Positive = 0.02
    """Of Adam; with layers averaged, gradients are small."""
    regularization: NotNegative = 1e-6
    """Weight decay of Adam on all vectors."""


def fit(graph: Graph, config: PlainLightGCNConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    with needs_extra("train", "lightgcn-id"):
        from graphrec.models.networks.lightgcn_id.network import fit_lightgcn_id
    with torch_threads(graph.num_products):
        return fit_lightgcn_id(graph, config, inputs).fitted()


def trials(_graph: Graph) -> Iterator[Values]:
    """Layers and learning rates."""
    for num_layers in (2, 3):
        for learning_rate in (0.01, 0.02):
            yield {"num_layers": num_layers, "learning_rate": learning_rate, "epochs": 100, "patience": 10}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "epochs": 100,
        "patience": 10,
        "num_layers": trial.suggest_int("num_layers", 1, 4),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 5e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
    }


SPEC = ModelSpec(
    name="lightgcn-id",
    sentence="LightGCN as published, trained with a vector for every user, served without: folded in from holdings.",
    fit=fit,
    config=PlainLightGCNConfig,
    trials=trials,
    space=space,
    by_epochs=True,
    uses_torch=True,
    packages=("numpy", "numba", "scipy", "torch", "torch-geometric"),
)
