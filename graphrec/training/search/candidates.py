"""Scores of several terms kept for the products that can matter, so that weights can be tried quickly.

For every validation user: the first `depth` products of each term and what the user has to find. With non-negative
weights a product that none of the terms ranks among its first `depth` can hardly come into the first 20 of the blend;
a small catalogue is kept whole, and ranks are exact there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.base import Term
from graphrec.terms.topk import top_k
from graphrec.training.split import distinct
from graphrec.training.validation import CHUNK_SCORES, NO_RANK, Validation

DEPTH = 300
LEAST_DEPTH = 20
VALUES_AT_MOST = 30_000_000
"""Kept values at most (120 MB, read some hundred times); the depth shrinks before this grows."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Scores of terms for some products of every validation user.

    Shapes: values (num_terms, total) in the order of users and product ids; products (total,); indptr
    (num_users + 1,); places (num_relevant,): where each relevant product is in `values`.
    """

    validation: Validation
    values: NDArray[np.float32]
    indptr: NDArray[np.int64]
    places: NDArray[np.int64]
    products: NDArray[np.int32]

    @classmethod
    def of(cls, terms: Sequence[Term], validation: Validation) -> "Candidates":
        """The candidates of these terms, every row divided by its standard deviation, as a blend does."""
        depth = _depth(len(terms), validation)
        parts, lengths, places, products = [], [], [], []
        relevant, before = validation.relevant, 0
        for rows in _small_chunks(validation, len(terms)):
            scores = np.stack([validation.standard_scores(term, rows) for term in terms])
            at = relevant.indptr[rows.start : rows.stop + 1]
            user = np.repeat(np.arange(rows.stop - rows.start), np.diff(at))
            found = user * validation.num_products + relevant.indices[at[0] : at[-1]].astype(np.int64)
            kept = distinct(np.concatenate([found, *(_first(term, depth) for term in scores)]))
            places.append(np.searchsorted(kept, found) + before)
            parts.append(scores.reshape(len(terms), -1)[:, kept])
            lengths.append(np.bincount(kept // validation.num_products, minlength=rows.stop - rows.start))
            products.append((kept % validation.num_products).astype(np.int32))
            before += len(kept)
        indptr = np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.int64)
        values, product = np.concatenate(parts, axis=1), np.concatenate(products)
        return cls(validation, values, indptr, np.concatenate(places), product)

    @property
    def is_whole(self) -> bool:
        """Whether every product that a user does not hold is among theirs."""
        open_ones = self.validation.num_products - self.validation.held.degrees()
        return bool((np.diff(self.indptr) >= open_ones).all())

    def only(self, terms: NDArray[np.integer]) -> "Candidates":
        """The scores of some of the terms, copied."""
        return replace(self, values=self.values[terms])

    def of_users(self, rows: NDArray[np.integer]) -> "Candidates":
        """The candidates of some of the validation users, ascending, copied."""
        lengths, relevant = np.diff(self.indptr)[rows], self.validation.relevant
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        shift = indptr[:-1] - self.indptr[rows]
        kept = np.arange(indptr[-1]) - np.repeat(shift, lengths)
        pairs = np.diff(relevant.indptr)[rows]
        starts = np.concatenate(([0], np.cumsum(pairs)))[:-1]
        of_pairs = np.arange(pairs.sum()) - np.repeat(starts - relevant.indptr[rows], pairs)
        places = self.places[of_pairs] + np.repeat(shift, pairs)
        return Candidates(self.validation.part(rows), self.values[:, kept], indptr, places, self.products[kept])

    def put(self, position: int, term: Term) -> None:
        """Replace the scores of one term by those of another one, for the same products."""
        for rows in self.validation.chunks():
            span = slice(int(self.indptr[rows.start]), int(self.indptr[rows.stop]))
            scores = self.validation.standard_scores(term, rows)
            user = np.repeat(np.arange(len(scores)), np.diff(self.indptr[rows.start : rows.stop + 1]))
            self.values[position, span] = scores[user, self.products[span]]

    def evaluate(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """nDCG@k of each user (num_users,) when the terms are added with these weights (num_terms,)."""
        used = np.flatnonzero(weights)
        ranks = np.empty(len(self.places), np.int32)
        _ranks_among(
            self.values, used, weights[used].astype(np.float32), self.indptr, int(np.diff(self.indptr).max()),
            self.validation.relevant.indptr, self.places, ranks,
        )  # fmt: skip
        return self.validation.ndcg(ranks)


def _depth(num_terms: int, validation: Validation) -> int:
    """How many first products of each term are kept: all of them where that is few enough."""
    num_products = validation.num_products
    if num_terms * len(validation) * num_products <= VALUES_AT_MOST:
        return max(DEPTH, num_products)
    return min(DEPTH, max(LEAST_DEPTH, VALUES_AT_MOST // (num_terms**2 * len(validation))))


def _small_chunks(validation: Validation, num_terms: int) -> list[slice]:
    """Slices of users of whom the scores of all terms are held at once."""
    step = max(1, CHUNK_SCORES // max(1, validation.num_products * num_terms))
    return [slice(start, min(start + step, len(validation))) for start in range(0, len(validation), step)]


def _first(scores: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """The first `depth` products of each row that are not held, as codes row * num_products + product."""
    if depth >= scores.shape[1]:
        return np.flatnonzero(scores.ravel() != -np.inf)
    best = top_k(scores, depth)
    rows, places = np.nonzero(best >= 0)
    codes: NDArray[np.int64] = rows * scores.shape[1] + best[rows, places]
    return codes


# One thread: a call takes a millisecond, which starting threads on a busy machine takes many times over.
@numba.njit(cache=True)
def _ranks_among(values, used, weights, indptr, widest, relevant_ptr, places, ranks):  # type: ignore[no-untyped-def]
    total = np.empty(widest, np.float32)
    for user in range(len(indptr) - 1):
        start = indptr[user]
        size = indptr[user + 1] - start
        for i in range(size):
            total[i] = 0
        for t in range(len(used)):
            line, weight = values[used[t]], weights[t]
            for i in range(size):
                total[i] += weight * line[start + i]
        low, high = np.inf, -np.inf
        for i in range(size):
            low, high = min(low, total[i]), max(high, total[i])
        for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
            place = places[p] - start
            value = total[place]
            rank = 1
            for i in range(place):
                rank += total[i] >= value
            for i in range(place + 1, size):
                rank += total[i] > value
            ranks[p] = rank if high > low else NO_RANK
