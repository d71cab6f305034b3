"""RP3beta: random walks of three steps over who holds what, popular products divided down; a kernel of one walk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.config import NotNegative
from graphrec.models.inputs import Inputs, Values
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.walks.kernel import fit_kernel
from graphrec.terms.walks import Walk, WalkTerm

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Rp3BetaConfig:
    """How RP3beta is fitted."""

    beta: NotNegative = 0.6
    """How far popular products are divided down; .6 to .7 is what its authors found."""


def rp3beta(graph: Graph, config: Rp3BetaConfig | None = None) -> WalkTerm:
    """RP3beta with alpha 1 over the relevant edges: random walks of three steps, popular products divided down.

    Source: Paudel et al., TiiS 2016; powers (1, 1, beta) of the kernel up to a factor per user.
    """
    config = config or Rp3BetaConfig()
    hops = [Hop(name) for name in graph.schema.roles.relevant]
    term = fit_kernel(graph, [Walk((hop, hop.back(), hop), (1.0, 1.0, config.beta)) for hop in hops])
    return replace(term, name="rp3beta")


def fit(graph: Graph, config: Rp3BetaConfig, _inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    return Fitted.of(rp3beta(graph, config))


def trials(_graph: Graph) -> Iterator[Values]:
    """Powers of popularity."""
    for beta in (0.2, 0.4, 0.6, 0.8):
        yield {"beta": beta}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {"beta": trial.suggest_float("beta", 0.0, 1.2)}


SPEC = ModelSpec(
    name="rp3beta",
    sentence="Random walks of three steps over who holds what, popular products divided down.",
    fit=fit,
    config=Rp3BetaConfig,
    trials=trials,
    space=space,
)
