"""What a user would be shown: the list, and for every product the edges of its reasons in their order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import SHOWN, SMALL_PART, Comparison
from graphrec.evaluation.walked import Walked, Walks
from graphrec.serving.engine import CONTRASTED
from graphrec.terms.ledger import Edge, Ledger


@dataclass(frozen=True, eq=False)
class Shown:
    """The list of one user; `edges` holds for each product and shown line, in order, the edges the line begins with."""

    user: int
    products: NDArray[np.int32]
    allowed: NDArray[np.bool_]
    edges: list[list[list[Edge]]]
    by_kind: Mapping[str, float]
    error: float
    walked: Walked

    @property
    def reasoned(self) -> float:
        """Part of the products that have a line that is shown."""
        return sum(map(bool, self.edges)) / len(self.edges)

    def still_listed(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the n-th product is still in the list by the n-th row of scores; not where nothing is scored."""
        kept = np.zeros(len(self.products), np.bool_)
        candidates = np.flatnonzero(self.allowed)
        for place, product in enumerate(self.products):
            own, others = scores[place, product], scores[place, candidates]
            before = (others > own) | ((others == own) & (candidates < product))
            kept[place] = scores[place].any() and int(before.sum()) < len(self.products)
        return kept


class ShownLists:
    """Lists and reasons as serving orders them: by contrast, positive lines, nothing through too few people."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.blend = comparison.model.blend
        self.graph = comparison.model.graph
        self.k = comparison.k if comparison.part.num_products < SHOWN * SMALL_PART else SHOWN
        self.walks = Walks(comparison)

    def of(self, user: int) -> Shown | None:
        """What a user is shown; None where there is nothing to show."""
        row = self.blend.row(user)
        allowed = np.ones(len(row.scores), np.bool_)
        allowed[self.comparison.part.masked.row(user)] = False
        candidates = np.flatnonzero(allowed)
        if not row.scores.any() or len(candidates) <= self.k:
            return None
        near = candidates[np.lexsort((candidates, -row.scores[candidates]))][: self.k + CONTRASTED].astype(np.int32)
        ledger = self.blend.ledger(user, near, row.scales)
        totals = ledger.totals()
        order = np.lexsort((near, -totals))
        ledger_sum = np.abs(ledger.values).sum(axis=0)
        error = float((np.abs(totals - row.scores[near]) / np.maximum(ledger_sum, np.finfo(float).tiny)).max())
        listed, after = order[: self.k], order[self.k :]
        contrast = ledger.values - ledger.values[:, after].mean(axis=1, keepdims=True)
        lines = [self._lines(user, int(near[column]), ledger, int(column), contrast[:, column]) for column in listed]
        return Shown(
            user=user,
            products=near[listed],
            allowed=allowed,
            edges=[[self._edges(user, ledger, line) for line in shown] for shown in lines],
            by_kind=self._by_kind(ledger, listed),
            error=error,
            walked=self.walks.of(user, ledger, lines),
        )

    def _lines(self, user: int, product: int, ledger: Ledger, column: int, contrast: NDArray[np.float64]) -> list[int]:
        """The positions of the lines that may be shown for one product, best first."""
        shares = ledger.values[:, column]
        order = np.lexsort((ledger.via, -shares, -contrast))
        return [int(line) for line in order[shares[order] > 0] if self._may_be_shown(user, product, ledger, int(line))]

    def _may_be_shown(self, user: int, product: int, ledger: Ledger, line: int) -> bool:
        count = self.blend.people_between(ledger, line, user, product)
        return count is None or count >= self.graph.schema.roles.min_group

    def _edges(self, user: int, ledger: Ledger, line: int) -> list[Edge]:
        """The edges a line begins with: one, or all to people where these are one line, or none for everyone."""
        group, via = ledger.group_of(line), int(ledger.via[line])
        edge = group.edge(via)
        if edge is None or group.hop is None or via >= 0:
            return [] if edge is None else [edge]
        return [(group.hop, int(node)) for node in self.graph.hops[group.hop].row(user)]

    @staticmethod
    def _by_kind(ledger: Ledger, listed: NDArray[np.int64]) -> dict[str, float]:
        sums = ledger.values[:, listed].sum(axis=1)
        found: dict[str, float] = {"path": 0.0, "self": 0.0}
        for position, group in enumerate(ledger.groups):
            kind = "text" if group.part == "text" else str(group.kind)
            found[kind] = found.get(kind, 0.0) + float(sums[ledger.group == position].sum())
        return found
