"""The models of a home, and whether it can answer."""

from datetime import UTC, datetime

from graphrec.app.answers import KnownModel
from graphrec.app.bank import Bank
from graphrec.errors import NoPolicy
from graphrec.terms.folder import latest, read_meta


def models(bank: Bank) -> tuple[KnownModel, ...]:
    """Every model of the home, the one that answers by default marked `live`."""
    home = bank.home
    folders = sorted(meta.parent for meta in home.models.glob("*/meta.json") if not meta.parent.name.startswith("."))
    if not folders:
        return ()
    live, found = latest(home), []
    for folder in folders:
        meta = read_meta(folder)
        written = datetime.fromtimestamp((folder / "meta.json").stat().st_mtime, UTC)
        found.append(
            KnownModel(
                id=folder.name,
                kind=meta["kind"],
                state="live" if folder == live else "final" if meta["final"] else "tested",
                since=written.isoformat(timespec="seconds"),
                hash=meta["hash"],
                snapshot=meta["snapshot"],
                metrics=meta.get("metrics", {}),
            )
        )
    return tuple(found)


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
