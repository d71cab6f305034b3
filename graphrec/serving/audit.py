"""What the ledger says a neighbour is worth, against what happens when the customer's edge to it is deleted.

The predicted effect is minus the shares of all lines that start with the edge; the actual one is the score on the graph
without the edge, degrees counted anew, minus the score before. Formula: docs/formulas.md, Deletion.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Hop
from graphrec.serving.answer import Answer, Audit, Deletion
from graphrec.serving.engine import Engine
from graphrec.terms.als import AlsTerm
from graphrec.terms.blend import Blend, Ledger
from graphrec.terms.deletion import blend_without_edges
from graphrec.terms.sage import SageTerm
from graphrec.terms.walks import WalkTerm


def audited(engine: Engine, answer: Answer) -> Answer:
    """An answer of `explain` whose item carries its audit; an answer without an item stays as it is."""
    if not answer.items:
        return answer
    item = answer.items[0]
    user = engine.positions.in_model(engine.roles.user, engine.users.ids.find(answer.user))
    product = engine.positions.in_model(engine.roles.product, engine.products.ids.find(item.product))
    return replace(answer, items=(replace(item, audit=audit(engine, user, product)),))


def audit(engine: Engine, user: int, product: int) -> Audit:
    """Every edge that a line of this score starts with, deleted one at a time.

    Args:
        user, product: positions in the model.
    """
    blend = engine.model.blend
    row = blend.row(user)
    wanted = np.array([product], np.int32)
    ledger = blend.ledger(user, wanted, row.scales)
    allowed = np.flatnonzero(engine.allowed(np.array([user]))[0])
    before, before_paths = float(ledger.totals()[0]), _paths(blend, ledger)
    found = []
    for (hop, via), positions in _edges(ledger).items():
        vias = [via] if via >= 0 else engine.model.graph.hops[hop].row(user).tolist()
        edited = blend_without_edges(blend, hop, user, vias)
        after = edited.ledger(user, wanted, row.scales)
        total = float(after.totals()[0])
        label = engine.model.graph.target(hop)
        found.append(
            Deletion(
                via=None if via < 0 else engine.positions.node(label, via),
                edge=str(hop),
                predicted=-float(ledger.values[positions, 0].sum()),
                actual=total - before,
                predicted_paths=-_paths(blend, ledger, positions),
                actual_paths=_paths(blend, after) - before_paths,
                score=total,
                rank=_rank(edited, user, row.scales, product, allowed),
            )
        )
    names = [(term.name, isinstance(term, WalkTerm | AlsTerm | SageTerm)) for term in _used(blend, row.scales)]
    return Audit(
        deletions=tuple(sorted(found, key=lambda one: (one.predicted, one.edge, str(one.via)))),
        sum_error=abs(before - _own_score(blend, user, product, row.scales)) / max(np.abs(ledger.values).sum(), 1e-300),
        recomputed=tuple(dict.fromkeys(name for name, anew in names if anew)),
        folded_in=tuple(dict.fromkeys(name for name, anew in names if not anew)),
    )


def _edges(ledger: Ledger) -> dict[tuple[Hop, int], NDArray[np.int64]]:
    """The lines that start with each edge of the user; -1: with any edge of that hop."""
    edges: dict[tuple[Hop, int], list[int]] = {}
    for position, (group, via) in enumerate(zip(ledger.group.tolist(), ledger.via.tolist(), strict=True)):
        hop = ledger.groups[group].hop
        if hop is not None and ledger.values[position, 0]:
            edges.setdefault((hop, via), []).append(position)
    return {edge: np.array(positions) for edge, positions in edges.items()}


def _paths(blend: Blend, ledger: Ledger, positions: NDArray[np.int64] | None = None) -> float:
    """What terms of real paths say of the only product of a ledger, over all or some lines."""
    is_path = np.array([isinstance(term, WalkTerm) for term in blend.terms], np.bool_)[ledger.term]
    values = np.where(is_path, ledger.values[:, 0], 0.0)
    return float(values.sum() if positions is None else values[positions].sum())


def _rank(blend: Blend, user: int, scales: NDArray[np.float64], product: int, allowed: NDArray[np.int64]) -> int:
    """The rank of a product among those that are allowed, with the scales of before."""
    scores = np.zeros(blend.terms[0].graph.num_products)  # type: ignore[attr-defined]
    for scale, term in zip(scales, blend.terms, strict=True):
        if scale:
            scores += scale * term.scores(user)
    own, others = scores[product], scores[allowed]
    return 1 + int(((others > own) | ((others == own) & (allowed < product))).sum())


def _own_score(blend: Blend, user: int, product: int, scales: NDArray[np.float64]) -> float:
    return float(sum(s * t.scores(user)[product] for s, t in zip(scales, blend.terms, strict=True) if s))


def _used(blend: Blend, scales: NDArray[np.float64]) -> list[Any]:
    return [term for term, scale in zip(blend.terms, scales, strict=True) if scale]
