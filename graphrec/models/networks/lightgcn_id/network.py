"""LightGCN as published: a vector for every user and product, propagated over who holds what.

    Ah[u, i] = (d_u d_i)^-1/2,   E = sum over k = 0..K: alpha_k Ah^k E0,   s(u, i) = <E_u, E_i>

Nothing is hidden from a step, as in the original. Served without a vector of a user: with H_1 = sum over k = 1..K:
alpha_k Ah^(k-1) E0 the score is alpha_0 <e0_u, E_i> + sum over holdings a: Ah[u, a] <H_1[a], E_i>, and e0_u is folded
in from the holdings as sum over a: Ah[u, a] F_a, F the ridge regression of all e0 on the holdings. So the score is a
sum over holdings with H_1 + alpha_0 F; all lines are multiplied by d_u^1/2, a constant of the user. Sources: He et al.,
SIGIR 2020; contrast Yu et al., XSimGCL, TKDE 2023; docs/formulas.md, LightGCN.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.factors.spectral import SpectralConfig, leading_patterns
from graphrec.models.fitting.loop import Trained, fit
from graphrec.models.fitting.objective import Noise, Vectors, step_loss
from graphrec.models.fitting.parts import Learning, Recipe
from graphrec.models.fitting.propagation import SparsePair, as_array
from graphrec.models.fitting.steps import Holdings, Pairs, Step
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import column, holdings, inverse_power, relevant_hops
from graphrec.models.networks.lightgcn_id import PlainLightGCNConfig
from graphrec.models.support import masked_term, nothing_to_learn, supported
from graphrec.terms.forms.factors import FactorTerm, TableTerm

FOLD_IN = 0.01
"""lambda of the fold-in, beside strengths of Ah^T Ah up to 1."""
FOLD_IN_STEPS = 16
"""Conjugate gradient steps of the fold-in."""


class PlainGCN(nn.Module):
    """Vectors of users and products and their propagation."""

    known: Tensor
    name = "lightgcn-id"

    def __init__(self, graph: Graph, config: PlainLightGCNConfig) -> None:
        super().__init__()
        self.alphas = config.layer_weights(config.num_layers)
        self.regularization = config.regularization
        held = holdings(graph)
        self.user_degrees = np.asarray(held.sum(axis=1), np.float64).ravel()
        self.product_degrees = np.asarray(held.sum(axis=0), np.float64).ravel()
        scaled = held.multiply(inverse_power(self.user_degrees, 0.5)[:, None]).tocsr()
        scaled = scaled.multiply(inverse_power(self.product_degrees, 0.5)[None, :]).tocsr().astype(np.float32)
        self.messages = SparsePair(scaled)
        users, products = _start(graph, config, self.messages)
        # Who is linked with nothing has no vector: a random one would be taken for knowledge.
        self.users = nn.Parameter(users * torch.from_numpy(self.user_degrees > 0)[:, None])
        self.products = nn.Parameter(products * torch.from_numpy(self.product_degrees > 0)[:, None])
        self.register_buffer("known", torch.from_numpy(self.product_degrees > 0), persistent=False)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All vectors, with weight decay."""
        return [{"params": [self.users, self.products], "weight_decay": self.regularization}]

    def forward(self, step: Step, noise: Noise | None = None) -> Vectors:
        """The vectors of the step's users (num_rows, dim) and of all products."""
        users, products = self.propagate(noise)
        return users[torch.from_numpy(step.users.astype(np.int64)).to(users.device)], products

    def propagate(self, noise: Noise | None = None) -> Vectors:
        """E of all users and of all products."""
        users: Tensor = self.users
        products: Tensor = self.products
        totals = self.alphas[0] * users, self.alphas[0] * products
        for alpha in self.alphas[1:]:
            users, products = self.messages(products), self.messages.back(users)
            if noise is not None:
                users, products = noise(users), noise(products)
            totals = totals[0] + alpha * users, totals[1] + alpha * products
        return totals

    def term(self, graph: Graph) -> FactorTerm | TableTerm:
        """The term of the present state, with no vector of a user."""
        with torch.no_grad():
            users: Tensor = self.users
            products: Tensor = self.products
            arriving = self.alphas[1] * products
            for alpha in self.alphas[2:]:
                users, products = self.messages(products), self.messages.back(users)
                arriving = arriving + alpha * products
            if self.alphas[0]:
                arriving = arriving + self.alphas[0] * self._folded_in(self.users)
            left = as_array(arriving) * column(inverse_power(self.product_degrees, 0.5))
            right = as_array(self.propagate()[1])
        return masked_term(self.name, graph, dict.fromkeys(relevant_hops(graph), left), right)

    def _folded_in(self, users: Tensor) -> Tensor:
        """F (num_products, dim) that is least in |users - Ah F|^2 + lambda |F|^2, by conjugate gradients."""

        def normal(rows: Tensor) -> Tensor:
            return self.messages.back(self.messages(rows)) + FOLD_IN * rows

        rest = self.messages.back(users)
        found, step = torch.zeros_like(rest), rest
        length = rest.square().sum(dim=0)
        for _ in range(FOLD_IN_STEPS):
            moved = normal(step)
            rate = length / (step * moved).sum(dim=0).clamp_min(1e-30)
            found, rest = found + rate * step, rest - rate * moved
            before, length = length, rest.square().sum(dim=0)
            step = rest + length / before.clamp_min(1e-30) * step
        return found


