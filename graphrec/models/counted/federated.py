"""A table from sums over the customers of several banks, none of which sees another's customers.

The sums come from `graphrec federate` (privacy/federated.py) as the feature block `sums`: whole numbers, so that the
table is to the bit that of all customers in one bank. It has no paths: who stands behind a weight is known nowhere.
"""

from dataclasses import dataclass

import numpy as np

from graphrec.errors import NothingToLearn
from graphrec.features.sources.sums import LIMBS, joined
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.counted.solve import SolveConfig, table_of
from graphrec.models.counted.sums import BITS, Sums
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.terms.forms.factors import Neighbours, TableTerm


@dataclass(frozen=True)
class FederatedConfig(SolveConfig):
    """How the table comes from the sums."""


def fit_sums(name: str, graph: Graph, sums: Sums, config: SolveConfig, least: int) -> TableTerm:
    """The term of exact sums.

    Args:
        name: of the term.
        graph: whose products they are.
        sums: over customers.
        config: the method.
        least: customers that two products have in common at least, or they have no weight.
    """
    kept = sums.supported(least)
    few = kept.together == 0
    if few.all():
        raise NothingToLearn(f"{name} has nothing to learn from: no two products have {least} customers in common")
    table = table_of(kept.weights, kept.holders.astype(np.float64), config, few=few)
    hops = [None] if config.method == "popularity" else relevant_hops(graph)
    left = np.ascontiguousarray(table, np.float32)
    return TableTerm(name, graph, [Neighbours(hop, left) for hop in hops])


def fit(graph: Graph, config: FederatedConfig, inputs: Inputs) -> Fitted:
    """The term of the block `sums`."""
    block = next(one for one in inputs.blocks if one.name == "sums")
    together, *parts = np.split(block.matrix, 1 + LIMBS, axis=1)
    about = block.definition
    sums = Sums(together.astype(np.int64), joined(parts), float(about.get("power", 0)), int(about.get("bits", BITS)))
    least = max(graph.schema.roles.min_group, int(about.get("min_group", 1)))
    return Fitted.of(fit_sums("federated", graph, sums, config, least))


SPEC = ModelSpec(
    name="federated",
    sentence="A table from what customers of several banks have in common; each bank sends sums under masks alone.",
    fit=fit,
    config=FederatedConfig,
    needs=(("sums", "product"),),
    is_counted=True,
)
