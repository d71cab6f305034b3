"""How large a demo bank is, the three years that it covers, and the arrays that it is drawn in."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Reals: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
SizeName: TypeAlias = Literal["S", "M", "L"]

FIRST_DAY = date(2023, 1, 2)
LAST_DAY = date(2025, 12, 30)
TODAY = date(2026, 1, 1)
"""When the bank has come to know of all that happened until its last day."""
DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Size:
    """Customers, products, and from how few to how many products a group holds."""

    name: SizeName
    customers: int
    products: int
    sector: tuple[int, int]
    issuer: tuple[int, int]
    theme: tuple[int, int]
    twins: tuple[int, int] = (3, 3)


SIZES: dict[str, Size] = {
    "S": Size("S", 2_000, 150, (5, 7), (4, 6), (5, 5)),
    "M": Size("M", 50_000, 2_000, (6, 10), (4, 6), (4, 5)),
    "L": Size("L", 500_000, 10_000, (8, 12), (6, 8), (7, 9)),
}


def seconds(day: date) -> int:
    """Seconds from 1970 to the start of a day."""
    return (day - _EPOCH).days * DAY_SECONDS


def days(times: Ints) -> NDArray[np.datetime64]:
    """Seconds since 1970 as dates."""
    return (times // DAY_SECONDS).astype("datetime64[D]")


START = seconds(FIRST_DAY)
END = seconds(LAST_DAY)
