"""The texts of a snapshot as vectors in the cache."""

from pathlib import Path

from graphrec.features.text import Encoder
from graphrec.features.vectors import EncodeReport, VectorCache
from graphrec.graph.snapshot import Snapshot
from graphrec.progress import Progress, silent


def snapshot_texts(snapshot: Snapshot) -> list[str]:
    """Return the texts of all nodes whose label has text columns, label by label."""
    return [text for label in snapshot.labels if snapshot.meta["texts"][label] for text in snapshot.texts(label)]


def embed_snapshot(
    snapshot: Snapshot, folder: Path, encoder: str | None = None, *, progress: Progress = silent
) -> EncodeReport:
    """Encode the texts of a snapshot that `folder` does not hold yet, and return what was done.

    Raises:
        ModelError: the encoder or the folder is not usable.
    """
    return VectorCache(folder, Encoder.open(encoder)).fill(snapshot_texts(snapshot), progress)
