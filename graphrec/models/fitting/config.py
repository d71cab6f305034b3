"""What every network is trained with, and what networks that sum layers are trained with besides."""

from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, Literal

from msgspec import Meta

Loss = Literal["auto", "full", "sampled", "in-batch", "bpr"]
Count = Annotated[int, Meta(ge=1)]
"""A whole number from 1."""
Share = Annotated[float, Meta(ge=0, le=1)]
"""A part of a whole."""
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]


@dataclass(frozen=True)
class TrainingConfig:
    """What every network is trained with."""

    loss: Loss = "auto"
    """Full softmax for small catalogues, sampled softmax for large ones; or negatives from the batch, or BPR."""
    negatives: Count = 1024
    """Products per step in the sampled softmax."""
    epochs: Count = 40
    """Epochs at most."""
    patience: Count = 6
    """Epochs without a better validation value after which training ends; the first few may well be worse."""
    batch_size: Count = 512
    """Users per step."""
    parts: Count = 1
    """Parts into which the users of a step are cut, so that `--workers` and `--on` have something to hand out; the
    model depends on their number, not on who computes them."""
    learning_rate: Positive = 0.01
    """Of Adam."""
    last_rate: Share = 1.0
    """Part of the learning rate that is left in the last epoch; it falls along half a cosine, which is good for BPR."""
    regularization: NotNegative = 1e-5
    """Weight decay of Adam on node vectors."""
    mixed_precision: bool = False
    """Multiply users with products in bfloat16, for a GPU whose time goes there; everything else stays float32."""
    seed: int = 0
    """Of the initial vectors, the order of users and whatever else is drawn."""

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, from 1 on."""
        done = min((epoch - 1) / max(self.epochs - 1, 1), 1.0)
        return self.learning_rate * (self.last_rate + (1 - self.last_rate) * (1 + cos(pi * done)) / 2)


@dataclass(frozen=True)
class PropagationConfig(TrainingConfig):
    """What networks that sum layers are trained with besides."""

    contrast: NotNegative = 0.0
    """Weight of the contrast of two noisy views; above 0 layer 0 is left out of the sum of layers."""
    noise: NotNegative = 0.1
    """Length of the noise that a view adds to each vector after each hop."""
    temperature: Positive = 0.2
    """Of the contrast."""

    def layer_weights(self, num_layers: int) -> list[float]:
        """alpha_0 .. alpha_K: 1 / (K + 1), with contrast 0 and 1 / K."""
        if self.contrast:
            return [0.0] + [1 / num_layers] * num_layers
        return [1 / (num_layers + 1)] * (num_layers + 1)
