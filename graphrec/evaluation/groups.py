"""Results by group: what is known of the user, how much they hold, how many hold the product."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import HiddenPart, Measured, Metrics
from graphrec.graph.edges.adjacency import Graph
from graphrec.graph.folders.snapshot import ColumnArray, Snapshot
from graphrec.metrics.intervals import bootstrap_all
from graphrec.models.tables.ease import attribute_hops

#: Smaller groups of an attribute say little.
LEAST_USERS = 20
#: What groups of fewer than `min_group` people are called together.
SMALLER = "smaller groups"
MOST_VALUES = 12
BANDS = 4
#: Bounds of the bins of holdings and of holders, the last without an end.
HOLDINGS = (0, 1, 2, 4, 10, 20)
HOLDERS = (0, 1, 5, 20, 100, 1000)


@dataclass(frozen=True)
class Group:
    """Some test users, or the test users with something to find among some products."""

    name: str
    users: int
    metrics: Mapping[str, Metrics]
    """By model: the evaluated one and the baselines."""


@dataclass(frozen=True)
class Segments:
    """The test users by one attribute."""

    attribute: str
    protected: bool
    groups: tuple[Group, ...]


@dataclass(frozen=True, eq=False)
class Members:
    """Which test users are in which group of one attribute: masks (num_test_users,) by the name of the group."""

    attribute: str
    protected: bool
    masks: Mapping[str, NDArray[np.bool_]]


def segments(
    snapshot: Snapshot, graph: Graph, part: HiddenPart, measured: Mapping[str, Measured], k: int, seed: int
) -> tuple[Segments, ...]:
    """Metrics at k by every attribute of the user that is in the snapshot, in the groups that may be told."""
    return tuple(
        Segments(
            members.attribute,
            members.protected,
            tuple(_group(name, mask, measured, k, seed) for name, mask in members.masks.items()),
        )
        for members in told_apart(snapshot, graph, part.users)
    )


def told_apart(
    snapshot: Snapshot, graph: Graph, users: NDArray[np.int32], fewest: int = LEAST_USERS
) -> Iterator[Members]:
    """The attributes that tell users apart, each with the groups of it that may be told.

    Groups of fewer than `fewest` (or `min_group`) users are left out. Where those who are in no group would be fewer
    than `min_group` people, the smallest group is left out too: else the difference from all would tell of them.
    """
    seen, least = set(), snapshot.schema.roles.min_group
    for members in _attributes(snapshot, graph, users):
        # A column and an edge that say the same are one attribute.
        partition = frozenset(mask.tobytes() for mask in members.masks.values() if mask.any())
        if partition in seen:
            continue
        seen.add(partition)
        sized = {name: mask for name, mask in members.masks.items() if mask.sum() >= max(fewest, least)}
        largest = sorted(sized, key=lambda name: (-int(sized[name].sum()), name))[:MOST_VALUES]
        while largest and 0 < int((~np.logical_or.reduce([sized[name] for name in largest])).sum()) < least:
            largest.pop()
        kept = {name: mask for name, mask in sized.items() if name in largest}
        if len(kept) > 1:
            yield Members(members.attribute, members.protected, kept)


def by_holdings(
    part: HiddenPart, measured: Mapping[str, Measured], k: int, seed: int, *, min_group: int
) -> tuple[Group, ...]:
    """Metrics at k by how many products the users hold in what was fitted: cold users first.

    Groups of fewer than `min_group` people are summed into SMALLER.
    """
    held = part.held.degrees()[part.users]
    bins = large_enough(dict(_bins(held, HOLDINGS)), np.arange(len(held)), min_group)
    return tuple(_group(name, inside, measured, k, seed) for name, inside in bins.items())


def by_holders(
    part: HiddenPart, measured: Mapping[str, Measured], k: int, seed: int, *, min_group: int
) -> tuple[Group, ...]:
    """Recall at k of the hidden products by how many users hold them in what was fitted: cold products first.

    Groups of fewer than `min_group` people with something to find are summed into SMALLER.
    """
    owners = np.repeat(np.arange(len(part.users)), part.relevant.degrees())
    found = {name: _is_found(lists.lists[:, :k], owners, part.relevant.indices) for name, lists in measured.items()}
    groups = []
    bins = large_enough(dict(_bins(part.holders[part.relevant.indices], HOLDERS)), owners, min_group)
    for name, inside in bins.items():
        users = np.unique(owners[inside])
        wanted = np.bincount(owners[inside], minlength=len(part.users))[users]
        metrics = {}
        for model, hits in found.items():
            caught = np.bincount(owners[inside], hits[inside], len(part.users))[users]
            metrics[model] = bootstrap_all({f"recall@{k}": caught / wanted}, seed=seed)
        groups.append(Group(name, len(users), metrics))
    return tuple(groups)


def large_enough(
    groups: Mapping[str, NDArray[np.bool_]], owners: NDArray[np.integer], least: int
) -> dict[str, NDArray[np.bool_]]:
    """The groups of at least `least` people, in their order, and after them the others summed into SMALLER.

    Where the others are fewer than `least` people even together, the smallest of the groups goes with them, so that no
    difference tells of them; where nobody is left to go with them, they are left out.

    Args:
        groups: masks (num_rows,) that together hold every row once.
        owners: (num_rows,) whose row each is.
    """
    sizes = {name: len(np.unique(owners[inside])) for name, inside in groups.items()}
    kept = [name for name in groups if sizes[name] >= least]
    small = [name for name in groups if 0 < sizes[name] < least]
    while small and kept and _people(groups, small, owners) < least:
        smallest = min(kept, key=lambda name: sizes[name])
        kept.remove(smallest)
        small.append(smallest)
    found = {name: groups[name] for name in kept}
    if small and _people(groups, small, owners) >= least:
        found[SMALLER] = np.logical_or.reduce([groups[name] for name in small])
    return found


def _people(groups: Mapping[str, NDArray[np.bool_]], names: list[str], owners: NDArray[np.integer]) -> int:
    return len(np.unique(owners[np.logical_or.reduce([groups[name] for name in names])]))


def _group(name: str, inside: NDArray[np.bool_], measured: Mapping[str, Measured], k: int, seed: int) -> Group:
    metrics = {}
    for model, found in measured.items():
        chosen = {f"{metric}@{k}": found.per_user[f"{metric}@{k}"][inside] for metric in ("ndcg", "recall", "hit_rate")}
        metrics[model] = bootstrap_all(chosen, seed=seed)
    return Group(name, int(inside.sum()), metrics)


def _is_found(lists: NDArray[np.int32], rows: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.bool_]:
    found = np.zeros(len(rows), np.bool_)
    for place in range(lists.shape[1]):
        found |= lists[rows, place] == products
    return found


def _bins(values: NDArray[np.integer], bounds: tuple[int, ...]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for low, after in zip(bounds, (*bounds[1:], None), strict=True):
        if after is None:
            yield f"{low:,} and more", values >= low
        else:
            yield (f"{low:,}" if after == low + 1 else f"{low:,} to {after - 1:,}"), (values >= low) & (values < after)


def _attributes(snapshot: Snapshot, graph: Graph, users: NDArray[np.int32]) -> Iterator[Members]:
    """Every attribute of the users: their columns, then the nodes that describe them."""
    label = snapshot.schema.roles.user
    schema = snapshot.schema.nodes[label]
    hidden = {schema.name, *schema.encoded}
    for column in schema.public_columns():
        if column.name not in hidden:
            masks = _masks(snapshot.nodes(label).column(column.name), users)
            yield Members(column.name, column.name in schema.protected, masks)
    for hop in attribute_hops(graph, use_protected=True):
        target, adjacency = graph.target(hop), graph.hops[hop]
        counts = np.bincount(adjacency.indices, minlength=graph.counts[target])
        masks = {}
        for node in np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES]):
            inside = np.zeros(graph.num_users, np.bool_)
            inside[_sources(adjacency.indptr, adjacency.indices == node)] = True
            own = snapshot.nodes(target).ids[int(node)]
            shown = snapshot.name(target, int(node)) or own
            masks[f"{shown} ({own})" if shown in masks else shown] = inside[users]
        yield Members(hop.type, graph.schema.edges[hop.type].protected, masks)


def _sources(indptr: NDArray[np.int64], marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The rows that the marked entries belong to."""
    return np.searchsorted(indptr, np.flatnonzero(marked), side="right") - 1


