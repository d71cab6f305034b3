"""Products whose prices moved like those of the holdings: the likeness of `text.py` on the block `series`."""

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.text import fit_likeness


def fit(graph: Graph, _config: NoConfig, inputs: Inputs) -> Fitted:
    """The term of the block `series`.

    Raises:
        ModelError: products have no such block.
    """
    matrices, product = inputs.blocks.matrices("series"), graph.schema.roles.product
    if product not in matrices:
        raise ModelError(
            f"model series needs the block `series` of {product}, and there is none; "
            "run: graphrec train --model series --blocks series, on a snapshot whose {product} nodes have a series"
        )
    return Fitted.of(fit_likeness("series", graph, matrices, inputs.blocks.sentences.get("series", {})))


SPEC = ModelSpec(
    name="series",
    sentence="Products whose time series went like those of the holdings.",
    fit=fit,
    config=NoConfig,
    in_blend=True,
    needs=(("series", "product"),),
)
