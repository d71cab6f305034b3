"""The text term: products whose texts are like those of the holdings, and like the customer's own text.

    W[a, i] = <t_a, t_i>,  t = text vector minus the mean of all products' vectors, of length 1

Without the centring every description is much like every other (they share a language and a trade).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.features.blocks import FeatureBlock
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own, centred, with_rows


def fit_text(graph: Graph, inputs: Inputs) -> FactorTerm:
    """The text term of the holdings, with a profile line where users have texts.

    A product that was only looked at would be likest to itself.

    Args:
        graph: what may be seen.
        inputs: text vectors (num_nodes, dim) in the block `text`; a row of zeros stands for a node without text.

    Returns:
        The term.

    Raises:
        ModelError: products have no text vectors.
    """
    roles = graph.schema.roles
    vectors = inputs.blocks.matrices("text")
    if roles.product not in vectors:
        raise ModelError(
            f"the text term needs text vectors of {roles.product}, none were given; "
            f"name text columns under [nodes.{roles.product}] and run: graphrec embed"
        )
    profile = next((one for one in inputs.blocks if (one.name, one.label) == ("text", roles.user)), None)
    return fit_likeness("text", graph, vectors, {}, profile)


def fit_likeness(
    name: str,
    graph: Graph,
    matrices: Mapping[str, NDArray[np.float32]],
    sentences: Mapping[str, Mapping[str, str]],
    profile: FeatureBlock | None = None,
) -> FactorTerm:
    """A term of products whose features are like those of the holdings: cosine after taking out the mean product.

    Args:
        name: of the block, which its lines name.
        graph: what may be seen.
        matrices: features (num_nodes, width) by label, of products at least.
        sentences: of its lines by sign and language, for blocks that no language of graphrec knows.
        profile: features of users that mean the same as those of products; None: there are none. The term reads the
            rows when it is asked and keeps none.

    Returns:
        The term.
    """
    roles = graph.schema.roles
    centre = mean_text(matrices[roles.product])
    products = centred(matrices[roles.product], centre)
    neighbours = [Neighbours(Hop(relevant), products) for relevant in roles.relevant]
    if profile is not None:
        neighbours.append(Neighbours(None, Own(profile.digest, centre, unit=True)))
        graph = with_rows(graph, profile.digest, profile.matrix)
    return FactorTerm(name, graph, neighbours, products, text_dim=products.shape[1], part=name, sentences=sentences)


def likeness_model(name: str, sentence: str) -> ModelSpec[NoConfig]:
    """A model of products that are like the holdings by the feature block of the same name.

    Args:
        name: of the model and of its block.
        sentence: what help says of it.
    """

    def fit_block(graph: Graph, _config: NoConfig, inputs: Inputs) -> Fitted:
        matrices, product = inputs.blocks.matrices(name), graph.schema.roles.product
        if product not in matrices:
            raise ModelError(
                f"model {name} needs the block `{name}` of {product}, and there is none; "
                f"name columns of {product} for it in the mapping and load again, give --blocks {name} where it was "
                "left out, or run: graphrec train"
            )
        return Fitted.of(fit_likeness(name, graph, matrices, inputs.blocks.sentences.get(name, {})))

    return ModelSpec(
        name=name, sentence=sentence, fit=fit_block, config=NoConfig, in_blend=True, needs=((name, "product"),)
    )


def mean_text(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean (dim,) of the rows that are not zero."""
    present = vectors[(vectors != 0).any(axis=1)]
    return np.asarray(present.mean(axis=0, dtype=np.float64) if len(present) else vectors.sum(axis=0), np.float32)


def fit(graph: Graph, _config: NoConfig, inputs: Inputs) -> Fitted:
    """The term of the block `text`."""
    return Fitted.of(fit_text(graph, inputs))


SPEC = ModelSpec(
    name="text",
    sentence="Products whose texts are like those of the holdings, and like the customer's own text.",
    fit=fit,
    config=NoConfig,
    in_blend=True,
    needs=(("text", "product"),),
)
