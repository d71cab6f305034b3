"""graphrec statement: what must be handed over with a recommendation, each sentence from a field of the record."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.app.requests import AskStatement, ReadStatement
from graphrec.cli.finance.first_file import write_first
from graphrec.cli.invocation import bank
from graphrec.cli.options import Amount, AsOf, Json, Language, NoRecord
from graphrec.cli.output import emit_json, note, say, say_block
from graphrec.errors import NotSuitable, UsageError
from graphrec.files import whole_file

if TYPE_CHECKING:
    from graphrec.app.answers import Handed


def command(
    user: Annotated[str | None, typer.Argument(help="Id of the user; none with --entry.")] = None,
    product: Annotated[str | None, typer.Argument(help="Id of the product.")] = None,
    amount: Amount = None,
    replaces: Annotated[str | None, typer.Option(help="Product that would be given up for it.")] = None,
    init: Annotated[bool, typer.Option("--init", help="Write a first statement.toml into the home.")] = False,
    force: Annotated[bool, typer.Option("--force", help="--init: replace the one that is there.")] = False,
    entry: Annotated[int | None, typer.Option(help="Show a statement as it was recorded.")] = None,
    form: Annotated[
        Literal["markdown", "html", "pdf", "json"],
        typer.Option("--format", help="html is for the screen and for paper; pdf wants --out and graphrec[pdf]."),
    ] = "markdown",
    out: Annotated[Path | None, typer.Option(help="Write it to a file.")] = None,
    language: Language = None,
    as_of: AsOf = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Write the suitability statement of one product for one user, or say why it may not be handed over.

    statement.toml in the home says which columns hold objectives, attitude to risk and the rest. Every figure and name
    comes from a field of the record; what is not recorded is named as missing. PDF is made by WeasyPrint (graphrec[pdf]
    and the libraries of Pango); a browser makes one of the HTML too.

    Examples: graphrec statement --init; graphrec statement C000004 P00055 --amount 5000;
    graphrec statement C000004 P00055 --format pdf --out statement.pdf
    """
    if init:
        write_first("statement", "graphrec statement USER PRODUCT", force=force, json=json)
        return
    if (entry is None) != (user is not None and product is not None) or (entry is not None and user is not None):
        raise UsageError("graphrec statement wants a user and a product, or --entry NUMBER")
    _file(form, out)
    if entry is not None:
        handed = bank().read_statement(ReadStatement(entry))
    else:
        asked = AskStatement(str(user), str(product), amount, replaces, language, as_of, not no_record)
        handed = bank().statement(asked)
    if json or form == "json":
        emit_json(handed.to_json())
        return
    for text in handed.notes:
        note(f"note: {text}")
    if handed.record is not None:
        note(f"recorded as entry {handed.record}; decide with: graphrec decide {handed.record} accepted --why TEXT")
    if handed.statement.refused is not None and entry is None:
        raise NotSuitable(f"no statement of {product} for {user}: {handed.statement.refused}")
    _write(handed, form, out)


def _file(form: str, out: Path | None) -> Path:
    """Where a PDF goes."""
    if form == "pdf" and out is None:
        raise UsageError("--format pdf is no text: name a file with --out statement.pdf")
    return out or Path()


def _write(handed: "Handed", form: Literal["markdown", "html", "pdf"], out: Path | None) -> None:
    """Print a statement, or write it to a file."""
    if form == "pdf":
        with whole_file(_file(form, out)) as temporary:
            temporary.write_bytes(bank().statement_as_pdf(handed))
        say(f"{out}")
        return
    text = bank().printed_statement(handed, form)
    if out is None:
        say_block(text.rstrip("\n"))
        return
    with whole_file(out) as temporary:
        temporary.write_text(text, "utf-8")
    say(f"{out}")
