"""A snapshot: the graph as arrays as of a date, mapped into memory and checked where it is read.

    meta.json                       format, hash, as_of, counts, schema
    checksums                       of every page of every file: graph/folders/arrays.py
    nodes/<n>/id.*  known_at.npy    ids sorted by their bytes; the n-th label of meta.json
    nodes/<n>/<c>.*                 the c-th public column: values and `valid`
    edges/<n>/*.npy                 one CSR by source (indptr, indices, at, known_at, weight; until, until_known_at,
                                    quantity where the mapping names them) and one by target
    split/test.npy  split/valid.npy pairs (user, product) of the mapping's own split

Times are microseconds since 1970 in UTC; `ALWAYS` stands for "no time". Only numpy and msgspec are needed to read one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NotTrained
from graphrec.frozen import dataclass
from graphrec.graph.folders.arrays import META, CheckedArray, CheckedFolder, OverlaidFiles
from graphrec.graph.folders.meta import SnapshotMeta, read_as
from graphrec.graph.folders.strings import Strings
from graphrec.schema import GraphSchema, Kind

FORMAT = 2
"""What this graphrec writes and reads; 1 had no checksums and kept integers as floats."""
REMEDY = "run: graphrec snapshot"
ALWAYS = np.iinfo(np.int64).min

_CONTENT = 1
"""The form of what a content hash covers; another number gives every snapshot another hash."""


@dataclass(frozen=True, eq=False)
class ColumnArray:
    """One column: `values` (n strings or numbers) and `valid` (n booleans, False where there is no value)."""

    kind: Kind
    values: Strings | CheckedArray
    valid: CheckedArray

    def get(self, index: int) -> str | int | float | bool | None:
        """The value of one node; a time is microseconds since 1970 UTC."""
        if not self.valid[index]:
            return None
        value = self.values[index]
        found: str | int | float | bool = value if isinstance(value, str) else value.item()
        return found


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of one label, in the order of their ids."""

    label: str
    columns: Mapping[str, Kind]
    _files: CheckedFolder | OverlaidFiles
    _stem: str
    _columns: dict[str, ColumnArray] = field(default_factory=dict)

    @cached_property
    def ids(self) -> Strings:
        """The ids, sorted by their bytes."""
        return Strings.open(self._files, f"{self._stem}/id")

    @cached_property
    def known_at(self) -> CheckedArray:
        """When each node became known (num_nodes,), ALWAYS where no time was given."""
        return self._files.array(f"{self._stem}/known_at.npy")

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> ColumnArray:
        """One column by its name.

        Raises:
            KeyError: there is no such public column.
        """
        if name not in self._columns:
            kind, stem = self.columns[name], self.stem(name)
            values = Strings.open(self._files, stem) if kind == "text" else self._files.array(f"{stem}.npy")
            self._columns[name] = ColumnArray(kind, values, self._files.array(f"{stem}.valid.npy"))
        return self._columns[name]

    def stem(self, name: str) -> str:
        """What the names of the files of a column begin with."""
        return f"{self._stem}/{sorted(self.columns).index(name)}"


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of one type as events: by source and by target.

    Shapes: indptr (num_sources + 1,), indices (num_edges,) = targets, at / known_at / weight (num_edges,), in the
    order of (source, target, known_at); in_indptr (num_targets + 1,), in_indices (num_edges,) = sources. In facts edges
    that lead to users are there by target alone, and turned where they are asked for by source.
    """

    type: str
    _files: CheckedFolder | OverlaidFiles
    _stem: str
    _num_sources: int
    _arrays: dict[str, CheckedArray] = field(default_factory=dict)
    _together: "dict[tuple[str, ...], tuple[CheckedArray | None, ...]]" = field(default_factory=dict)

    @cached_property
    def indptr(self) -> CheckedArray:
        """Where the edges of each source begin."""
        return self._array("indptr")

    @cached_property
    def indices(self) -> CheckedArray:
        """The target of each edge."""
        return self._array("indices")

    @cached_property
    def at(self) -> CheckedArray:
        """When each edge happened."""
        return self._array("at")

    @cached_property
    def known_at(self) -> CheckedArray:
        """When each edge became known."""
        return self._array("known_at")

    @cached_property
    def weight(self) -> CheckedArray | None:
        """The weight of each edge, NaN where it has none; None when no edge has one."""
        return self.array("weight")

    @cached_property
    def until(self) -> CheckedArray | None:
        """When each edge ended, ALWAYS where no end is known; None where edges of the type do not end."""
        return self.array("until")

    @cached_property
    def until_known_at(self) -> CheckedArray | None:
        """When the end of each edge became known, ALWAYS where no end is known."""
        return self.array("until_known_at")

    @cached_property
    def quantity(self) -> CheckedArray | None:
        """How much each edge adds to what is held or takes from it, NaN where it is not known; None without."""
        return self.array("quantity")

    @cached_property
    def in_indptr(self) -> CheckedArray:
        """Where the edges of each target begin."""
        return self._array("in_indptr")

    @cached_property
    def in_indices(self) -> CheckedArray:
        """The source of each edge, by target."""
        return self._array("in_indices")

    @property
    def is_by_target(self) -> bool:
        """Whether times and weights are there by target too, as in facts for edges that lead to users."""
        return f"{self._stem}/in_known_at.npy" in self._files

    def array(self, name: str) -> CheckedArray | None:
        """The array of this name; None where there is none."""
        return self._array(name) if self._is_stored(name) or self._is_turned(name) else None

    def arrays(self, names: tuple[str, ...]) -> "tuple[CheckedArray | None, ...]":
        """The arrays of these names, looked up once; None where there is none."""
        found = self._together.get(names)
        if found is None:
            found = self._together[names] = tuple(self.array(name) for name in names)
        return found

    def __len__(self) -> int:
        return len(self.indices)

    def _array(self, name: str) -> CheckedArray:
        # Once opened, an array remembers which of its pages were checked.
        found = self._arrays.get(name)
        if found is None:
            found = self._turned(name) if self._is_turned(name) else self._files.array(f"{self._stem}/{name}.npy")
            self._arrays[name] = found
        return found

    def _is_stored(self, name: str) -> bool:
        return f"{self._stem}/{name}.npy" in self._files

    def _is_turned(self, name: str) -> bool:
        """Whether an array by source is there by target alone."""
        return self.is_by_target and self._is_stored(f"in_{name}") and not self._is_stored(name)

    def _turned(self, name: str) -> CheckedArray:
        """An array by source, from those by target."""
        if name == "indptr":
            ends = np.cumsum(np.bincount(self.in_indices.whole(), minlength=self._num_sources))
            return CheckedArray.given(np.concatenate(([0], ends)).astype(np.int64))
        begins = self.in_indptr.whole()
        own = np.repeat(np.arange(len(begins) - 1, dtype=np.int32), np.diff(begins))
        values = own if name == "indices" else self._array(f"in_{name}").whole()
        return CheckedArray.given(values[self._order_by_source])

    @cached_property
    def _order_by_source(self) -> NDArray[np.intp]:
        """The places by target of all edges, in their order by source."""
        return np.argsort(self.in_indices.whole(), kind="stable")


class Snapshot:
    """A graph as of a date, read-only; threads may share it."""

    format: ClassVar[int] = FORMAT
    called: ClassVar[str] = "snapshot"
    remedy: ClassVar[str] = REMEDY
    """The end of an error's line, unless it is opened with another one."""

    def __init__(self, files: CheckedFolder | OverlaidFiles, meta: SnapshotMeta, as_of: str | None) -> None:
        self.folder = files.folder
        self.meta = meta
        self.hash = meta.hash
        self.as_of = as_of
        self.labels = list(meta.labels)
        self.types = list(meta.types)
        self._files = files
        self._nodes = {
            label: Nodes(label, meta.columns[label], files, f"nodes/{n}") for n, label in enumerate(self.labels)
        }
        self._edges = {
            name: Edges(name, files, f"edges/{n}", meta.nodes[meta.schema["edges"][name]["source"]])
            for n, name in enumerate(self.types)
        }

    @classmethod
    def open(cls, folder: Path, remedy: str | None = None) -> Self:
        """What is in a folder.

        Args:
            remedy: the end of an error's line: the command that makes it anew; None: the usual one.

        Raises:
            NotTrained: there is none.
            SchemaOutdated: another version of graphrec wrote it.
            Damaged: it is not what was written. Reading it raises this too.
        """
        remedy = cls.remedy if remedy is None else remedy
        try:
            files = CheckedFolder.open(folder, cls.format, remedy)
        except (FileNotFoundError, NotADirectoryError):
            raise NotTrained(f"no {cls.called} in {folder}; {remedy}") from None
        meta = read_as(SnapshotMeta, files.meta, folder / META, remedy)
        return cls(files, meta, meta.as_of)

    @property
    def files(self) -> CheckedFolder | OverlaidFiles:
        """What it is read from."""
        return self._files

    def dated(self, as_of: str | None) -> "Snapshot":
        """The same content as of another date for which it was taken too."""
        return type(self)(self._files, self.meta, as_of)

    def overlaid(self, own: Mapping[str, NDArray[Any]], meta: SnapshotMeta) -> "Snapshot":
        """The same with some files replaced by arrays, by their names, and another meta.json."""
        files = self._files
        assert isinstance(files, CheckedFolder), "nothing lies over it yet"
        return type(self)(OverlaidFiles(files, own), meta, self.as_of)

    def verify(self, without: tuple[str, ...] = ()) -> None:
        """Check every page of every file, but of those whose names begin with one of `without`.

        Raises:
            Damaged: one is not what was written.
        """
        self._files.verify(without)

    @property
    def uncut(self) -> str | None:
        """What its date does not cut, in one sentence; None without a date."""
        if self.as_of is None:
            return None
        undated = ", ".join(name for names in (self.meta.undated.nodes, self.meta.undated.edges) for name in names)
        others = f", and so is what carries no time: {undated}" if undated else ""
        return f"attributes are as last loaded, not as of {self.as_of[:10]}{others}"

    @property
    def ahead(self) -> str | None:
        """What is to be said of events after the day on which the snapshot was taken; None without any."""
        found = self.meta.ahead
        if found is None or self.as_of is not None:
            return None
        events = "1 event is" if found.events == 1 else f"{found.events:,} events are"
        return (
            f"{events} after today, the latest on {found.last[:10]}: mistyped years? They do not move the date of "
            f"answers, {(self.meta.last or '')[:10]}; correct them in the files and load again"
        )

    @property
    def origin(self) -> str:
        """The content hash of the whole graph that this is, or is a part of."""
        return self.hash

    @cached_property
    def schema(self) -> GraphSchema:
        """What the rows mean."""
        return GraphSchema.from_json(self.meta.schema)

    def count(self, label: str) -> int:
        """How many nodes a label has."""
        return self.meta.nodes[label]

    def nodes(self, label: str) -> Nodes:
        """The nodes of a label; KeyError when there is no such label."""
        return self._nodes[label]

    def edges(self, edge_type: str) -> Edges:
        """The edges of a type; KeyError when there is no such type."""
        return self._edges[edge_type]

    def split_pairs(self, part: str) -> NDArray[np.int32] | None:
        """The pairs (n, 2) of user and product that the mapping puts into a part of the split, if it does."""
        name = f"split/{part}.npy"
        return self._files.array(name).whole() if name in self._files else None

    def name(self, label: str, index: int) -> str | None:
        """What a person reads for a node; None without a name or where it is personal."""
        column = self.meta.names[label]
        found = None if column is None else self.value(label, column, index)
        return None if found is None else str(found)

    def value(self, label: str, column: str, index: int) -> str | int | float | bool | None:
        """One value of one node; None where it has none or the label has no such public column."""
        nodes = self._nodes[label]
        return nodes.column(column).get(index) if column in nodes.columns else None

    def texts(self, label: str) -> list[str]:
        """The text of every node of a label: its text columns joined by a line feed, "" where it has none."""
        columns = [self._nodes[label].column(name) for name in self.meta.texts[label]]
        parts = [[str(value) if ok else "" for value, ok in zip(c.values, c.valid, strict=True)] for c in columns]
        return ["\n".join(part for part in node if part) for node in zip(*parts, strict=True)] if parts else []


def content_hash(folder: Path, meta: SnapshotMeta) -> str:
    """SHA-256 of the schema, columns, counts and arrays of a snapshot; its date and its folder are not in it."""
    digest = hashlib.sha256()
    described = {"format": _CONTENT, **{name: getattr(meta, name) for name in ("schema", "columns", "nodes", "edges")}}
    digest.update(json.dumps(described, sort_keys=True, ensure_ascii=False).encode())
    for path in sorted(folder.rglob("*.npy")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