def _masks(column: ColumnArray, users: NDArray[np.int32]) -> dict[str, NDArray[np.bool_]]:
    """The groups of a column: its values, or bands of a quarter of the users each where it is a measure."""
    valid = np.asarray(column.valid)[users]
    if column.kind == "text":
        values = np.array([column.get(int(user)) or "" for user in users])
        names = np.unique(values[valid])
        return {str(name): valid & (values == name) for name in names} if len(names) <= 10 * MOST_VALUES else {}
    numbers = np.asarray(column.values)[users]
    names = np.unique(numbers[valid])
    if column.kind == "boolean" or len(names) <= MOST_VALUES:
        shown = {name: _shown(name, column.kind) for name in names.tolist()}
        return {shown[name]: valid & (numbers == name) for name in names.tolist()}
    measured = numbers.astype(np.float64)
    quantiles = np.unique(np.quantile(measured[valid], np.arange(1, BANDS) / BANDS))
    # Bounds that read alike, such as two hours of a day, are one.
    named = {_shown(cut, column.kind): cut for cut in quantiles}
    bounds, cuts = list(named), list(named.values())
    band = np.searchsorted(cuts, measured, side="right")
    between = [f"{low} to {high}" for low, high in pairwise(bounds)]
    ends = [f"below {bounds[0]}", *between, f"{bounds[-1]} and more"]
    return {name: valid & (band == place) for place, name in enumerate(ends)}


def _shown(value: float, kind: str) -> str:
    if kind == "boolean":
        return "yes" if value else "no"
    if kind == "time":
        return str(np.datetime64(int(value), "us").astype("datetime64[D]"))
    return f"{value:.0f}" if kind == "integer" else f"{value:.6g}"
