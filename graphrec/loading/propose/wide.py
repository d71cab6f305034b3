"""Holdings as columns: a table of customers with a yes or no for each product becomes a row for each that they hold."""

from collections import Counter
from collections.abc import Iterable

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.looks import looks
from graphrec.loading.propose.nested import Flat
from graphrec.loading.propose.words import words
from graphrec.loading.run.parse import YES
from graphrec.loading.sources.sql import name, value

LEAST = 3
"""So few columns of yes and no are products."""
PRODUCT = "product_id"
_OTHER = ("consent", "objection", "blocked", "relation", "sanctions", "pep", "knowledge")
_NO_PRODUCT = ("protected", "state", "personal", "sensitive")


def products_in(columns: Iterable[ColumnProfile]) -> dict[str, str]:
    """The columns that say whether a customer holds a product, each with the product's name; none where they are few.

    Columns that begin with one word, such as has_loan and has_card, go before all others.
    """
    flags = [column for column in columns if _is_flag(column)]
    firsts = Counter(column.words[0] for column in flags if len(column.words) > 1)
    first, count = max(firsts.items(), key=lambda item: item[1], default=("", 0))
    if count >= LEAST:
        return {one.name: " ".join(one.words[1:]) for one in flags if len(one.words) > 1 and one.words[0] == first}
    return {one.name: " ".join(words(one.name)) for one in flags} if len(flags) >= LEAST else {}


def _is_flag(column: ColumnProfile) -> bool:
    """Whether a column says yes or no of something that may be a product."""
    is_number = column.kind == "integer" and column.least == 0 and column.most == 1
    if column.distinct != 2 or not (column.kind == "boolean" or is_number):
        return False
    return not any(place(column.name, one) is not None for one in _OTHER) and not any(
        looks(column.name, one) for one in _NO_PRODUCT
    )


def holdings(database: duckdb.DuckDBPyConnection, table: str, source: str, key: str, products: dict[str, str]) -> Flat:
    """Makes the table of what customers hold, a row each.

    Args:
        source: SQL of the rows of `table`.
        products: of `products_in`.
    """
    flags = ", ".join(f"CAST({name(column)} AS VARCHAR) AS {name(said)}" for column, said in products.items())
    listed = ", ".join(map(name, products.values()))
    yes = ", ".join(value(one) for one in ("1", *YES))
    sql = (
        f"(SELECT {name(key)}, {PRODUCT}, _file, _line FROM (UNPIVOT (SELECT {name(key)}, _file, _line, {flags} FROM "
        f"{source}) ON {listed} INTO NAME {PRODUCT} VALUE is_held) WHERE lower(is_held) IN ({yes}))"
    )
    made = f"{table}_holdings"
    database.execute(f"CREATE TABLE {name(made)} AS SELECT * FROM {sql}")
    asks = f"reads {', '.join(products)} of {table} as products that are held or not: is that right?"
    return Flat(made, sql, questions=(asks,))
