"""A home as one file, and back: consistent while the home is served and appended to.

What is never changed in place (snapshots, facts, models, vectors, series, copies for replays) is linked, so that it
stands still; the log of events is copied by SQLite; the record up to its head; the store, which nobody may have open
meanwhile, is copied and checked. The keys of the record are in no backup: who is forgotten stays unreadable in all.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphrec import __version__, log
from graphrec.app.bank import Bank
from graphrec.app.jobs import Backup, Forget, Restore
from graphrec.app.results import BackedUp, Restored
from graphrec.errors import GraphrecError, SettingsError, SourceError, StoreError, UsageError
from graphrec.files import make_folder, place_folder, private_folder, whole_file
from graphrec.home import FORMAT, Home
from graphrec.privacy.age import decrypt, encrypt, is_encrypted, recipients
from graphrec.privacy.suppression import FILE as SUPPRESSED
from graphrec.privacy.suppression import Suppression, merged
from graphrec.progress import Progress
from graphrec.records.blocks import HEAD, Head
from graphrec.records.recorder import head_of, locked

MANIFEST = "backup.json"
TRIES = 5
"""How often the parts that trainings and loads replace are linked again because one was replaced meanwhile."""
_STILL = (
    "serving/snapshots", "serving/facts", "serving/models", "serving/as-of", "vault/vectors", "vault/series",
    "records/kept", "records/certificates",
)  # fmt: skip
_KEYS, _STORE, _EVENTS, _RECORDS = "vault/keys", "vault/store", "events/log.sqlite", "records"
_LEFT_OUT = (_KEYS, _STORE, _RECORDS, "vault/working", *_STILL)


@dataclass(frozen=True)
class _Manifest:
    """What a backup says of itself."""

    format: int
    home: int
    graphrec: str
    made_at: str
    files: dict[str, str]
    """SHA-256 by place in the home."""


def backup(bank: Bank, request: Backup, progress: Progress) -> BackedUp:
    """The home in one file, which appears whole.

    Raises:
        UsageError: the file is there already, or lies in the home; or a recipient is no public key.
        StoreError: the store is not whole, or was written meanwhile.
    """
    home, target = bank.home, request.to
    to = recipients(request.encrypt) if request.encrypt else []
    if not home.format_file.exists():
        raise SettingsError(f"there is no home in {home.path} to keep; name another one with --home")
    if target.exists():
        raise UsageError(f"{target} is there already; name a new file")
    if home.path.resolve() in target.resolve().parents:
        raise UsageError(f"{target} lies in the home; name a file outside")
    with log.stage("backup") as stage, private_folder(home.path, "backup") as scratch:
        fresh = scratch / "home"
        fresh.mkdir()
        _record(home, fresh)
        _events(home, fresh)
        _link(home, fresh)
        _rest(home, fresh)
        _store(home, fresh)
        names = sorted(path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file())
        make_folder(target.parent)
        with whole_file(target) as temporary:
            files, size = _write(fresh, names, scratch / "plain.tar" if to else temporary, progress)
            if to:
                encrypt(scratch / "plain.tar", temporary, to)
        stage.count(files=files, bytes=size)
    head = head_of(home.records)
    return BackedUp(target, files, target.stat().st_size, None if head is None else head.anchor, bool(to))


def restore(bank: Bank, request: Restore, progress: Progress) -> Restored:
    """The home of a backup in the place of that of the settings; nothing is changed before all of it is checked.

    Raises:
        SourceError: the file is no whole backup.
        UsageError: there is a home already, and it is not to be replaced.
    """
    home = Home(bank.settings.home)
    is_there = home.path.exists() and any(home.path.iterdir())
    if is_there and not request.replace:
        raise UsageError(f"there is a home in {home.path}; name another one with --home, or give --replace")
    with log.stage("restore") as stage, private_folder(home.path.parent, home.path.name) as scratch:
        fresh = scratch / home.path.name
        fresh.mkdir()
        file = request.file
        if is_encrypted(file):
            decrypt(file, scratch / "plain.tar", request.identity)
            file = scratch / "plain.tar"
        manifest = _read(file, fresh, progress, request.file)
        (scratch / "plain.tar").unlink(missing_ok=True)
        if manifest.home > FORMAT:
            raise SourceError(f"{request.file} is of a newer graphrec ({manifest.graphrec}); install that one")
        keys = request.keys or (home.keys if home.keys.is_dir() else None)
        if keys is not None:
            shutil.copytree(keys, fresh / _KEYS)
        later = home.vault / SUPPRESSED
        if later.exists():
            (fresh / "vault").mkdir(exist_ok=True)
            merged(later, fresh / "vault" / SUPPRESSED)
        place_folder(fresh, home.path)
        stage.count(files=len(manifest.files))
    gone, notes = _forgotten_since(bank, Home(home.path), progress)
    if keys is None and _has_record(home):
        notes = (*notes, "the record verifies and cannot be read: its keys are in no backup; give --keys DIR")
    return Restored(home.path, len(manifest.files), manifest.made_at, gone, notes)


def _forgotten_since(bank: Bank, home: Home, progress: Progress) -> tuple[int, tuple[str, ...]]:
    """Forget again who was forgotten after the backup."""
    if not len(known := Suppression(home)) or not home.store.exists():
        return 0, ()
    from graphrec import queries
    from graphrec.store import open_store

    with open_store(None, home.store) as store:
        label = store.read_schema().roles.user
        chunks = store.stream(queries.text("load/ids", {"Node": label}), {"source": ""})
        back = sorted(known.among(str(row[0]) for chunk in chunks for row in chunk))
    if not back:
        return 0, ()
    done = Bank(bank.settings).forget(Forget(tuple(back), None, "restored from a backup of before"), progress=progress)
    return len(back), (*done.notes, f"{len(back):,} who were forgotten after the backup are forgotten again")


def _has_record(home: Home) -> bool:
    return (home.records / HEAD).exists()


def _record(home: Home, fresh: Path) -> None:
    """The record up to its head: what is appended meanwhile is in the next backup."""
    if not _has_record(home):
        return
    with locked(home.records, exclusive=False):
        head, content = Head.read(home.records), (home.records / HEAD).read_bytes()
        sizes = {path.name: path.stat().st_size for path in home.records.glob("*.log")}
    target = fresh / _RECORDS
    target.mkdir()
    for name, size in sizes.items():
        length = head.size if head is not None and name == head.file else size
        with (home.records / name).open("rb") as source, (target / name).open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.truncate(length)
    (target / HEAD).write_bytes(content)
    for path in home.records.glob("torn-*"):
        shutil.copyfile(path, target / path.name)


def _events(home: Home, fresh: Path) -> None:
    if not home.events.exists():
        return
    target = fresh / _EVENTS
    target.parent.mkdir()
    with closing(sqlite3.connect(home.events)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _link(home: Home, fresh: Path) -> None:
    """What is replaced and never changed, linked until nothing of it was replaced meanwhile."""
    for left in reversed(range(TRIES)):
        try:
            for name in _STILL:
                if (home.path / name).is_dir():
                    _tree(home.path / name, fresh / name)
            return
        except FileNotFoundError:
            if not left:
                raise StoreError("snapshots or models were replaced again and again; run the backup later") from None
            for name in _STILL:
                shutil.rmtree(fresh / name, ignore_errors=True)


def _tree(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_dir() or any(part.startswith(".") for part in path.relative_to(source).parts):
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links
            shutil.copyfile(path, place)


def _rest(home: Home, fresh: Path) -> None:
    """Settings, policies, ledgers, logs: small files, copied."""
    for path in sorted(home.path.rglob("*")):
        name = path.relative_to(home.path)
        text = name.as_posix()
        skipped = any(text == one or text.startswith(f"{one}/") for one in _LEFT_OUT) or text.startswith(_EVENTS)
        if skipped or path.is_dir() or path.is_symlink() or any(part.startswith(".") for part in name.parts):
            continue
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, fresh / name)


def _store(home: Home, fresh: Path) -> None:
    """The embedded store: opened and closed by this process, copied, and the copy checked."""
    from graphrec.store.checks.check import check
    from graphrec.store.embedded.store import EmbeddedStore

    if not (home.store / "configuration.json").exists():
        return
    with EmbeddedStore(home.store, home.series) as store:
        wanted = [(one.name, one.run) for one in store.sources()]
    target = fresh / _STORE
    shutil.copytree(home.store, target)
    try:
        with EmbeddedStore(target, fresh / "vault" / "series") as copy:
            wrong = check(copy, deep=True)
            same = [(one.name, one.run) for one in copy.sources()] == wanted
    except GraphrecError as error:
        wrong, same = [str(error)], False
    if wrong or not same:
        what = wrong[0] if wrong else "a load has changed it"
        raise StoreError(f"the store was written while it was copied ({what}); run the backup again when no load runs")


def _write(fresh: Path, names: list[str], file: Path, progress: Progress) -> tuple[int, int]:
    digests, size = {}, 0
    with tarfile.open(file, "w") as archive:
        for step, name in enumerate(names):
            progress("writing the backup", step, len(names))
            path = fresh / name
            with path.open("rb") as content:
                digests[name] = hashlib.file_digest(content, "sha256").hexdigest()
            size += path.stat().st_size
            archive.add(path, name, recursive=False)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = fresh.parent / MANIFEST
        manifest.write_text(json.dumps(asdict(_Manifest(1, FORMAT, __version__, now, digests)), indent=1), "utf-8")
        archive.add(manifest, MANIFEST, recursive=False)
    return len(names), size


def _read(file: Path, fresh: Path, progress: Progress, name_of: Path) -> _Manifest:
    """The files of a backup in a folder, every one compared with its hash.

    Args:
        name_of: the file that errors name.
    """
    try:
        with tarfile.open(file) as archive:
            archive.extractall(fresh, filter="data")
        manifest = _Manifest(**json.loads((fresh / MANIFEST).read_text("utf-8")))
        (fresh / MANIFEST).unlink()
    except (OSError, tarfile.TarError, ValueError, TypeError, EOFError) as error:
        raise SourceError(f"{name_of} is no whole backup ({type(error).__name__}: {error}); take another one") from None
    found = {path.relative_to(fresh).as_posix(): path for path in fresh.rglob("*") if path.is_file()}
    for step, (name, digest) in enumerate(manifest.files.items()):
        progress("checking the backup", step, len(manifest.files))
        if name not in found or _digest(found[name]) != digest:
            raise SourceError(f"{name_of} is no whole backup: {name} is not what was written; take another one")
    if extra := sorted(found.keys() - manifest.files.keys()):
        raise SourceError(f"{name_of} holds {extra[0]}, which it does not name; take another one")
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
