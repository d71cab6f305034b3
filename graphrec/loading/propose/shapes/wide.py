"""Holdings as columns: a table of customers with a yes or no for each product becomes a row for each that they hold."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.looks import looks
from graphrec.loading.propose.shapes.nested import Flat
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
    words_of = {one.name: tuple(one.words) for one in flags}
    firsts = _alike(words_of, lambda words: words[:1])
    both = _alike(firsts or words_of, lambda words: words[-1:])
    chosen = both if 2 * len(both) > len(firsts) else firsts
    if chosen:
        first, last = _shared(list(chosen.values()))
        return {name: " ".join(words[first : len(words) - last]) for name, words in chosen.items()}
    return {one.name: " ".join(words(one.name)) for one in flags} if len(flags) >= LEAST else {}


_Words = dict[str, tuple[str, ...]]


def _alike(words_of: _Words, part: Callable[[tuple[str, ...]], tuple[str, ...]]) -> _Words:
    """The most names that have one part alike, and another one too; none where they are few."""
    counts = Counter(part(words) for words in words_of.values() if len(words) > 1)
    best, count = max(counts.items(), key=lambda item: item[1], default=((), 0))
    return (
        {name: words for name, words in words_of.items() if len(words) > 1 and part(words) == best}
        if count >= LEAST
        else {}
    )


def _shared(names: list[tuple[str, ...]]) -> tuple[int, int]:
    """How many words at the beginning and at the end all names have in common, and one is left of each."""
    least = min(map(len, names))
    first = next((n for n in range(least) if len({words[n] for words in names}) > 1), least - 1)
    last = next((n for n in range(least - first) if len({words[-1 - n] for words in names}) > 1), 0)
    return first, last


def _is_flag(column: ColumnProfile) -> bool:
    """Whether a column says yes or no of something that may be a product."""
    is_number = column.kind == "integer" and column.least == 0 and column.most == 1
    if column.distinct != 2 or not (column.kind == "boolean" or is_number):
        return False
    return not any(place(column.name, one) is not None for one in _OTHER) and not any(
        looks(column.name, one) for one in _NO_PRODUCT
    )


def holdings(
    database: duckdb.DuckDBPyConnection, table: str, source: str, keys: Sequence[str], products: dict[str, str]
) -> Flat:
    """Makes the table of what customers hold, a row each.

    Args:
        source: SQL of the rows of `table`.
        keys: the column that names the customer, and that of the day where there are several.
        products: of `products_in`.
    """
    flags = ", ".join(f"CAST({name(column)} AS VARCHAR) AS {name(said)}" for column, said in products.items())
    listed = ", ".join(map(name, products.values()))
    yes = ", ".join(value(one) for one in ("1", *YES))
    kept = ", ".join((*map(name, keys), "_file", "_line"))
    sql = (
        f"(SELECT {name(keys[0])}, {PRODUCT}, {kept.partition(', ')[2]} FROM (UNPIVOT (SELECT {kept}, {flags} FROM "
        f"{source}) ON {listed} INTO NAME {PRODUCT} VALUE is_held) WHERE lower(is_held) IN ({yes}))"
    )
    made = f"{table}_holdings"
    database.execute(f"CREATE TABLE {name(made)} AS SELECT * FROM {sql}")
    asks = f"reads {', '.join(products)} of {table} as products that are held or not: is that right?"
    return Flat(made, sql, questions=(asks,))
