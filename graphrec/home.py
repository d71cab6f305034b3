"""The home folder of one bank.

    format.json  which graphrec can read it
    policy.toml  what may be shown to whom
    oidc.toml    whose tokens the service takes
    shared       commands want a key of `graphrec access`
    vault/       the store, series, rejected rows, keys of the record: all that carries personal fields
    serving/     snapshots and models: what answers need, without personal fields
    records/     decision records
    events/      the log of events
    reports/     reports of `graphrec report`, one a file
    logs/        what commands did

Its files are 0600 and its folders 0700, whatever the umask says.
"""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from graphrec import __version__
from graphrec.errors import SchemaOutdated, SettingsError
from graphrec.files import made_once, make_folder, private_folder, sweep, tighten, whole_file
from graphrec.frozen import dataclass

FORMAT = 2
"""The format that this graphrec reads and writes; `graphrec upgrade` converts a lower one."""
COPY = "copy"
"""In format.json of a serving copy: what `graphrec publish` made, without a vault."""
UPGRADING = "upgrading"
"""In format.json while `graphrec upgrade` is at work, so that no other command looks at what is half moved."""


@dataclass(frozen=True)
class Written:
    """Which graphrec wrote a home."""

    format: int
    graphrec: str
    is_upgrading: bool
    is_copy: bool


