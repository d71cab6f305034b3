"""The blend: standardised terms, added with their weights.

    s(u, i) = sum over terms t: w_t / sd_t(u) * s_t(u, i)

sd_t(u) is the standard deviation of the term's scores of all products; a term without spread drops out. A term that has
a scale of its own is not divided. A term of whose edges age has left a part counts for that part.
Formula: docs/formulas.md, Blend.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Graph
from graphrec.terms import compiled
from graphrec.terms.base import Term, once
from graphrec.terms.ledger import Block, Edge, Ledger, LineGroup, Shares

if TYPE_CHECKING:
    from graphrec.terms.compiled.added import Added
    from graphrec.terms.compiled.walk_lines import WalkLines
    from graphrec.terms.walks import WalkScorer

#: A spread below this part of the largest score is rounding, not spread.
NO_SPREAD = 1e-9
#: Users whose scores are added up at once: they stay in the processor's cache from term to term.
USERS = 32


@dataclass(frozen=True, eq=False)
class Row:
    """One user's scores.

    Shapes: scores (num_products,), scales (num_terms,) = w_t / sd_t(u), 0 where the term drops out.
    """

    scores: NDArray[np.float64]
    scales: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Offered:
    """The products that are offered now, where they are not those that the terms were fitted on.

    Products of the terms keep their positions; `new` ones come after them and no term knows anything of them.
    Shapes: gone (num_products of the terms,) True for what is no longer there.
    """

    gone: NDArray[np.bool_]
    new: int

    def widened(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (..., num_products of the terms) with 0 for what is gone and what is new."""
        there = np.where(self.gone, 0.0, scores)
        return np.concatenate((there, np.zeros((*scores.shape[:-1], self.new))), axis=-1)

    def spread(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The standard deviation of each row of scores over what is offered."""
        there = np.concatenate((~self.gone, np.ones(self.new, np.bool_)))
        # Rows one after another, so that one row is summed as each of many.
        found: NDArray[np.float64] = np.ascontiguousarray(self.widened(scores)[..., there]).std(axis=-1)
        return found


class Blend:
    """Terms with their weights: what is served.

    Args:
        offered: the products that are offered; None: those that the terms were fitted on.
    """

    def __init__(self, terms: Sequence[Term], weights: Sequence[float], *, offered: Offered | None = None) -> None:
        if len(terms) != len(weights):
            raise ValueError(f"{len(terms)} terms and {len(weights)} weights")
        self.terms = tuple(terms)
        self.weights = tuple(float(weight) for weight in weights)
        self.offered = offered
        self._last: tuple[int, Row] | None = None

    def offering(self, offered: Offered | None) -> "Blend":
        """The same terms and weights where other products are offered."""
        return self.made(self.terms, offered)

    def reading(self, graph: Graph) -> "Blend":
        """The same blend where customers have other rows."""
        return self.made([term.reading(graph) for term in self.terms], self.offered)

    def without_edges(self, user: int, edges: Sequence[Edge]) -> "Blend":
        """The blend as it scores this user, and no other, when these edges are gone."""
        return self.made([term.without_edges(user, edges) for term in self.terms], self.offered)

    def made(self, terms: Sequence[Term], offered: Offered | None) -> "Blend":
        """The same weights with other terms."""
        return Blend(terms, self.weights, offered=offered)

    @property
    def num_products(self) -> int:
        """How many products are scored."""
        return self.terms[0].graph.num_products + (self.offered.new if self.offered else 0)

    def row(self, user: int) -> Row:
        """The scores of all products for one user, and the scale of each term; not to be changed.

        Those asked last are known: a statement asks for one customer's list, reasons and refusals one after another.
        """
        last = self._last
        if last is None or last[0] != user:
            last = self._last = user, self._row(user)
        return last[1]

    def _row(self, user: int) -> Row:
        scales = np.zeros(len(self.terms))
        total: NDArray[np.float64] | None = None
        for position, (term, weight) in enumerate(zip(self.terms, self.weights, strict=True)):
            scores = term.scores(user)
            spread = float(self._spread(term, scores))
            if weight and spread:
                scales[position] = weight * term.left(user) / spread
            total = scales[position] * scores if total is None else total + scales[position] * scores
        assert total is not None, "a blend has terms"
        found = Row(self.offered.widened(total) if self.offered else total, scales)
        found.scores.flags.writeable = found.scales.flags.writeable = False
        return found

    def rows(self, users: NDArray[np.int32]) -> list[Row]:
        """What `row` gives for each of many users, to the bit."""
        scales = np.zeros((len(users), len(self.terms)))
        total = np.zeros((len(users), self.terms[0].graph.num_products))
        step = USERS if compiled.is_there() else max(len(users), 1)
        for start in range(0, len(users), step):
            span = slice(start, start + step)
            self._add_rows(users[span], total[span], scales[span])
        total = self.offered.widened(total) if self.offered else total
        return [Row(scores, scale) for scores, scale in zip(total, scales, strict=True)]

    def _add_rows(self, users: NDArray[np.int32], total: NDArray[np.float64], scales: NDArray[np.float64]) -> None:
        """Add all terms of some users to `total`, and write what each is multiplied with."""
        for span, joined in self._scored:
            if joined is not None:
                scales[:, span] = joined.add(users, NO_SPREAD, total)
                continue
            position = span.start
            term, weight = self.terms[position], self.weights[position]
            if not weight:
                continue
            left = term.lefts(users)
            weights = np.full(len(users), weight) if left is None else weight * left
            if self.offered is None and not term.has_own_scale and compiled.is_there():
                scales[:, position] = term.add_spread(users, weights, NO_SPREAD, total)
                continue
            scores = term.rows(users)
            spread = self._spread(term, scores)
            varied = spread > 0
            scales[varied, position] = weights[varied] / spread[varied]
            total += scores * scales[:, position, None]

    @once
    def _scored(self) -> "list[tuple[slice, Added | None]]":
        """The terms in their order, those whose scores are added together as one."""
        joins = [term.joins_scores and not term.has_own_scale for term in self.terms]
        if not compiled.is_there() or self.offered is not None:
            return [(span, None) for span in _runs([False] * len(joins))]
        from graphrec.terms.compiled.added import Added

        together = [join and bool(weight) for join, weight in zip(joins, self.weights, strict=True)]
        return [
            (span, Added(self.terms[span], self.weights[span]) if together[span.start] else None)
            for span in _runs(together)
        ]

    @once
    def _written(self) -> "list[tuple[slice, WalkLines | None]]":
        """The terms in their order, those whose lines are written together as one."""
        if not compiled.is_there():
            return [(span, None) for span in _runs([False] * len(self.terms))]
        from graphrec.terms.compiled.walk_lines import WalkLines

        together = [term.joins_lines for term in self.terms]
        return [
            (span, WalkLines(self.terms[span], span.start) if together[span.start] else None)
            for span in _runs(together)
        ]

    def _spread(self, term: Term, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each row of a term's scores is divided by (...,); 0: the term drops out."""
        if term.has_own_scale:
            return np.asarray(scores.any(axis=-1), np.float64)
        found = self.offered.spread(scores) if self.offered else scores.std(axis=-1)
        return np.where(found > NO_SPREAD * np.abs(scores).max(axis=-1), found, 0.0)

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products) of many users, rounded to float32.

        Args:
            out: may be written to, and may be what comes back: fresh memory takes longer than the arithmetic.
        """
        total: NDArray[np.float32] | None = None
        for term, weight in zip(self.terms, self.weights, strict=True):
            if not weight:
                continue
            scores = weighed(term, users, weight, out if total is None else None)
            total = scores if total is None else np.add(total, scores, out=total)
        assert total is not None, "a blend has a term with weight"
        return total

    def ledger(self, user: int, products: NDArray[np.int32], scales: NDArray[np.float64]) -> Ledger:
        """Every line of these products, with the scales of the user's row; products that are new have none."""
        if self.offered and (new := products >= len(self.offered.gone)).any():
            known = self.ledger(user, products[~new], scales)
            wide = np.zeros((len(known.via), len(products)))
            wide[:, ~new] = known.values
            return replace(known, values=wide)
        parts: list[Shares] = []
        terms: list[NDArray[np.int16]] = []
        groups: list[LineGroup] = []
        owners: list[int] = []
        shifted: list[NDArray[np.int16]] = []
        values = []
        for position, term in enumerate(self.terms):
            if not scales[position]:
                continue
            shares = term.shares(user, products)
            parts.append(shares)
            terms.append(np.full(len(shares.via), position, np.int16))
            shifted.append((shares.group + len(groups)).astype(np.int16))
            groups.extend(shares.groups)
            owners += [position] * len(shares.groups)
            values.append(scales[position] * shares.values)
        if not parts:
            empty = np.zeros(0, np.int16)
            none = np.zeros(0, np.int32)
            return Ledger(empty, (), (), empty, none, none, np.zeros((0, len(products))))
        return Ledger(
            np.concatenate(terms),
            tuple(groups),
            tuple(owners),
            np.concatenate(shifted),
            np.concatenate([part.via for part in parts]),
            np.concatenate([part.mid for part in parts]),
            np.concatenate(values),
        )

    def ledgers(
        self, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], scales: NDArray[np.float64]
    ) -> list[Ledger]:
        """`ledger(users[r], products[r], scales[r])` for every r: the same lines in the same order, to the bit.

        Shapes: users (num_users,), scales (num_users, num_terms).
        """
        if self.offered and any((wanted >= len(self.offered.gone)).any() for wanted in products):
            return [self.ledger(user, products[place], scales[place]) for place, user in enumerate(users.tolist())]
        scales, most = np.ascontiguousarray(scales), np.zeros(len(users), np.int64)
        alone = {
            span.start: self.terms[span.start].lines_of(users, products) for span, one in self._written if one is None
        }
        for span, joined in self._written:
            if joined is not None:
                most += joined.most(users, scales)
            else:
                most += alone[span.start].most() * (scales[:, span.start] != 0)
        block = Block.empty(users, products, most)
        for span, joined in self._written:
            if joined is not None:
                joined.write(block, scales)
            else:
                alone[span.start].write(block, np.ascontiguousarray(scales[:, span.start]), span.start)
        return [block.ledger(place) for place in range(len(users))]

    def answers(self, user: int) -> bool:
        """Whether there is something to say to a user: evidence of their own, or a model that is the same for all."""
        used = [term for term, weight in zip(self.terms, self.weights, strict=True) if weight]
        return any(term.knows(user) for term in used) or all(term.is_general for term in used)

    def scorer(self, ledger: Ledger, place: int) -> "WalkScorer | None":
        """The walk of a line; None where it is no path."""
        walk = ledger.group_of(place).walk
        return None if walk is None else self.terms[int(ledger.term[place])].scorers[walk]

    def people_between(self, ledger: Ledger, place: int, user: int, product: int) -> int | None:
        """How many other people stand behind a line; None where its ways lead through nobody."""
        term = self.terms[int(ledger.term[place])]
        return term.people_between(ledger.group_of(place), user, int(ledger.via[place]), product)


def weighed(
    term: Term, users: NDArray[np.int32], weight: float, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """What a term with a weight adds to the scores of a blend (len(users), num_products).

    Args:
        out: may be written to, and may be what comes back.
    """
    scores = term.standardised(users, weight, out)
    if (left := term.lefts(users)) is not None:
        scores *= left[:, None].astype(np.float32)
    return scores


def _runs(together: Sequence[bool]) -> list[slice]:
    """Spans of terms: those beside each other that go together, and the others one by one."""
    starts = [n for n, one in enumerate(together) if not (one and n and together[n - 1])]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], len(together)], strict=True)]
