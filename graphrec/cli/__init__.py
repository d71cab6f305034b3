'''The command line: one file per command, and the only room that prints.

A command is a file `graphrec/cli/<subject>/<command>.py` with one function `command`, and a line in
`graphrec/cli/commands.py`. The file parses, asks the bank once and prints; it imports what is
heavy inside the function, so that
`graphrec <command> --help` stays quick:

    """graphrec embed: turn the texts of a snapshot into vectors."""

    from typing import Annotated

    import typer

    from graphrec.cli.invocation import bank
    from graphrec.cli.options import Json
    from graphrec.cli.output import emit_json, progress, say


    def command(
        encoder: Annotated[str | None, typer.Option(help="Name or path of the encoder.")] = None,
        json: Json = False,
    ) -> None:
        """Turn the texts of a snapshot into vectors."""
        from graphrec.app.jobs import Embed

        with progress(json=json) as report:
            done = bank().embed(Embed(encoder), progress=report)
        if json:
            emit_json(done)
        else:
            say(f"{done.texts} texts, {done.encoded} encoded in {done.seconds:.1f} s")

Failures are raised as the errors of graphrec/errors.py; `LazyGroup` turns them into one line and an exit code.
'''

from typing import Annotated, Literal

import typer

from graphrec import __version__
from graphrec.cli.group import LazyGroup
from graphrec.cli.invocation import GlobalOptions, begin

app = typer.Typer(
    cls=LazyGroup,
    name="graphrec",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphrec {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    home: Annotated[
        str | None, typer.Option(help="Folder of one bank's data (default .graphrec, or GRAPHREC_HOME).")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="neo4j://…, bolt://… or a path (default: the embedded store in the home).")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="Rules of what may be shown to whom (default: policy.toml in the home).")
    ] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for everything.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only results and errors.")] = False,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, typer.Option(help="Least important log lines to show.")
    ] = None,
    log_format: Annotated[
        Literal["text", "json"] | None, typer.Option(help="Form of log lines (default text, or GRAPHREC_LOG_FORMAT).")
    ] = None,
    log_file: Annotated[
        str | None, typer.Option(help="File that log lines are appended to (default: logs/YYYY-MM.log in the home).")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Which product fits which customer, and why, as arithmetic."""
    begin(GlobalOptions(home, store, policy, log_level, log_format, log_file, verbose, quiet, debug))
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
