"""Dates of requests, and now: one value for all that a request reads."""

from datetime import UTC, date, datetime, time

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
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise UsageError(f"{option} {text} lies outside the years 1 to 9999 of UTC; want a date within them") from error


def moment_of_now(as_of: str | None, today: date | None) -> datetime:
    """The date of an answer: that of the request, else of the settings, else the UTC date of the clock.

    Raises:
        UsageError: the request names no date.
    """
    if as_of is not None:
        return parse_moment(as_of)
    return datetime.combine(today or datetime.now(UTC).date(), time(), UTC)
