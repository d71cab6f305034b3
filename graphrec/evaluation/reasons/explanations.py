"""Whether explanations are true to the model, measured on the lists that `recommend` gives to a sample of test users.

Necessity: the part of the listed products that leave the list when the edges of their first REASONS reasons are
deleted. Sufficiency: the part that stay when the user keeps only the edges of the first KEPT. Beside the model's own
reasons, as many edges taken at random, and as many that most paths to the product begin with, which is what counting
paths in the database would give. Candidates stay the same: what was held does not come back by being deleted.

The curve (POS-P of metrics/removal.py) deletes all edges of a user in ten steps, those first that give most to the
list, and says what part of the list is left after each; beside it the same at random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import SHOWN, SMALL_PART, Comparison, sampled_rows
from graphrec.evaluation.reasons.paths import PathQuality, Paths, path_counts
from graphrec.metrics.intervals import Interval, bootstrap, jackknife
from graphrec.metrics.removal import STEPS, deleted_at
from graphrec.progress import Progress, silent
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine, Listed
from graphrec.serving.lists import listed_many
from graphrec.serving.reasons.groups import Chosen
from graphrec.terms.deletion import Evidence, Spreads
from graphrec.terms.ledger import Edge, Ledger

#: Reasons that are deleted, and that are kept.
REASONS = 5
KEPT = 3
Choice = Literal["reasons", "random", "path count"]
CHOICES: tuple[Choice, ...] = ("reasons", "random", "path count")
ORDERS: tuple[Choice, ...] = ("reasons", "random")
"""Orders in which the curve deletes edges."""

#: The bars that issue and science set: needed, so many times more than at random, kept.
NECESSARY, TIMES_RANDOM, SUFFICIENT = 0.6, 5.0, 0.95
SPREADS: Spreads = "anew"
"""A list without the edges would be made with the spreads of its own scores."""


@dataclass(frozen=True)
class Explanations:
    """How explanations do on a sample of test users; values are means over users with intervals.

    Users without a list, or whose list leaves no candidate out, are not counted; fewer than `min_group` users are not
    reported.
    """

    users: int
    k: int
    composition: Mapping[str, Interval]
    """Parts of the scores of the listed products: path, text, learned, attribute, general, new, self; they sum to 1."""
    with_reasons: Interval
    """Part of the users who see a reason with at least one product."""
    products_with_reasons: Interval
    """Part of the listed products that have a reason."""
    largest_sum_error: float
    """Largest gap between a score and the sum of its lines, over the sum of the absolute lines."""
    spreads: Spreads
    """The spreads that scores without some edges are divided by."""
    inexact: tuple[str, ...]
    """Terms that are not linear: a line of theirs need not be what the deletion of its edge takes away."""
    edges: Interval
    """Distinct edges behind the first REASONS reasons of a product."""
    known_edges: Interval
    """Edges of a user that the model knows."""
    necessity: Mapping[str, Interval]
    """By how the deleted edges are chosen: part of the products that leave the list."""
    sufficiency: Mapping[str, Interval]
    """By how the kept edges are chosen: part of the products that stay in the list."""
    curve: Mapping[str, tuple[Interval, ...]]
    """By the order in which edges are deleted: part of the list that is left after each step, 10 %, ..., 100 %."""
    pos_p: Mapping[str, Interval]
    """The mean over the steps of the curve: lower is better."""
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
    curve: Mapping[Choice, NDArray[np.float64]]
    """Part of the list that is left after each step, by the order of deletion."""
    paths: PathQuality


def explained(
    comparison: Comparison, most: int, *, min_confidence: float = 0.0, progress: Progress = silent
) -> Explanations | None:
    """The explanations in the lists of up to `most` sampled test users; None where fewer than `min_group` have a list.

    Args:
        min_confidence: products below it are not listed, as in `recommend`.
    """
    engine = comparison.engine
    k = comparison.k if comparison.part.num_products < SHOWN * SMALL_PART else SHOWN
    options, paths = ListOptions(REASONS, min_confidence=min_confidence), Paths(engine)
    sampled = comparison.part.users[sampled_rows(comparison, most)].tolist()
    users = [user for user in sampled if engine.has_evidence(user)]
    found = []
    for done, listed in enumerate(listed_many(engine, users, k, options)):
        progress("evaluating explanations", done, len(users))
        scored = listed.scored
        if 0 < len(listed.places) < int(scored.allowed.sum()) and scored.row.scores.any():
            found.append(_of_user(engine, listed, comparison.seed, paths))
    progress("evaluating explanations", len(users), len(users))
    if len(found) < comparison.snapshot.schema.roles.min_group:
        return None
    choices = CHOICES if paths.types else CHOICES[:2]
    means = _Means(comparison.seed)
    quality = {
        "LIR": means.of([one.paths.recency for one in found]),
        "SEP": means.of([one.paths.popularity for one in found]),
        "ETD": means.of([one.paths.diversity for one in found]),
    }
    return Explanations(
        users=len(found),
        k=k,
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
        curve={
            order: tuple(means.sure([float(one.curve[order][step]) for one in found]) for step in range(STEPS))
            for order in ORDERS
        },
        pos_p={order: means.sure([float(one.curve[order].mean()) for one in found]) for order in ORDERS},
        paths={name: value for name, value in quality.items() if value is not None},
        path_types=len(paths.types),
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


def _of_user(engine: Engine, listed: Listed, seed: int, paths: Paths) -> _OfUser:
    blend, user, ledger = engine.model.blend, listed.scored.user, listed.scored.ledger
    evidence = Evidence(blend, user, SPREADS)
    rng = np.random.default_rng([seed, user])
    counts = path_counts(blend, user, listed.products, evidence.edges)
    reasons = [[_behind(engine, listed, one) for one in found.sentences] for found in listed.reasons]
    chosen: dict[Choice, list[list[int]]] = {choice: [] for choice in CHOICES}
    for column, edges in enumerate(reasons):
        ranked = list(dict.fromkeys(place for line in edges for place in _places(evidence, line)))
        chosen["reasons"].append(ranked)
        chosen["random"].append([int(place) for place in rng.permutation(len(evidence.edges))])
        chosen["path count"].append([int(place) for place in np.argsort(-counts[:, column], kind="stable")])
    first = [len(set(_first(evidence, edges, REASONS))) for edges in reasons]
    kept = [len(set(_first(evidence, edges, KEPT))) for edges in reasons]
    cases = []
    for orders in chosen.values():
        cases.append(_cases([order[:num] for order, num in zip(orders, first, strict=True)], evidence, deleted=True))
        cases.append(_cases([order[:num] for order, num in zip(orders, kept, strict=True)], evidence, deleted=False))
    heavy = np.argsort(
        -edge_weights(ledger, [listed.column(place) for place in listed.places], evidence), kind="stable"
    )
    by_order = {"reasons": heavy, "random": rng.permutation(len(evidence.edges))}
    steps = [_cases([order[:num].tolist() for num in deleted_at(len(order))], evidence, deleted=True)
             for order in by_order.values()]  # fmt: skip
    scores = evidence.scores(np.concatenate([*cases, *steps]))
    asked = len(cases) * len(listed.products)
    stays = [float(_still_listed(listed, one).mean()) for one in np.split(scores[:asked], len(cases))]
    left = [float(_still_listed(listed, one).mean()) for one in scores[asked:]]
    parts = listed.groups.composition([listed.column(place) for place in listed.places])
    gaps = np.abs(listed.totals - listed.scored.row.scores[listed.scored.candidates])
    whole = np.maximum(np.abs(ledger.values).sum(axis=0), np.finfo(float).tiny)
    return _OfUser(
        by_kind={kind: sum(part[kind] for part in parts) for kind in parts[0]},
        reasoned=sum(map(bool, reasons)) / len(reasons),
        error=float((gaps / whole).max()),
        edges=float(np.mean(first)),
        known=len(evidence.edges),
        left={choice: 1 - part for choice, part in zip(chosen, stays[::2], strict=True)},
        stayed=dict(zip(chosen, stays[1::2], strict=True)),
        curve=dict(zip(ORDERS, np.array(left).reshape(len(ORDERS), STEPS), strict=True)),
        paths=paths.quality(listed),
    )


def _still_listed(listed: Listed, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the n-th product of a list is still listed by the n-th row of scores; not where nothing is scored.

    One row (num_products,) is that of all of them.
    """
    products, candidates = listed.products, np.flatnonzero(listed.scored.allowed)
    scores = np.broadcast_to(scores, (len(products), scores.shape[-1]))
    kept = np.zeros(len(products), np.bool_)
    for place, product in enumerate(products):
        own, others = scores[place, product], scores[place, candidates]
        before = (others > own) | ((others == own) & (candidates < product))
        kept[place] = scores[place].any() and int(before.sum()) < len(products)
    return kept


