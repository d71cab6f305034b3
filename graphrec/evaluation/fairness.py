"""Who gets how good lists, and whom lists show: groups of customers, providers of products, concentration.

Protected attributes only tell groups apart here. A group is compared with all others who are in one of the groups that
are told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import erfc, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.evaluate import open_on_test
from graphrec.evaluation.groups import Members, told_apart
from graphrec.evaluation.hidden_part import HiddenPart, Measured, blocks, headline, measure
from graphrec.evaluation.kinds import describing_hops, kinds_held, kinds_of, members_of
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.beyond import BLOCKS, calibration, gini, gini_interval
from graphrec.metrics.intervals import Interval, bootstrap_all, jackknife
from graphrec.metrics.ranking import coverage
from graphrec.metrics.rates import grouped_rate, holm
from graphrec.policy.rules import Policy
from graphrec.progress import Progress, silent
from graphrec.serving.engine import Engine
from graphrec.terms.folder import open_model
from graphrec.training.lists import ranked_lists

MOST_PROVIDERS = 500
"""Nodes of a label that providers are; a label with more is none."""


@dataclass(frozen=True)
class Accepted:
    """What customers were shown, and what they took of it."""

    users: NDArray[np.int32]
    """Positions of the customers."""
    shown: NDArray[np.int64]
    """Products that each was shown."""
    taken: NDArray[np.int64]


@dataclass(frozen=True)
class FairGroup:
    """One group of customers."""

    name: str
    users: int
    """Test users."""
    ndcg: Interval
    recall: Interval
    coverage: float
    """Share of products that are in any list, of as many lists of each group."""
    gap: float
    """nDCG of the group minus that of the others."""
    p: float
    """That such a gap is chance, corrected for how many groups are compared (Holm)."""
    acceptance: Interval | None = None
    """Share of shown products that were taken; None: too few were shown something."""
    fee: Interval | None = None
    """Mean fee of what their lists show, in the unit of the column; None: the mapping names no such column."""
    risk: Interval | None = None
    """Mean risk class of what their lists show."""
    refused: Interval | None = None
    """Share of the products that they do not hold which the policy refuses them; None: there is no policy."""
    calibration: Interval | None = None
    """How far the kinds in their lists are from the kinds that they hold, as Jensen-Shannon divergence in bits: 0 the
    same mix; None: products have no kinds."""


@dataclass(frozen=True)
class FairAttribute:
    """The customers by one attribute."""

    name: str
    protected: bool
    groups: tuple[FairGroup, ...]
    flipped: float | None = None
    """Share of test users whose list stays, place by place, where everybody is in another group; None: it is a column,
    which is in no score unless the training was asked for it."""

    @property
    def worst(self) -> FairGroup:
        """The group that is furthest below the others."""
        return min(self.groups, key=lambda one: one.gap)


@dataclass(frozen=True)
class Provider:
    """One issuer, seller, sector …: how much of the places it gets, beside what it would merit."""

    name: str
    products: int
    exposure: Interval
    """Share of the places of all lists; the first place weighs most: 1 / log2(1 + rank)."""
    merit: float
    """Share of what test users took in the end."""
    catalogue: float
    """Share of the products."""


@dataclass(frozen=True)
class Providers:
    """Everything of one label that describes products."""

    label: str
    gini: Interval
    """Of exposure: 0 all alike, towards 1 one takes all."""
    gini_merit: float
    providers: tuple[Provider, ...]
    """Largest exposure first."""


@dataclass(frozen=True)
class Fairness:
    """Who gets how good lists, and whom lists show."""

    model: str
    k: int
    users: int
    """Test users."""
    uses_protected: bool
    """Whether protected attributes are in the score."""
    ndcg: Interval
    attributes: tuple[FairAttribute, ...]
    providers: tuple[Providers, ...]
    gini: Interval
    """Of how often products are listed."""
    gini_held: float
    """Of how often they are held."""
    popularity: Interval
    """Mean share of products that fewer customers hold than a listed one: 0.5 is an even choice."""
    popularity_held: float
    """The same of what test users hold."""


def fairness(
    snapshot: Snapshot,
    folder: Path,
    *,
    k: int | None = None,
    seed: int = 0,
    accepted: Accepted | None = None,
    policy: Policy | None = None,
    progress: Progress = silent,
) -> Fairness:
    """A tested model on the test part of its snapshot.

    Args:
        k: length of the lists; None: what a person is shown, less for small catalogues.
        accepted: what came of lists that were shown; None: nothing is known.
        policy: whose refusals are counted by group; None: there is none.

    Raises:
        ModelError: the model is final, or there is nothing to find.
        CheckpointMismatch: the model belongs to another snapshot or split.
    """  # fmt: skip
    tested = open_on_test(snapshot, folder)
    visible, model, part = tested.visible, tested.model, tested.part
    k = k or headline((10,), part.num_products)
    k = min(k, part.num_products)
    own = measure(model.blend, part, [k], seed=seed, progress=progress)
    places = _popularity_places(part)
    taken = {} if accepted is None else acceptances(snapshot, visible, accepted)
    figures = _figures(snapshot, own.lists[:, :k])
    if (kinds := kinds_of(snapshot, visible)) is not None:
        history = kinds_held(part.held, part.users, kinds.shares)
        figures["calibration"] = calibration(own.lists, k, history, kinds.shares)
    if policy is not None:
        figures["refused"] = _refused(Engine(snapshot, model, policy=policy, masked=part.masked), part)
    changed = {one.type: _flipped(one, folder, snapshot, visible, part, own.lists[:, :k])
               for one in protected_hops(visible)}  # fmt: skip
    return Fairness(
        model=folder.name,
        k=k,
        users=len(part.users),
        uses_protected=model.meta.request.use_protected,
        ndcg=own.metrics[f"ndcg@{k}"],
        attributes=_corrected([
            replace(_attribute(one, own, part, k, seed, taken, figures), flipped=changed.get(one.attribute))
            for one in told_apart(snapshot, visible, part.users)
        ]),
        providers=tuple(_providers(snapshot, visible, part, own, k)),
        gini=gini_interval(own.lists, k, part.num_products),
        gini_held=gini(part.holders),
        popularity=bootstrap_all({"popularity": _mean_place(own.lists[:, :k], places)}, seed=seed)["popularity"],
        popularity_held=float(places[part.held.expand(part.users)[1]].mean()) if len(part.held.indices) else 0.5,
    )  # fmt: skip


def acceptances(snapshot: Snapshot, graph: Graph, accepted: Accepted) -> dict[tuple[str, str], Interval]:
    """The acceptance of every group that may be told, by attribute and name."""
    found = {}
    for members in told_apart(snapshot, graph, accepted.users):
        for name, mask in members.masks.items():
            found[members.attribute, name] = grouped_rate(accepted.taken[mask], accepted.shown[mask])
    return found


def _attribute(
    members: Members,
    own: Measured,
    part: HiddenPart,
    k: int,
    seed: int,
    taken: Mapping[tuple[str, str], Interval],
    figures: Mapping[str, NDArray[np.float64]],
) -> FairAttribute:
    ndcg = own.per_user[f"ndcg@{k}"]
    inside_any = np.logical_or.reduce(list(members.masks.values()))
    smallest = min(int(mask.sum()) for mask in members.masks.values())
    groups = []
    for name, mask in members.masks.items():
        others = inside_any & ~mask
        values = {"ndcg": ndcg[mask], "recall": own.per_user[f"recall@{k}"][mask]}
        found = bootstrap_all(values, seed=seed)
        gap, p = difference(ndcg[mask], ndcg[others])
        groups.append(
            FairGroup(
                name, int(mask.sum()), found["ndcg"], found["recall"],
                coverage(own.lists[mask][:smallest], k, part.num_products), gap, p,
                taken.get((members.attribute, name)), **_means(figures, mask, seed),
            )
        )  # fmt: skip
    return FairAttribute(members.attribute, members.protected, tuple(groups))


def _figures(snapshot: Snapshot, lists: NDArray[np.int32]) -> dict[str, NDArray[np.float64]]:
    """The mean of fee and risk class over each list, where the mapping names columns with numbers; NaN: not known."""
    product, found = snapshot.schema.roles.product, {}
    for name in ("fee", "risk"):
        column_name = snapshot.schema.nodes[product].show.get(name)
        if column_name is None or column_name not in snapshot.meta.columns[product]:
            continue
        column = snapshot.nodes(product).column(column_name)
        values = np.asarray(column.values)
        if values.dtype.kind not in "fiu":
            continue
        known = np.asarray(column.valid)[np.maximum(lists, 0)] & (lists >= 0)
        sums = np.where(known, values.astype(np.float64)[np.maximum(lists, 0)], 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[name] = sums / known.sum(axis=1)
    return found


def _means(figures: Mapping[str, NDArray[np.float64]], mask: NDArray[np.bool_], seed: int) -> dict[str, Interval]:
    """The means of a group, of whose members something is known."""
    known = {name: values[mask][np.isfinite(values[mask])] for name, values in figures.items()}
    return {name: bootstrap_all({name: one}, seed=seed)[name] for name, one in known.items() if len(one)}


def _refused(engine: Engine, part: HiddenPart) -> NDArray[np.float64]:
    """For each test user the share of products not held that the policy refuses."""
    found = np.zeros(len(part.users))
    for _, block in blocks(len(part.users), part.num_products):
        users = part.users[block]
        free = np.ones((len(users), part.num_products), np.bool_)
        owner, held = part.masked.expand(users)
        free[owner, held] = False
        left = (engine.allowed(users) & free).sum(axis=1)
        found[block] = 1 - left / np.maximum(free.sum(axis=1), 1)
    return found


def protected_hops(graph: Graph) -> list[Hop]:
    """The edges from users to what is protected, such as a sex."""
    user = graph.schema.roles.user
    return [hop for hop in graph.hops if not hop.reverse and graph.schema.edges[hop.type].protected
            and graph.source(hop) == user]  # fmt: skip


def _flipped(
    hop: Hop, folder: Path, snapshot: Snapshot, graph: Graph, part: HiddenPart, lists: NDArray[np.int32]
) -> float:
    """The share of users whose lists stay where everybody is in the next group of an attribute."""
    edges, count = graph.hops[hop], graph.counts[graph.target(hop)]
    indices = ((edges.indices + 1) % max(count, 1)).astype(np.int32)
    for start, end in pairwise(edges.indptr.tolist()):
        indices[start:end].sort()
    other = replace(edges, indices=indices)
    hops = {**graph.hops, hop: other, hop.back(): other.transposed(count)}
    model = open_model(folder, snapshot, hops, wealth=graph.wealth)
    return float((ranked_lists(model.blend, part.users, part.masked, lists.shape[1]) == lists).all(axis=1).mean())


def difference(own: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[float, float]:
    """The difference of two means, and how often chance makes one so large (Welch's, normal for 20 users and more).

    >>> difference(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    (0.0, 1.0)
    """
    if not len(own) or not len(others):
        return 0.0, 1.0
    gap = float(own.mean() - others.mean())
    spread = sqrt(sum(float(one.var(ddof=1)) / len(one) if len(one) > 1 else 0.0 for one in (own, others)))
    if not spread:
        return gap, 1.0 if gap == 0 else 0.0
    return gap, erfc(abs(gap) / spread / sqrt(2))


def _corrected(attributes: Sequence[FairAttribute]) -> tuple[FairAttribute, ...]:
    """The attributes, protected ones first, with p-values corrected over all of their groups."""
    ordered = sorted(attributes, key=lambda one: not one.protected)
    corrected = iter(holm(np.array([group.p for one in ordered for group in one.groups])).tolist())
    return tuple(
        replace(one, groups=tuple(replace(group, p=next(corrected)) for group in one.groups)) for one in ordered
    )


def _weights(lists: NDArray[np.int32]) -> NDArray[np.float64]:
    """What each place of lists weighs (num_users, k): an empty one nothing."""
    weight = 1.0 / np.log2(np.arange(2, lists.shape[1] + 2))
    return np.where(lists >= 0, weight[None, :], 0.0)


def _providers(snapshot: Snapshot, graph: Graph, part: HiddenPart, own: Measured, k: int) -> Iterator[Providers]:
    """Labels that describe products, each with what its nodes get; a product of several counts for each in part."""
    lists = own.lists[:, :k]
    weights, blocks = _weights(lists), np.arange(len(lists)) % min(BLOCKS, len(lists))
    exposed = np.zeros((int(blocks.max()) + 1, part.num_products))
    for place in range(lists.shape[1]):
        there = lists[:, place] >= 0
        np.add.at(exposed, (blocks[there], lists[there, place]), weights[there, place])
    relevant = np.bincount(
        part.relevant.indices, np.repeat(1.0 / np.maximum(part.relevant.degrees(), 1), part.relevant.degrees()),
        part.num_products,
    )  # fmt: skip
    for hop in describing_hops(graph):
        label = graph.target(hop)
        if not 2 <= graph.counts[label] <= MOST_PROVIDERS:
            continue
        members = members_of(graph, hop)
        own_share = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
        by_block = exposed @ own_share
        total = by_block.sum(axis=0)
        if not total.sum():
            continue
        share, without = total / total.sum(), total - by_block
        without = without / np.maximum(without.sum(axis=1, keepdims=True), 1e-300)
        merit = relevant @ own_share
        merit = merit / max(merit.sum(), 1e-300)
        catalogue = own_share.sum(axis=0) / max(own_share.sum(), 1e-300)
        ids = snapshot.nodes(label).ids
        found = [
            Provider(
                snapshot.name(label, node) or ids[node], int(members[:, node].sum()),
                jackknife(float(share[node]), without[:, node]), float(merit[node]), float(catalogue[node]),
            )
            for node in np.argsort(-share, kind="stable").tolist()
        ]  # fmt: skip
        spread = jackknife(gini(share), np.array([gini(one) for one in without]))
        yield Providers(label, spread, gini(merit), tuple(found))


def _popularity_places(part: HiddenPart) -> NDArray[np.float64]:
    """For each product the share of products that fewer customers hold; those that as many hold count half."""
    order = np.sort(part.holders)
    below = np.searchsorted(order, part.holders, side="left")
    upto = np.searchsorted(order, part.holders, side="right")
    found: NDArray[np.float64] = (below + upto) / 2 / max(part.num_products, 1)
    return found


def _mean_place(lists: NDArray[np.int32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over each list; one without products is an even choice."""
    there = lists >= 0
    sums = np.where(there, places[np.maximum(lists, 0)], 0.0).sum(axis=1)
    return np.where(there.any(axis=1), sums / np.maximum(there.sum(axis=1), 1), 0.5)
