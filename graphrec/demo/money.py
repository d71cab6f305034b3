"""Writes what the demo bank knows of money into `money/` of its folder; `loaders/demo_money.toml` reads it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.interactions import Interactions
from graphrec.demo.draw.money import (
    KNOWLEDGE,
    OBJECTIVES,
    PURPOSES,
    SUSTAINABILITY,
    covers_of,
    draw_assessments,
    draw_market,
    draw_means,
    draw_terms,
    draw_transfers,
    positions_of,
)
from graphrec.demo.draw.products import Products
from graphrec.demo.sizes import FIRST_DAY, LAST_DAY, Ints, Reals
from graphrec.demo.tables import customer_ids, ids, product_ids

FOLDER, TRUTH = "money", "truth/alerts.csv"
STREAM = 100
"""Of the seed, far from those of other tables."""
NEWS_EACH = 2
"""Mean number of headlines about an issuer."""
HEADLINES = (
    "{issuer} reports higher sales", "{issuer} lowers its outlook", "{issuer} names a new head",
    "{issuer} buys a supplier", "{issuer} pays more interest", "Auditors praise {issuer}",
)  # fmt: skip


def write_money(
    folder: Path, customers: Customers, products: Products, interactions: Interactions, seed: int
) -> dict[str, int]:
    """Write the tables; returns how many rows some of them have.

    Args:
        folder: of the bank, with prices.parquet.
    """
    rng = np.random.default_rng([seed, STREAM])
    people, items, own = customer_ids(customers.count), product_ids(products.count), folder / FOLDER
    own.mkdir()
    means, cases = draw_means(customers, rng)
    answers, jumps = draw_assessments(customers, means, rng)
    terms = draw_terms(products, rng)
    insured, covers = covers_of(products)
    transfers, patterns = draw_transfers(customers.count, rng)
    days = np.arange(np.datetime64(FIRST_DAY, "D"), np.datetime64(LAST_DAY, "D") + 1)
    days = days[np.is_busday(days)]
    market = draw_market(days, rng)
    closes = _closes(folder / "prices.parquet", products.count)
    positions = positions_of(products, interactions, closes, int(np.datetime64(FIRST_DAY, "D").astype(np.int64)))
    accounts = ids("A", 1, customers.count, 6)
    tables = {
        "means": {
            "customer_id": people, "income_eur_month": means.income, "spending_eur_month": means.spending,
            "debt_service_eur_month": means.debts, "cash_eur": means.cash,
            "objective": _named(OBJECTIVES, means.objective),
            "knowledge": _named(KNOWLEDGE, means.knowledge), "capacity_for_loss": means.capacity,
            "sustainability": _named(SUSTAINABILITY, means.sustainability), "assessed_on": _days(means.assessed),
        },
        "accounts": {"account_id": accounts, "customer_id": people},
        "assessments": {
            "customer_id": people.take(pa.array(answers.user)), "assessed_on": _days(answers.day),
            "risk_class": answers.level,
        },
        "terms": {
            "product_id": items.take(pa.array(terms.product)), "rate_percent": terms.rate_percent,
            "maximum_amount_eur": terms.maximum, "most_months": terms.most_months,
            "purposes": _named(PURPOSES, terms.purpose),
        },
        "covers": {"product_id": items.take(pa.array(insured)), "covers": covers},
        "positions": {
            "customer_id": people.take(pa.array(positions.user)), "product_id": items.take(pa.array(positions.product)),
            "valued_on": pa.array([LAST_DAY] * len(positions.user)), "value_eur": positions.value,
        },
        "entities": dict(zip(("entity", "kind", "name"), map(list, zip(*market, strict=True)), strict=True)),
        "levels": {
            "entity": pa.array([one[0] for one in market for _ in days]), "day": pa.array(np.tile(days, len(market))),
            "level": np.concatenate(list(market.values())),
        },
        "news": _news(products, rng),
    }  # fmt: skip
    for name, table in tables.items():
        pa_csv.write_csv(pa.table(table), own / f"{name}.csv")
    sent = pa.table(
        {
            "transfer_id": ids("T", 1, len(transfers.at), 8), "sender": accounts.take(pa.array(transfers.sender)),
            "receiver": accounts.take(pa.array(transfers.receiver)),
            "sent_at": pa.array(transfers.at.astype("datetime64[s]").astype("datetime64[ms]")),
            "amount_eur": transfers.amount,
        }
    )  # fmt: skip
    pa_parquet.write_table(sent, own / "transfers.parquet")
    every = [*cases, *jumps, *patterns]
    truth = {"rule": [one.rule for one in every], "customer_id": people.take(pa.array([one.user for one in every]))}
    pa_csv.write_csv(pa.table(truth), folder / TRUTH)
    return {"positions": len(positions.user), "transfers": len(transfers.at)}


def _closes(file: Path, count: int) -> Reals:
    """(products, days) closing prices, the last one going on; NaN before the first and where there is none."""
    first, last = (np.datetime64(day, "D").astype(np.int64) for day in (FIRST_DAY, LAST_DAY))
    table = pa_parquet.read_table(file, columns=["product_id", "day", "close"])
    found = np.full((count, int(last - first) + 1), np.nan)
    product = np.asarray(pc.cast(pc.utf8_slice_codeunits(table["product_id"], 1), pa.int64())) - 1
    day = np.asarray(table["day"].cast(pa.int32())) - first
    found[product, day] = np.asarray(table["close"])
    known = ~np.isnan(found)
    place = np.maximum.accumulate(np.where(known, np.arange(found.shape[1]), 0), axis=1)
    return np.take_along_axis(found, place, axis=1)


def _news(products: Products, rng: np.random.Generator) -> dict[str, object]:
    names = products.issuer_names
    count = NEWS_EACH * len(names)
    about, what = rng.integers(len(names), size=count), rng.integers(len(HEADLINES), size=count)
    span = (LAST_DAY - FIRST_DAY).days
    day = np.sort(np.datetime64(FIRST_DAY, "D") + rng.integers(0, span, count))
    titles = [HEADLINES[w].format(issuer=names[a]) for a, w in zip(about, what, strict=True)]
    return {
        "news_id": ids("N", 1, count, 6),
        "day": pa.array(day),
        "title": titles,
        "issuer": [names[a] for a in about],
    }


def _named(words: tuple[str | None, ...], number: Ints) -> pa.Array:
    return pa.array(words).take(pa.array(number))


def _days(days: Ints) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"))
