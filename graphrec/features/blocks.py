"""Feature blocks: what is known of the nodes of a label besides their edges, as one row of numbers a node."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import Progress, silent

Matrix = NDArray[np.float32]
Sentences = Mapping[str, str]
"""Sentences by language (en, zh) with {i} for the product, {a} for the user's neighbour and {verb}."""


@dataclass(frozen=True, eq=False)
class FeatureBlock:
    """Features of all nodes of one label from one source.

    Shapes: matrix (num_nodes, width), rows in the order of the label's ids; a row of zeros stands for a node of which
    nothing is known.
    """

    name: str
    """Of the source: text, columns, series."""
    label: str
    matrix: Matrix
    columns: tuple[str, ...] = ()
    """What each column of the matrix is, where that has a name."""
    as_of: str | None = None
    """Date from which on the source saw nothing; None where it saw all that the snapshot holds."""
    definition: Mapping[str, Any] = field(default_factory=dict)
    """How it was fitted, as plain values: scales, bounds of bins, the encoder."""

    @property
    def digest(self) -> str:
        """SHA-256 of label, columns and matrix."""
        whole = hashlib.sha256(repr((self.name, self.label, self.columns, self.matrix.shape)).encode())
        whole.update(np.ascontiguousarray(self.matrix, "<f8" if self.matrix.dtype == np.float64 else "<f4").tobytes())
        return whole.hexdigest()

    def describe(self) -> dict[str, Any]:
        """What a model folder keeps of it, as plain values."""
        return {
            "name": self.name, "label": self.label, "digest": self.digest, "width": int(self.matrix.shape[1]),
            "as_of": self.as_of, "definition": dict(self.definition),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Blocks:
    """The feature blocks of a fit."""

    blocks: tuple[FeatureBlock, ...] = ()
    sentences: Mapping[str, Mapping[str, Sentences]] = field(default_factory=dict)
    """By name of the source, then `+` (close to) and `-` (far from): the sentence of a line in each language."""

    @classmethod
    def of(cls, name: str, matrices: Mapping[str, Matrix]) -> "Blocks":
        """Blocks of one source from matrices (num_nodes, width) by label."""
        return cls(tuple(FeatureBlock(name, label, matrix) for label, matrix in sorted(matrices.items())))

    def __iter__(self) -> Iterator[FeatureBlock]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def matrices(self, name: str) -> dict[str, Matrix]:
        """The matrices (num_nodes, width) of one source by label; empty where there are none."""
        return {block.label: block.matrix for block in self.blocks if block.name == name}

    def only(self, names: Sequence[str]) -> "Blocks":
        """The blocks of some sources."""
        return Blocks(tuple(block for block in self.blocks if block.name in names), self.sentences)

    def digests(self) -> dict[str, str]:
        """The digest of every block by `name/label`."""
        return {f"{block.name}/{block.label}": block.digest for block in self.blocks}

    def describe(self) -> list[dict[str, Any]]:
        """What a model folder keeps of them, as plain values."""
        return [block.describe() for block in self.blocks]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a source may look at: the snapshot, and of it what the stage of a fit shows.

    Scales and bounds are fitted on nodes of `graph` that have an edge there; series are read up to `before`.
    """

    snapshot: Snapshot
    graph: Graph
    """The graph that the fit may see."""
    before: int | None = None
    """Microseconds since 1970 from which on nothing may be seen; None: all of the snapshot."""
    is_everything: bool = False
    """Whether it is the stage that hides nothing."""

    def known(self, label: str) -> NDArray[np.bool_]:
        """Which nodes of a label have an edge in what the fit may see (num_nodes,)."""
        found = np.zeros(self.graph.counts[label], np.bool_)
        for hop, adjacency in self.graph.hops.items():
            if self.graph.source(hop) == label:
                found |= adjacency.degrees() > 0
        return found


class FeatureSource(Protocol):
    """Where blocks come from: one file or package of `sources`, or of another distribution."""

    @property
    def name(self) -> str:
        """As in `train --blocks NAME`."""
        ...

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        """`+` (close to) and `-` (far from) in each language: how a line of the ledger names the block."""
        ...

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """The blocks of every label of which the source knows something, fitted on what may be seen."""
        ...


@dataclass(frozen=True, eq=False)
class Sources:
    """The sources that a training may read."""

    sources: tuple[FeatureSource, ...] = ()
    progress: Progress = silent

    def blocks(self, seen: Seen) -> Blocks:
        """All blocks for a stage of a training."""
        found = [block for source in self.sources for block in source.blocks(seen, self.progress)]
        return Blocks(tuple(found), {source.name: source.sentences for source in self.sources})

    @classmethod
    def of(cls, blocks: Blocks) -> "Sources":
        """Blocks that are the same at every stage."""
        names = sorted({block.name for block in blocks})
        return cls(tuple(_FixedSource(name, blocks.only([name])) for name in names))


@dataclass(frozen=True, eq=False)
class _FixedSource:
    name: str
    found: Blocks

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        return self.found.sentences.get(self.name, {})

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:  # noqa: ARG002
        return self.found.blocks


SourceMaker = Callable[["SourceContext"], FeatureSource]
"""Makes a source; the entry points of the group `graphrec.features` name such functions."""


@dataclass(frozen=True)
class SourceContext:
    """What a source may need of a home: its folders and the encoder that the settings name."""

    vectors: Path
    """Folder of the cache of text vectors."""
    series: Path
    """Folder of the time series."""
    market: Path
    """market.toml, which need not be there."""
    encoder: str | None = None
    sums: Path = Path("federated")
    """Folder of what customers of several banks have in common."""
