"""What the options before the command said; `from graphrec.cli.state import state`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from graphrec import log
from graphrec.config.settings import Settings, read_settings
from graphrec.home import Home


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
class _Run:
    """One invocation; settings are read when a command first asks for them."""

    options: GlobalOptions = field(default_factory=GlobalOptions)

    @cached_property
    def settings(self) -> Settings:
        given = self.options
        return read_settings(
            home=given.home,
            store=given.store,
            log_level=given.level(),
            log_format=given.log_format,
            log_file=given.log_file,
            policy=given.policy,
        )

    @cached_property
    def home(self) -> Home:
        return Home(self.settings.home, self.settings.policy).check()


class State:
    """The settings, home and manners of this invocation.

    Raises (from `settings` and `home`):
        SettingsError, SchemaOutdated: graphrec.toml, the environment or the home is not usable.
    """

    def __init__(self) -> None:
        self._run = _Run()

    def begin(self, options: GlobalOptions) -> None:
        """Forget the last invocation and start one with these options."""
        self._run = _Run(options)
        log.set_up(options.level() or "warning", form=options.log_format or "text")

    def begin_log(self) -> None:
        """Send log lines where the settings say; a home that is not there yet is not made for them."""
        settings = self.settings
        home = Home(settings.home)
        log.set_up(
            settings.log_level,
            form=settings.log_format,
            file=settings.log_file or home.logs / f"{datetime.now(UTC):%Y-%m}.log",
            only_below=None if settings.log_file else home.format_file,
        )

    @property
    def options(self) -> GlobalOptions:
        """The options before the command."""
        return self._run.options

    @property
    def settings(self) -> Settings:
        """Settings with options and environment applied."""
        return self._run.settings

    @property
    def home(self) -> Home:
        """The home folder, checked; call `.prepare()` before writing to it."""
        return self._run.home

    def look_back(self, moment: datetime) -> None:
        """From now on `home` is the home as of a date."""
        self._run.home = self._run.home.at(moment)

    @property
    def store(self) -> str:
        """The store's address: `neo4j://…`, `bolt://…` or a path."""
        return self.settings.store or str(self.home.store)

    @property
    def quiet(self) -> bool:
        """True with -q: no notes, no progress."""
        return self.options.quiet

    @property
    def debug(self) -> bool:
        """True with --debug: tracebacks are shown."""
        return self.options.debug


state = State()
