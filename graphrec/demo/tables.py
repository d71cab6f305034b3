"""The tables of the demo bank, as a bank's own files would hold them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.interactions import EVENT_KINDS, Interactions
from graphrec.demo.draw.products import CATEGORIES, NEVER, Products
from graphrec.demo.draw.purchases import RELATIONS
from graphrec.demo.draw.truth import Truth
from graphrec.demo.sizes import Ints, days
from graphrec.demo.texts import product_descriptions, product_names, profile_number, profile_texts
from graphrec.demo.words.vocabulary import (
    AGE_BANDS,
    CHANNELS,
    COUNTRIES,
    EUR_PER_UNIT,
    FAMILY_FIRST,
    FAMILY_SECOND,
    GIVEN_NAMES,
    INCOME_BANDS,
    KINDS,
    REGIONS,
    SEGMENTS,
)

EVENTS_PER_BATCH = 250_000
SECTOR, ISSUER = 0, 1


def ids(prefix: str, first: int, count: int, digits: int) -> pa.Array:
    """`count` ids such as C000123, from number `first`."""
    number = pc.cast(pa.array(np.arange(first, first + count)), pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(number, digits, "0"), "")


def customer_ids(count: int) -> pa.Array:
    """The ids of all customers."""
    return ids("C", 1, count, 6)


def product_ids(count: int) -> pa.Array:
    """The ids of all products."""
    return ids("P", 1, count, 5)


def _named(words: list[str], number: NDArray[np.integer]) -> pa.Array:
    """The word of each number; NULL for -1."""
    return pa.array(words, pa.string()).take(pa.array(number, mask=number < 0))


def _times(seconds: Ints) -> pa.Array:
    return pa.array(seconds.astype("datetime64[s]").astype("datetime64[ms]"))


def customer_table(customers: Customers) -> pa.Table:
    """One row per customer."""
    sexes = list(GIVEN_NAMES)
    return pa.table(
        {
            "customer_id": customer_ids(customers.count),
            "display_name": _display_names(customers),
            "birth_date": pa.array(customers.birth.astype("datetime64[D]")),
            "sex": _named(sexes, customers.sex),
            "age": customers.age,
            "age_band": _named([band[0] for band in AGE_BANDS], customers.age_band),
            "income_band": _named([band[0] for band in INCOME_BANDS], customers.income_band),
            "liquid_assets_eur": customers.liquid_eur,
            "segment": _named(list(SEGMENTS), customers.segment),
            "region": _named([region[0] for region in REGIONS], customers.region),
            "country": _named([code for code, _, _ in COUNTRIES], customers.country),
            "risk_tolerance": customers.tolerance,
            "horizon_years": customers.horizon,
            "contact_consent": customers.contact,
            "profiling_consent": customers.profiling,
            "joined_on": pa.array(days(customers.joined)),
            "profile": _named(profile_texts(), profile_number(customers)),
        }
    )


def _display_names(customers: Customers) -> pa.Array:
    first_names = [name for names in GIVEN_NAMES.values() for name in names]
    sizes = np.array([len(names) for names in GIVEN_NAMES.values()])
    first = np.cumsum(sizes) - sizes
    number = first[customers.sex] + customers.pick % sizes[customers.sex]
    families = [one + two for one in FAMILY_FIRST for two in FAMILY_SECOND]
    family = (customers.pick >> 8) % len(families)
    return pc.binary_join_element_wise(_named(first_names, number), _named(families, family), " ")


def product_table(products: Products, rng: np.random.Generator) -> pa.Table:
    """One row per product."""
    closed = products.closed < NEVER
    is_credit = np.array([kind.is_credit for kind in KINDS])[products.kind]
    return pa.table(
        {
            "product_id": product_ids(products.count),
            "name": product_names(products, rng),
            "description": product_descriptions(products, rng),
            "kind": _named([kind.name for kind in KINDS], products.kind),
            "category": _named([name for name, _ in CATEGORIES], products.category),
            "sector": _named(list(products.sector_names), products.relations[SECTOR].of),
            "issuer": _named(list(products.issuer_names), products.relations[ISSUER].of),
            "country": _named([code for code, _, _ in COUNTRIES], products.country),
            "currency": _named([currency for _, _, currency in COUNTRIES], products.country),
            "risk_class": products.risk,
            "fee_percent": products.fee_percent,
            "minimum_amount_eur": np.where(is_credit, 0, products.minimum),
            "min_horizon_years": np.where(is_credit, 0, products.min_horizon),
            "min_age": products.min_age,
            "residents_of": _named([code for code, _, _ in COUNTRIES], products.residents_of),
            "status": _named(["open", "closed"], closed.astype(np.int64)),
            "issued_on": pa.array(days(products.issued)),
            "closed_on": pa.array(days(np.where(closed, products.closed, 0)), mask=~closed),
        }
    )


def issuer_table(products: Products) -> pa.Table:
    """One row per issuer."""
    country = _named([code for code, _, _ in COUNTRIES], products.issuer_country)
    return pa.table({"issuer": list(products.issuer_names), "country": country})


def sector_table(products: Products) -> pa.Table:
    """One row per sector."""
    return pa.table({"sector": list(products.sector_names)})


def category_table() -> pa.Table:
    """One row per category, with the kind it belongs to."""
    names, kinds = zip(*CATEGORIES, strict=True)
    return pa.table({"category": names, "kind": [KINDS[k].name for k in kinds]})


def country_table() -> pa.Table:
    """One row per country."""
    codes, names, currencies = zip(*COUNTRIES, strict=True)
    return pa.table({"country": codes, "name": names, "currency": currencies})


def interaction_batches(
    products: Products, interactions: Interactions, customers: Customers
) -> Iterator[pa.RecordBatch]:
    """All events by time, in batches."""
    people, items = customer_ids(customers.count), product_ids(products.count)
    currencies = [currency for _, _, currency in COUNTRIES]
    rate = np.array([EUR_PER_UNIT[currency] for currency in currencies])
    for first in range(0, interactions.count, EVENTS_PER_BATCH):
        part = slice(first, first + EVENTS_PER_BATCH)
        item, amount_eur = interactions.product[part], interactions.amount_eur[part]
        country = products.country[item]
        no_money = np.isnan(amount_eur)
        yield pa.RecordBatch.from_pydict(
            {
                "event_id": ids("E", first + 1, len(item), 8),
                "kind": _named(list(EVENT_KINDS), interactions.kind[part]),
                "customer_id": people.take(pa.array(interactions.user[part])),
                "product_id": items.take(pa.array(item)),
                "happened_at": _times(interactions.at[part]),
                "booked_at": _times(interactions.booked[part]),
                "amount": pa.array(np.round(amount_eur / rate[country], 2), mask=no_money),
                "currency": _named(currencies, np.where(no_money, -1, country)),
                "amount_eur": pa.array(amount_eur, mask=no_money),
                "channel": _named(list(CHANNELS), interactions.channel[part]),
            }
        )


def truth_table(truth: Truth, customers: Customers, products: Products) -> pa.Table:
    """The planted pairs: user, product, via, relation, at."""
    items = product_ids(products.count)
    return pa.table(
        {
            "user": customer_ids(customers.count).take(pa.array(truth.user)),
            "product": items.take(pa.array(truth.product)),
            "via": items.take(pa.array(truth.via)),
            "relation": _named(list(RELATIONS), truth.relation),
            "at": _times(truth.at),
        }
    )
