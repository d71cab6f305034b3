"""Item-kNN: a held product speaks for its nearest neighbours by cosine of their holders.

The compiled search: `neighbours.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, NotNegative
from graphrec.models.inputs import Inputs, Values
from graphrec.models.spec import Fitted, ModelSpec, stronger

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class ItemKnnConfig:
    """How neighbours are found."""

    neighbours: Count = 100
    """Products that each product speaks for."""
    shrinkage: NotNegative = 10.0
    """Holders added to the denominator, so that a pair seen once is no certainty."""


def fit(graph: Graph, config: ItemKnnConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    with needs_extra("train", "itemknn"):
        from graphrec.models.tables.itemknn.neighbours import fit_itemknn
    return Fitted.of(fit_itemknn(graph, config, progress=inputs.progress))


def trials(graph: Graph) -> Iterator[Values]:
    """Numbers of neighbours and shrinkages."""
    for neighbours in (50, 200):
        for shrinkage in (0.0, 20.0):
            if neighbours == 50 or graph.num_products > 50:
                yield {"neighbours": neighbours, "shrinkage": shrinkage}


def space(trial: "Trial", graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    most = max(11, min(500, graph.num_products))
    return {
        "neighbours": trial.suggest_int("neighbours", 10, most, log=True),
        "shrinkage": trial.suggest_float("shrinkage", 0.0, 200.0),
    }


SPEC = ModelSpec(
    name="itemknn",
    sentence="A held product speaks for its nearest neighbours by cosine of their holders.",
    fit=fit,
    config=ItemKnnConfig,
    trials=trials,
    beyond=stronger("shrinkage", (20.0, 100.0)),
    space=space,
    in_blend=True,
)
