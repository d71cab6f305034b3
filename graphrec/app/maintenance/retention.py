"""Which snapshots of a home stay: the latest, those that a model is bound to, and the newest few.

Entries of the decision record need none of them: their snapshots are kept beside the record.
"""

import logging

from graphrec.errors import GraphrecError
from graphrec.frozen import dataclass
from graphrec.graph.folders.shelf import DIGITS, SnapshotShelf
from graphrec.home import Home
from graphrec.terms.folder import read_meta

KEEP = 3
"""Newest snapshots that stay whatever they are good for."""


@dataclass(frozen=True)
class KeptSnapshot:
    """One snapshot of a home, by the name of its folder."""

    name: str
    reasons: tuple[str, ...]
    """What it is kept for; none: the next sweep removes it."""


def why_kept(home: Home, keep: int = KEEP) -> tuple[KeptSnapshot, ...]:
    """The snapshots of a home, oldest first, each with what it is kept for."""
    shelf = SnapshotShelf(home.snapshots)
    names = shelf.names()
    reasons: dict[str, list[str]] = {name: [] for name in names}
    if shelf.has_latest() and shelf.latest_name() in reasons:
        reasons[shelf.latest_name()].append("latest")
    for meta in sorted(home.models.glob("*/meta.json")):
        try:
            bound = read_meta(meta.parent).snapshot[:DIGITS]
        except GraphrecError:
            continue  # A model that cannot be read has to be trained anew.
        for name in names:
            if name.partition("-")[0] == bound:
                reasons[name].append(f"model {meta.parent.name}")
    for name in names[-keep:]:
        reasons[name].append(f"newest {keep}")
    return tuple(KeptSnapshot(name, tuple(found)) for name, found in reasons.items())


def sweep_snapshots(home: Home, keep: int = KEEP) -> int:
    """Remove the snapshots of a home that are kept for nothing; the log says how many. Commands that take one call it.

    Args:
        keep: so many of the newest stay.
    """
    found = why_kept(home, keep)
    removed = SnapshotShelf(home.snapshots).remove([one.name for one in found if not one.reasons])
    if removed:
        logging.getLogger("graphrec").info(
            "%d older snapshots removed; %d stay: the latest, those of models, and the newest %d",
            removed, len(found) - removed, keep,
        )  # fmt: skip
    return removed
