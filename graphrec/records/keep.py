"""What replays need stays beside the record: copies of facts, models and policies.

    kept/files/<hash>        one file per content, shared by every version that has it
    kept/facts/*.json        which files the facts consist of, but for customers: what a replay reads of these is in
                             their entries
    kept/models/*.json       which files a model consists of
    kept/policies/*.json     policies
    kept/pruned.json         what `graphrec record prune` removed

Copies, not links: what damages a file of the home leaves the kept one as it was.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphrec.errors import Damaged, NotTrained, RecordError, SchemaOutdated, Unwritable
from graphrec.files import made_once, private_folder, whole_file
from graphrec.frozen import dataclass
from graphrec.graph.folders.facts import MARKS, Facts, user_types
from graphrec.graph.folders.shelf import DIGITS
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.policy.rules import Policy
from graphrec.records.blocks import Block, blocks, canonical, segments, sha256
from graphrec.records.recorder import locked
from graphrec.serving.engine import Engine
from graphrec.terms.folder import Model, ModelFiles, names_any, open_files, read_meta
from graphrec.terms.folder import content_hash as model_hash

FILES, PRUNED = "files", "pruned.json"
#: Files of a snapshot or model folder that say nothing of its content.
_NOT_KEPT = {"lock"}


class ModelReplaced(RecordError):
    """Another training replaced a model between its opening and the copy for replays."""


class Kept:
    """The folder `kept` of a record."""

    def __init__(self, record: Path) -> None:
        self._folder = record / "kept"

    def keep(self, engine: Engine) -> None:
        """Keep what an engine answers from; nothing is done where that is kept already.

        Raises:
            ModelReplaced: another training replaced the model since it was opened.
            Damaged: a file of the snapshot or of the model is not the one that was written.
        """
        if self.has(engine):
            return
        model, facts = engine.model, engine.snapshot
        listed = self._facts(facts.hash)
        if self._keep_folder(facts.folder, listed, left_out=_of_customers(facts)):
            with self._opened(listed) as folder:
                if not _is_whole(facts, folder):
                    listed.unlink()
                    raise _damaged(f"{facts.folder}", "graphrec load, or graphrec snapshot")
        listed = self._model(model.name, model.hash)
        if not listed.exists():
            self._keep_model(model, listed)
        self._keep_policy(engine.policy)

    def items(self, facts: str) -> str:
        """The digest of the kept files of some facts, which an entry names."""
        return made_once(self._facts(facts), _digest_of)

    def _keep_model(self, model: Model, listed: Path) -> None:
        replaced = ModelReplaced(f"model {model.name} was trained anew while it answered; run this again")
        try:
            if read_meta(model.folder).hash != model.hash:
                raise replaced
            self._keep_folder(model.folder, listed)
        except FileNotFoundError:
            raise replaced from None
        with self._opened(listed) as folder:
            meta = read_meta(folder)
            found = model_hash(folder, meta.description)
        if (meta.hash, found) != (model.hash, model.hash):
            listed.unlink()
            is_whole = meta.hash == found or read_meta(model.folder).hash != model.hash
            raise replaced if is_whole else _damaged(f"model {model.folder}", f"graphrec train --model {model.kind}")

    def has(self, engine: Engine) -> bool:
        """Whether all of what an engine answers from is kept."""
        model, facts, policy = engine.model, engine.snapshot, engine.policy
        return all(map(os.path.exists, _named(self._folder, facts.hash, model.name, model.hash, policy.hash)))

    @contextmanager
    def opened(self, facts: Mapping[str, Any], name: str, model: str) -> Iterator[tuple[Snapshot, ModelFiles]]:
        """Kept facts without customers and a model, checked against their hashes, while the block runs.

        Args:
            facts: what an entry says of them: `hash`, `as_of`, and `items`, the digest of the kept files.
            name: of the model, such as blend-final.
            model: its hash.

        Raises:
            RecordError: one is gone, was pruned, or is not what it was.
        """
        first, second = self._facts(facts["hash"]), self._model(name, model)
        self._there("facts", facts["hash"], first)
        self._there(f"model {name}", model, second)
        _same("facts", facts["items"], sha256(first.read_bytes()), first)
        for digest in json.loads(first.read_bytes())["files"].values():
            path = self._folder / FILES / digest
            if path.exists():
                _same("facts", digest, sha256(path.read_bytes()), path)
        with self._opened(first) as one, self._opened(second) as other:
            form = json.loads((one / "meta.json").read_bytes())
            taken: Snapshot = Facts.open(one) if "snapshot" in form else Snapshot.open(one)
            try:
                found = model_hash(other, read_meta(other).description)
            except FileNotFoundError as error:
                lost = Path(str(error.filename)).name
                raise RecordError(f"{second} is damaged: it names no {lost}; restore it from a backup") from None
            _same(f"model {name}", model, found, second)
            # Equal content may have been taken for several dates.
            yield taken.dated(facts["as_of"]), open_files(other)

    def policy(self, wanted: str) -> Policy:
        """The policy with this hash, checked against it.

        Raises:
            RecordError: it is gone, or is not what it was.
        """
        path = self._policy(wanted)
        self._there("policy", wanted, path)
        try:
            plain = json.loads(path.read_bytes())
            policy = Policy.from_json(plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"policy {wanted[:DIGITS]} cannot be read from {path}: {error}") from None
        _same("policy", wanted, policy.hash, path)
        return policy

    def listed(self) -> dict[str, Path]:
        """Every list of files and every policy, by its place below `kept`."""
        found = (path for name in ("facts", "models", "policies") for path in (self._folder / name).glob("*.json"))
        return {str(path.relative_to(self._folder)): path for path in found}

    def needed(self, block: Block) -> set[str]:
        """What the replay of a block's entries reads, by its place below `kept`."""
        shared = block.header["shared"]
        if "facts" not in shared:
            return set()
        facts, model = shared["facts"]["hash"], shared["model"]
        paths = (
            self._facts(facts), self._model(model["name"], model["hash"]), self._policy(shared["policy"]["hash"])
        )  # fmt: skip
        return {str(path.relative_to(self._folder)) for path in paths}

    def erase(self, users: Collection[str]) -> int:
        """Remove the kept models that have rows of their own for these persons; how many that were.

        Such a model has vectors of persons in it, and a replay with it would read them.
        """
        found = set()
        for path in (self._folder / "models").glob("*.json"):
            with self._opened(path) as folder:
                if names_any(folder, users):
                    found.add(str(path.relative_to(self._folder)))
        if found:
            self.remove(found, f"forget on {datetime.now(UTC):%Y-%m-%d}")
        return len(found)

    def remove(self, names: set[str], before: str) -> int:
        """Remove these lists and policies, and the files that no other list names; how many bytes that freed.

        Args:
            before: what did it, in the words of the line that a replay then gives.
        """
        pruned = {**self._pruned(), **dict.fromkeys(sorted(names), before)}
        with whole_file(self._folder / PRUNED) as temporary:
            temporary.write_bytes(canonical(pruned) + b"\n")
        freed = 0
        for name in names:
            freed += (self._folder / name).stat().st_size
            (self._folder / name).unlink()
        used = {
            digest
            for name, path in self.listed().items()
            if not name.startswith("policies/")
            for digest in json.loads(path.read_bytes())["files"].values()
        }
        for path in list((self._folder / FILES).glob("*")):
            if path.name not in used and not path.name.startswith("."):
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _keep_policy(self, policy: Policy) -> None:
        path = self._policy(policy.hash)
        if not path.exists():
            plain = policy.to_json()
            with whole_file(path) as temporary:
                temporary.write_bytes(canonical(plain) + b"\n")

    def _keep_folder(self, source: Path, listed: Path, left_out: Sequence[str] = ()) -> bool:
        """Whether the folder was not kept before.

        Args:
            left_out: what the names of files begin with that are not kept.
        """
        if listed.exists():
            return False
        files = {}
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source).as_posix()
            if name.startswith(tuple(left_out)) and left_out:
                continue
            if path.is_file() and path.name not in _NOT_KEPT and not path.name.startswith("."):
                files[name] = self._keep_file(path)
        with whole_file(listed) as temporary:
            temporary.write_bytes(canonical({"files": files}) + b"\n")
        return True

    def _keep_file(self, path: Path) -> str:
        """The SHA-256 of a file, of which there is a copy now."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kept = self._folder / FILES / digest
        if not kept.exists():
            with whole_file(kept) as temporary:
                shutil.copyfile(path, temporary)
                with temporary.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                        raise RecordError(f"{path} was written anew while it was copied; run this again")
        return digest

    @contextmanager
    def _opened(self, listed: Path) -> Iterator[Path]:
        """A folder with the files of a list, while the block runs."""
        try:
            files = json.loads(listed.read_bytes())["files"]
            named = [(str(name), str(digest)) for name, digest in files.items()]
        except (ValueError, KeyError, AttributeError, TypeError):
            raise RecordError(f"{listed} is damaged; restore it from a backup") from None
        with _scratch(self._folder) as folder:
            for name, digest in named:
                kept = self._folder / FILES / digest
                if not kept.exists():
                    raise RecordError(f"{kept}, which {listed.name} names, is gone; restore it from a backup")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).symlink_to(kept.resolve())
            yield folder

    def _there(self, what: str, wanted: str, path: Path) -> None:
        if path.exists():
            return
        before = self._pruned().get(str(path.relative_to(self._folder)))
        if before is not None:
            raise RecordError(
                f"{what} {wanted[:DIGITS]} was removed by graphrec {_command(before)}; entries that need it stay in "
                "the record and can no longer be replayed"
            )
        raise RecordError(f"{what} {wanted[:DIGITS]} is gone: there is no {path}; restore it from a backup")

    def _pruned(self) -> dict[str, str]:
        try:
            plain: dict[str, str] = json.loads((self._folder / PRUNED).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return plain

    def _facts(self, facts: str) -> Path:
        return self._folder / "facts" / f"{facts[:DIGITS]}.json"

    def _model(self, name: str, model: str) -> Path:
        return self._folder / "models" / f"{name}-{model[:DIGITS]}.json"

    def _policy(self, policy: str) -> Path:
        return self._folder / "policies" / f"{policy[:DIGITS]}.json"


@lru_cache(maxsize=64)
def _named(folder: Path, facts: str, name: str, model: str, policy: str) -> tuple[str, ...]:
    """The lists of files of facts and of a model, and a policy: each answer looks whether they are there."""
    kept = Kept(folder.parent)
    return str(kept._facts(facts)), str(kept._model(name, model)), str(kept._policy(policy))


def _command(why: str) -> str:
    """What removed something: older graphrecs kept the date of a pruning alone."""
    return why if why.startswith("forget") else f"record prune --before {why.removeprefix('record prune --before ')}"


@dataclass(frozen=True)
class Pruned:
    """What a pruning freed."""

    removed: int
    """Facts, models and policies."""
    freed_bytes: int
    entries: int
    """Entries before the date that can no longer be replayed."""


def prune(record: Path, before: datetime) -> Pruned:
    """Remove what only entries before a date need for their replay; the entries stay and verify.

    Raises:
        RecordError: the record has no block before that date that could be read.
    """
    kept = Kept(record)
    date = before.astimezone(UTC).isoformat(timespec="milliseconds")
    if not segments(record):
        return Pruned(0, 0, 0)
    with locked(record, exclusive=True):
        old: list[tuple[set[str], int]] = []
        used: set[str] = set()
        for block in blocks(segments(record)):
            if block.header["shared"]["recorded_at"] < date:
                old.append((kept.needed(block), len(block.header["entries"])))
            else:
                used |= kept.needed(block)
        names = (set().union(*(needs for needs, _ in old)) - used) & set(kept.listed())
        freed = kept.remove(names, f"{before:%Y-%m-%d}") if names else 0
        return Pruned(len(names), freed, sum(count for needs, count in old if needs & names))


@contextmanager
def _scratch(near: Path) -> Iterator[Path]:
    """A folder for links to kept files; in a home that cannot be written, one of the system's."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(private_folder(near, "replay"))
        except Unwritable:
            from tempfile import TemporaryDirectory

            folder = Path(stack.enter_context(TemporaryDirectory(prefix="graphrec-replay-")))
        yield folder


def _of_customers(facts: Snapshot) -> tuple[str, ...]:
    """What the names of the files begin with that speak of customers."""
    edges = (f"edges/{facts.types.index(name)}/" for name in user_types(facts))
    return f"nodes/{facts.labels.index(facts.schema.roles.user)}/", *edges, "split/", MARKS


def _is_whole(facts: Snapshot, folder: Path) -> bool:
    """Whether a copy without customers is what the facts say of themselves."""
    try:
        copy = type(facts).open(folder)
        copy.verify(without=_of_customers(facts))
    except (Damaged, NotTrained, SchemaOutdated):
        return False
    return copy.hash == facts.hash


def _damaged(what: str, command: str) -> Damaged:
    return Damaged(f"{what} is damaged: its files are not those that were written; restore a backup, or run: {command}")


def _same(what: str, wanted: str, found: str, path: Path) -> None:
    if wanted != found:
        raise RecordError(
            f"{what} {wanted[:DIGITS]} was changed: {path} has hash {found[:DIGITS]}; restore it from a backup"
        )


def _digest_of(path: Path) -> str:
    return sha256(path.read_bytes())
