"""One call of the command line: the options before the command, and the bank that they name."""

from contextvars import ContextVar
from dataclasses import field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from graphrec import log
from graphrec.frozen import dataclass

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.schema import View


@dataclass(frozen=True)
class GlobalOptions:
    """The options before the command, None when not given."""

    home: str | None = None
    store: str | None = None
    policy: str | None = None
    log_level: str | None = None
    log_format: log.Format | None = None
    log_file: str | None = None
    verbose: int = 0
    quiet: bool = False
    debug: bool = False

    def level(self) -> str | None:
        """The log level that the options ask for."""
        if self.log_level:
            return self.log_level
        if self.quiet:
            return "error"
        return {0: None, 1: "info"}.get(self.verbose, "debug")


@dataclass
class Invocation:
    """One call; settings are read when a command first asks for its bank."""

    options: GlobalOptions = field(default_factory=GlobalOptions)

    @cached_property
    def bank(self) -> "Bank":
        """The bank that the options, the environment and graphrec.toml name.

        Raises:
            SettingsError: the settings cannot be used.
        """
        from graphrec.app.bank import Bank
        from graphrec.cli.output import note
        from graphrec.config.settings import read_settings

        options = self.options
        settings = read_settings(
            home=options.home,
            store=options.store,
            log_level=options.level(),
            log_format=options.log_format,
            log_file=options.log_file,
            policy=options.policy,
        )
        return Bank(settings, on_note=note)

    def begin_log(self) -> None:
        """Send log lines where the settings say; a home that is not there yet is not made for them.

        Raises:
            SettingsError: the settings cannot be used.
        """
        from graphrec.home import Home

        settings = self.bank.settings
        home = Home(settings.home)
        log.set_up(
            settings.log_level,
            form=settings.log_format,
            file=settings.log_file or home.logs / f"{datetime.now(UTC):%Y-%m}.log",
            only_below=None if settings.log_file else home.format_file,
        )


_CURRENT: ContextVar[Invocation] = ContextVar("invocation")


def begin(options: GlobalOptions) -> None:
    """Forget the last call and start one with these options."""
    _CURRENT.set(Invocation(options))
    log.set_up(options.level() or "warning", form=options.log_format or "text")


def current() -> Invocation:
    """The call that runs."""
    try:
        return _CURRENT.get()
    except LookupError:
        begin(GlobalOptions())
        return _CURRENT.get()


def bank() -> "Bank":
    """The bank of the call that runs.

    Raises:
        SettingsError: the settings cannot be used.
    """
    return current().bank


def reader(view: "View | None") -> "View":
    """Who reads the answer: the view of an option, else that of the settings.

    Raises:
        SettingsError: the settings cannot be used.
    """
    return view or current().bank.settings.view
