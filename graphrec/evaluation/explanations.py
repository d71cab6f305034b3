"""Whether explanations are true to the model, measured on a sample of test users.

Necessity: the part of the shown products that leave the list when the edges of their REASONS shown reasons are deleted.
Sufficiency: the part that stay when the user keeps only the edges of the first KEPT. Beside the model's own reasons, as
many edges taken at random, and as many that most paths to the product begin with, which is what counting paths in the
database would show. Candidates stay the same: what was held does not come back into the list by being deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import Comparison, sampled_rows
from graphrec.evaluation.shown import Shown, ShownLists
from graphrec.evaluation.walked import Walked, path_counts
from graphrec.metrics.intervals import Interval, bootstrap, jackknife
from graphrec.progress import Progress, silent
from graphrec.terms.deletion import Evidence, Spreads
from graphrec.terms.ledger import Edge

#: Shown reasons that are deleted, and that are kept.
REASONS = 5
KEPT = 3
Choice = Literal["reasons", "random", "path count"]
CHOICES: tuple[Choice, ...] = ("reasons", "random", "path count")

#: The bars that issue and science set: needed, so many times more than at random, kept.
NECESSARY, TIMES_RANDOM, SUFFICIENT = 0.6, 5.0, 0.95
SPREADS: Spreads = "anew"
"""A list without the edges would be made with the spreads of its own scores."""


@dataclass(frozen=True)
class Explanations:
    """How explanations do on a sample of test users; values are means over users with intervals."""

    users: int
    k: int
    composition: Mapping[str, Interval]
    """Parts of the scores of the shown products: path, similarity, text, attribute, general, self; they sum to 1."""
    with_reasons: Interval
    """Part of the users who see a reason with at least one product."""
    products_with_reasons: Interval
    """Part of the shown products that have a reason."""
    largest_sum_error: float
    """Largest gap between a score and the sum of its lines, over the sum of the absolute lines."""
    spreads: Spreads
    """The spreads that scores without some edges are divided by."""
    inexact: tuple[str, ...]
    """Terms that are not linear: a line of theirs need not be what the deletion of its edge takes away."""
    edges: Interval
    """Distinct edges behind the REASONS shown reasons of a product."""
    known_edges: Interval
    """Edges of a user that the model knows."""
    necessity: Mapping[str, Interval]
    """By how the deleted edges are chosen: part of the products that leave the list."""
    sufficiency: Mapping[str, Interval]
    """By how the kept edges are chosen: part of the products that stay in the list."""
    paths: Mapping[str, Interval]
    """LIR, SEP and ETD of the strongest path of each product, SIGIR'22 variant; without what cannot be measured."""
    path_types: int
    """Distinct last relations of the model's walks: what ETD is divided by."""


@dataclass(frozen=True, eq=False)
class _OfUser:
    """What is measured on one user."""

    by_kind: Mapping[str, float]
    reasoned: float
    error: float
    edges: float
    known: int
    left: Mapping[Choice, float]
    stayed: Mapping[Choice, float]
    walked: Walked


def explained(comparison: Comparison, most: int, *, progress: Progress = silent) -> Explanations | None:
    """The explanations of up to `most` sampled test users who are shown something; None where nobody is."""
    rows = sampled_rows(comparison, most)
    shown = ShownLists(comparison)
    found = []
    for done, row in enumerate(rows):
        progress("evaluating explanations", done, len(rows))
        lists = shown.of(int(comparison.part.users[row]))
        if lists is not None:
            found.append(_of_user(comparison, lists))
    progress("evaluating explanations", len(rows), len(rows))
    if not found:
        return None
    walks = [scorer for term in comparison.model.blend.terms for scorer in term.scorers]
    choices = CHOICES if walks else CHOICES[:2]
    means = _Means(comparison.seed)
    paths = {
        "LIR": means.of([one.walked.recency for one in found]),
        "SEP": means.of([one.walked.popularity for one in found]),
        "ETD": means.of([one.walked.diversity for one in found]),
    }
    return Explanations(
        users=len(found),
        k=shown.k,
        composition=_composition([one.by_kind for one in found]),
        with_reasons=means.sure([float(one.reasoned > 0) for one in found]),
        products_with_reasons=means.sure([one.reasoned for one in found]),
        largest_sum_error=max(one.error for one in found),
        spreads=SPREADS,
        inexact=tuple(term.name for term in comparison.model.blend.terms if not term.is_linear),
        edges=means.sure([one.edges for one in found]),
        known_edges=means.sure([float(one.known) for one in found]),
        necessity={choice: means.sure([one.left[choice] for one in found]) for choice in choices},
        sufficiency={choice: means.sure([one.stayed[choice] for one in found]) for choice in choices},
        paths={name: value for name, value in paths.items() if value is not None},
        path_types=len({scorer.walk.hops[-1] for scorer in walks}),
    )


