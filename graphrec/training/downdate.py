"""A model without some customers, from whole-number sums of which their part is taken away: equal to a refit.

    Z[u] = what customer u holds by each relevant type | what describes them | what they hold by any type, 0 or 1
    S    = Z^T Z, whole numbers; S without customers G is S - Z_G^T Z_G, to the bit

popularity, EASE and item-kNN are functions of S alone where every customer counts the same: EASE with `user_power` and
`holdings_power` 0. Hyper-parameters, weights and bands are those of the model; min_group and popularity are applied
to S anew. Where that is not so, the model is fitted again, and the reason says why.

vault/sums/<model>.npz keeps S for the next time, with the hash of the model that it belongs to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.files import whole_file
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.models.counted.sums import MOST_PRODUCTS
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import csr, relevant_hops
from graphrec.models.registry import models
from graphrec.models.tables.ease import EaseConfig, attribute_hops, solved
from graphrec.models.tables.itemknn import ItemKnnConfig
from graphrec.terms.base import Term
from graphrec.terms.folder import read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import Neighbours, SparseRows, TableTerm
from graphrec.terms.meta import ModelMeta
from graphrec.training.assemble import check_parts
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Whole = NDArray[np.int64]
COUNTED = ("popularity", "ease", "itemknn")
"""Models that are functions of the sums."""


class NotCounted(Exception):
    """Why a model is fitted again."""


@dataclass(frozen=True, eq=False)
class Held:
    """Z of one graph.

    Shapes: rows (num_users, num_columns); columns and users are named by what they are.
    """

    rows: "csr_array"
    columns: tuple[tuple[str, str], ...]
    """Hop (`held`: by any type) and id."""
    users: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, graph: Graph) -> "Held":
        """Of the graph of a fit.

        Raises:
            NotCounted: there are too many columns.
        """
        from scipy.sparse import csr_array, hstack

        blocks, columns = [], []
        for name, hop in _hops(graph):
            label = graph.schema.roles.product if hop is None else graph.target(hop)
            edges = graph.held() if hop is None else graph.hops[hop]
            blocks.append(csr(edges, graph.counts[label], np.int64))
            columns += [(name, one) for one in snapshot.nodes(label).ids]
        if len(columns) > MOST_PRODUCTS:
            raise NotCounted(f"{len(columns):,} columns are more than {MOST_PRODUCTS:,}")
        users = tuple(snapshot.nodes(graph.schema.roles.user).ids)
        rows = csr_array(hstack(blocks, format="csr"))
        rows.sort_indices()
        return cls(rows, tuple(columns), users)

    def sums(self, users: NDArray[np.integer] | None = None) -> Whole:
        """S of some customers, by their places; None: of all."""
        rows = self.rows if users is None else self.rows[users]
        return np.asarray((rows.T @ rows).toarray(), np.int64)

    def codes(self, users: Mapping[str, int], columns: Mapping[tuple[str, str], int], width: int) -> Whole:
        """Every entry as user * width + column in the numbers of another one, sorted; what that lacks is left out."""
        row = np.fromiter((users.get(one, -1) for one in self.users), np.int64, len(self.users))
        column = np.fromiter((columns.get(one, -1) for one in self.columns), np.int64, len(self.columns))
        left = np.repeat(row, np.diff(self.rows.indptr))
        right = column[self.rows.indices]
        there = (left >= 0) & (right >= 0)
        return np.sort(left[there] * width + right[there])


@dataclass(frozen=True, eq=False)
class Before:
    """A model as it was, ready to lose customers."""

    held: Held
    sums: Whole
    kept: bool
    """Whether the sums were in the vault; else they were counted."""


def before(folder: Path, snapshot: Snapshot, sums: Path) -> Before:
    """What a downdate of a model needs, from the snapshot that it was fitted on.

    Args:
        sums: folder of kept sums.

    Raises:
        NotCounted: the model is fitted again; with the reason.
    """
    meta = read_meta(folder)
    check(meta)
    graph = graph_of(snapshot, split_of(snapshot), meta.fitted)
    held = Held.of(snapshot, graph)
    found = _kept(sums / f"{folder.name}.npz", meta.hash, len(held.columns))
    return Before(held, held.sums() if found is None else found, found is not None)


def check(meta: ModelMeta) -> None:
    """Stop where a model is no function of the sums.

    Raises:
        NotCounted: it is not.
    """
    for name, values in meta.configuration.terms.items():
        if name not in COUNTED:
            raise NotCounted(f"{name} is no function of whole-number sums")
        powers = [one for one in ("user_power", "holdings_power") if values.get(one)]
        if powers:
            raise NotCounted(f"{name} with {powers[0]} {values[powers[0]]:g} weighs customers by what they hold")
    if meta.configuration.half_life_days:
        raise NotCounted("interactions fade with age")


def downdated(one: Before, meta: ModelMeta, snapshot: Snapshot, graph: Graph, inputs: Inputs) -> tuple[Blend, Whole]:
    """The model without the customers who are not in a graph any more, and its sums.

    Raises:
        NotCounted: the sums do not say what a refit would see.
    """
    if graph.schema.roles.most_alike is not None:
        raise NotCounted("most_alike leaves out customers by what others hold")
    held = Held.of(snapshot, graph)
    sums = less(one, held)
    counts = np.asarray(held.rows.sum(axis=0), np.int64).ravel()
    if not np.array_equal(np.diagonal(sums), counts):
        raise NotCounted("the sums are not those of the snapshot")
    parts = list(_parts(meta, graph, sums, inputs))
    check_parts(parts)
    return Blend([term.reading(graph) for term, _ in parts], [weight for _, weight in parts]), sums


def less(one: Before, held: Held) -> Whole:
    """The sums of a graph from those of an earlier one: only customers whose rows differ are counted."""
    width = len(held.columns)
    users = {name: place for place, name in enumerate(held.users)}
    columns = {name: place for place, name in enumerate(held.columns)}
    own = held.codes(users, columns, width)
    differ = np.unique(np.setxor1d(own, one.held.codes(users, columns, width)) // width)
    changed = {held.users[place] for place in differ.tolist()}
    # A row that leads to a column that is gone differs too.
    there = np.array([name in columns for name in one.held.columns], np.bool_)
    lost = np.zeros(len(one.held.users), np.bool_)
    lost[np.repeat(np.arange(len(lost)), np.diff(one.held.rows.indptr))[~there[one.held.rows.indices]]] = True
    gone = np.array(
        [place for place, name in enumerate(one.held.users) if name not in users or name in changed or lost[place]], int
    )
    again = np.unique([users[one.held.users[place]] for place in gone.tolist() if one.held.users[place] in users]
                      + [users[name] for name in changed]).astype(int)  # fmt: skip
    rest = one.sums - one.held.sums(gone)
    place = np.fromiter((columns.get(name, -1) for name in one.held.columns), np.int64, len(one.held.columns))
    found = np.zeros((width, width), np.int64)
    found[np.ix_(place[there], place[there])] = rest[np.ix_(there, there)]
    return found + held.sums(again)


def keep(sums: Whole, folder: Path, model: Path) -> None:
    """Put the sums of a model into the vault, for the next time."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / f"{model.name}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, sums=sums, model=np.frombuffer(read_meta(model).hash.encode(), np.uint8))


