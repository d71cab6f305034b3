"""The home of an older graphrec, converted: whole, or to be gone on with by the next `graphrec upgrade`."""

from pathlib import Path

from graphrec import __version__, log
from graphrec.app.bank import Bank
from graphrec.app.results import HomeUpgraded
from graphrec.errors import SchemaOutdated, SettingsError
from graphrec.files import locked, make_folder, tighten
from graphrec.home import FORMAT, Home
from graphrec.progress import Progress
from graphrec.records.rewrap import rewrap

#: What format 1 kept beside each other in the home, and in its folders `as-of/DATE`.
_TO_VAULT = ("store", "series", "rejected.csv", "vectors", "working", "tuning")
_TO_SERVING = ("snapshots", "models", "facts", "secret", "in-force.json")


def upgrade(bank: Bank, progress: Progress) -> HomeUpgraded:
    """The home in the format of this graphrec, with no rights for others.

    Raises:
        SchemaOutdated: a newer graphrec wrote it.
        SettingsError: there is no home, or it cannot be written.
        RecordError: the decision record is not as it was written.
    """
    home = Home(bank.settings.home)
    if not home.format_file.exists():
        raise SettingsError(f"there is no home of graphrec in {home.path}; name another one with --home")
    written = home.written_by()
    if written.format > FORMAT:
        raise SchemaOutdated(
            f"home {home.path} has format {written.format}, written by graphrec {written.graphrec}, and this is "
            f"graphrec {__version__}, which reads format {FORMAT}; install a newer graphrec"
        )
    head = None
    is_old = written.format < FORMAT or written.is_upgrading
    try:
        with log.stage("upgrade", format=written.format), locked(home.path / ".upgrade.lock"):
            if is_old:
                # From here on every other command, of an older graphrec too, refuses this home.
                home.write_format(upgrading=True)
                home.sweep()
                _move(home)
                head = rewrap(home, progress)
            tighten(home.path)
            if is_old:
                home.write_format()
    except OSError as error:
        raise SettingsError(
            f"home {home.path} cannot be upgraded: {error.filename}: {error.strerror}; mend that and run graphrec "
            "upgrade again"
        ) from error
    return HomeUpgraded(written.format, FORMAT, is_old, head.anchor if head else None)


def _move(home: Home) -> None:
    """Everything at its place; what an earlier call moved is left there."""
    dates = [Path("as-of", path.name) for path in (home.path / "as-of").glob("*")]
    for part in (Path(), *dates):
        for folder, names in ((home.vault, _TO_VAULT), (home.serving, _TO_SERVING)):
            for name in names:
                _move_one(home.path / part / name, folder / part / name)
    for part in dates:
        (home.path / part).rmdir()
    if dates:
        (home.path / "as-of").rmdir()
    (home.path / ".store.lock").unlink(missing_ok=True)


def _move_one(old: Path, new: Path) -> None:
    if old.exists():
        make_folder(new.parent)
        old.rename(new)
