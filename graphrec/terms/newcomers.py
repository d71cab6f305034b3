"""Products that came after the fit: what the terms give them that are functions of attributes, and 0 by the others.

They stand behind the products of the model. A walk leads to them by way of their own attributes, of the facts; whatever
was learned of a product itself is 0 there (a learned factor of a walk: 1, which says nothing). Degrees of attributes
stay those of the fit, so that no score of another product changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Hop, codes_of, from_codes
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.terms.base import Described, Stored, StoredRows

ABLE = frozenset({"walks", "factors", "table", "pairs", "als", "sum"})
"""Forms of terms that can be widened: a network over the whole graph cannot."""
_LEARNED, _TABLE = "learned", "table"


def widened(described: Described, product: str, new: int) -> Described:
    """A term with so many more products, of which it has learned nothing.

    A table that is multiplied out of a walk without people is left out: the walk is followed instead.
    """
    walks = "walks" in described.settings
    arrays = {
        name: _wider(stored, product, new, 1.0 if _LEARNED in name.split("/") else 0.0)
        for name, stored in described.arrays.items()
        if not (walks and name.split("/")[-1] == _TABLE)
    }
    rows = {name: _longer(one, product, new) for name, one in described.rows.items()}
    return replace(described, arrays=arrays, rows=rows)


def _wider(stored: Stored, product: str, new: int, filling: float) -> Stored:
    if product not in stored.axes:
        return stored
    values = np.asarray(stored.values)
    more = [(0, new if axis == product else 0) for axis in (*stored.axes, *[None] * (values.ndim - len(stored.axes)))]
    return replace(stored, values=np.pad(values, more, constant_values=filling))


def _longer(rows: StoredRows, product: str, new: int) -> StoredRows:
    if rows.source != product:
        return rows
    indptr = np.asarray(rows.indptr)
    return replace(rows, indptr=np.concatenate((indptr, np.full(new, indptr[-1], indptr.dtype))))


def attributes_of(
    snapshot: Snapshot,
    hops: Mapping[Hop, Adjacency],
    places: Mapping[str, NDArray[np.int64]],
    new: Sequence[int] | NDArray[np.integer],
    counts: Mapping[str, int],
    known_before: int | None,
) -> dict[Hop, Adjacency]:
    """The hops between products and attributes with what the facts say of new products.

    Args:
        hops: of the model, those that leave users left out.
        places: by label, where each node of the facts is in the model; labels that are not there have the same nodes.
        new: the products of the facts that are not in the model, ascending; they stand behind those of the model.
        counts: nodes by label, the new products among them.
        known_before: edges known at or after it are not seen.
    """
    product, user = snapshot.schema.roles.product, snapshot.schema.roles.user
    behind = np.full(snapshot.count(product), -1, np.int64)
    behind[new] = np.arange(counts[product] - len(new), counts[product])
    found = {}
    for hop, edges in hops.items():
        edge = snapshot.schema.edges[hop.type]
        ends = (edge.target, edge.source) if hop.reverse else (edge.source, edge.target)
        if user in ends or ends.count(product) != 1:
            found[hop] = _with_rows(edges, counts[ends[0]])
            continue
        dated = snapshot.edges(hop.type)
        rows = np.repeat(np.arange(len(dated.indptr) - 1), np.diff(np.asarray(dated.indptr)))
        here = {edge.source: rows, edge.target: np.asarray(dated.indices).astype(np.int64)}
        if known_before is not None:
            seen = np.asarray(dated.known_at) < known_before
            here = {label: nodes[seen] for label, nodes in here.items()}
        other = ends[1] if ends[0] == product else ends[0]
        here[product] = behind[here[product]]
        here[other] = places[other][here[other]] if other in places else here[other]
        both = (here[product] >= 0) & (here[other] >= 0)
        codes = here[ends[0]][both] * counts[ends[1]] + here[ends[1]][both]
        whole = np.unique(np.concatenate((codes_of(_whole(edges), counts[ends[1]]), codes)))
        found[hop] = from_codes(whole, counts[ends[0]], counts[ends[1]])
    return found


def _whole(edges: Adjacency) -> Adjacency:
    """Edges without weights, read from their file."""
    return Adjacency(np.asarray(edges.indptr), np.asarray(edges.indices))


def _with_rows(edges: Adjacency, count: int) -> Adjacency:
    """The edges with empty rows behind theirs."""
    missing = count + 1 - len(edges.indptr)
    if missing <= 0:
        return edges
    indptr = np.asarray(edges.indptr)
    ends = np.concatenate((indptr, np.full(missing, indptr[-1])))
    return Adjacency(ends, np.asarray(edges.indices), None if edges.weight is None else np.asarray(edges.weight))
