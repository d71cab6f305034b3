"""Item-only relational LightGCN: users are the sum of what they touch; nothing is learned about a person.

The mathematics of the network: `network.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, NotNegative, Positive, PropagationConfig, Share
from graphrec.models.fitting.threads import torch_threads
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import supported, supported_pairs

if TYPE_CHECKING:
    from optuna import Trial

MOST_SCORES = 200_000_000
"""Users times products up to which a blend tries it: an epoch scores all of them."""


@dataclass(frozen=True)
class LightGCNConfig(PropagationConfig):
    """How the network is built and trained."""

    dim: Count = 64
    """Width of a node's own vector."""
    text_dim: Count = 32
    """Width of the projected text, where nodes have texts."""
    num_layers: Count = 1
    """K, hops of propagation; with 1 a user sees their own edges and a product its entities."""
    power: NotNegative = 0.0
    """How far common neighbours of a user are divided down at the start; LightGCN's is .5. With vectors of their own
    and shrunken rare ones 0 ranks better on zimnat (HR@1 of our own validation .869 against .864)."""
    init: Positive = 0.1
    """Spread of the nodes' vectors at the start."""
    drop: Share = 0.3
    """Share of each user's held products that a step hides and predicts; on ml-1m .3 to .5 are alike."""
    min_held: Count = 2
    """Users who hold fewer products are not learned from: with their only one hidden they look like nobody who is
    ranked (zimnat, our own validation: HR@1 .874 with 2 against .869 with 1)."""
    use_protected: bool = False
    """Whether protected edge types carry messages."""


def fit(graph: Graph, config: LightGCNConfig, inputs: Inputs) -> Fitted:
    """The term, from the texts of the block `text` and the edges."""
    with needs_extra("train", "lightgcn"):
        from graphrec.models.networks.lightgcn.network import fit_lightgcn
    with torch_threads(graph.num_products):
        return fit_lightgcn(graph, config, inputs).fitted()


def is_affordable(graph: Graph, _inputs: Inputs) -> bool:
    """Whether all pairs of a user who holds something and a product can be scored in every epoch."""
    seen = supported(graph).graph
    if graph.schema.roles.min_group > 1 and not any(
        len(supported_pairs(seen, hop).indices) for hop in relevant_hops(graph)
    ):
        return False
    learners = int((seen.held().degrees() > 0).sum())
    return 0 < learners * graph.num_products <= MOST_SCORES


def trials(_graph: Graph) -> Iterator[Values]:
    """One: on zimnat, seeds that end after 3 worse epochs differ by .003; with 6 they agree."""
    yield {"epochs": 40, "patience": 6}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "epochs": 40,
        "patience": 6,
        "dim": trial.suggest_categorical("dim", [32, 64, 128]),
        "num_layers": trial.suggest_int("num_layers", 1, 2),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 5e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
        "drop": trial.suggest_float("drop", 0.1, 0.7),
        "power": trial.suggest_float("power", 0.0, 0.5),
    }


SPEC = ModelSpec(
    name="lightgcn",
    sentence="Relational LightGCN without user vectors: learned vectors of products and entities, with their texts.",
    fit=fit,
    config=LightGCNConfig,
    trials=trials,
    space=space,
    is_affordable=is_affordable,
    in_blend=True,
    takes=("text",),
    by_epochs=True,
    uses_torch=True,
    packages=("numpy", "numba", "scipy", "torch", "torch-geometric"),
)
