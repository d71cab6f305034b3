"""What replays need stays beside the record: snapshots, models and policies by their hashes.

Folders are kept as copies: what damages a file of the home does not damage the kept one.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from graphrec.errors import RecordError
from graphrec.files import replace_folder, whole_file
from graphrec.graph.build import content_hash as snapshot_hash
from graphrec.graph.shelf import DIGITS
from graphrec.graph.snapshot import Snapshot
from graphrec.policy.rules import Policy, Rule
from graphrec.records.blocks import canonical
from graphrec.serving.engine import Engine
from graphrec.terms.folder import Model, open_model, read_meta
from graphrec.terms.folder import content_hash as model_hash


class Kept:
    """The folder `kept` of a record."""

    def __init__(self, record: Path) -> None:
        self._folder = record / "kept"

    def keep(self, engine: Engine) -> None:
        """Keep what an engine answers from; nothing is done where that is kept already.

        Raises:
            RecordError: another training replaced the model since it was opened.
        """
        model, snapshot = engine.model, engine.snapshot
        _keep_folder(snapshot.folder, self._snapshot(snapshot.hash))
        target = self._model(model.name, model.hash, snapshot.hash)
        if _keep_folder(model.folder, target) and read_meta(target)["hash"] != model.hash:
            shutil.rmtree(target)
            raise RecordError(f"model {model.name} was trained anew while it answered; run this again")
        self._keep_policy(engine.policy)

    def snapshot(self, wanted: str, as_of: str | None) -> Snapshot:
        """The snapshot with this hash, checked against it, for the date it was taken for.

        Raises:
            RecordError: it is gone, or is not what it was.
        """
        folder = self._snapshot(wanted)
        _there("snapshot", wanted, folder)
        snapshot = Snapshot.open(folder)
        _same("snapshot", wanted, snapshot_hash(folder, snapshot.meta), folder)
        # Equal content may have been taken for several dates.
        return snapshot.dated(as_of)

    def model(self, name: str, wanted: str, snapshot: Snapshot) -> Model:
        """The model with this hash, checked against it.

        Raises:
            RecordError: it is gone, or is not what it was.
        """
        folder = self._model(name, wanted, snapshot.hash)
        _there(f"model {name}", wanted, folder)
        _same(f"model {name}", wanted, model_hash(folder, read_meta(folder)["description"]), folder)
        return open_model(folder, snapshot, exact=False)

    def policy(self, wanted: str) -> Policy:
        """The policy with this hash, checked against it.

        Raises:
            RecordError: it is gone, or is not what it was.
        """
        path = self._policy(wanted)
        _there("policy", wanted, path)
        try:
            plain = json.loads(path.read_bytes())
            levels = {name: tuple(values) for name, values in plain["levels"].items()}
            policy = Policy(plain["version"], tuple(Rule(**rule) for rule in plain["rules"]), levels)
        except (ValueError, KeyError, TypeError) as error:
            raise RecordError(f"policy {wanted[:DIGITS]} cannot be read from {path}: {error}") from None
        _same("policy", wanted, policy.hash, path)
        return policy

    def _keep_policy(self, policy: Policy) -> None:
        path = self._policy(policy.hash)
        if not path.exists():
            plain = {"version": policy.version, "levels": policy.levels, "rules": [asdict(one) for one in policy.rules]}
            with whole_file(path) as temporary:
                temporary.write_bytes(canonical(plain) + b"\n")

    def _snapshot(self, snapshot: str) -> Path:
        return self._folder / "snapshots" / snapshot[:DIGITS]

    def _model(self, name: str, model: str, snapshot: str) -> Path:
        return self._folder / "models" / f"{name}-{model[:DIGITS]}-{snapshot[:DIGITS]}"

    def _policy(self, policy: str) -> Path:
        return self._folder / "policies" / f"{policy[:DIGITS]}.json"


def _keep_folder(source: Path, target: Path) -> bool:
    """Whether the folder was not kept before."""
    if target.exists():
        return False
    with replace_folder(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return True


def _there(what: str, wanted: str, path: Path) -> None:
    if not path.exists():
        raise RecordError(f"{what} {wanted[:DIGITS]} is gone: there is no {path}; restore it from a backup")


def _same(what: str, wanted: str, found: str, path: Path) -> None:
    if wanted != found:
        raise RecordError(
            f"{what} {wanted[:DIGITS]} was changed: {path} has hash {found[:DIGITS]}; restore it from a backup"
        )
