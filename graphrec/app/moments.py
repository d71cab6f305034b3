"""Dates of requests."""

from datetime import UTC, datetime

from graphrec.errors import UsageError


def parse_moment(text: str, option: str = "--as-of") -> datetime:
    """The date or time in a request, UTC unless it says otherwise.

    Raises:
        UsageError: it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text} is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
