"""Which model of a home answers by default, and the versions that it can go back to.

    models/KIND-final            what the last training wrote
    models/KIND-final@HASH       a version: files of such a folder, kept when it was promoted or replaced
    models/live.json             every promotion and every rollback; the last one says what is live

Without live.json the newest model answers. A version shares its files with the folder that it was taken from: a
training puts a new folder in the place of the old one and changes no file.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from graphrec.errors import Damaged, GraphrecError, NotTrained
from graphrec.files import locked, place_folder, private_folder, whole_file
from graphrec.frozen import dataclass
from graphrec.graph.folders.arrays import read_sealed
from graphrec.home import Home

FILE = "live.json"
VERSION = "@"
"""Between the name of a model folder and the hash of a version."""
DIGITS = 10
KEPT = 2
"""Versions of one folder that stay because a training replaced them."""

Action = Literal["promote", "rollback", "follow"]


@dataclass(frozen=True)
class Switch:
    """One change of what is live."""

    action: Action
    model: str | None
    """The folder that is live from then on; None: the newest model."""
    before: str | None
    """What was live until then."""
    at: str
    """UTC."""
    by: str | None
    why: str | None = None
    """Of a promotion against the bounds of [live]: the reason that was given."""
    unkept: tuple[str, ...] = ()
    """The bounds that it did not keep."""
    is_gate: bool = False
    """Whether a training made it, since the mappings have bounds: the next one that keeps them takes its place."""


@dataclass(frozen=True)
class Live:
    """What is live, and how it came to be."""

    history: tuple[Switch, ...] = ()
    """Oldest first."""

    @property
    def model(self) -> str | None:
        """The folder that answers by default; None: the newest model."""
        return self.history[-1].model if self.history else None

    @property
    def is_gated(self) -> bool:
        """Whether a training that keeps the bounds of [live] makes its model live."""
        return bool(self.history) and self.history[-1].is_gate

    @property
    def earlier(self) -> list[str | None]:
        """What a rollback goes back to, the next one last."""
        stack: list[str | None] = []
        for one in self.history:
            if one.action != "rollback":
                stack.append(one.before)
            elif stack:
                stack.pop()
        return stack


def read_live(home: Home) -> Live:
    """What is live in a home.

    Raises:
        Damaged: the file cannot be read.
    """
    file = home.models / FILE
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Live()
    try:
        plain = json.loads(text)["history"]
        return Live(tuple(Switch(**{**one, "unkept": tuple(one.get("unkept", ()))}) for one in plain))
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"{file} is damaged ({type(error).__name__}); restore a backup, or remove it: then the newest model is live"
        ) from None


def live_folder(home: Home) -> Path | None:
    """The folder of the model that was promoted; None: none was, and the newest answers.

    Raises:
        Damaged: live.json cannot be read.
        NotTrained: the model that was promoted is gone.
    """
    name = read_live(home).model
    if name is None:
        return None
    folder = home.models / name
    if not (folder / "meta.json").exists():
        raise NotTrained(
            f"model {name} is live and is gone from {home.models}; restore it, or run: graphrec models rollback"
        )
    return folder


@contextmanager
def switching(home: Home) -> Iterator[None]:
    """Keep other switches out while the block runs."""
    with locked(home.models / "lock"):
        yield


def write_switch(home: Home, live: Live, switch: Switch) -> None:
    """Make something else live; a reader sees all of what was or all of what is."""
    history = [asdict(one) for one in (*live.history, switch)]
    with whole_file(home.models / FILE) as temporary:
        temporary.write_text(json.dumps({"history": history}, indent=1) + "\n", "utf-8")


def base_name(folder: Path) -> str:
    """The name of the folder that a version was taken from."""
    return folder.name.partition(VERSION)[0]


def keep_version(folder: Path, form: int) -> Path:
    """A version of a model folder, which a training does not replace.

    Args:
        form: of model folders.

    Raises:
        Damaged: its meta.json is not what was written.
    """
    if VERSION in folder.name:
        return folder
    meta = read_sealed(folder / "meta.json", form, "run: graphrec train")
    kept = folder.with_name(f"{folder.name}{VERSION}{meta['hash'][:DIGITS]}")
    if not kept.exists():
        with private_folder(folder.parent, kept.name) as scratch:
            fresh = scratch / kept.name
            fresh.mkdir()
            for path in sorted(folder.iterdir()):
                _share(path, fresh / path.name)
            place_folder(fresh, kept)
    return kept


def keep_replaced(home: Home, folder: Path, form: int) -> None:
    """Keep what a training is about to replace, and remove older versions that nothing goes back to."""
    try:
        keep_version(folder, form)
        live = read_live(home)
    except (GraphrecError, OSError):
        return  # What cannot be read can answer nothing later.
    needed = {live.model, *live.earlier}
    versions = versions_of(home, folder.name)
    for old in versions[: max(len(versions) - KEPT, 0)]:
        if old.name not in needed:
            shutil.rmtree(old)


def versions_of(home: Home, name: str) -> list[Path]:
    """The versions of one model folder, by when they were trained, oldest first."""
    found = [meta for meta in home.models.glob(f"{name}{VERSION}*/meta.json") if not meta.parent.name.startswith(".")]
    return [meta.parent for meta in sorted(found, key=lambda meta: (meta.stat().st_mtime_ns, meta.parent.name))]


def _share(path: Path, to: Path) -> None:
    try:
        os.link(path, to)
    except OSError:  # a file system without links
        shutil.copy2(path, to)
