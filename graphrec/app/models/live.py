"""The models of a home, which one is live, and whether it can answer."""

from datetime import UTC, datetime

from msgspec import structs

from graphrec.app.answers import KnownModel, Switched
from graphrec.app.bank import Bank
from graphrec.app.models.bounds import check_bounds, known_bounds, live_bounds
from graphrec.app.models.standing import check_may_be_live, check_there
from graphrec.app.recording import record_event
from graphrec.app.requests import SwitchModel
from graphrec.errors import NoPolicy, NotTrained, UnknownId, UsageError
from graphrec.home import Home
from graphrec.progress import Progress, silent
from graphrec.terms.folder import FORMAT, latest, newest, read_meta
from graphrec.terms.live import (
    VERSION,
    Action,
    Live,
    Switch,
    base_name,
    keep_version,
    read_live,
    switching,
    versions_of,
    write_switch,
)
from graphrec.terms.standing import read_steps, standing_of


def models(bank: Bank) -> tuple[KnownModel, ...]:
    """Every model of the home, the one that answers by default marked `live`."""
    home = bank.home
    promoted = {one.model: one for one in read_live(home).history}
    folders = sorted(meta.parent for meta in home.models.glob("*/meta.json") if not meta.parent.name.startswith("."))
    if not folders:
        return ()
    live, steps, found = latest(home), read_steps(home), []
    for folder in folders:
        meta = read_meta(folder)
        written = datetime.fromtimestamp((folder / "meta.json").stat().st_mtime, UTC)
        state = "kept" if VERSION in folder.name else "final" if meta.final else "tested"
        switch = promoted.get(folder.name)
        found.append(
            KnownModel(
                id=folder.name,
                kind=meta.kind,
                state="live" if folder == live else state,
                since=switch.at if switch and folder == live else written.isoformat(timespec="seconds"),
                by=switch.by if switch and folder == live else None,
                hash=meta.hash,
                snapshot=meta.snapshot,
                metrics={name: structs.asdict(one) for name, one in meta.metrics.items()},
                standing=standing_of([one for one in steps if one.hash == meta.hash]),
            )
        )
    return tuple(found)


def switches(bank: Bank) -> tuple[Switch, ...]:
    """Every promotion and every rollback, oldest first."""
    return read_live(bank.home).history


def switch_model(bank: Bank, request: SwitchModel, progress: Progress = silent) -> Switched:
    """Another model live, from the next answer on: recorded first, then put in force in one step.

    Raises:
        UnknownId: there is no such model.
        UsageError: there is nothing to go back to.
        NotTrained: there is no model.
        CheckpointMismatch: the model does not fit the facts, so that nothing would be answered.
        NotApproved: it is retired, require_approval is set and it is not approved, or a bound of [live] is not kept.
    """
    home = bank.home
    why = _reason(request)
    unkept = _unkept(bank, request, progress)
    with switching(home):
        live = read_live(home)
        before = _named_now(home, live)
        action: Action = request.action
        if action == "promote":
            model: str | None = _chosen(home, request.model or "")
        elif action == "rollback":
            model = _earlier(home, live, before)
        else:
            model = None
        check_may_be_live(bank, model)
        _check_opens(home, model)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        made = Switch(action, model, before, now, request.by or bank.settings.actor, why, unkept)
        number, notes = record_event(bank, "models", {"switch": made}, wanted=request.record)
        write_switch(home, live, made)
    return Switched(latest(home).name, before, action, now, number, notes)


def _reason(request: SwitchModel) -> str | None:
    """The reason of a promotion against the bounds."""
    if not request.force:
        return None
    if request.action != "promote":
        raise UsageError(f"graphrec models {request.action} takes no --force; promote does")
    if not (why := (request.reason or "").strip()):
        raise UsageError("graphrec models promote --force wants a reason: --reason TEXT")
    return why


def _unkept(bank: Bank, request: SwitchModel, progress: Progress) -> tuple[str, ...]:
    """The bounds of [live] that a forced promotion breaks. A rollback goes back to what was live, and asks none.

    Raises:
        NotApproved: one is not kept, and nothing is forced.
    """
    if request.action == "rollback":
        return ()
    name = request.model if request.action == "promote" else newest(bank.home).name
    check_there(bank.home, name or "")
    if request.force:
        return tuple(one.said for one in known_bounds(bank, name or "") if not one.kept)
    check_bounds(bank, name or "", measure=request.measure, progress=progress)
    return ()


