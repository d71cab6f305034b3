"""Differential privacy: sums over customers with Gaussian noise, released once, and a table from nothing but them.

    n_i      = customers who hold i                         L2 sensitivity clip^(1/2): so many products at most
    M[a, i]  = sum over customers who hold both of 1 / d    d = products that the customer holds, clipped

A customer has d entries of 1 / d on the diagonal of M and d (d - 1) / 2 above it. With noise of deviation s above the
diagonal and 2^(1/2) s on it that is mu^2 = (1 / d) / (2 s^2) + ((d - 1) / (2 d)) / s^2 = 1 / (2 s^2), whatever d is.
A part of mu^2 that depends on the method alone goes to n (`SHARES`). Noise: noise.py. What a table makes of the release
costs nothing more (post-processing): weights and settings are fixed beforehand, no customer is asked which are good.
`min_group` is not asked either: a threshold on exact counts would be a second release. The method `network` spends a
part of mu^2 on gradients (network.py), the rest on the sums.

The released sums stay in the model folder, so that lists are repeated; another fit draws other noise and is another
release. The noise comes from the operating system.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.counted import network
from graphrec.models.counted.noise import from_seed, from_system, gaussian, mu_of
from graphrec.models.counted.solve import Method, SolveConfig, table_of
from graphrec.models.counted.sums import check_size, clipped, sums_of, symmetric
from graphrec.models.fitting.config import Count, NotNegative, Positive
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.terms.forms.factors import Neighbours, TableTerm

BITS = 20
"""Binary places of what is released."""
SHARES = {"popularity": 0.98, "kernel": 0.2}
"""Of the budget for the numbers of holders, where a method reads them; else OTHER_SHARE; the rest goes to pairs."""
OTHER_SHARE = 0.02
PART = "released"


@dataclass(frozen=True)
class PrivateConfig(SolveConfig):
    """What is promised, and the table."""

    method: Method | Literal["network"] = "ease"  # type: ignore[assignment]
    """popularity, itemknn, ease, kernel, spectral or chebyshev; network: ease, and what attributes of products add."""
    epsilon: Positive = 3.0
    """How much one customer may change any probability: by a factor of e^epsilon at most, but for delta."""
    delta: Annotated[float, Meta(gt=0, lt=0.1)] = 1e-6
    """Well below one customer in all."""
    clip: Count = 20
    """Products of a customer that count at most."""
    floor: NotNegative = 2.0
    """Deviations of the noise below which a single entry is 0, for itemknn and kernel."""
    ridge: NotNegative = 1.0
    """What ease adds to lambda, in the largest eigenvalue of the noise."""
    test_seed: int | None = None
    """Draws noise that anybody can draw again, which protects nobody: for tests alone."""


@dataclass(frozen=True, eq=False)
class Release:
    """What is released, in units of 2^-BITS.

    Shapes: pairs (num_products (num_products + 1) / 2,) the upper triangle row by row, holders (num_products,).
    """

    pairs: NDArray[np.int64]
    holders: NDArray[np.int64]
    pair_deviation: float
    """Of the noise in an entry of M above its diagonal."""
    holder_deviation: float
    """Of the noise in a number of holders."""
    mu: float
    """Of all that is released, gradients too."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """M (num_products, num_products)."""
        return symmetric(np.ldexp(self.pairs.astype(np.float64), -BITS), len(self.holders))

    @property
    def counts(self) -> NDArray[np.float64]:
        """n (num_products,)."""
        return np.ldexp(self.holders.astype(np.float64), -BITS)


def deviations(config: PrivateConfig) -> tuple[float, float, float]:
    """Of the noise in M above its diagonal and in n, and mu of both together.

    Rounding moves a weight of a customer by half a unit in each of at most clip^2 entries.
    """
    mu, share = mu_of(config.epsilon, config.delta), SHARES.get(config.method, OTHER_SHARE)
    left = mu * math.sqrt(1 - network.SHARE) if config.method == "network" else mu
    pairs, holders = math.sqrt(0.5) + config.clip * 2.0 ** -(BITS + 1), math.sqrt(config.clip)
    return pairs / (left * math.sqrt(1 - share)), holders / (left * math.sqrt(share)), mu


def release(graph: Graph, config: PrivateConfig) -> Release:
    """The sums of a graph, with noise."""
    num_products = graph.num_products
    check_size(num_products)
    sums = sums_of(clipped(graph.held(), num_products, config.clip), num_products, 1.0, BITS)
    uniform = from_system if config.test_seed is None else from_seed(config.test_seed)
    pair_deviation, holder_deviation, mu = deviations(config)
    rows, columns = np.triu_indices(num_products)
    noise = gaussian(len(rows), pair_deviation * 2**BITS, uniform)
    noise[rows == columns] = gaussian(num_products, math.sqrt(2) * pair_deviation * 2**BITS, uniform)
    pairs = sums.weighted[rows, columns] + noise
    holders = (sums.holders << BITS) + gaussian(num_products, holder_deviation * 2**BITS, uniform)
    return Release(pairs, holders, pair_deviation, holder_deviation, mu)


def fit_private(graph: Graph, config: PrivateConfig | None = None) -> TableTerm:
    """The term of a release."""
    config = config or PrivateConfig()
    if not len(graph.held().indices):
        raise NothingToLearn("private has nothing to learn from: no user holds a product; load interactions first")
    released = release(graph, config)
    noise = released.pair_deviation
    # The largest eigenvalue of a symmetric matrix of such noise is near 2 deviations times the root of its rows.
    ridge = config.ridge * 2 * noise * math.sqrt(graph.num_products)
    method: Method = "ease" if config.method == "network" else config.method
    plain = SolveConfig(method, config.regularization, config.neighbours, config.dim, config.exponent)
    table = table_of(released.matrix, released.counts, plain, floor=config.floor * noise, ridge=ridge)
    beside: dict[str, NDArray[Any]] = {"pairs": released.pairs, "holders": released.holders}
    if config.method == "network":
        table, beside["network"] = _with_network(graph, config, released, table)
    hops = [None] if config.method == "popularity" else relevant_hops(graph)
    left = np.ascontiguousarray(table, np.float32)
    return TableTerm(
        "private", graph, [Neighbours(hop, left) for hop in hops],
        beside={f"{PART}/{name}": values for name, values in beside.items()}, notes=_notes(released, config),
    )  # fmt: skip


def _with_network(
    graph: Graph, config: PrivateConfig, released: Release, table: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The table with what the network adds, and the network."""
    # Noise of another seed than that of the sums, where one is set: the same would take itself away.
    uniform = from_system if config.test_seed is None else from_seed(config.test_seed + 2**32)
    known = network.Known(table, released.counts, max(float(np.trace(released.matrix)), 1.0))
    rows = clipped(graph.held(), graph.num_products, config.clip)
    return network.fit_network(graph, rows, known, released.mu * math.sqrt(network.SHARE), uniform)


