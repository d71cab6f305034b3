"""The command group: imports a command only when it is called, and maps every failure to one line and a code."""

import errno
import gc
import logging
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as build_command

from graphrec import __version__, log
from graphrec.cli.commands import COMMANDS
from graphrec.cli.invocation import GlobalOptions, begin, current
from graphrec.errors import GraphrecError, NotTrained, SettingsError, UsageError
from graphrec.shown import visible

INTERRUPTED, TERMINATED = 130, 143
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
LONGEST, END = 1200, 300
"""Characters of a failure's line, and of its end that stays where its middle is left out."""
FOR_ONE_ANSWER = {"recommend", "explain", "why-not", "find", "query", "record", "replay", "doctor"}
"""Commands that change nothing; their log lines are at debug, so that an answer writes nothing to the home's log."""
WITHOUT_HOME = {"demo", "restore"}
"""Commands that read no person of a home, or make it."""

ALLOCATED = 100_000
"""Objects after which cycles are looked for where a command gives one answer: its imports make tens of thousands."""


class LazyGroup(TyperGroup):
    """All commands of graphrec.cli.commands; --help imports none of them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Placeholders: names for "did you mean"; get_command gives the real ones.
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, its module imported now; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in FOR_ONE_ANSWER:
            gc.set_threshold(ALLOCATED, 20, 20)
        module, line = COMMANDS[cmd_name]
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        function = import_module(module).command
        single.command(cmd_name, help=function.__doc__ or line)(function)
        command = build_command(single)
        command.callback = _logged(cmd_name, command.callback)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line; every failure ends as one line on stderr and its exit code."""
        begin(GlobalOptions())
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # A character that the terminal's encoding lacks is written as an escape and fails no command.
                stream.reconfigure(errors="backslashreplace")
        try:
            with _terminable() as ended:
                code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except (Exception, KeyboardInterrupt) as error:
            _fail(*_outcome(error, ended), error)
        if code == INTERRUPTED:
            _fail(*_outcome(KeyboardInterrupt(), ended), None)
        sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """While the block runs, SIGTERM ends it as Ctrl-C does; gives the signals that came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield came
        return

    def end(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _outcome(error: BaseException, ended: list[int]) -> tuple[str, int]:
    """The line and the exit code of a failure."""
    if isinstance(error, typer.TyperException):
        return _usage_line(error), error.exit_code
    if isinstance(error, NotTrained) and (elsewhere := _no_home()):
        return elsewhere, SettingsError.exit_code
    if isinstance(error, GraphrecError):
        return str(error), error.exit_code
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return ("terminated", TERMINATED) if ended else ("interrupted", INTERRUPTED)
    if isinstance(error, RecursionError):
        return "a value is nested too deep; flatten it", SettingsError.exit_code
    if isinstance(error, OSError):
        return _of_system(error)
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    return f"unexpected {what} (graphrec {__version__}); run again with --debug for the traceback", 1


def _no_home() -> str:
    """That the home is not there, and which are; empty where it is there."""
    with suppress(GraphrecError, OSError):
        home = current().bank.home
        if not home.path.exists():
            beside = sorted(one.parent for one in home.path.parent.glob(f"*/{home.format_file.name}"))
            near = f"; homes beside it: {', '.join(map(str, beside[:3]))}" if beside else ""
            return (
                f"there is no home {home.path}{near}; name one with --home, or load into a new one: "
                f"graphrec --home {shlex.quote(str(home.path))} load MAPPING"
            )
    return ""


def _of_system(error: OSError) -> tuple[str, int]:
    what = f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}"
    if error.errno == errno.ENAMETOOLONG:
        return f"{str(error.filename)[:60]}…: {error.strerror}; choose a shorter name", UsageError.exit_code
    if error.errno in FULL:
        return f"{what}; free space or give write access there", SettingsError.exit_code
    return f"{what}; run again with --debug for the traceback", 1


def _logged(name: str, run: Callable[..., Any] | None) -> Callable[..., Any]:
    """The function of a command, which leaves one log line about the command as a whole."""

    def logged(*arguments: Any, **options: Any) -> Any:
        # A command that needs the settings reports what is wrong with them.
        with suppress(GraphrecError):
            current().begin_log()
        with (
            log.stage("command", level=logging.DEBUG if name in FOR_ONE_ANSWER else logging.INFO, command=name),
            _as_caller(name, options),
        ):
            return run(*arguments, **options) if run else None

    return logged


@contextmanager
def _as_caller(name: str, options: Mapping[str, Any]) -> Iterator[None]:
    """While the block runs, the role of a shared home's key holds; what was read of a person is logged afterwards."""
    if name in WITHOUT_HOME:
        yield
        return
    from graphrec.cli.rights import caller, note_read

    try:
        bank = current().bank
    except GraphrecError:
        yield  # the command says what is wrong with the settings
        return
    status = 1
    who = None
    try:
        who = caller(bank, name, options)
        yield
        status = 0
    except GraphrecError as error:
        status = error.exit_code
        raise
    finally:
        note_read(bank, who, name, options, status)


def shortened(line: str) -> str:
    """A line without its middle where that is too long: with its beginning, and the advice at its end.

    >>> shortened("error: " + "a" * 5000 + "; want less")[-20:]
    'aaaaaaaaa; want less'
    """
    return line if len(line) <= LONGEST else f"{line[: LONGEST - END]} … {line[-END:]}"


def _usage_line(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "graphrec"
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{message}; see {path} --help"


def _fail(line: str, code: int, error: BaseException | None) -> NoReturn:
    if current().options.debug and error is not None:
        traceback.print_exception(error)
    typer.echo(shortened(visible(f"error: {line}")), err=True)
    sys.exit(code)