def fit_lightgcn_id(
    graph: Graph, config: PlainLightGCNConfig | None = None, inputs: Inputs | None = None
) -> Trained[FactorTerm | TableTerm]:
    """The trained term; with `inputs.evaluate` (higher is better) the state of its best epoch.

    Args:
        graph: what may be seen.
        config: of the network.
        inputs: device and callbacks.

    Returns:
        The term, its epochs, losses and values.

    Raises:
        ModelError: nobody holds anything, or the loss is not a number.
    """
    config, inputs = config or PlainLightGCNConfig(), inputs or Inputs()
    return fit(Recipe(learning_lightgcn_id, graph, config, inputs.blocks), inputs)


def learning_lightgcn_id(
    graph: Graph, config: PlainLightGCNConfig, _blocks: Blocks, device: str
) -> Learning[FactorTerm | TableTerm]:
    """The network in its first state, with what it learns from."""
    seen = supported(graph).graph
    held = seen.held()
    if not len(held.indices):
        raise nothing_to_learn("lightgcn-id", graph, "no user holds a product")
    network = PlainGCN(seen, config).to(device)
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32))
    known = Holdings(held, graph.num_products)

    def draw(users: NDArray[np.int32], _rng: np.random.Generator) -> Step:
        return Step(users, {}, Pairs(*held.expand(users)), nothing)

    def loss(step: Step, rng: np.random.Generator) -> Tensor:
        return step_loss(network, step, known, config, rng)

    return Learning(network, np.flatnonzero(held.degrees()).astype(np.int32), draw, loss)


def _start(graph: Graph, config: PlainLightGCNConfig, messages: SparsePair) -> tuple[Tensor, Tensor]:
    """E0 of users and products: singular vectors of Ah times their strength, else random."""
    if not config.spectral_start:
        generator = torch.Generator().manual_seed(config.seed)
        sizes = graph.num_users, graph.num_products
        users, products = (config.init * torch.randn(size, config.dim, generator=generator) for size in sizes)
        return users, products
    patterns = torch.from_numpy(leading_patterns(graph, config.dim, SpectralConfig(seed=config.seed)).vectors)
    missing = config.dim - patterns.shape[1]
    products = torch.nn.functional.pad(patterns, (0, missing))
    users = messages(products)
    # The spread of a random start, so that one learning rate suits both.
    scale = config.init / products.square().mean().sqrt().clamp_min(1e-12)
    return scale * users, scale * products
