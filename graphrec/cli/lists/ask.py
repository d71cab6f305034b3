"""graphrec ask: a question in people's own words, answered from records."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import AsOf, Json, Language, NoRecord, View
from graphrec.cli.output import emit_json, note, say_wrapped, table
from graphrec.errors import UsageError


def command(
    words: Annotated[
        list[str], typer.Argument(metavar="[USER] QUESTION", help="Id of the user, if it is about one; the question.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="Products of a list.")] = 5,
    after: Annotated[
        int | None, typer.Option(min=1, help="Entry of the question that this one follows, and takes the product from.")
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Show where each value of the answer comes from.")
    ] = False,
    language: Language = None,
    view: View = None,
    no_record: NoRecord = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Answer a question in English, German or Chinese: what fits, why, why not, what if, comparisons, costs, risk,
    holdings, a portrait, facts of a product, the library of queries; or open a case for a complaint.

    Every sentence is filled from records and carries its evidence. What the records do not answer is refused, and so is
    what asks about other customers.

    Examples: graphrec ask C000004 "Why not P00006?"; graphrec ask C000004 "Was kostet P00055?"
    """
    from graphrec.ask.asking import Ask, ask

    if len(words) > 2:
        raise UsageError(
            f"ask wants a user and one question in quotes, or the question alone; it got {len(words)} words"
        )
    question, user = words[-1], words[0] if len(words) == 2 else None
    found = ask(bank(), Ask(question, user, reader(view), after, language, k, as_of, not no_record))
    if json:
        emit_json(found.to_json())
        return
    for text in found.notes:
        note(f"note: {text}")
    if found.record is not None:
        note(f"recorded as entry {found.record}")
    for sentence in found.sentences:
        say_wrapped(sentence, indent=3)
    if evidence:
        columns = ["what", "value", "source", "field", "date", "path", "record"]
        rows = [[getattr(one, name) for name in columns] for one in found.evidence]
        table(columns, rows, optional=["field", "date", "path", "record"])
