"""The policy and the final models that a home answers with.

No policy, no list: a request says that it goes without one. The home keeps `in-force.json`: the policy file that was in
force and the kinds of final models that were there. An answer for one customer carries a note where one of them is
gone; an export stops until the request accepts that.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from graphrec.config.settings import Settings
from graphrec.errors import GraphrecError, MissingRules, NoPolicy, PolicyError
from graphrec.files import made_once, whole_file
from graphrec.frozen import dataclass
from graphrec.home import Home
from graphrec.languages import Language, language_of
from graphrec.policy.rules import Policy

FILE = "in-force.json"


@dataclass(frozen=True)
class InForce:
    """What a home answered with."""

    policy: str | None = None
    """Path of the policy file; None: there was none."""
    hash: str | None = None
    """Of the policy in that file."""
    finals: tuple[str, ...] = ()
    """Folders of final models, such as blend-final."""
    since: str = ""
    """UTC date on which that was noticed."""


def require_policy(settings: Settings, home: Home, policy: Policy) -> None:
    """Stop where a home has no policy and the request does not go without one, or the policy is not the pinned one.

    Args:
        policy: the opened one.

    Raises:
        NoPolicy: there is none.
        PolicyError: it has another hash than the settings pin.
    """
    pinned = settings.policy_hash
    if not home.has_policy():
        if not home.without_policy:
            then = _read(home)
            lost = f"policy {then.policy} was in force on {then.since} and is gone; restore it" if then.policy else None
            raise NoPolicy(f"{lost or 'there is no policy'}; run: graphrec policy init, or give --no-policy")
        if pinned:
            raise PolicyError(f"policy_hash = {pinned} pins a policy, and the request has none; unset it")
    elif pinned and not policy.hash.startswith(pinned):
        raise PolicyError(
            f"{policy.source}: version {policy.version} has hash {policy.hash[:16]}, and policy_hash pins "
            f"{pinned[:16]}; restore that policy, or set the new hash"
        )


def notes(home: Home, kind: str | None = None, language: Language | None = None) -> tuple[str, ...]:
    """That there is no policy, and what was in force in this home and is not any more, in one sentence each.

    Args:
        kind: of the model that is asked for; None: any.
        language: of the sentences; None: English.
    """
    return _notes(home, _read(home), _now(home), kind, language)


def answered(home: Home, kind: str | None, policy: Policy, language: Language) -> tuple[str, ...]:
    """What `notes` gives for an answer, after which the home remembers what it answered with, as by `observe`.

    Args:
        kind: of the model that was asked for; None: any.
        policy: the opened one.
        language: of the sentences.
    """
    then, now = _read(home), _now(home)
    _remember(home, then, now, policy)
    return _notes(home, then, now, kind, language)


def _notes(
    home: Home, then: InForce, now: InForce, kind: str | None, language: Language | None = None
) -> tuple[str, ...]:
    say = (language or language_of("en")).say
    found = []
    if not home.has_policy():
        found.append(say("notes.no_policy"))
        if then.policy is not None:
            found.append(say("notes.policy_gone", file=then.policy, date=then.since))
    return (*found, *_gone(home, then, now, kind, language))


def check(home: Home, kind: str | None, *, accept: bool) -> None:
    """Stop where a final model that was there is gone.

    Args:
        accept: go on, and forget the missing ones.

    Raises:
        MissingRules: one is missing.
    """
    then, now = _read(home), _now(home)
    gone = _gone(home, then, now, kind)
    if gone and not accept:
        raise MissingRules(f"{gone[0]}; graphrec export --accept-missing goes on without it")
    if gone:
        _write(home, replace(now, policy=then.policy, hash=then.hash))


def _gone(
    home: Home, then: InForce, now: InForce, kind: str | None, language: Language | None = None
) -> tuple[str, ...]:
    """The final models that were there and are not, in one sentence each."""
    say, gone = (language or language_of("en")).say, []
    for name in then.finals:
        if name not in now.finals and kind in (None, name.removesuffix("-final")):
            option = "" if name == "blend-final" else f" --model {name.removesuffix('-final')}"
            command = f"graphrec train{option} --final"
            found = {"model": name, "date": then.since, "folder": str(home.models), "command": command}
            gone.append(say("notes.model_gone", "adviser", **found))
    return tuple(gone)


def change_of(home: Home, policy: Policy) -> Mapping[str, object] | None:
    """What an entry of the record says where the policy is another one than before; None where it is not.

    Args:
        policy: the opened one.
    """
    then = _read(home)
    if then.hash is None or not home.has_policy() or then.hash == policy.hash:
        return None
    return {"file": policy.source, "version": policy.version, "hash": policy.hash, "before": then.hash}


def observe(home: Home, policy: Policy | None = None) -> None:
    """Remember what is in force now, besides what was; a home that cannot be written remembers nothing.

    Args:
        policy: the opened one; None: none was opened.
    """
    _remember(home, _read(home), _now(home), policy)


def _remember(home: Home, then: InForce, now: InForce, policy: Policy | None) -> None:
    finals = tuple(sorted({*then.finals, *now.finals}))
    ruled = (now.policy, policy.hash) if now.policy and policy else (then.policy, then.hash)
    found = InForce(ruled[0], ruled[1], finals, now.since)
    if found != InForce(then.policy, then.hash, then.finals, now.since):
        with suppress(OSError, GraphrecError):
            _write(home, found)


def _now(home: Home) -> InForce:
    policy = str(home.policy) if home.has_policy() else None
    return InForce(policy, None, _finals(str(home.models)), f"{datetime.now(UTC):%Y-%m-%d}")


def _finals(models: str) -> tuple[str, ...]:
    """The folders of final models that are there."""
    try:
        names = os.listdir(models)  # noqa: PTH208 - names alone
    except OSError:
        return ()
    found = [name for name in names if name.endswith("-final") and os.path.exists(f"{models}/{name}/meta.json")]  # noqa: PTH110
    return tuple(sorted(found))


def _file(home: Home) -> Path:
    return home.models.parent / FILE


def _read(home: Home) -> InForce:
    try:
        return made_once(_file(home), _parsed)
    except (OSError, ValueError, KeyError, TypeError):
        return InForce()


def _parsed(file: Path) -> InForce:
    plain = json.loads(file.read_text("utf-8"))
    return InForce(plain["policy"], plain.get("hash"), tuple(plain["finals"]), plain["since"])


def _write(home: Home, found: InForce) -> None:
    with whole_file(_file(home)) as temporary:
        temporary.write_text(json.dumps(asdict(found)) + "\n", "utf-8")
