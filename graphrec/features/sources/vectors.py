"""The source `vector`: vectors that were made elsewhere, of images or recordings, in the column that a mapping names.

    [nodes.Product]
    vector = "image"

A load has checked that each is a list of finite numbers and writes them as text, so that they lie in either store and
in a snapshot as any column does. A node without one has a row of zeros. The vectors of one label have one length; where
two mappings brought different ones, a training says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphrec.errors import ModelError
from graphrec.features.blocks import FeatureBlock, Matrix, Seen, Sentences, SourceContext
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import Progress, silent

NAME = "vector"
SENTENCES: Mapping[str, Sentences] = {
    "+": {
        "en": "{i} looks or sounds like {a}, which you {verb}",
        "de": "{i} sieht aus oder klingt wie {a}",
        "zh": "{i}的外观或声音与您{verb}的{a}相近",
    },
    "-": {
        "en": "{i} looks or sounds unlike {a}, which you {verb}",
        "de": "{i} sieht anders aus oder klingt anders als {a}",
        "zh": "{i}的外观或声音与您{verb}的{a}相差较大",
    },
}


@dataclass(frozen=True)
class VectorSource:
    """Vectors of every label whose mapping names a column with them."""

    name: str = NAME

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        """How lines name the block."""
        return SENTENCES

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """A block for every label with vectors.

        Raises:
            ModelError: vectors of a label have different lengths.
        """
        found = []
        labels = [label for label in seen.snapshot.labels if label in seen.graph.counts]
        for done, label in enumerate(labels):
            progress("vectors", done, len(labels))
            column = seen.snapshot.schema.nodes[label].vector
            if column is not None and column in seen.snapshot.meta.columns[label]:
                matrix = _matrix(seen.snapshot, label, column)
                if matrix.any():
                    found.append(FeatureBlock(self.name, label, matrix, definition={"column": column}))
        return found


def make(_context: SourceContext) -> VectorSource:
    """The source; it needs nothing but the snapshot."""
    return VectorSource()


def _matrix(snapshot: Snapshot, label: str, name: str) -> Matrix:
    """The vectors of a label (num_nodes, width)."""
    nodes = snapshot.nodes(label)
    column = nodes.column(name)
    places = np.flatnonzero(np.asarray(column.valid, np.bool_))
    matrix = np.zeros((len(nodes), 0), np.float32)
    first = 0
    for place in places.tolist():
        vector = json.loads(str(column.values[place]))
        if not matrix.shape[1]:
            matrix, first = np.zeros((len(nodes), len(vector)), np.float32), place
        if len(vector) != matrix.shape[1]:
            raise ModelError(
                f"vectors of {label} differ in length: {nodes.ids[first]} has {matrix.shape[1]} numbers, "
                f"{nodes.ids[place]} {len(vector)}; load {label}.{name} again from one encoder"
            )
        matrix[place] = vector
    return matrix
