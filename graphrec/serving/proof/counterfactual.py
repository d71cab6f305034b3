"""What would take a product out of the list of a customer: found in the ledger, then recomputed.

The shares of a ledger say which edges of the customer a product stands on more than the one that would take its place.
They are taken away, most telling first, until the product is out of the list; those that are not needed come back. The
scores of each try are computed anew (terms/deletion.py, spreads as a new list has them). What is found is computed once
more in another way, on the terms without the edges, and only what both agree on is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Node
from graphrec.serving.engine import Engine
from graphrec.terms.deletion import Evidence
from graphrec.terms.ledger import Edge, Ledger

MOST = 10
"""Edges that are taken away at most."""


@dataclass(frozen=True)
class Changed:
    """One edge of the customer, which would not be there."""

    edge: str
    """Its type; < before it: it leads to the customer."""
    node: Node


@dataclass(frozen=True)
class Counterfactual:
    """What would take one product out of a list."""

    product: str
    name: str | None
    rank: int
    score: float
    without: tuple[Changed, ...]
    """The edges; empty: no few edges of the customer decide it."""
    rank_after: int | None
    score_after: float | None
    verified: bool
    """Both ways of computing agree that the product is out of the list."""


def counterfactuals(engine: Engine, user_id: str, k: int) -> tuple[Counterfactual, ...]:
    """For each product that ranks among the first k of what is allowed, what would take it out of them.

    Raises:
        UnknownId: there is no such user.
    """
    engine = engine.of_customer(user_id)
    roles, blend = engine.roles, engine.model.blend
    user = engine.positions.in_model(roles.user, engine.position(engine.users, user_id, roles.user))
    if user < 0 or not engine.has_evidence(user):
        return ()
    allowed = np.flatnonzero(engine.allowed(np.array([user]))[0])
    evidence = Evidence(blend, user, "anew")
    before = evidence.scores(evidence.all_but([])[None, :])[0]
    order = allowed[np.lexsort((allowed, -before[allowed]))]
    listed, rival = order[:k], order[k] if len(order) > k else None
    if not len(listed) or rival is None:
        return ()
    asked = np.append(listed, rival).astype(np.int32)
    ledger = blend.ledger(user, asked, blend.row(user).scales)
    weights = _weights(ledger)
    found = []
    for place, product in enumerate(listed.tolist()):
        gone = _found(evidence, weights, place, product, allowed, k)
        after = evidence.scores(evidence.all_but(gone)[None, :])[0] if gone else None
        rank = None if after is None else _rank(after, product, allowed)
        again = _recomputed(engine, user, gone) if gone else None
        node = engine.positions.node(roles.product, product)
        found.append(
            Counterfactual(
                product=node.id,
                name=node.name,
                rank=place + 1,
                score=float(before[product]),
                without=tuple(_changed(engine, edge) for edge in gone),
                rank_after=rank,
                score_after=None if after is None else float(after[product]),
                verified=again is not None and _rank(again, product, allowed) == rank and rank is not None and rank > k,
            )
        )
    return tuple(found)


def _weights(ledger: Ledger) -> dict[Edge, NDArray[np.float64]]:
    """What each edge of the customer gives to each product (num_products,), over all lines that rest on it."""
    found: dict[Edge, NDArray[np.float64]] = {}
    for place, via in enumerate(ledger.via.tolist()):
        edge, row = ledger.group_of(place).edge(via), ledger.values[place]
        if edge is not None and edge[0] is not None and edge[1] >= 0:
            found[edge] = found.get(edge, 0.0) + row
    return found


def _found(
    evidence: Evidence,
    weights: dict[Edge, NDArray[np.float64]],
    place: int,
    product: int,
    allowed: NDArray[np.int64],
    k: int,
) -> list[Edge]:
    """The edges without which a product is out of the list, none that is not needed; empty: MOST do not do it."""
    telling = sorted(
        (edge for edge in weights if evidence.place(edge) is not None),
        key=lambda edge: (-float(weights[edge][place] - weights[edge][-1]), str(edge)),
    )[:MOST]
    gone: list[Edge] = []
    for edge in telling:
        gone.append(edge)
        if _is_out(evidence, gone, product, allowed, k):
            break
    else:
        return []
    while fewer := next((some for some in _one_less(gone) if _is_out(evidence, some, product, allowed, k)), None):
        gone = fewer
    return gone


def _one_less(gone: Sequence[Edge]) -> Iterator[list[Edge]]:
    """The same edges without one of them, the least telling one first."""
    for left in reversed(gone):
        yield [one for one in gone if one != left]


def _is_out(evidence: Evidence, gone: Sequence[Edge], product: int, allowed: NDArray[np.int64], k: int) -> bool:
    return _rank(evidence.scores(evidence.all_but(gone)[None, :])[0], product, allowed) > k


def _recomputed(engine: Engine, user: int, gone: Sequence[Edge]) -> NDArray[np.float64]:
    """The scores (num_products,) of the terms without these edges, one after another, as a new list has them."""
    return np.asarray(engine.model.blend.without_edges(user, gone).row(user).scores, np.float64)


def _rank(scores: NDArray[np.float64], product: int, allowed: NDArray[np.int64]) -> int:
    own, others = scores[product], scores[allowed]
    return 1 + int(((others > own) | ((others == own) & (allowed < product))).sum())


def _changed(engine: Engine, edge: Edge) -> Changed:
    hop, via = edge
    assert isinstance(hop, Hop), "edges without a hop are left out"
    return Changed(str(hop), engine.positions.node(engine.model.graph.target(hop), via))
