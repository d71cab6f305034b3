"""The home folder of one bank, with its store, snapshots, vectors and models."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from graphrec import __version__
from graphrec.errors import SchemaOutdated, SettingsError
from graphrec.files import private_folder, sweep, whole_file

FORMAT = 1
"""The format that this graphrec writes; a newer graphrec may write a higher one."""


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

    @property
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

    @property
    def store(self) -> Path:
        """The embedded store."""
        return self.path / "store"

    @property
    def series(self) -> Path:
        """Time series as Parquet."""
        return self.path / "series"

    @property
    def snapshots(self) -> Path:
        """Snapshot folders."""
        return self._dated() / "snapshots"

    @property
    def facts(self) -> Path:
        """Facts folders: what answers read of customers and products."""
        return self._dated() / "facts"

    @property
    def vectors(self) -> Path:
        """Text vectors by encoder."""
        return self.path / "vectors"

    @property
    def models(self) -> Path:
        """Model folders."""
        return self._dated() / "models"

    @property
    def working(self) -> Path:
        """The checkpoints of unfinished trainings."""
        return self._dated() / "working"

    @property
    def tuning(self) -> Path:
        """Studies of `graphrec tune`, and the best configurations."""
        return self._dated() / "tuning"

    @property
    def records(self) -> Path:
        """Decision records."""
        return self.path / "records"

    @property
    def logs(self) -> Path:
        """What commands did: one file a month."""
        return self.path / "logs"

    @property
    def format_file(self) -> Path:
        """The file that names the format of this home."""
        return self.path / "format.json"

    def _dated(self) -> Path:
        return self.path if self.as_of is None else self.path / "as-of" / self.as_of

    def check(self) -> "Home":
        """This home, checked: this graphrec can read it, or it does not exist yet.

        The scratch folders that killed commands left in it are removed.

        Raises:
            SchemaOutdated: a newer graphrec wrote it.
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
        if not self.format_file.exists():
            if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise SettingsError(
                    f"folder {self.path} is not empty and is no home of graphrec (it has no {self.format_file.name}); "
                    "name another one with --home"
                )
            return self
        found, writer = self._written_by()
        if found > FORMAT:
            raise SchemaOutdated(
                f"home {self.path} has format {found}, written by graphrec {writer}, and this is graphrec "
                f"{__version__}, which reads formats up to {FORMAT}; install a newer graphrec or use another --home"
            )
        return self

    def prepare(self) -> "Home":
        """This home, created if it is new; unfinished work of killed commands is removed.

        Raises:
            SchemaOutdated: a newer graphrec wrote it.
            SettingsError: the path is no home, or cannot be written.
        """
        self.check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.format_file.exists():
                with whole_file(self.format_file) as temporary:
                    temporary.write_text(
                        json.dumps({"format": FORMAT, "graphrec": __version__}) + "\n", encoding="utf-8"
                    )
        except OSError as error:
            raise SettingsError(
                f"home {self.path} cannot be made: {error.strerror}; name another one with --home"
            ) from error
        self.sweep()
        return self

    def scratch(self, purpose: str) -> AbstractContextManager[Path]:
        """A folder in this home for unfinished work, readable by its owner alone, removed when the block ends.

        Raises:
            Unwritable: the home is full or read-only.
        """
        return private_folder(self.path, purpose)

    def sweep(self) -> None:
        """Remove what killed commands left unfinished anywhere in this home."""
        for folder in self._folders(self.path, 4):
            sweep(folder)

    def _folders(self, folder: Path, depth: int) -> Iterator[Path]:
        """The folders in which commands write whole files and folders, this one first."""
        yield folder
        with suppress(OSError):  # A folder may vanish, or belong to another user.
            for entry in list(os.scandir(folder)) if depth > 1 else ():
                path = Path(entry.path)
                if path != self.store and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    yield from self._folders(path, depth - 1)

    def _written_by(self) -> tuple[int, str]:
        try:
            content = json.loads(self.format_file.read_text(encoding="utf-8"))
            return int(content["format"]), str(content.get("graphrec", "unknown"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SettingsError(
                f'{self.format_file} does not name a format (want {{"format": {FORMAT}}}); restore it from a backup'
            ) from error
