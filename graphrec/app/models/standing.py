"""Models validated, approved and retired by people, each recorded first; and what may be made live."""

from __future__ import annotations

from datetime import UTC, datetime

from graphrec.app.answers import StandingSet
from graphrec.app.bank import Bank
from graphrec.app.recording import record_event
from graphrec.app.requests import SetStanding
from graphrec.errors import NotApproved, UnknownId, UsageError
from graphrec.home import Home
from graphrec.terms.folder import latest, read_meta
from graphrec.terms.live import base_name, switching
from graphrec.terms.standing import Standing, Step, read_steps, standing_of, write_step

_TO: dict[str, Standing] = {"validate": "validated", "approve": "approved", "retire": "retired"}


def set_standing(bank: Bank, request: SetStanding) -> StandingSet:
    """One step of a model, by a person who is named."""
    home, by, why = bank.home, request.by or bank.settings.actor, request.reason.strip()
    if not by:
        raise UsageError("a step of a model wants the name of who takes it: --by NAME, or actor in graphrec.toml")
    if not why:
        raise UsageError(f"graphrec models {request.action} wants a reason: --reason TEXT")
    with switching(home):
        name, model_hash = _model(home, request.model)
        steps = read_steps(home, model_hash)
        _check(home, request.action, name, steps, by)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        step = Step(name, model_hash, _TO[request.action], now, by, why)
        number, notes = record_event(bank, "models", {"step": step}, wanted=request.record)
        write_step(home, step)
    return StandingSet(step, standing_of(steps), number, notes)


def check_may_be_live(bank: Bank, model: str | None) -> None:
    """Stop where a model may not be made live: it is retired, or the home asks for an approval that it does not have.

    Args:
        model: its folder; None: whatever is the newest.

    Raises:
        NotApproved: it may not.
    """
    needed = bank.settings.require_approval
    if model is None:
        if needed:
            raise NotApproved(
                "require_approval: the newest model cannot be live unseen; graphrec models promote one that is approved"
            )
        return
    standing = standing_of(read_steps(bank.home, read_meta(bank.home.models / model).hash))
    if standing == "retired":
        raise NotApproved(f"model {model} is retired; another graphrec models validate begins anew")
    if needed and standing != "approved":
        step = "validate" if standing == "draft" else "approve"
        raise NotApproved(
            f"require_approval: model {model} is {standing}, not approved; next: graphrec models {step} "
            f"{base_name(bank.home.models / model)} --reason TEXT"
        )


def check_there(home: Home, name: str) -> None:
    """Stop where there is no model of a name.

    Raises:
        UnknownId: there is none.
    """
    if name not in (known := names(home)):
        raise UnknownId(f"there is no model {name!r}; there are {', '.join(known) or 'none'}; see: graphrec models")


def _model(home: Home, name: str) -> tuple[str, str]:
    check_there(home, name)
    return name, read_meta(home.models / name).hash


def names(home: Home) -> list[str]:
    """The folders of all models."""
    return sorted(meta.parent.name for meta in home.models.glob("*/meta.json") if not meta.parent.name.startswith("."))


def _check(home: Home, action: str, name: str, steps: tuple[Step, ...], by: str) -> None:
    standing = standing_of(steps)
    if _TO[action] == standing:
        raise UsageError(f"model {name} is {standing} already, since {steps[-1].at} by {steps[-1].by}")
    if action == "approve":
        if standing != "validated":
            raise UsageError(f"model {name} is {standing}, and only what is validated can be approved")
        if steps[-1].by == by:
            raise UsageError(f"four eyes: {by} validated model {name}, so somebody else has to approve it")
    if action == "retire" and read_meta(latest(home)).hash == read_meta(home.models / name).hash:
        raise UsageError(f"model {name} is live; promote another one first")
