"""What the ledger says a neighbour is worth, against what happens when the customer's edge to it is deleted.

The predicted effect is minus the shares of all lines that start with the edge; the actual one is the score on the graph
without the edge, degrees counted anew, minus the score before. Formula: docs/formulas.md, Deletion.
Ways through fewer than `min_group` other people are 0 before and after.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Answer, Audit, Deletion
from graphrec.serving.engine import Engine
from graphrec.terms.deletion import Evidence, Spreads
from graphrec.terms.forms.blend import Blend
from graphrec.terms.ledger import Ledger

SPREADS: Spreads = "fixed"
"""An audit checks lines, whose shares are at the spreads of the list."""


def audited(engine: Engine, answer: Answer) -> Answer:
    """An answer of `explain` whose item carries its audit; an answer without an item stays as it is."""
    if not answer.items:
        return answer
    item, engine = answer.items[0], engine.of_customer(answer.user)
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
    ledger = blend.ledger(user, np.array([product], np.int32), row.scales)
    allowed = np.flatnonzero(engine.allowed(np.array([user]))[0])
    evidence = Evidence(blend, user, SPREADS)
    edges = _edges(ledger)
    hops = engine.model.graph.hops
    gone = [[(hop, via)] if via >= 0 else [(hop, node) for node in hops[hop].row(user).tolist()] for hop, via in edges]
    cases = np.stack([evidence.all_but([]), *(evidence.all_but(one) for one in gone)])
    parts = evidence.parts(cases)
    scores = np.asarray(sum(parts), np.float64)
    on_paths = np.zeros(len(cases))
    for part, term in zip(parts, blend.terms, strict=True):
        if term.on_paths:
            on_paths += part[:, product]
    lost, lost_paths = scores[:, product] - scores[0, product], on_paths - on_paths[0]
    total = float(ledger.totals()[0])
    found = [
        Deletion(
            via=None if via < 0 else engine.positions.node(engine.model.graph.target(hop), via),
            edge=str(hop),
            predicted=-float(ledger.values[positions, 0].sum()),
            actual=float(lost[case]),
            predicted_paths=-_paths(blend, ledger, positions),
            actual_paths=float(lost_paths[case]),
            score=total + float(lost[case]),
            rank=_rank(scores[case], product, allowed),
        )
        for case, ((hop, via), positions) in enumerate(edges.items(), start=1)
    ]
    names = [(term.name, term.folds_in) for term, scale in zip(blend.terms, row.scales, strict=True) if scale]
    return Audit(
        deletions=tuple(sorted(found, key=lambda one: (one.predicted, one.edge, str(one.via)))),
        sum_error=abs(total - float(row.scores[product])) / max(np.abs(ledger.values).sum(), 1e-300),
        recomputed=tuple(dict.fromkeys(name for name, folds_in in names if not folds_in)),
        folded_in=tuple(dict.fromkeys(name for name, folds_in in names if folds_in)),
        spreads=SPREADS,
    )


def _edges(ledger: Ledger) -> dict[tuple[Hop, int], NDArray[np.int64]]:
    """The lines that rest on each edge of the user; -1: on any edge of that hop."""
    edges: dict[tuple[Hop, int], list[int]] = {}
    lines = zip(ledger.group.tolist(), ledger.via.tolist(), ledger.mid.tolist(), strict=True)
    for position, (group, via, mid) in enumerate(lines):
        for hop, node in ledger.groups[group].edges(via, mid):
            if hop is not None and ledger.values[position, 0]:
                edges.setdefault((hop, node), []).append(position)
    return {edge: np.array(positions) for edge, positions in edges.items()}


def _paths(blend: Blend, ledger: Ledger, positions: NDArray[np.int64]) -> float:
    """What terms of real paths say of the only product of a ledger, over some lines."""
    is_path = np.array([term.on_paths for term in blend.terms], np.bool_)[ledger.term]
    return float(np.where(is_path, ledger.values[:, 0], 0.0)[positions].sum())


def _rank(scores: NDArray[np.float64], product: int, allowed: NDArray[np.int64]) -> int:
    """The rank of a product among those that are allowed."""
    own, others = scores[product], scores[allowed]
    return 1 + int(((others > own) | ((others == own) & (allowed < product))).sum())