@dataclass(frozen=True)
class Home:
    """The paths inside one home folder."""

    path: Path
    policy_file: Path | None = None
    """A policy file that is used in place of the home's own."""
    without_policy: bool = False
    """Lists are made without a policy, whether or not there is a file."""
    as_of: str | None = None
    """A date; its snapshots and models are kept apart from those of now."""

    def at(self, moment: datetime) -> "Home":
        """This home as of a date, whose snapshots and models are in a folder of their own."""
        utc = moment.astimezone(UTC).replace(tzinfo=None)
        return replace(self, as_of=utc.isoformat().removesuffix("T00:00:00"))

    @cached_property
    def policy(self) -> Path:
        """The policy file: policy.toml, unless another file is named."""
        return self.policy_file or self.path / "policy.toml"

    def has_policy(self) -> bool:
        """Whether a policy is in force: a file that settings name counts, there or not."""
        return not self.without_policy and (self.policy_file is not None or self.policy.exists())

    @property
    def languages(self) -> Path:
        """Languages of the bank's own."""
        return self.path / "languages"

    @cached_property
    def vault(self) -> Path:
        """What carries personal fields, and what models are fitted with; answers do without it."""
        return self.path / "vault"

    @cached_property
    def serving(self) -> Path:
        """What answers need; nothing in it holds a personal field."""
        return self.path / "serving"

    @property
    def store(self) -> Path:
        """The embedded store."""
        return self.vault / "store"

    @property
    def series(self) -> Path:
        """Time series as Parquet."""
        return self.vault / "series"

    @property
    def rejected(self) -> Path:
        """The rows that the last load rejected."""
        return self.vault / "rejected.csv"

    @property
    def classes(self) -> Path:
        """The risk classes of products, as they were seen day by day."""
        return self.vault / "classes.jsonl"

    @property
    def federated(self) -> Path:
        """Sums over the customers of several banks."""
        return self.vault / "federated"

    @property
    def sums(self) -> Path:
        """Whole-number sums over customers, by model, from which `graphrec forget --downdate` takes persons."""
        return self.vault / "sums"

    @property
    def vectors(self) -> Path:
        """Text vectors by encoder."""
        return self.vault / "vectors"

    @property
    def working(self) -> Path:
        """The checkpoints of unfinished trainings."""
        return self._dated(self.vault) / "working"

    @property
    def tuning(self) -> Path:
        """Studies of `graphrec tune`, and the best configurations."""
        return self._dated(self.vault) / "tuning"

    @cached_property
    def keys(self) -> Path:
        """The keys of the decision record."""
        return self.vault / "keys"

    @cached_property
    def snapshots(self) -> Path:
        """Snapshot folders."""
        return self._dated(self.serving) / "snapshots"

    @cached_property
    def facts(self) -> Path:
        """Facts folders: what answers read of customers and products."""
        return self._dated(self.serving) / "facts"

    @cached_property
    def models(self) -> Path:
        """Model folders."""
        return self._dated(self.serving) / "models"

    @cached_property
    def contests(self) -> Path:
        """What customers contest."""
        return self.serving / "contests.json"

    @cached_property
    def records(self) -> Path:
        """Decision records."""
        return self.path / "records"

    @cached_property
    def events(self) -> Path:
        """The log of events."""
        return self.path / "events" / "log.sqlite"

    @property
    def logs(self) -> Path:
        """What commands did: one file a month."""
        return self.path / "logs"

    @property
    def format_file(self) -> Path:
        """The file that names the format of this home."""
        return self.path / "format.json"

    def _dated(self, folder: Path) -> Path:
        return folder if self.as_of is None else folder / "as-of" / self.as_of

    def check(self) -> "Home":
        """This home, checked: this graphrec can read it, or it does not exist yet.

        The scratch folders that killed commands left in it are removed, and others lose their rights to it.

        Raises:
            SchemaOutdated: a newer or an older graphrec wrote it.
            SettingsError: the path is no home, or cannot be read.
        """
        try:
            return self._checked()
        except OSError as error:
            raise SettingsError(
                f"home {self.path} cannot be read: {error.strerror}; give read access or name another one with --home"
            ) from error

    def _checked(self) -> "Home":
        if not self.path.exists():
            return self
        if not self.path.is_dir():
            raise SettingsError(f"home {self.path} is a file, not a folder; name another one with --home")
        sweep(self.path)
        sweep(self.vault)
        if not self.format_file.exists():
            if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise SettingsError(
                    f"folder {self.path} is not empty and is no home of graphrec (it has no {self.format_file.name}); "
                    "name another one with --home"
                )
            return self
        found = self.path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            # An older graphrec made it, or a copy lost the modes: below such a folder nothing is sure.
            tighten(self.path)
        written = self.written_by()
        if written.format > FORMAT:
            raise SchemaOutdated(
                f"home {self.path} has format {written.format}, written by graphrec {written.graphrec}, and this is "
                f"graphrec {__version__}, which reads format {FORMAT}; install a newer graphrec or use another --home"
            )
        if written.format < FORMAT or written.is_upgrading:
            state = "is half upgraded" if written.is_upgrading else f"has format {written.format}"
            raise SchemaOutdated(
                f"home {self.path} {state}, written by graphrec {written.graphrec}, and this is graphrec "
                f"{__version__}, which works with format {FORMAT}; run: graphrec upgrade"
            )
        return self

    def prepare(self) -> "Home":
        """This home, created if it is new; unfinished work of killed commands and rights of others are removed.

        Raises:
            SchemaOutdated: a newer or an older graphrec wrote it.
            SettingsError: the path is no home, or cannot be written.
        """
        self.check()
        try:
            make_folder(self.path)
            tighten(self.path)
            if not self.format_file.exists():
                self.write_format()
        except OSError as error:
            raise SettingsError(
                f"home {self.path} cannot be made: {error.strerror}; name another one with --home"
            ) from error
        self.sweep()
        return self

    def secret(self) -> bytes:
        """The secret of this home, made at first use: 32 bytes that only its owner can read.

        Raises:
            SettingsError: it cannot be made or read, or it is damaged.
        """
        file = self.serving / "secret"
        try:
            if not file.exists():
                # Of two that make it at once, the first one's stays.
                with suppress(FileExistsError), private_folder(self.serving, file.name) as folder:
                    made = folder / file.name
                    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                    with os.fdopen(handle, "w", encoding="ascii") as writer:
                        writer.write(os.urandom(32).hex() + "\n")
                    os.link(made, file)
            found = made_once(file, _secret_in)
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file} cannot be used ({error}); restore it from a backup") from error
        if len(found) != 32:
            raise SettingsError(f"{file} holds {len(found)} bytes, and a secret has 32; restore it from a backup")
        return found

    def scratch(self, purpose: str) -> AbstractContextManager[Path]:
        """A folder in this home for unfinished work, readable by its owner alone, removed when the block ends.

        Raises:
            Unwritable: the home is full or read-only.
        """
        return private_folder(self.vault, purpose)

    def spare(self) -> Path:
        """Where decoded files and spilled tables of loads lie meanwhile; a home that is not there yet is not made."""
        return self.vault if self.format_file.exists() else self.path

    def need_vault(self, what: str) -> None:
        """Refuse something that reads or writes the vault where there is none.

        Raises:
            SettingsError: this is a serving copy.
        """
        if self.format_file.exists() and self.written_by().is_copy:
            raise SettingsError(
                f"{what} needs the vault, and {self.path} is a serving copy without one; run it in the home that was "
                f"published, then there: graphrec publish --to {self.path}"
            )

    def write_format(self, *, upgrading: bool = False, is_copy: bool = False) -> None:
        """Say in format.json that this graphrec wrote the home."""
        marks = {name: True for name, wanted in ((UPGRADING, upgrading), (COPY, is_copy)) if wanted}
        plain = {"format": FORMAT, "graphrec": __version__, **marks}
        with whole_file(self.format_file) as temporary:
            temporary.write_text(json.dumps(plain) + "\n", encoding="utf-8")

    def sweep(self) -> None:
        """Remove what killed commands left unfinished anywhere in this home."""
        for folder in self._folders(self.path, 5):
            sweep(folder)

    def written_by(self) -> "Written":
        """What format.json says.

        Raises:
            SettingsError: it names no format.
        """
        try:
            content = json.loads(self.format_file.read_text(encoding="utf-8"))
            writer, is_upgrading = str(content.get("graphrec", "unknown")), bool(content.get(UPGRADING))
            return Written(int(content["format"]), writer, is_upgrading, bool(content.get(COPY)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SettingsError(
                f'{self.format_file} does not name a format (want {{"format": {FORMAT}}}); restore it from a backup'
            ) from error

    def _folders(self, folder: Path, depth: int) -> Iterator[Path]:
        """The folders in which commands write whole files and folders, this one first."""
        yield folder
        with suppress(OSError):  # A folder may vanish, or belong to another user.
            for entry in list(os.scandir(folder)) if depth > 1 else ():
                path = Path(entry.path)
                if path != self.store and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    yield from self._folders(path, depth - 1)


def _secret_in(file: Path) -> bytes:
    return bytes.fromhex(file.read_text(encoding="ascii"))
