"""Heterogeneous GraphSAGE for link prediction: learned with torch, served with numpy; its score is not linear.

The mathematics of the network: `network.py`; what it samples: `sampling.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, Positive, Share, TrainingConfig
from graphrec.models.fitting.threads import torch_threads
from graphrec.models.inputs import Inputs, Values
from graphrec.models.spec import Fitted, ModelSpec

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class GraphSageConfig(TrainingConfig):
    """How GraphSAGE is built and trained; `loss` is full, in-batch, or auto: full for small catalogues."""

    dim: Count = 64
    """Width of a node's own vector and of both layers."""
    fanout: Count = 25
    """Neighbours from which a node gets messages over each relation, at most."""
    init: Positive = 0.1
    """Spread of the nodes' vectors at the start."""
    drop: Share = 0.3
    """Share of each user's held products that a step hides and predicts."""
    min_held: Count = 2
    """Users who hold fewer products are not learned from."""
    use_protected: bool = False
    """Whether protected edge types carry messages."""


def fit(graph: Graph, config: GraphSageConfig, inputs: Inputs) -> Fitted:
    """The term, from the texts of the block `text` and the edges."""
    with needs_extra("train", "graphsage"):
        from graphrec.models.networks.graphsage.network import fit_graphsage
    with torch_threads(graph.num_products):
        return fit_graphsage(graph, config, inputs).fitted()


def trials(_graph: Graph) -> Iterator[Values]:
    """Learning rates."""
    for learning_rate in (0.01, 0.003):
        yield {"learning_rate": learning_rate, "epochs": 40, "patience": 6}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "epochs": 40,
        "patience": 6,
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
    }


SPEC = ModelSpec(
    name="graphsage",
    sentence="Heterogeneous GraphSAGE over sampled neighbours; its score is not linear in what the user has.",
    fit=fit,
    config=GraphSageConfig,
    trials=trials,
    space=space,
    takes=("text",),
    by_epochs=True,
    uses_torch=True,
    packages=("numpy", "numba", "scipy", "torch", "torch-geometric"),
)
