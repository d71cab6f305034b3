"""Writing the edges of one type in shards: what is held in memory does not grow with the edges.

Ends become positions batch by batch, and the records lie in a file. Shards are runs of sources with about SHARD edges:
each is sorted alone and appended to the arrays, which are those of a sort of all. The way back (who leads to a target)
is cut by targets in the same manner. Edges that fit into one shard never leave memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.schema import EdgeSchema

if TYPE_CHECKING:
    import pyarrow as pa

SHARD = 1 << 22
"""Edges that are sorted at once: some 600 MB with the copies of a sort."""
Records = NDArray[np.void]
_BACK = np.dtype([("column", np.int32), ("row", np.int32)])


def write_edges(
    folder: Path, tables: "Iterable[pa.Table]", edge: EdgeSchema, cut: int | None, nodes: "tuple[pa.Array, pa.Array]"
) -> int:
    """Write the arrays of one edge type; how many edges they hold.

    Args:
        folder: empty; it holds the shards meanwhile.
        tables: the edges in any order.
        cut: edges known at this time or later are left out, as are those with an end that is.
        nodes: the ids of the sources and of the targets, sorted.
    """
    counts = [np.zeros(len(ids), np.int64) for ids in nodes]
    names = ("row", "column", "known_at", "at", "weight", *_end_names(edge))
    record = np.dtype([(name, _TYPES[name]) for name in names])
    weighted = False
    scratch = folder / "shards"
    scratch.mkdir()
    coded = _Pile(scratch / "coded", record)
    for table in _grouped(tables):
        records = _coded(table, edge, cut, nodes, record)
        for place, end in enumerate(("row", "column")):
            counts[place] += np.bincount(records[end], minlength=len(counts[place]))
        weighted |= not bool(np.isnan(records["weight"]).all())
        coded.add(records)
    out, back = (np.concatenate(([0], np.cumsum(count))) for count in counts)
    np.save(folder / "indptr.npy", out)
    np.save(folder / "in_indptr.npy", back)
    kept = {"indices": "column", "at": "at", "known_at": "known_at", "weight": "weight"}
    kept |= {name: name for name in _end_names(edge)}
    if not weighted:
        del kept["weight"]
    arrays = {file: _Array(folder / f"{file}.npy", _TYPES[name], coded.size) for file, name in kept.items()}
    led = _Piles(scratch, "in", _BACK, "column", back)
    # Rows that tie here are equal in all that is written: their order does not matter.
    keys = (*_end_names(edge), "weight", "at", "known_at", "column", "row")
    for shard in coded.cut("row", out):
        order = np.lexsort([shard[name] for name in keys])
        for file, array in arrays.items():
            array.append(shard[kept[file]][order])
        led.add(_back(shard, order))
    sources = _Array(folder / "in_indices.npy", np.int32, coded.size)
    for shard in led.shards():
        sources.append(shard["row"][np.argsort(shard["column"], kind="stable")])
    for array in (*arrays.values(), sources):
        array.close()
    scratch.rmdir()
    return coded.size


_TYPES: Mapping[str, Any] = {
    "row": np.int32, "column": np.int32, "known_at": np.int64, "at": np.int64, "weight": np.float64,
    "until": np.int64, "until_known_at": np.int64, "quantity": np.float64,
}  # fmt: skip


def times(column: "pa.ChunkedArray") -> NDArray[np.int64]:
    """Microseconds since 1970; ALWAYS where there is no time."""
    import pyarrow as pa

    return np.asarray(column.cast(pa.int64()).fill_null(int(ALWAYS)).to_numpy(), np.int64)


def _end_names(edge: EdgeSchema) -> tuple[str, ...]:
    return (*(("until", "until_known_at") if edge.until is not None else ()), *(("quantity",) if edge.quantity else ()))


def _grouped(tables: "Iterable[pa.Table]") -> "Iterator[pa.Table]":
    """The same rows in fewer and larger tables: ids are looked up in one table at a time."""
    import pyarrow as pa

    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(one.num_rows for one in held) >= SHARD:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _coded(
    table: "pa.Table", edge: EdgeSchema, cut: int | None, nodes: "tuple[pa.Array, pa.Array]", record: np.dtype[Any]
) -> Records:
    """The rows as records with positions for ids, without those of which an end is not there."""
    import pyarrow.compute as pc

    there = np.ones(table.num_rows, np.bool_)
    found: dict[str, NDArray[Any]] = {"known_at": times(table["known_at"]), "at": times(table["at"])}
    if cut is not None:
        there &= found["known_at"] < cut
    for name, end, ids in (("row", "source", nodes[0]), ("column", "target", nodes[1])):
        place = pc.index_in(table[end], value_set=ids).fill_null(-1)
        found[name] = np.asarray(place.to_numpy(), np.int64)
        there &= found[name] >= 0
    found["weight"] = np.asarray(table["weight"].to_numpy(), np.float64)
    found |= _ends(edge, table, cut)
    records = np.empty(int(there.sum()), record)
    for name in record.names or ():
        records[name] = found[name][there]
    return records


def _ends(edge: EdgeSchema, table: "pa.Table", cut: int | None) -> dict[str, NDArray[Any]]:
    """When each edge ended and since when that is known, and its quantity: what the mapping names of them.

    An end that was not known before the cut is none.
    """
    found: dict[str, NDArray[Any]] = {}
    if edge.until is not None:
        until = times(table[edge.until])
        known_at = until if edge.until_known_at is None else times(table[edge.until_known_at])
        known_at = np.where((known_at == ALWAYS) | (until == ALWAYS), until, known_at)
        unknown = np.zeros(len(until), np.bool_) if cut is None else known_at >= cut
        found["until"] = np.where(unknown, ALWAYS, until)
        found["until_known_at"] = np.where(unknown, ALWAYS, known_at)
    if edge.quantity is not None:
        found["quantity"] = np.asarray(table[edge.quantity].to_numpy(), np.float64)
    return found


def _back(shard: Records, order: NDArray[np.int64]) -> Records:
    found = np.empty(len(shard), _BACK)
    for name in ("column", "row"):
        found[name] = shard[name][order]
    return found


class _Pile:
    """Records one after another: in memory while they are few, else in a file."""

    def __init__(self, path: Path, record: np.dtype[Any], most: int | None = None) -> None:
        self.size = 0
        self._path, self._record = path, record
        self._most = SHARD if most is None else most
        """Records that stay in memory."""
        self._held: list[Records] = []

    def add(self, records: Records) -> None:
        """Put some records behind the others."""
        self.size += len(records)
        self._held.append(records)
        if self._path.exists() or sum(map(len, self._held)) > self._most:
            with self._path.open("ab") as file:
                for one in self._held:
                    one.tofile(file)
            self._held = []

    def parts(self) -> Iterator[Records]:
        """All records in their order, at most SHARD at a time; the file goes."""
        if self._path.exists():
            with self._path.open("rb") as file:
                while len(part := np.fromfile(file, self._record, SHARD)):
                    yield part
            self._path.unlink()
        yield from self._held
        self._held = []

    def whole(self) -> Records:
        """All records at once; the file goes."""
        return np.concatenate([np.empty(0, self._record), *self.parts()])

    def cut(self, key: str, bounds: NDArray[np.int64]) -> Iterator[Records]:
        """The records in shards by a key, each shard in their order.

        Args:
            bounds: how many records have a smaller key (num_keys + 1,).
        """
        piles = _Piles(self._path.parent, "out", self._record, key, bounds)
        for part in self.parts():
            piles.add(part)
        yield from piles.shards()


class _Piles:
    """Records by ranges of a key, about SHARD in each."""

    def __init__(self, folder: Path, name: str, record: np.dtype[Any], key: str, bounds: NDArray[np.int64]) -> None:
        self._key = key
        wanted = np.arange(SHARD, max(int(bounds[-1]), 1), SHARD)
        self._first = np.unique(np.searchsorted(bounds, wanted))
        """The first key of each range but the first."""
        most = None if not len(self._first) else 0
        self._piles = [_Pile(folder / f"{name}-{place}", record, most) for place in range(len(self._first) + 1)]

    def add(self, records: Records) -> None:
        """Put records where they belong."""
        if len(self._piles) == 1:
            self._piles[0].add(records)
            return
        place = np.searchsorted(self._first, records[self._key], side="right")
        order = np.argsort(place, kind="stable")
        ends = np.cumsum(np.bincount(place, minlength=len(self._piles)))
        for pile, start, end in zip(self._piles, [0, *ends[:-1]], ends, strict=True):
            if end > start:
                pile.add(records[order[start:end]])

    def shards(self) -> Iterator[Records]:
        """The records of each range."""
        for pile in self._piles:
            yield pile.whole()


class _Array:
    """A file of an array that is appended to; the same bytes as `np.save` of the whole."""

    def __init__(self, path: Path, dtype: Any, size: int) -> None:
        self._file = path.open("wb")
        self._dtype = np.dtype(dtype)
        head = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(self._file, head)

    def append(self, values: NDArray[Any]) -> None:
        """Put values behind the others."""
        self._file.write(np.ascontiguousarray(values, self._dtype).data)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
