"""The dates of a rolling protocol, equally many price days apart, and what prices did over their windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400_000_000
"""Microseconds."""
EPOCH = date(1970, 1, 1)
MONTH_DAYS = 30


@dataclass(frozen=True)
class Span:
    """A stretch of dates: `steps` + 1 of them, the last window ends on `last`."""

    first: date
    last: date
    steps: int


@dataclass(frozen=True)
class Protocol:
    """Which dates, and how many steps ahead a window ends."""

    spans: tuple[Span, ...]
    ahead: int


#: The 61 dates of the paper: 29 + 32, two weeks apart, windows of six months.
PROTOCOLS: Mapping[str, Protocol] = {
    "far-trans": Protocol(
        (Span(date(2019, 8, 1), date(2021, 2, 26), 28), Span(date(2020, 9, 14), date(2022, 5, 23), 31)), ahead=13
    )
}


@dataclass(frozen=True)
class Window:
    """A date and the end of its test period, as days since 1970."""

    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Prices:
    """Closing prices; assets with a price of 0, which means that none was recorded, are left out.

    Shapes: days (num_days,) since 1970, ascending; values (num_days, num_products), NaN without a price.
    """

    days: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, rows: "pa.Table", ids: Sequence[str], value: str = "close") -> "Prices":
        """The prices in the rows of a series (id, at, value) for products in the order of ids."""
        import pyarrow as pa

        names = np.array(rows["id"].to_pylist(), dtype=object)
        at = rows["at"].cast(pa.int64()).to_numpy() // DAY
        prices = rows[value].to_numpy(zero_copy_only=False).astype(np.float64)
        bad = set(names[prices == 0])
        place = {name: number for number, name in enumerate(ids) if name not in bad}
        keep = np.array([name in place for name in names], np.bool_)
        days, row = np.unique(at[keep], return_inverse=True)
        values = np.full((len(days), len(ids)), np.nan)
        values[row, [place[name] for name in names[keep]]] = prices[keep]
        return cls(days, values)

    def on(self, day: int) -> NDArray[np.float64]:
        """The prices of a day (num_products,)."""
        return np.asarray(self.values[np.searchsorted(self.days, day)])

    def monthly_returns(self, window: Window) -> NDArray[np.float64]:
        """The monthly return of every asset over a window (num_products,), NaN without both prices."""
        growth = self.on(window.end) / self.on(window.begin)
        return np.asarray(growth ** (MONTH_DAYS / (window.end - window.begin)) - 1)


def windows_of(days: NDArray[np.int64], protocol: Protocol) -> list[Window]:
    """The windows of a protocol on these price days (ascending).

    Raises:
        ModelError: a span has fewer price days than steps.
    """
    found = []
    for span in protocol.spans:
        first, last = ((day - EPOCH).days for day in (span.first, span.last))
        inside = days[(days >= first) & (days <= last)]
        pieces = span.steps + protocol.ahead
        apart = len(inside) // pieces
        if not apart:
            raise ModelError(
                f"there are prices on {len(inside)} days from {span.first} to {span.last}, and the dates of this "
                f"protocol need at least {pieces}; load the close_prices.csv of the whole data set"
            )
        marks = [*(int(inside[n * apart]) for n in range(pieces)), int(inside[-1])]
        found += [Window(marks[n], marks[n + protocol.ahead]) for n in range(span.steps + 1)]
    return found


def check_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"--rolling {name}: there is no such protocol; there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