class _Means:
    """Means over users with bootstrap intervals."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def sure(self, values: list[float]) -> Interval:
        return bootstrap(np.array(values), seed=self._seed)

    def of(self, values: list[float]) -> Interval | None:
        """Without nan; None where nothing is left."""
        known = [value for value in values if not np.isnan(value)]
        return self.sure(known) if known else None


def _of_user(comparison: Comparison, shown: Shown) -> _OfUser:
    evidence = Evidence(comparison.model.blend, shown.user, SPREADS)
    rng = np.random.default_rng([comparison.seed, shown.user])
    counts = path_counts(comparison.model.blend, shown.user, shown.products, evidence.edges)
    chosen: dict[Choice, list[list[int]]] = {choice: [] for choice in CHOICES}
    for column, edges in enumerate(shown.edges):
        ranked = list(dict.fromkeys(place for line in edges for place in _places(evidence, line)))
        chosen["reasons"].append(ranked)
        chosen["random"].append([int(place) for place in rng.permutation(len(evidence.edges))])
        chosen["path count"].append([int(place) for place in np.argsort(-counts[:, column], kind="stable")])
    first = [len(set(_first(evidence, edges, REASONS))) for edges in shown.edges]
    kept = [len(set(_first(evidence, edges, KEPT))) for edges in shown.edges]
    cases = []
    for orders in chosen.values():
        cases.append(_cases([order[:num] for order, num in zip(orders, first, strict=True)], evidence, deleted=True))
        cases.append(_cases([order[:num] for order, num in zip(orders, kept, strict=True)], evidence, deleted=False))
    listed = [
        float(shown.still_listed(one).mean()) for one in np.split(evidence.scores(np.concatenate(cases)), len(cases))
    ]
    left = {choice: 1 - part for choice, part in zip(chosen, listed[::2], strict=True)}
    stayed = dict(zip(chosen, listed[1::2], strict=True))
    return _OfUser(
        shown.by_kind, shown.reasoned, shown.error, float(np.mean(first)), len(evidence.edges), left, stayed,
        shown.walked,
    )  # fmt: skip


def _first(evidence: Evidence, lines: list[list[Edge]], most: int) -> list[int]:
    """The places of the edges of the first lines."""
    return [place for line in lines[:most] for place in _places(evidence, line)]


def _places(evidence: Evidence, line: list[Edge]) -> list[int]:
    found = (evidence.place(edge) for edge in line)
    return [place for place in found if place is not None]


def _cases(chosen: list[list[int]], evidence: Evidence, *, deleted: bool) -> NDArray[np.bool_]:
    """Which edges are there in each case (num_cases, num_edges)."""
    kept = np.full((len(chosen), len(evidence.edges)), deleted)
    for case, places in enumerate(chosen):
        kept[case, places] = not deleted
    return kept


def _composition(by_kind: list[Mapping[str, float]]) -> dict[str, Interval]:
    """The sum of every kind over the sum of scores, by a jackknife over users; what speaks against is below 0."""
    kinds = sorted({kind for one in by_kind for kind in one})
    sums = np.array([[one.get(kind, 0.0) for kind in kinds] for one in by_kind])
    whole = sums.sum(axis=0)
    shares = whole / whole.sum()
    if len(sums) == 1:
        # As a bootstrap of one user: nothing is known of others.
        return {
            kind: Interval(float(share), float(share), float(share)) for kind, share in zip(kinds, shares, strict=True)
        }
    without = whole[None, :] - sums
    others = without / without.sum(axis=1, keepdims=True)
    return {kind: jackknife(float(shares[n]), others[:, n], bounds=(-np.inf, np.inf)) for n, kind in enumerate(kinds)}