def _kept(file: Path, model: str, width: int) -> Whole | None:
    try:
        with np.load(file, allow_pickle=False) as found:
            sums = np.asarray(found["sums"], np.int64)
            return sums if bytes(found["model"]).decode() == model and sums.shape == (width, width) else None
    except (OSError, ValueError, KeyError):
        return None


def _hops(graph: Graph) -> list[tuple[str, Hop | None]]:
    """The parts of Z in their order."""
    hops = [*relevant_hops(graph), *attribute_hops(graph, use_protected=True)]
    return [*((str(hop), hop) for hop in hops), ("held", None)]


def _parts(meta: ModelMeta, graph: Graph, sums: Whole, inputs: Inputs) -> Iterator[tuple[Term, float]]:
    """The terms of a model with their weights."""
    spans: dict[str, slice] = {}
    start = 0
    for name, hop in _hops(graph):
        label = graph.schema.roles.product if hop is None else graph.target(hop)
        spans[name] = slice(start, start + graph.counts[label])
        start = spans[name].stop
    supported = _supported(graph, sums, spans)
    makers: dict[str, Any] = {"popularity": _popularity, "ease": _ease, "itemknn": _itemknn}
    for name, values in meta.configuration.terms.items():
        config = models()[name].configure(values, inputs)
        yield makers[name](graph, supported, spans, config), meta.configuration.weights[name]