def keep_live(bank: Bank) -> None:
    """Before a training where the mappings have bounds: what is live stays so until a model has kept them."""
    home = bank.home
    if not live_bounds(home).asked:
        return
    with switching(home):
        live = read_live(home)
        if live.model is None and _has_final(home):
            name, now = _named_now(home, live), datetime.now(UTC).isoformat(timespec="seconds")
            write_switch(home, live, Switch("promote", name, name, now, None, is_gate=True))


def _has_final(home: Home) -> bool:
    try:
        return read_meta(newest(home)).final
    except NotTrained:
        return False


def pass_gate(bank: Bank, name: str, progress: Progress) -> Switched | None:
    """After a training where the mappings have bounds: its model is live if it keeps them; None: nothing is gated.

    Raises:
        NotApproved: it does not; what was live is.
    """
    home = bank.home
    if not live_bounds(home).asked or not (read_live(home).is_gated or read_live(home).model is None):
        return None
    check_may_be_live(bank, name)
    check_bounds(bank, name, measure=True, progress=progress)
    with switching(home):
        live = read_live(home)
        before, model = _named_now(home, live), _chosen(home, name)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        made = Switch("promote", model, before, now, bank.settings.actor, is_gate=True)
        number, notes = record_event(bank, "models", {"switch": made})
        write_switch(home, live, made)
    return Switched(model, before, "promote", now, number, notes)


def _named_now(home: Home, live: Live) -> str:
    """What is live, by a name that no training takes away."""
    return live.model or keep_version(latest(home), FORMAT).name


def _chosen(home: Home, name: str) -> str:
    folder = home.models / name
    known = sorted(meta.parent.name for meta in home.models.glob("*/meta.json") if not meta.parent.name.startswith("."))
    if name not in known:
        raise UnknownId(f"there is no model {name!r}; there are {', '.join(known) or 'none'}; see: graphrec models")
    return keep_version(folder, FORMAT).name


def _earlier(home: Home, live: Live, before: str) -> str | None:
    """What a rollback makes live: what was live before, else what the last training replaced."""
    if live.earlier:
        return live.earlier[-1]
    older: list[str] = []
    for folder in versions_of(home, base_name(home.models / before)):
        if folder.name == before:
            break
        older.append(folder.name)
    if not older:
        raise UsageError(f"{before} is live, and there is nothing to go back to; see: graphrec models")
    return older[-1]


def _check_opens(home: Home, model: str | None) -> None:
    """Stop before a model is live that cannot answer."""
    from graphrec.serving.engine import newest_facts
    from graphrec.terms.folder import open_files

    if model is not None:
        opened = open_files(home.models / model)
        opened.model(newest_facts(home, opened))


def check_ready(bank: Bank) -> None:
    """Stop where no list can be made.

    Raises:
        NotTrained: there is no model.
        NoPolicy: there is no policy, and the settings do not say that none is wanted.
    """
    bank.opened.engine(bank.home, None, bank.now())
    if bank.settings.policy != "none" and not bank.home.has_policy():
        raise NoPolicy("there is no policy; graphrec policy init, or --policy none before the command")


def adviser_of(bank: Bank, user: str) -> str | None:
    """The adviser of a customer, from the column that the mapping names; None where nobody is.

    Raises:
        NotTrained: there is no model.
    """
    engine = bank.opened.engine(bank.home, None, bank.now())
    column = engine.snapshot.schema.nodes[engine.roles.user].adviser
    if column is None or column not in engine.users.columns:
        return None
    position = engine.users.ids.find(user)
    found = engine.users.column(column).get(position) if position >= 0 else None
    return None if found is None else str(found)


def dates(bank: Bank) -> tuple[str, ...]:
    """The dates as of which the home has a model of its own, the earliest first."""
    folder = bank.home.serving / "as-of"
    return tuple(sorted(one.name for one in folder.glob("*") if any((one / "models").glob("*/meta.json"))))


def min_group(bank: Bank) -> int:
    """The fewest people that others than compliance may read a number of."""
    return bank.opened.engine(bank.home, None, bank.now()).roles.min_group
