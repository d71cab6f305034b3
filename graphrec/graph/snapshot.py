"""A snapshot: the graph as arrays as of a date, mapped into memory.

    meta.json                       format, hash, as_of, counts, schema
    nodes/<n>/id.*  known_at.npy    ids sorted by their bytes; the n-th label of meta.json
    nodes/<n>/<c>.*                 the c-th public column: values and `valid`
    edges/<n>/*.npy                 one CSR by source (indptr, indices, at, known_at, weight) and one by target
    split/test.npy  split/valid.npy pairs (user, product) of the mapping's own split

Times are microseconds since 1970 in UTC; `ALWAYS` stands for "no time". Only numpy is needed to read one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NotTrained, SchemaOutdated
from graphrec.graph.strings import Strings, mapped
from graphrec.schema import GraphSchema, Kind

FORMAT = 1
ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class ColumnArray:
    """One column: `values` (strings or n numbers) and `valid` (n booleans, False where there is no value)."""

    kind: Kind
    values: Strings | NDArray[Any]
    valid: NDArray[np.bool_]

    def get(self, index: int) -> str | int | float | bool | None:
        """The value of one node; a time is microseconds since 1970 UTC."""
        if not self.valid[index]:
            return None
        value = self.values[index]
        return value if isinstance(value, str) else value.item()


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of one label, in the order of their ids."""

    label: str
    folder: Path
    columns: Mapping[str, Kind]

    @cached_property
    def ids(self) -> Strings:
        """The ids, sorted by their bytes."""
        return Strings.open(self.folder / "id")

    @cached_property
    def known_at(self) -> NDArray[np.int64]:
        """When each node became known (num_nodes,), ALWAYS where no time was given."""
        array: NDArray[np.int64] = mapped(self.folder / "known_at.npy")
        return array

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> ColumnArray:
        """One column by its name.

        Raises:
            KeyError: there is no such public column.
        """
        position = sorted(self.columns).index(name) if name in self.columns else None
        if position is None:
            raise KeyError(name)
        stem = self.folder / str(position)
        valid = mapped(self.folder / f"{position}.valid.npy")
        kind = self.columns[name]
        if kind == "text":
            return ColumnArray(kind, Strings.open(stem), valid)
        return ColumnArray(kind, mapped(self.folder / f"{position}.npy"), valid)


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of one type as events: by source and by target.

    Shapes: indptr (num_sources + 1,), indices (num_edges,) = targets, at / known_at / weight (num_edges,), in the
    order of (source, target, known_at); in_indptr (num_targets + 1,), in_indices (num_edges,) = sources.
    """

    type: str
    folder: Path

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in ("indptr", "indices", "at", "known_at", "in_indptr", "in_indices"):
            raise AttributeError(name)
        array: NDArray[Any] = mapped(self.folder / f"{name}.npy")
        object.__setattr__(self, name, array)
        return array

    @cached_property
    def weight(self) -> NDArray[np.float64] | None:
        """The weight of each edge, NaN where it has none; None when no edge has one."""
        path = self.folder / "weight.npy"
        return mapped(path) if path.exists() else None

    def __len__(self) -> int:
        return len(self.indices)


class Snapshot:
    """A graph as of a date, read-only."""

    def __init__(self, folder: Path, meta: Mapping[str, Any]) -> None:
        self.folder = folder
        self.meta = meta
        self.hash: str = meta["hash"]
        self.as_of: str | None = meta["as_of"]
        self.labels: list[str] = meta["labels"]
        self.types: list[str] = meta["types"]

    @classmethod
    def open(cls, folder: Path) -> "Snapshot":
        """The snapshot in a folder.

        Raises:
            NotTrained: there is none.
            SchemaOutdated: a newer graphrec wrote it.
        """
        try:
            meta = json.loads((folder / "meta.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NotTrained(f"no snapshot in {folder}; run: graphrec snapshot") from None
        if meta["format"] != FORMAT:
            raise SchemaOutdated(
                f"snapshot {folder} has format {meta['format']}, this graphrec reads {FORMAT}; run: graphrec snapshot"
            )
        return cls(folder, meta)

    @property
    def uncut(self) -> str | None:
        """What its date does not cut, in one sentence; None without a date."""
        if self.as_of is None:
            return None
        undated = ", ".join(name for names in self.meta.get("undated", {}).values() for name in names)
        others = f", and so is what carries no time: {undated}" if undated else ""
        return f"attributes are as last loaded, not as of {self.as_of[:10]}{others}"

    @cached_property
    def schema(self) -> GraphSchema:
        """What the rows mean."""
        return GraphSchema.from_json(self.meta["schema"])

    def count(self, label: str) -> int:
        """How many nodes a label has."""
        return int(self.meta["nodes"][label])

    def nodes(self, label: str) -> Nodes:
        """The nodes of a label; KeyError when there is no such label."""
        cache: dict[str, Nodes] = self.__dict__.setdefault("_nodes", {})
        if label not in cache:
            folder = self.folder / "nodes" / str(self._position(self.labels, label))
            cache[label] = Nodes(label, folder, self.meta["columns"][label])
        return cache[label]

    def edges(self, edge_type: str) -> Edges:
        """The edges of a type; KeyError when there is no such type."""
        return Edges(edge_type, self.folder / "edges" / str(self._position(self.types, edge_type)))

    def split_pairs(self, part: str) -> NDArray[np.int32] | None:
        """The pairs (n, 2) of user and product that the mapping puts into a part of the split, if it does."""
        path = self.folder / "split" / f"{part}.npy"
        return mapped(path) if path.exists() else None

    def name(self, label: str, index: int) -> str | None:
        """What a person reads for a node; None without a name or where it is personal."""
        column = self.meta["names"][label]
        return None if column is None else self.value(label, column, index)  # type: ignore[return-value]

    def value(self, label: str, column: str, index: int) -> str | int | float | bool | None:
        """One value of one node; None where it has none or the label has no such public column."""
        return self._column(label, column).get(index) if column in self.meta["columns"][label] else None

    def texts(self, label: str) -> list[str]:
        """The text of every node of a label: its text columns joined by a line feed, "" where it has none."""
        columns = [self._column(label, name) for name in self.meta["texts"][label]]
        parts = [[value if ok else "" for value, ok in zip(c.values, c.valid, strict=True)] for c in columns]
        return ["\n".join(part for part in node if part) for node in zip(*parts, strict=True)] if parts else []

    def _column(self, label: str, name: str) -> ColumnArray:
        cache: dict[tuple[str, str], ColumnArray] = self.__dict__.setdefault("_columns", {})
        if (label, name) not in cache:
            cache[label, name] = self.nodes(label).column(name)
        return cache[label, name]

    @staticmethod
    def _position(names: list[str], name: str) -> int:
        if name not in names:
            raise KeyError(name)
        return names.index(name)
