"""--as-of: a command on what was known before a date, with snapshots and models of that date."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from graphrec.cli.state import state
from graphrec.errors import UsageError

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Date or time (UTC unless it says otherwise): only what was known before it."),
]


def look_back(as_of: AsOf) -> str | None:
    """The date in the one form in which it is written everywhere; from now on the home is that of the date.

    Raises:
        UsageError: it is no date.
    """
    if as_of is not None:
        state.look_back(parse_moment(as_of))
    return state.home.as_of


def parse_moment(given: str) -> datetime:
    """The date or time of the command line, UTC unless it says otherwise.

    Raises:
        UsageError: it is neither.
    """
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError(f"--as-of {given} is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
