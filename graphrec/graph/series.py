"""Five numbers per node that describe a time series as of a date, such as the change of a price."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400_000_000
TRADING_DAYS = 252
#: Names of the features, after `<series>_<value>_`.
FEATURES = ("last", "change_30d", "change_365d", "volatility", "drawdown")


def series_features(rows: "pa.Table", value: str, as_of: int | None) -> tuple[list[str], NDArray[np.float64]]:
    """The ids with values before a date and their features (num_ids, 5), NaN where there are too few values.

    last: latest value; change_30d, change_365d: last / value that many days earlier - 1; volatility: standard
    deviation of daily log returns x sqrt(252); drawdown: greatest fall from an earlier maximum, 0..1.

    Args:
        rows: id, at, and a column `value`.
        as_of: microseconds since 1970; values at or after it are left out. None: all are used.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.select(["id", "at", value]).drop_null()
    if as_of is not None:
        rows = rows.filter(pc.less(rows["at"].cast(pa.int64()), as_of))
    rows = rows.sort_by([("id", "ascending"), ("at", "ascending")])
    encoded = rows["id"].combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    times = rows["at"].cast(pa.int64()).to_numpy()
    values = rows[value].to_numpy()
    ids = encoded.dictionary.to_pylist()
    bounds = np.searchsorted(codes, np.arange(len(ids) + 1))
    features = [_features(times[start:end], values[start:end]) for start, end in pairwise(bounds)]
    return ids, np.array(features, np.float64).reshape(len(ids), len(FEATURES))


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