def _supported(graph: Graph, sums: Whole, spans: Mapping[str, slice]) -> Whole:
    """What `min_group` leaves of the sums (models/support.py), but for attributes."""
    least = graph.schema.roles.min_group
    if least <= 1:
        return sums
    counts = np.diagonal(sums)
    gone = np.zeros(len(sums), np.bool_)
    few = counts[spans["held"]] < least
    for name, hop in _hops(graph):
        if hop is None or graph.target(hop) == graph.schema.roles.product:
            gone[spans[name]] = few
    found = sums.copy()
    found[gone, :] = 0
    found[:, gone] = 0
    return found


def _popularity(graph: Graph, sums: Whole, spans: Mapping[str, slice], _config: object) -> Term:
    holders = np.diagonal(sums)[spans["held"]].astype(np.float32)
    return TableTerm.of_everyone("popularity", graph, holders)


def _ease(graph: Graph, sums: Whole, spans: Mapping[str, slice], config: EaseConfig) -> Term:
    hops = relevant_hops(graph) + (attribute_hops(graph, config.use_protected) if config.attributes else [])
    places = np.concatenate([np.arange(spans[str(hop)].start, spans[str(hop)].stop) for hop in hops])
    if len(places) > config.max_columns:
        raise NotCounted(f"{len(places):,} columns of ease are more than max_columns, {config.max_columns:,}")
    least, held = graph.schema.roles.min_group, np.arange(spans["held"].start, spans["held"].stop)
    for hop in hops:
        own = np.diagonal(sums)[spans[str(hop)]]
        if hop not in relevant_hops(graph) and ((own > 0) & (own < least)).any():
            raise NotCounted(f"{hop} leads to nodes of fewer than {least} customers, which a fit takes for one")
    both, with_held = sums[np.ix_(places, places)], sums[np.ix_(places, held)]
    counts = np.diagonal(sums).astype(np.float64)
    table = solved(
        both.astype(np.float64), with_held.astype(np.float64), (both < least, with_held < least) if least > 1 else None,
        (counts[places], counts[held]), config, len(relevant_hops(graph)),
    )  # fmt: skip
    widths = [graph.counts[graph.target(hop)] for hop in hops]
    lefts = np.split(table.astype(np.float32), np.cumsum(widths)[:-1])
    return TableTerm("ease", graph, [Neighbours(hop, left) for hop, left in zip(hops, lefts, strict=True)])


def _itemknn(graph: Graph, sums: Whole, spans: Mapping[str, slice], config: ItemKnnConfig) -> Term:
    hops, held = relevant_hops(graph), sums[spans["held"], spans["held"]]
    both = sum((sums[spans[str(one)], spans[str(other)]] for one in hops for other in hops), np.zeros_like(held))
    norms = np.sqrt(np.diagonal(both).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = both.astype(np.float32) / (norms[:, None] * norms[None, :] + config.shrinkage)
    there = held >= max(graph.schema.roles.min_group, 1)
    np.fill_diagonal(there, val=False)
    wide = min(config.neighbours, graph.num_products)
    indices, values, ends = [], [], [0]
    for product in range(graph.num_products):
        near = np.flatnonzero(there[product])
        near = np.sort(near[np.lexsort((near, -scores[product, near]))][:wide])
        indices.append(near.astype(np.int32))
        values.append(scores[product, near].astype(np.float32))
        ends.append(ends[-1] + len(near))
    left = SparseRows(np.array(ends, np.int64), np.concatenate(indices), np.concatenate(values), graph.num_products)
    return TableTerm("itemknn", graph, [Neighbours(hop, left) for hop in hops])
