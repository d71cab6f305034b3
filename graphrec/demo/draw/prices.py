"""Daily prices of the securities: random walks that are wilder, the higher the risk class."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graphrec.demo.draw.products import Products
from graphrec.demo.sizes import DAY_SECONDS, FIRST_DAY, LAST_DAY, Ints, Reals
from graphrec.demo.words.vocabulary import KINDS

SCHEMA = pa.schema([("product_id", pa.string()), ("day", pa.date32()), ("close", pa.float64()), ("volume", pa.int64())])
YEARLY_DRIFT = (0.01, 0.02, 0.035, 0.05, 0.065, 0.08)
YEARLY_VOLATILITY = (0.01, 0.02, 0.06, 0.12, 0.2, 0.32)
"""By risk class; index 0 is not used."""
COMMON = 0.3
"""The part of the variance that all securities share."""
BANK_DAYS = 252
CHUNK = 500


def draw_prices(products: Products, ids: pa.Array, rng: np.random.Generator) -> Iterator[pa.RecordBatch]:
    """Batches of (product, day, close, volume), by product and day, from issue to closing."""
    every_day = np.arange(np.datetime64(FIRST_DAY, "D"), np.datetime64(LAST_DAY, "D") + 1)
    bank_days = every_day[np.is_busday(every_day)]
    market = rng.normal(size=len(bank_days))
    securities = np.flatnonzero(np.array([kind.is_security for kind in KINDS])[products.kind])
    for first in range(0, len(securities), CHUNK):
        yield _batch(products, ids, securities[first : first + CHUNK], bank_days, market, rng)


def _batch(
    products: Products,
    ids: pa.Array,
    chosen: Ints,
    bank_days: NDArray[np.datetime64],
    market: Reals,
    rng: np.random.Generator,
) -> pa.RecordBatch:
    drift = np.array(YEARLY_DRIFT)[products.risk[chosen], None]
    volatility = np.array(YEARLY_VOLATILITY)[products.risk[chosen], None]
    own = rng.normal(size=(len(chosen), len(bank_days)))
    shock = np.sqrt(COMMON) * market + np.sqrt(1 - COMMON) * own
    # The drift of a geometric walk: half the variance is taken off so that the mean grows by `drift`.
    change = (drift - volatility**2 / 2) / BANK_DAYS + volatility / np.sqrt(BANK_DAYS) * shock
    begin = np.exp(rng.uniform(np.log(20), np.log(400), len(chosen)))
    close = np.round(begin[:, None] * np.exp(np.cumsum(change, axis=1)), 4)
    volume = np.round(np.exp(rng.normal(8.0, 1.0, len(chosen))[:, None] + 0.4 * np.abs(own))).astype(np.int64)
    day = bank_days.astype(np.int64)
    traded = (products.issued[chosen, None] // DAY_SECONDS <= day) & (
        day < products.closed[chosen, None] // DAY_SECONDS
    )
    row, column = np.nonzero(traded)
    arrays = [
        ids.take(pa.array(chosen[row])),
        pa.array(bank_days[column]),
        pa.array(close[row, column]),
        pa.array(volume[row, column]),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
