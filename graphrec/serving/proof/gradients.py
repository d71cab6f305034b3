"""How a score of GraphSAGE comes from the edges around it: integrated gradients, nobody else shown."""

from typing import TYPE_CHECKING

import numpy as np

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.serving.answer import EdgeShare, ScoreGradients
from graphrec.serving.positions import Positions

if TYPE_CHECKING:
    from graphrec.terms.sage.gradients import Gradients


def gradients_of(positions: Positions, graph: Graph, found: "Gradients", scale: float) -> ScoreGradients:
    """The integrated gradients of one score, in score units, the largest share first.

    `rest` is what the integral misses; `completeness_gap` is that miss as a part of score - baseline.

    Args:
        graph: that the term reads.
        scale: of the term.
    """
    edges = []
    for place in np.argsort(-np.abs(found.values), kind="stable"):
        name = found.types[found.type[place]]
        source = positions.node(graph.source(Hop(name)), int(found.source[place]))
        target = positions.node(graph.target(Hop(name)), int(found.target[place]))
        edges.append(EdgeShare(name, source, target, scale * float(found.values[place])))
    return ScoreGradients(
        score=scale * found.score,
        baseline=scale * found.baseline,
        completeness_gap=found.gap,
        quadrature_nodes=found.nodes,
        edges=tuple(edges),
        rest=scale * (found.score - found.baseline) - sum(edge.share for edge in edges),
    )
