"""The source `columns`: numbers and categories of nodes, in bins and scales that are fitted on what a fit may see.

    number      its place among the known nodes' quantiles as one of BINS columns, and the number itself, scaled
    category    one column a value
    both        one column for "missing"

Of customers, values that fewer than `min_group` of them have are one column, "other", and bounds of bins are rounded to
two digits: a definition, which a model keeps, tells nothing of one person.

Names, texts, personal and protected columns and the features of series are never among them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.features.blocks import FeatureBlock, Seen, Sentences, SourceContext
from graphrec.graph.folders.snapshot import ColumnArray, Snapshot
from graphrec.graph.series import series_columns
from graphrec.progress import Progress, silent

BINS = 6
"""Bins of a number at most."""
MOST_VALUES = 40
"""A text column with more values among the known nodes is no category."""
SENTENCES: Mapping[str, Sentences] = {
    "+": {
        "en": "the details of {i} are close to those of {a}, which you {verb}",
        "zh": "{i}的各项特征与您{verb}的{a}相近",
    },
    "-": {
        "en": "the details of {i} are far from those of {a}, which you {verb}",
        "zh": "{i}的各项特征与您{verb}的{a}相差较大",
    },
    "own+": {"en": "customers with details like yours tend towards {i}", "zh": "与您情况相近的客户倾向于{i}"},
    "own-": {"en": "customers with details like yours tend away from {i}", "zh": "与您情况相近的客户较少选择{i}"},
}


@dataclass(frozen=True, eq=False)
class Encoded:
    """One column as numbers.

    Shapes: matrix (num_nodes, len(names)).
    """

    names: tuple[str, ...]
    matrix: NDArray[np.float32]
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class ColumnsSource:
    """Columns of every label that has some."""

    name: str = "columns"

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        """How lines name the block."""
        return SENTENCES

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """A block for every label with a usable column, fitted on nodes that have an edge in what may be seen."""
        found = []
        labels = [label for label in seen.snapshot.labels if label in seen.graph.counts]
        for done, label in enumerate(labels):
            progress("columns", done, len(labels))
            block = _block(self.name, seen, label)
            if block is not None:
                found.append(block)
        return found


def make(_context: SourceContext) -> ColumnsSource:
    """The source; it needs nothing but the snapshot."""
    return ColumnsSource()


def usable(snapshot: Snapshot, label: str) -> list[str]:
    """The columns of a label that may be features, by name."""
    node = snapshot.schema.nodes[label]
    barred = {*node.personal, *node.protected, *node.encoded, node.name, *series_columns(snapshot.schema, label)}
    return [name for name in sorted(snapshot.meta.columns[label]) if name not in barred]


def _block(source: str, seen: Seen, label: str) -> FeatureBlock | None:
    known = seen.known(label)
    if not known.any():
        return None
    nodes = seen.snapshot.nodes(label)
    roles = seen.snapshot.schema.roles
    least = roles.min_group if label == roles.user else 1
    encoded = [_encode(name, nodes.column(name), known, least) for name in usable(seen.snapshot, label)]
    parts = [part for part in encoded if part is not None]
    if not parts:
        return None
    return FeatureBlock(
        source,
        label,
        np.concatenate([part.matrix for part in parts], axis=1),
        tuple(name for part in parts for name in part.names),
        definition={str(part.definition["column"]): part.definition for part in parts},
    )


def _encode(name: str, column: ColumnArray, known: NDArray[np.bool_], least: int) -> Encoded | None:
    """A column as bins, scale and missing; None where the known nodes do not tell each other apart by it."""
    if column.kind == "time":
        return None
    valid = np.asarray(column.valid, np.bool_)
    if not (known & valid).any():
        return None
    encoded = _category(name, column, valid, known, least) if column.kind in ("text", "boolean") else (
        _number(name, np.asarray(column.values, np.float64), valid, known, least)
    )  # fmt: skip
    if encoded is None or (valid[known].all() and len(encoded.names) < 2):
        return None
    missing = (~valid).astype(np.float32)[:, None]
    return Encoded((*encoded.names, f"{name}: missing"), np.hstack([encoded.matrix, missing]), encoded.definition)


def _category(
    name: str, column: ColumnArray, valid: NDArray[np.bool_], known: NDArray[np.bool_], least: int
) -> Encoded | None:
    values = [str(value) if ok else None for value, ok in zip(column.values, valid, strict=True)]
    counts = Counter(value for value, seen in zip(values, known, strict=True) if seen and value is not None)
    kept = sorted(value for value, count in counts.items() if count >= least)
    if len(kept) > MOST_VALUES:
        return None
    place = {value: n for n, value in enumerate(kept)}
    rare = len(kept) < len(counts)
    matrix = np.zeros((len(values), len(kept) + rare), np.float32)
    for row, value in enumerate(values):
        if value in place:
            matrix[row, place[value]] = 1.0
        elif value is not None and rare:
            matrix[row, -1] = 1.0
    names = [f"{name} = {value}" for value in kept] + [f"{name}: other"] * rare
    return Encoded(tuple(names), matrix, {"column": name, "values": kept})


def _number(
    name: str, values: NDArray[np.float64], valid: NDArray[np.bool_], known: NDArray[np.bool_], least: int
) -> Encoded | None:
    valid = valid & np.isfinite(values)
    fitted = values[known & valid]
    if not len(fitted):
        return None
    bounds = np.unique(np.quantile(fitted, np.linspace(0, 1, BINS + 1)[1:-1], method="inverted_cdf"))
    if least > 1:
        bounds = np.unique([float(f"{bound:.2g}") for bound in bounds])
    mean, spread = float(fitted.mean()), float(fitted.std())
    if not spread > 0:
        return None
    place = np.searchsorted(bounds, values, side="left")
    matrix = np.zeros((len(values), len(bounds) + 2), np.float32)
    matrix[np.flatnonzero(valid), place[valid]] = 1.0
    matrix[valid, -1] = np.clip((values[valid] - mean) / spread, -3.0, 3.0)
    edges = [f"{bound:g}" for bound in bounds]
    names = [f"{name} to {edges[0]}", *(f"{name} above {edge}" for edge in edges), name]
    definition = {"column": name, "bounds": bounds.tolist(), "mean": mean, "spread": spread}
    return Encoded(tuple(names), matrix, definition)
