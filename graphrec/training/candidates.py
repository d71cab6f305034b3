"""Scores of several terms kept for the products that can matter, so that weights can be tried quickly.

For every validation user: the first `depth` products of each term and what the user has to find. With non-negative
weights a product that none of the terms ranks among its first `depth` can hardly come into the first 20 of the blend;
a catalogue of up to `depth` products is kept whole, and ranks are exact there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.base import Term
from graphrec.training.validation import NO_RANK, Validation

DEPTH = 300
VALUES_AT_MOST = 150_000_000
"""Kept values at most (600 MB); the depth shrinks before this grows."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Scores of terms for some products of every validation user.

    Shapes: values (num_terms, total) in the order of users and product ids; indptr (num_users + 1,); places
    (num_relevant,): where each relevant product is in `values`.
    """

    validation: Validation
    values: NDArray[np.float32]
    indptr: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, terms: Sequence[Term], validation: Validation, *, standard: bool) -> "Candidates":
        """The candidates of these terms; `standard` divides every row by its standard deviation, as a blend does."""
        depth = min(DEPTH, max(20, VALUES_AT_MOST // max(1, len(terms) ** 2 * len(validation))))
        parts, lengths, places = [], [], []
        relevant, before = validation.relevant, 0
        for rows in _small_chunks(validation, len(terms)):
            scores = np.stack([validation.masked_scores(term, rows, standard=standard) for term in terms])
            kept = _kept(scores, depth)
            at = relevant.indptr[rows.start : rows.stop + 1]
            found = relevant.indices[at[0] : at[-1]]
            user = np.repeat(np.arange(rows.stop - rows.start), np.diff(at))
            kept[user, found] = True
            where = np.cumsum(kept.ravel()).reshape(kept.shape) - 1
            places.append(where[user, found] + before)
            parts.append(scores[:, kept])
            lengths.append(kept.sum(axis=1))
            before += parts[-1].shape[1]
        indptr = np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.int64)
        return cls(validation, np.concatenate(parts, axis=1), indptr, np.concatenate(places))

    def judge(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """nDCG@k of each user (num_users,) when the terms are added with these weights (num_terms,)."""
        total = weights.astype(np.float32) @ self.values
        ranks = np.empty(len(self.places), np.int32)
        _ranks_among(total, self.indptr, self.validation.relevant.indptr, self.places, ranks)
        return self.validation.ndcg(ranks)


def _small_chunks(validation: Validation, num_terms: int) -> list[slice]:
    chunks = []
    for rows in validation.chunks():
        step = max(1, (rows.stop - rows.start) // num_terms)
        chunks.extend(slice(start, min(start + step, rows.stop)) for start in range(rows.start, rows.stop, step))
    return chunks


def _kept(scores: NDArray[np.float32], depth: int) -> NDArray[np.bool_]:
    """Which products of each user are among the first `depth` of any term, and not held."""
    num_products = scores.shape[2]
    possible = scores[0] != -np.inf
    if num_products <= depth:
        return possible
    kept = np.zeros(scores.shape[1:], np.bool_)
    for term in scores:
        first = np.argpartition(term, num_products - depth, axis=1)[:, num_products - depth :]
        np.put_along_axis(kept, first, True, axis=1)
    return kept & possible


@numba.njit(parallel=True, cache=True)
def _ranks_among(total, indptr, relevant_ptr, places, ranks):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for user in numba.prange(len(indptr) - 1):
        start, end = indptr[user], indptr[user + 1]
        low, high = np.inf, -np.inf
        for i in range(start, end):
            low, high = min(low, total[i]), max(high, total[i])
        for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
            place = places[p]
            value = total[place]
            rank = 1
            for i in range(start, end):
                if total[i] > value or (total[i] == value and i < place):
                    rank += 1
            ranks[p] = rank if high > low else NO_RANK
