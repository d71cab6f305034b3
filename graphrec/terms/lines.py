"""Ledgers of many users at once: the lines of `Blend.ledger` in the same order and with the same bits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrec.terms.base import LineGroup, Shares
from graphrec.terms.blend import Blend, Ledger
from graphrec.terms.block import Block
from graphrec.terms.compiled.factor_lines import add_factors, most_factor_lines
from graphrec.terms.compiled.walk_lines import add_walks, most_walk_lines
from graphrec.terms.factors import FactorTerm
from graphrec.terms.walks import WalkTerm


def ledgers(
    blend: Blend, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], scales: NDArray[np.float64]
) -> list[Ledger]:
    """Every line of some products of each user: `blend.ledger(users[r], products[r], scales[r])` for every r.

    Shapes: users (num_users,), scales (num_users, num_terms).
    """
    other = {
        position: [term.shares(int(user), wanted) for user, wanted in zip(users, products, strict=True)]
        for position, term in enumerate(blend.terms)
        if not isinstance(term, WalkTerm | FactorTerm)
    }
    block = Block.empty(users, products, _most_lines(blend, users, scales, other))
    for position, term in enumerate(blend.terms):
        scale = np.ascontiguousarray(scales[:, position])
        if isinstance(term, WalkTerm):
            add_walks(block, term, scale, position)
        elif isinstance(term, FactorTerm):
            add_factors(block, term, scale, position)
        else:
            _add_shares(block, other[position], scale, position)
    return [block.ledger(place) for place in range(len(users))]


def _most_lines(
    blend: Blend, users: NDArray[np.int32], scales: NDArray[np.float64], other: dict[int, list[Shares]]
) -> NDArray[np.int64]:
    """At most how many lines each user's ledger has."""
    most = np.zeros(len(users), np.int64)
    for position, term in enumerate(blend.terms):
        if isinstance(term, WalkTerm):
            counts = most_walk_lines(term, users)
        elif isinstance(term, FactorTerm):
            counts = most_factor_lines(term, users)
        else:
            counts = np.array([len(shares.via) for shares in other[position]], np.int64)
        most += np.where(scales[:, position] != 0, counts, 0)
    return most


def _add_shares(block: Block, found: Sequence[Shares], scale: NDArray[np.float64], position: int) -> None:
    """Append the lines of a term that has no compiled loop of its own."""
    numbers: dict[LineGroup, int] = {}
    out = block.out
    for place, shares in enumerate(found):
        if not scale[place]:
            continue
        for group in shares.groups:
            if group not in numbers:
                numbers[group] = block.add_group(group, position)
        here = [numbers[group] for group in shares.groups]
        span = slice(int(out.filled[place]), int(out.filled[place]) + len(shares.via))
        out.values[span, : block.widths[place]] = scale[place] * shares.values
        out.via[span], out.mid[span] = shares.via, shares.mid
        out.group[span] = np.array(here, np.int16)[shares.group] if here else 0
        out.filled[place] = span.stop
