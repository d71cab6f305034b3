"""Five numbers per node that describe a time series as of a date, such as the change of a price."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.schema import GraphSchema

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400_000_000
TRADING_DAYS = 252
#: Names of the features, after `<series>_<value>_`.
FEATURES = ("last", "change_30d", "change_365d", "volatility", "drawdown")


def series_columns(schema: GraphSchema, label: str) -> frozenset[str]:
    """The columns of a label that are computed from its series."""
    return frozenset(
        f"{series.name}_{value}_{feature}"
        for series in schema.series.values()
        if series.of == label
        for value in series.values
        for feature in FEATURES
    )


class SeriesRows(Protocol):
    """The rows of a series that is too long to be held in memory."""

    def by_id(self) -> "Iterator[pa.Table]":
        """Tables of id, at and the values, sorted by id and time; all rows of an id are in one of them."""
        ...


def series_features(
    rows: "pa.Table | SeriesRows", values: Sequence[str], as_of: int | None
) -> dict[str, tuple[list[str], NDArray[np.float64]]]:
    """For each value of a series the ids with values before a date and their features, NaN where values are too few.

    last: latest value; change_30d, change_365d: last / value that many days earlier - 1; volatility: standard
    deviation of daily log returns x sqrt(252); drawdown: greatest fall from an earlier maximum, 0..1.

    Args:
        rows: id, at, and a column for each of `values`; a table in any order.
        as_of: microseconds since 1970; values at or after it are left out. None: all are used.

    Shapes:
        ids: num_ids, sorted; features: (num_ids, 5). Values without a number have no ids.
    """
    found: dict[str, tuple[list[str], list[list[float]]]] = {value: ([], []) for value in values}
    for table in _sorted(rows):
        for value, (ids, features) in found.items():
            _add_features(table.select(["id", "at", value]), as_of, ids, features)
    return {
        value: (ids, np.array(features, np.float64).reshape(len(ids), len(FEATURES)))
        for value, (ids, features) in found.items()
    }


def _sorted(rows: "pa.Table | SeriesRows") -> "Iterator[pa.Table]":
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        yield rows.sort_by([("id", "ascending"), ("at", "ascending")])
    else:
        yield from rows.by_id()


def _add_features(rows: "pa.Table", as_of: int | None, ids: list[str], features: list[list[float]]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.drop_null()
    if as_of is not None:
        rows = rows.filter(pc.less(rows["at"].cast(pa.int64()), as_of))
    encoded = rows["id"].combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    times = rows["at"].cast(pa.int64()).to_numpy()
    numbers = rows.column(2).to_numpy()
    found = encoded.dictionary.to_pylist()
    bounds = np.searchsorted(codes, np.arange(len(found) + 1))
    ids += found
    features += [_features(times[start:end], numbers[start:end]) for start, end in pairwise(bounds)]


def _features(times: NDArray[np.int64], values: NDArray[np.float64]) -> list[float]:
    last = float(values[-1])
    changes = []
    for days in (30, 365):
        position = int(np.searchsorted(times, times[-1] - days * DAY, side="right")) - 1
        changes.append(last / float(values[position]) - 1 if position >= 0 and values[position] > 0 else np.nan)
    volatility = drawdown = np.nan
    if len(values) > 2 and (values > 0).all():
        volatility = float(np.diff(np.log(values)).std(ddof=1) * np.sqrt(TRADING_DAYS))
        drawdown = float((1 - values / np.maximum.accumulate(values)).max())
    return [last, *changes, volatility, drawdown]
