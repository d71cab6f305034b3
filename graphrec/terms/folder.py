"""The model folders of a home: `<kind>-test` for what is evaluated, `<kind>-final` for what is served.

    meta.json           kind, configuration, seed, hashes of snapshot and split, metrics, versions, device, description
    model.safetensors   every array of the model and the part of the graph it was fitted on

Reading maps the arrays; numpy is all it needs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec.errors import CheckpointMismatch, NotTrained, SchemaOutdated
from graphrec.graph.adjacency import Graph
from graphrec.graph.shelf import DIGITS, SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.terms.blend import Blend
from graphrec.terms.files import ARRAYS, open_blend

FORMAT = 1
DEFAULT = "blend"
"""The kind of model that is served when nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model as it is served: its terms, the graph it was fitted on, and what its folder says about it."""

    blend: Blend
    graph: Graph
    """Only the hops that the terms need, and the interactions."""
    meta: Mapping[str, Any]
    folder: Path

    @property
    def kind(self) -> str:
        """blend, kernel, …"""
        return str(self.meta["kind"])

    @property
    def is_final(self) -> bool:
        """Fitted on everything, the test part too."""
        return bool(self.meta["final"])

    @property
    def name(self) -> str:
        """What people are shown: blend-final, blend-test, …"""
        return f"{self.kind}-{'final' if self.is_final else 'test'}"

    @property
    def hash(self) -> str:
        """Hash of what decides its scores."""
        return str(self.meta["hash"])


def model_folder(home: Home, kind: str, *, final: bool) -> Path:
    """Where a model of this kind is kept."""
    return home.models / f"{kind}-{'final' if final else 'test'}"


def read_meta(folder: Path) -> dict[str, Any]:
    """What a model folder says about itself.

    Raises:
        NotTrained: there is no model.
        SchemaOutdated: another version of graphrec wrote it.
    """
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise NotTrained(f"there is no model in {folder}; run: graphrec train{_option(folder)}") from None
    if meta["format"] != FORMAT:
        raise SchemaOutdated(
            f"model {folder} has format {meta['format']}, this graphrec reads {FORMAT}; "
            f"run: graphrec train{_option(folder)}"
        )
    return meta


def open_model(folder: Path, snapshot: Snapshot) -> Model:
    """The model in a folder, for the snapshot it was trained on.

    Raises:
        NotTrained: there is no model.
        CheckpointMismatch: it was trained on another snapshot.
        SchemaOutdated: another version of graphrec wrote it.
    """
    meta = read_meta(folder)
    if meta["snapshot"] != snapshot.hash:
        raise CheckpointMismatch(
            f"model {folder.name} was trained on snapshot {meta['snapshot'][:DIGITS]}, this is snapshot "
            f"{snapshot.hash[:DIGITS]}; run: graphrec train{_option(folder)}"
        )
    counts = {label: snapshot.count(label) for label in snapshot.labels}
    blend, graph = open_blend(folder, meta["description"], snapshot.schema, counts)
    return Model(blend, graph, meta, folder)


def content_hash(folder: Path, description: Mapping[str, Any]) -> str:
    """SHA-256 of what decides the scores of a model: its description and its arrays."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    with (folder / ARRAYS).open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def latest(home: Home, kind: str | None = None, prefer_final: bool = True) -> Path:
    """The folder of the model that is served: of that kind, else the blend, else what was trained last.

    A final model is preferred unless it belongs to an older snapshot than the tested one of its kind; without
    `prefer_final` it comes only where there is no tested one.

    Raises:
        NotTrained: there is none.
    """
    for candidate in [kind] if kind else [DEFAULT, *_kinds_by_age(home)]:
        found = _of_kind(home, candidate, prefer_final)
        if found is not None:
            return found
    option = f" --model {kind}" if kind and kind != DEFAULT else ""
    option += f" --as-of {home.as_of}" if home.as_of else ""
    named = f"no model of kind {kind}" if kind else "no model"
    raise NotTrained(f"there is {named} in {home.models} yet; run: graphrec train{option}")


def _of_kind(home: Home, kind: str, prefer_final: bool) -> Path | None:
    tested, final = model_folder(home, kind, final=False), model_folder(home, kind, final=True)
    there = [folder for folder in (final, tested) if (folder / "meta.json").exists()]
    if len(there) < 2:
        return there[0] if there else None
    if not prefer_final:
        return tested
    final_snapshot = read_meta(final)["snapshot"]
    if (
        final_snapshot == read_meta(tested)["snapshot"]
        or final_snapshot[:DIGITS] == SnapshotShelf(home.snapshots).latest_hash()
    ):
        return final
    return tested


def _kinds_by_age(home: Home) -> list[str]:
    """The kinds that are there, the one written last first."""
    written: dict[str, int] = {}
    for meta in home.models.glob("*/meta.json"):
        kind, _, part = meta.parent.name.rpartition("-")
        if part in ("test", "final") and not kind.startswith("."):
            written[kind] = max(written.get(kind, 0), meta.stat().st_mtime_ns)
    return sorted(written, key=lambda kind: (-written[kind], kind))


def _option(folder: Path) -> str:
    kind, _, final = folder.name.rpartition("-")
    model = f" --model {kind}" if kind != DEFAULT else ""
    return model + (" --final" if final == "final" else "")
