"""Quality of shown paths: how recent, how popular, how various. Three numbers of the literature, in two variants.

    EWMA of x_1..x_n, decay b:  y_j = sum over q < j: (1-b)^q x_{j-q} / sum over q < j: (1-b)^q, then min-max to 0..1

LIR (linking interaction recency)  the EWMA at the interaction a path starts with; 1 = the user's last, 0 = the first
SEP (shared entity popularity)     the EWMA at the node before the product, among its label; 1 = most popular
ETD (explanation type diversity)   distinct path types (last relations) in a list / path types there are

`sigir22` takes x_j = the rank 0..n-1 and b = 2/11, `hopwise` x_j = the raw time or degree and b = 2/(n+1): numbers of
the two cannot be compared, so that a report names the variant. Source: Balloccu et al., SIGIR 2022, and the hopwise
library, both as coded (pandas `ewm`, adjust=True), not as printed in the papers.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Variant = Literal["sigir22", "hopwise"]

#: A span of 10 as pandas says it.
SIGIR22_DECAY = 2 / 11


def interaction_recency(times: NDArray[np.number], variant: Variant = "sigir22") -> Vector:
    """Return the LIR of each interaction of one user, in the order given (num_interactions,).

    Interactions at the same time all have the value of the last of them. A user with one interaction has no recency:
    `sigir22` leaves such users out (nan), `hopwise` counts them as old (0).

    >>> interaction_recency(np.array([30, 10, 20])).round(4).tolist()  # EWMA of 0, 1, 2: 0, 11/20, 341/301
    [1.0, 0.0, 0.4855]
    """
    if len(times) < 2:
        return np.full(len(times), np.nan if variant == "sigir22" else 0.0)
    order = np.argsort(times, kind="stable")
    ordered = np.asarray(times, np.float64)[order]
    last = np.searchsorted(ordered, ordered, side="right") - 1
    values = np.empty(len(times))
    values[order] = _normalised(ordered, variant)[last]
    return values


def entity_popularity(degrees: NDArray[np.integer], variant: Variant = "sigir22") -> Vector:
    """Return the SEP of each entity of one label (num_entities,); ties of degree by position.

    The only entity of a label has no popularity among others: nan, and no part in a mean.

    >>> entity_popularity(np.array([5, 1, 3])).round(4).tolist()
    [1.0, 0.0, 0.4855]
    """
    if len(degrees) < 2:
        return np.full(len(degrees), np.nan)
    order = np.argsort(degrees, kind="stable")
    values = np.empty(len(degrees))
    values[order] = _normalised(np.asarray(degrees, np.float64)[order], variant)
    return values


def type_diversity(types: Sequence[object], num_types: int) -> float:
    """Return the ETD of one list: distinct types of its shown paths / types there are; at most k / num_types.

    Raises:
        ValueError: there are more types in the list than there are.

    >>> type_diversity(["IN_SECTOR", "BOUGHT", "IN_SECTOR"], 4)
    0.5
    """
    found = len(set(types))
    if num_types < max(found, 1):
        raise ValueError(f"num_types must be at least the {found} types shown (got {num_types})")
    return found / num_types


def mean_of_known(values: Sequence[float]) -> float:
    """Return the mean without nan; nan where nothing is left.

    >>> mean_of_known([1.0, float("nan"), 0.5])
    0.75
    """
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def ewma(values: Vector, decay: float) -> Vector:
    """Return the exponentially weighted mean up to each value (n,), as pandas `ewm(alpha=decay, adjust=True)`.

    >>> ewma(np.array([1.0, 2.0, 4.0]), 0.5).round(4).tolist()  # 1; 2.5 / 1.5; 5.25 / 1.75
    [1.0, 1.6667, 3.0]
    """
    result = np.empty(len(values))
    total = mass = 0.0
    for place, value in enumerate(values.tolist()):
        total = value + (1 - decay) * total
        mass = 1 + (1 - decay) * mass
        result[place] = total / mass
    return result


def _normalised(ordered: Vector, variant: Variant) -> Vector:
    """The EWMA of ascending values, at least two, from 0 to 1."""
    if variant == "sigir22":
        return _ranks_normalised(len(ordered))
    if ordered[0] == ordered[-1]:
        ordered = np.arange(len(ordered), dtype=np.float64)
    # A shift of all values changes nothing after min-max, and keeps microseconds since 1970 from losing digits.
    return _to_unit(ewma(ordered - ordered[0], 2 / (len(ordered) + 1)))


@lru_cache(maxsize=1024)
def _ranks_normalised(count: int) -> Vector:
    return _to_unit(ewma(np.arange(count, dtype=np.float64), SIGIR22_DECAY))


def _to_unit(values: Vector) -> Vector:
    unit: Vector = (values - values.min()) / (values.max() - values.min())
    return unit
