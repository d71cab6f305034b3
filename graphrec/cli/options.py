"""Options that several commands have, and texts of options that are lists."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from graphrec.errors import UsageError

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Date or time (UTC unless it says otherwise): only what was known before it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[str | None, typer.Option(help="Kind of model (default: the blend, final before tested).")]
NoPolicy = Annotated[
    bool, typer.Option("--no-policy", help="Go without a policy: only what is held or closed is left out.")
]
Amount = Annotated[float | None, typer.Option(min=0, help="What the customer would put in, for rules that ask for it.")]
Channel = Annotated[str | None, typer.Option(help="Where the answer is shown (branch, app, …), for rules that ask.")]
Purpose = Annotated[str | None, typer.Option(help="What the answer is for (advice, …), for rules that ask.")]
NoRecord = Annotated[bool, typer.Option("--no-record", help="Leave no entry in the decision record.")]
Language = Annotated[
    str | None,
    typer.Option(help="en, de, zh, or one of the home's own (default en, or GRAPHREC_LANGUAGE)."),
]
Voice = Annotated[
    Literal["adviser", "customer"],
    typer.Option(help="Who is spoken to: an adviser, of the customer; or the customer."),
]
View = Annotated[
    Literal["compliance", "adviser", "customer", "service", "analyst", "campaign", "auditor", "admin"] | None,
    typer.Option(help="Who reads it: only compliance sees exact numbers (default compliance, or GRAPHREC_VIEW)."),
]


def parse_names(text: str) -> tuple[str, ...]:
    """The names of an option with commas between them; `none` is no name."""
    return () if text == "none" else tuple(name.strip() for name in text.split(","))


def parse_lengths(text: str) -> tuple[int, ...]:
    """The lengths of -k, such as 1,3,10,20.

    Raises:
        UsageError: one is no whole number.
    """
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise UsageError(f"-k {text}: want whole numbers with commas between them, such as 1,3,10,20") from error


def parse_parameters(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The names and values of name=value.

    Raises:
        UsageError: one has no `=`.
    """
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UsageError(f"parameter {name} has no value; want name=value")
    return tuple((name, value) for name, _, value in pairs)
