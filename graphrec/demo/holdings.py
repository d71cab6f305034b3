"""Writes what customers of the demo bank have had, with its ends: `loaders/demo_holdings.toml` reads it.

Contracts (deposits, loans, insurance, cards) have a day on which they ended, an empty one while they go on. Securities
are orders with signed units: what was sold is below 0, and held is what sums to more than 0.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from graphrec.demo.draw.interactions import BUY, Interactions
from graphrec.demo.draw.products import Products
from graphrec.demo.sizes import DAY_SECONDS, END, Ints
from graphrec.demo.tables import customer_ids, ids, product_ids
from graphrec.demo.words.vocabulary import KINDS

FOLDER = "holdings"
STREAM = 131
"""Of the seed, far from those of other tables."""
ENDED, SOLD, REDUCED = 0.25, 0.2, 0.2
"""Shares of contracts that are over, and of positions of which all or a part is sold."""


def write_holdings(folder: Path, people: int, products: Products, interactions: Interactions, seed: int) -> None:
    """Write the tables.

    Args:
        folder: of the bank.
        people: how many customers there are.
    """
    rng = np.random.default_rng([seed, STREAM])
    own = folder / FOLDER
    own.mkdir()
    users, items = customer_ids(people), product_ids(products.count)
    rows = np.flatnonzero(interactions.kind <= BUY)
    rows = rows[np.unique(_pair(interactions, rows, products.count), return_index=True)[1]]
    rows.sort()
    user, item, at = interactions.user[rows], interactions.product[rows], interactions.at[rows]
    is_security = np.array([kind.is_security for kind in KINDS])[products.kind[item]]

    mine = np.flatnonzero(~is_security)
    ended_at = _later(at[mine], rng)
    is_over = (rng.random(len(mine)) < ENDED) & (ended_at < END)
    contracts = {
        "contract_id": ids("K", 1, len(mine), 7),
        "customer_id": users.take(pa.array(user[mine])),
        "product_id": items.take(pa.array(item[mine])),
        "opened_on": _days(at[mine]),
        "ended_on": pc.if_else(pa.array(is_over), _days(ended_at), pa.scalar(None, pa.date32())),
    }
    pa_csv.write_csv(pa.table(contracts), own / "contracts.csv")

    mine = np.flatnonzero(is_security)
    units = rng.integers(1, 200, len(mine))
    die, sold_at = rng.random(len(mine)), _later(at[mine], rng)
    less = np.where(die < SOLD, units, np.where(die < SOLD + REDUCED, units // 2, 0))
    gives = np.flatnonzero((less > 0) & (sold_at < END))
    order = np.argsort(np.concatenate((at[mine], sold_at[gives])), kind="stable")
    both = np.concatenate((mine, mine[gives]))[order]
    orders = {
        "order_id": ids("O", 1, len(both), 7),
        "customer_id": users.take(pa.array(user[both])),
        "product_id": items.take(pa.array(item[both])),
        "traded_on": _days(np.concatenate((at[mine], sold_at[gives]))[order]),
        "units": pa.array(np.concatenate((units, -less[gives]))[order]),
    }
    pa_csv.write_csv(pa.table(orders), own / "orders.csv")


def _pair(interactions: Interactions, rows: Ints, count: int) -> Ints:
    return interactions.user[rows].astype(np.int64) * count + interactions.product[rows]


def _later(at: Ints, rng: np.random.Generator) -> Ints:
    """Times three months or more later, some of them to come."""
    return at + DAY_SECONDS * rng.integers(90, 900, len(at))


def _days(seconds: Ints) -> pa.Array:
    return pa.array((seconds // DAY_SECONDS).astype("datetime64[D]"))
