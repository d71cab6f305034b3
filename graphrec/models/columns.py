"""Products whose columns are like those of the holdings: the likeness of `text.py` on the block `columns`."""

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.text import fit_likeness


def fit(graph: Graph, _config: NoConfig, inputs: Inputs) -> Fitted:
    """The term of the block `columns`.

    Raises:
        ModelError: products have no such block.
    """
    matrices, product = inputs.blocks.matrices("columns"), graph.schema.roles.product
    if product not in matrices:
        raise ModelError(
            f"model columns needs the block `columns` of {product}, and there is none; "
            "run: graphrec train --model columns --blocks columns, on a snapshot whose {product} nodes have columns"
        )
    return Fitted.of(fit_likeness("columns", graph, matrices, inputs.blocks.sentences.get("columns", {})))


SPEC = ModelSpec(
    name="columns",
    sentence="Products whose columns are like those of the holdings: kind, fee, risk class and the like.",
    fit=fit,
    config=NoConfig,
    in_blend=True,
    needs=(("columns", "product"),),
)