def _notes(released: Release, config: PrivateConfig) -> tuple[str, ...]:
    promise = (
        f"private: epsilon {config.epsilon:g}, delta {config.delta:g} for each customer, of whom {config.clip} "
        f"products count at most; noise of {released.pair_deviation:.3g} in pairs and "
        f"{released.holder_deviation:.3g} in holders"
    )
    if config.method == "network":
        noise = network.deviation_of(released.mu * math.sqrt(network.SHARE))
        promise += f", and of {noise:.3g} in each of {network.STEPS} steps of a network"
    warning = _warning(config)
    return (promise,) if warning is None else (warning, promise)


def _warning(config: PrivateConfig) -> str | None:
    if config.test_seed is None:
        return None
    return (
        f"THIS MODEL PROTECTS NOBODY: its noise was drawn with the known seed {config.test_seed} "
        "(private.test_seed), for tests alone"
    )


def fit(graph: Graph, config: PrivateConfig, _inputs: Inputs) -> Fitted:
    """The term of a new release."""
    return Fitted.of(fit_private(graph, config))


SPEC = ModelSpec(
    name="private",
    sentence="A table from sums over customers with Gaussian noise, which hides whether any one of them is there.",
    fit=fit,
    config=PrivateConfig,
    is_counted=True,
    warning=_warning,
)