def _behind(engine: Engine, listed: Listed, reason: Chosen) -> list[Edge]:
    """The edges that the lines of a reason begin with, the strongest first."""
    return list(dict.fromkeys(edge for line in reason.lines.tolist() for edge in _edges(engine, listed, line)))


def _edges(engine: Engine, listed: Listed, line: int) -> list[Edge]:
    """The edges a line begins with: one, or all to people where these are one line, or none for everyone."""
    ledger = listed.scored.ledger
    group, via = ledger.group_of(line), int(ledger.via[line])
    if group.hop is None or via >= 0:
        return list(group.edges(via, int(ledger.mid[line])))
    return [(group.hop, int(node)) for node in engine.model.graph.hops[group.hop].row(listed.scored.user)]


def edge_weights(ledger: Ledger, columns: Sequence[int], evidence: Evidence) -> NDArray[np.float64]:
    """What each edge of a user gives to some products together (num_edges,), over all lines that rest on it.

    A line of two edges counts for both, since it goes with either; one of all people is shared evenly by their edges.
    """
    values = ledger.values[:, list(columns)].sum(axis=1)
    second = np.array([group.other is not None for group in ledger.groups])[ledger.group]
    keys = np.stack([ledger.group.astype(np.int64), ledger.via, np.where(second, ledger.mid, -1)], axis=1)
    lines, line_of = np.unique(keys, axis=0, return_inverse=True)
    weights = np.zeros(len(evidence.edges))
    for (place, via, mid), value in zip(lines.tolist(), np.bincount(line_of.ravel(), values), strict=True):
        group = ledger.groups[place]
        if group.hop is None or via >= 0:
            for edge in group.edges(via, mid):
                if (known := evidence.place(edge)) is not None:
                    weights[known] += value
        else:
            own = [at for at, (hop, _) in enumerate(evidence.edges) if hop == group.hop]
            weights[own] += value / max(1, len(own))
    return weights


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
