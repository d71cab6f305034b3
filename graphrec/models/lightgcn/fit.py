"""Item-only relational LightGCN: users are the sum of what they touch; nothing is learned about a person.

Every step hides its targets: a share of each user's holdings carries no message in the step that predicts it
(docs/formulas.md). The mathematics of the network: network.py.
"""

from collections.abc import Callable

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph
from graphrec.models.fitting.epochs import Supervision
from graphrec.models.fitting.loop import Fitted, fit
from graphrec.models.fitting.objective import step_loss
from graphrec.models.fitting.steps import StepSource
from graphrec.models.lightgcn.network import ItemGCN, LightGCNConfig, Texts
from graphrec.terms.factors import FactorTerm

__all__ = ["LightGCNConfig", "fit_lightgcn"]


def fit_lightgcn(
    graph: Graph,
    texts: Texts | None = None,
    config: LightGCNConfig | None = None,
    *,
    evaluate: Callable[[FactorTerm], float] | None = None,
    supervision: Supervision | None = None,
    device: str = "cpu",
) -> Fitted[FactorTerm]:
    """The trained term; with `evaluate` (higher is better) the state of its best epoch.

    Raises:
        ModelError: nobody holds anything, or the loss is not a number.
    """
    config = config or LightGCNConfig()
    network = ItemGCN(graph, texts or {}, config).to(device)
    source = StepSource(graph, network.hops, config.drop, min_held=config.min_held, whole=config.num_layers > 1)
    if not len(source.learners):
        raise ModelError("lightgcn has nothing to learn from: no user holds a product; load interactions first")
    return fit(
        network,
        graph,
        lambda rng: source.epoch(config.batch_size, rng),
        lambda step, rng: step_loss(network, step, source.holdings, config, rng),
        config,
        evaluate=evaluate,
        supervision=supervision,
    )
