"""The functions of conditions that make a value of a value."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from datetime import date as calendar_date

import numpy as np
from numpy.typing import NDArray

from graphrec.policy.facts import DAY, Texts
from graphrec.policy.values import Value, both


def date(text: str) -> int | None:
    """The start of a day in UTC, in microseconds since 1970; None when the text is no date."""
    try:
        day = calendar_date.fromisoformat(text)
    except ValueError:
        return None
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000_000)


def days_since(value: Value, as_of: int) -> Value:
    """Days from a time to the date of the answer, with fractions; below 0 for times after it."""
    return Value((as_of - value.values) / DAY, value.valid)


def years_since(value: Value, as_of: int) -> Value:
    """Whole years from a day to the date of the answer, as an age is counted."""
    years, days = _calendar(value.values)
    now_years, now_days = _calendar(np.array([[as_of]]))
    return Value(now_years - years - (now_days < days), value.valid)


def lower(value: Value, texts: Texts) -> Value:
    """Texts in lower case."""
    return Value(_mapped(value, lambda code: texts.code(texts.text(code).lower())), value.valid)


def level(value: Value, order: Sequence[str], texts: Texts) -> Value:
    """Where texts stand in an order, from 0; a text that is not in it has no level: missing."""
    places = {texts.code(text): place for place, text in enumerate(order)}
    found = _mapped(value, lambda code: places.get(code, -1))
    return Value(found, both(value.valid, None if bool((found >= 0).all()) else found >= 0))


def _mapped(value: Value, new: Callable[[int], int]) -> NDArray[np.int64]:
    """Codes of texts, each replaced by what is made of it."""
    codes, places = np.unique(value.values, return_inverse=True)
    made = np.array([new(int(code)) for code in codes], np.int64)
    return made[places].reshape(value.values.shape)


def _calendar(microseconds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year, and a number that orders the days of a year (the month times 32 plus the day)."""
    days = microseconds.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month = (months - years).astype(np.int64)
    return years.astype(np.int64), month * 32 + (days - months).astype(np.int64)
