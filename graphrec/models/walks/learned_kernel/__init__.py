"""The learned walk kernel: a positive weight per node and path position, on top of the powers of degrees.

The mathematics: `weights.py`; one walk in training: `steps.py`; compiled gradients: `gradients.py`.
"""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, NotNegative, Positive, Share
from graphrec.models.fitting.threads import compiled_threads
from graphrec.models.inputs import Inputs
from graphrec.models.networks.lightgcn import is_affordable
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.walks.kernel import WalkConfig
from graphrec.terms.forms.blend import Blend

WholeNumber = Annotated[int, Meta(ge=0)]
FIXED_EPOCHS = 5
"""Epochs without validation."""


@dataclass(frozen=True)
class WalkWeightsConfig:
    """How the weights are learned."""

    epochs: WholeNumber = 20
    """Epochs at most."""
    patience: Count = 3
    """Epochs without a better validation value after which training ends."""
    drop: Share = 0.3
    """Share of what each user holds that a step hides and predicts."""
    batch_size: Count = 256
    """Users per step at most."""
    learning_rate: Positive = 0.01
    """Of Adam, in units of theta."""
    shrinkage: NotNegative = 3.0
    """lambda, in users who choose."""
    sharpness: Positive = 2.0
    """What standardised scores are multiplied with at the start; it is learned, ten times as fast."""
    walks: tuple[WalkConfig, ...] = ()
    """Those of the kernel, which every training chooses."""
    seed: int = 0
    """Of what is hidden and of the order of users."""


def fit(graph: Graph, config: WalkWeightsConfig, inputs: Inputs) -> Fitted:
    """Every walk as a part of its own with its beta; with `inputs.evaluate` those of the best epoch."""
    with needs_extra("train", "learned-kernel"):
        from graphrec.models.walks.learned_kernel.weights import learn_walks
    walks = [one.read() for one in config.walks]
    if not walks:
        return Fitted((), 0)
    evaluate = inputs.evaluate
    with compiled_threads(graph.num_users * graph.num_products):
        learned = learn_walks(
            graph,
            walks,
            config,
            evaluate=None if evaluate is None else lambda parts: evaluate(Blend(*zip(*parts, strict=True))),
            callbacks=inputs.callbacks("learned-kernel", config),
        )
    return Fitted(tuple(learned.parts), learned.epochs)


SPEC = ModelSpec(
    name="learned-kernel",
    sentence="The walk kernel with a learned weight for every node on a path.",
    fit=fit,
    config=WalkWeightsConfig,
    is_affordable=is_affordable,
    in_blend=True,
    fixed={"epochs": FIXED_EPOCHS},
    by_epochs=True,
    has_walks=True,
    on_paths=True,
    replaces="kernel",
    packages=("numpy", "numba", "scipy", "torch"),
)
