"""What a customer held and holds no more: it stays evidence, and is never said to be held."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.edges.holdings import has_left, is_over
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.terms.ledger import Ledger

Ends = Mapping[int, int | None]
"""By node, when the holding was over, in microseconds since 1970; None: no time is known."""


def can_be_over(snapshot: Snapshot) -> frozenset[str]:
    """The edge types that are holdings with an end or a quantity."""
    schema = snapshot.schema
    return frozenset(name for name in schema.roles.holding if name in schema.edges and schema.edges[name].ends)


def over(snapshot: Snapshot, name: str, user: int, *, now: int | None, known_before: int) -> Ends:
    """The products, by position in the snapshot, that a user held by edges of a type and holds no more.

    Args:
        now: the date, in microseconds since 1970.
        known_before: what became known at or after it is not seen.
    """
    edges = snapshot.edges(name)
    start, stop = (int(bound) for bound in edges.indptr[user : user + 2])
    span = slice(start, stop)
    seen = np.asarray(edges.known_at[span]) < known_before
    targets = np.asarray(edges.indices[span])[seen]
    columns = (edges.until, edges.until_known_at, edges.quantity)
    until, until_known, quantity = (None if one is None else np.asarray(one[span])[seen] for one in columns)
    gone = is_over(until, until_known, now=now, known_before=known_before, count=len(targets))
    held = np.zeros(len(targets), np.bool_)
    held[~gone] = has_left(targets[~gone], None if quantity is None else quantity[~gone])
    left = set(targets[held].tolist())
    ends = np.full(len(targets), ALWAYS, np.int64)
    if until is not None:
        ends[gone] = until[gone]
    if quantity is not None:
        sold = np.nan_to_num(quantity) < 0
        ends[sold] = np.maximum(ends[sold], np.asarray(edges.at[span])[seen][sold])
    found: dict[int, int | None] = {}
    for node in dict.fromkeys(targets.tolist()):
        if node not in left:
            last = int(ends[targets == node].max(initial=ALWAYS))
            found[node] = None if last == ALWAYS else last
    return found


def apart(ledger: Ledger, types: frozenset[str], ended: Callable[[Hop, int], bool]) -> Ledger:
    """The ledger with the lines of what is held no more in groups of their own.

    Args:
        ended: whether the holding behind a hop and a neighbour is over.
    """
    groups, owners, group = list(ledger.groups), list(ledger.owners), ledger.group
    for number, one in enumerate(ledger.groups):
        if one.hop is None or one.hop.reverse or one.hop.type not in types:
            continue
        lines = [line for line in np.flatnonzero(group == number).tolist() if ended(one.hop, int(ledger.via[line]))]
        if lines:
            group = group.copy() if group is ledger.group else group
            group[lines] = len(groups)
            groups.append(replace(one, ended=True))
            owners.append(owners[number])
    if group is ledger.group:
        return ledger
    return replace(ledger, groups=tuple(groups), owners=tuple(owners), group=group)
