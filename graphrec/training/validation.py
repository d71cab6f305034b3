"""What a choice is made on: a seeded sample of validation users, and the metric that is optimised."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph
from graphrec.models.inputs import Scores
from graphrec.terms.base import Term, standardise
from graphrec.training.split import Split

MAX_USERS = 3000
"""Validation users that models are compared on, where the catalogue is large."""
SCORES_AT_LEAST = 20_000_000
"""A small catalogue is evaluated on more users, up to this many scores per term."""
MOST_TRIED = 1500
"""Users that each of many trials is judged by, where the catalogue is large."""
SCORES_TRIED = 2_000_000
"""In a small catalogue they are more, up to this many scores per term."""
CHUNK_SCORES = 8_000_000
"""Scores held at once (32 MB)."""
MANY = 600
"""Users from which on configurations are chosen on one half of them and weights on the other."""
NO_RANK = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Validation:
    """Users with something to find, what they hold already, and how far down a list counts.

    Shapes: users (num_users,); a row of `relevant` and of `held` for each of them.
    """

    users: NDArray[np.int32]
    relevant: Adjacency
    held: Adjacency
    num_products: int
    is_whole: bool = field(default=False, kw_only=True)
    """Whether all of them judge every trial, however long that takes."""

    @classmethod
    def of(cls, split: Split, graph: Graph, seed: int, *, is_whole: bool = False) -> "Validation":
        """A sample of the validation users of a split, or all, for what is fitted on the graph of its train part."""
        users, relevant = split.relevant("valid")
        most = max(MAX_USERS, SCORES_AT_LEAST // max(split.num_products, 1))
        rows = np.arange(len(users))
        if len(users) > most and not is_whole:
            rows = np.sort(np.random.default_rng(seed).choice(len(users), most, replace=False))
        held = rows_of(graph.held(), users[rows])
        return cls(users[rows], rows_of(relevant, rows), held, split.num_products, is_whole=is_whole)

    def halves(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows that configurations are chosen on, and those that weights are: all of them twice below MANY.

        Each is cut to what many trials can be judged by in little time; whole models are compared on all rows.
        """
        rows = np.arange(len(self))
        halves = (rows[::2], rows[1::2]) if len(self) >= MANY else (rows, rows)
        if self.is_whole:
            return halves
        most = max(MOST_TRIED, SCORES_TRIED // max(self.num_products, 1))
        return halves[0][:: -(-len(halves[0]) // most)], halves[1][:: -(-len(halves[1]) // most)]

    def part(self, rows: NDArray[np.integer]) -> "Validation":
        """Some of the users."""
        relevant, held = rows_of(self.relevant, rows), rows_of(self.held, rows)
        return replace(self, users=self.users[rows], relevant=relevant, held=held)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def num_scores(self) -> int:
        """Scores of all products for all of its users."""
        return len(self) * self.num_products

    @property
    def k(self) -> int:
        """How far down a list counts: 20, and the first seventh of a catalogue below 140 products, at least 3.

        With the one hidden product of a user, nDCG@3 is the mean of 1, .63 and .5 for ranks 1, 2 and 3: it rises with
        HR@1 and HR@3, where nDCG@20 of 21 products would mostly reward the middle of the list.
        """
        return min(20, max(3, self.num_products // 7))

    @property
    def metric(self) -> str:
        """The name of what is optimised."""
        return f"ndcg@{self.k}"

    @cached_property
    def ideal(self) -> NDArray[np.float64]:
        """The best DCG each user can have (num_users,)."""
        best = np.cumsum(1 / np.log2(np.arange(2, self.k + 2)))
        return np.asarray(best[np.minimum(self.relevant.degrees(), self.k) - 1])

    def chunks(self) -> Iterator[slice]:
        """Slices of users whose scores are held at once."""
        step = max(1, CHUNK_SCORES // max(self.num_products, 1))
        return (slice(start, min(start + step, len(self))) for start in range(0, len(self), step))

    def ndcg(self, ranks: NDArray[np.int32]) -> NDArray[np.float64]:
        """nDCG@k of each user (num_users,) from the rank of each relevant product, in the order of `relevant`."""
        gains = np.where(ranks <= self.k, 1 / np.log2(1.0 + ranks), 0.0)
        sums = np.concatenate(([0.0], np.cumsum(gains)))
        return np.asarray((sums[self.relevant.indptr[1:]] - sums[self.relevant.indptr[:-1]]) / self.ideal)

    def evaluate(self, term: Scores) -> NDArray[np.float64]:
        """nDCG@k of each user (num_users,) when a term ranks alone."""
        ranks = np.empty(len(self.relevant.indices), np.int32)
        for rows in self.chunks():
            scores = self.masked_scores(term, rows)
            span = slice(int(self.relevant.indptr[rows.start]), int(self.relevant.indptr[rows.stop]))
            indptr = self.relevant.indptr[rows.start : rows.stop + 1] - span.start
            _ranks(scores, indptr, self.relevant.indices[span], ranks[span])
        return self.ndcg(ranks)

    def masked_scores(self, term: Scores, rows: slice) -> NDArray[np.float32]:
        """The scores of some users (len(rows), num_products), -inf for what they hold."""
        return self.masked(term.batch(self.users[rows]), rows)

    def standard_scores(self, term: Term, rows: slice) -> NDArray[np.float32]:
        """The same, divided by the spread of each user and times what age leaves of their edges, as a blend adds it."""
        scores = term.batch(self.users[rows])
        standardise(scores)
        left = term.lefts(self.users[rows])
        if left is not None:
            scores *= left[:, None].astype(np.float32)
        return self.masked(scores, rows)

    def masked(self, scores: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
        """Scores of some users (len(rows), num_products), which become -inf for what they hold."""
        held = rows_of(self.held, np.arange(rows.start, rows.stop))
        scores[np.repeat(np.arange(len(scores)), held.degrees()), held.indices] = -np.inf
        return scores


def rows_of(adjacency: Adjacency, rows: NDArray[np.integer]) -> Adjacency:
    """Some rows of an adjacency, one after another, without weights."""
    lengths = adjacency.degrees()[rows]
    return Adjacency(np.concatenate(([0], np.cumsum(lengths))).astype(np.int64), adjacency.expand(rows)[1])


@numba.njit(parallel=True, cache=True)
def _ranks(scores, indptr, indices, ranks):  # type: ignore[no-untyped-def]
    """Rank of each relevant product, ties by id; NO_RANK for users whose scores are all equal."""
    for row in numba.prange(len(scores)):
        line = scores[row]
        low, high = np.inf, -np.inf
        for i in range(len(line)):
            if line[i] != -np.inf:
                low, high = min(low, line[i]), max(high, line[i])
        for p in range(indptr[row], indptr[row + 1]):
            item = indices[p]
            value = line[item]
            rank = 1
            for i in range(len(line)):
                if line[i] > value or (line[i] == value and i < item):
                    rank += 1
            ranks[p] = rank if high > low else NO_RANK
