"""Dates of requests: those that UTC has no date for are refused in one line."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from graphrec.app.moments import moment_of_now, parse_moment
from graphrec.errors import UsageError
from graphrec.serving.engine import LAST_MOMENT, seen_before
from graphrec.times import microseconds_of


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00+14:00"])
def test_a_date_outside_the_years_of_utc_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--as-of \S+ lies outside the years 1 to 9999 of UTC; want"):
        parse_moment(text)
    assert parse_moment("2025-01-01T23:00-02:00") == datetime(2025, 1, 2, 1, tzinfo=UTC)


def test_the_last_day_of_all_has_no_day_after_it() -> None:
    now = microseconds_of(moment_of_now(None, date(9999, 12, 31)))
    assert seen_before(cast("Any", SimpleNamespace(as_of=None)), now) == LAST_MOMENT
