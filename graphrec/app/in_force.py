"""The policy and the final models that a home answered with: a missing one makes rules weaker, so it is reported.

The home keeps `in-force.json`: the policy file that was in force and the kinds of final models that were there. An
answer for one customer carries a note where one of them is gone; an export stops until the request accepts it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import GraphrecError, MissingRules
from graphrec.files import whole_file
from graphrec.home import Home

FILE = "in-force.json"


@dataclass(frozen=True)
class InForce:
    """What a home answered with."""

    policy: str | None = None
    """Path of the policy file; None: the built-in rules."""
    finals: tuple[str, ...] = ()
    """Folders of final models, such as blend-final."""
    since: str = ""
    """UTC date on which that was noticed."""


def missing(home: Home, kind: str | None = None) -> tuple[str, ...]:
    """What was in force in this home and is gone, in one sentence each.

    Args:
        kind: of the model that is asked for; None: any.
    """
    then, now = _read(home), _now(home)
    gone = []
    if then.policy is not None and now.policy is None:
        gone.append(
            f"policy {then.policy} was in force on {then.since} and is gone, so that only the built-in rules are left; "
            "restore it, or run: graphrec policy init"
        )
    for name in then.finals:
        if name not in now.finals and kind in (None, name.removesuffix("-final")):
            option = "" if name == "blend-final" else f" --model {name.removesuffix('-final')}"
            gone.append(
                f"model {name} was there on {then.since} and is gone from {home.models}; restore it, or run: "
                f"graphrec train{option} --final"
            )
    return tuple(gone)


def check(home: Home, kind: str | None, *, accept: bool) -> None:
    """Stop where something that was in force is gone.

    Args:
        accept: go on, and forget the missing ones.

    Raises:
        MissingRules: one is missing.
    """
    gone = missing(home, kind)
    if gone and not accept:
        raise MissingRules(f"{gone[0]}; graphrec export --accept-missing goes on without it")
    if gone:
        _write(home, _now(home))


def observe(home: Home) -> None:
    """Remember what is in force now, besides what was; a home that cannot be written remembers nothing."""
    then, now = _read(home), _now(home)
    policy = now.policy or then.policy
    finals = tuple(sorted({*then.finals, *now.finals}))
    if (policy, finals) != (then.policy, then.finals):
        with suppress(OSError, GraphrecError):
            _write(home, InForce(policy, finals, now.since))


def _now(home: Home) -> InForce:
    policy = str(home.policy) if home.policy_file is not None or home.policy.exists() else None
    finals = tuple(sorted(path.parent.name for path in home.models.glob("*-final/meta.json")))
    return InForce(policy, finals, f"{datetime.now(UTC):%Y-%m-%d}")


def _file(home: Home) -> Path:
    return home.models.parent / FILE


def _read(home: Home) -> InForce:
    try:
        plain = json.loads(_file(home).read_text("utf-8"))
        return InForce(plain["policy"], tuple(plain["finals"]), plain["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return InForce()


def _write(home: Home, found: InForce) -> None:
    with whole_file(_file(home)) as temporary:
        temporary.write_text(json.dumps(asdict(found)) + "\n", "utf-8")
