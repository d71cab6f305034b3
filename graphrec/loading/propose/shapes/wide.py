"""Holdings as columns: a table of customers with a yes, or an amount, for each product becomes a row for each that they
hold."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import NO, place
from graphrec.loading.propose.looks import looks
from graphrec.loading.propose.shapes.nested import Flat
from graphrec.loading.propose.table_profile import TableProfile
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


_GAPS = ("-", "--", "/", "\\", ".", "–", "—", "none", "null", "nan", "na", "n/a", "#n/a", "k.a.", "s/d", "nd")
"""What stands for nothing between amounts, besides what says no."""
_MARKS = ("x", *"✓✔☑●•■", *(one for one in YES if one != "true"))
"""What marks a cell, and is no unit of an amount."""
_NOUGHT = r"\D{0,4}0*([.,]0*)?\D{0,4}"


def named_by_keys(database: duckdb.DuckDBPyConnection, table: TableProfile, owner: TableProfile) -> dict[str, str]:
    """The columns of a table that are called as products of another one are, each with the product's key; so many are
    no chance."""
    if owner.key is None or owner.name == table.name:
        return {}
    found: dict[str, str] = {}
    for column in owner.columns.values():
        if column.kind not in {"text", "integer"} or column.distinct < owner.rows:
            continue
        asked = f"CAST({name(column.name)} AS VARCHAR) AS v, CAST({name(owner.key)} AS VARCHAR) AS k"
        query = f"SELECT v, k FROM (SELECT {asked} FROM {name(owner.name)}) WHERE v IN ({_quoted(table.columns)})"
        there = {str(text): str(key) for text, key in database.execute(query).fetchall()}
        found = max(found, there, key=len)
    return found if len(found) >= LEAST else {}


def amounts(database: duckdb.DuckDBPyConnection, table: str, source: str, key: str, products: dict[str, str]) -> Flat:
    """Makes the table of what customers hold of products whose names columns have, with how much; no row for nothing.

    Args:
        source: SQL of the rows of `table`.
        key: the column that names the customer.
        products: of `named_by_keys`.
    """
    columns = ", ".join(f"CAST({name(column)} AS VARCHAR) AS {name(key)}" for column, key in products.items())
    listed = ", ".join(map(name, products.values()))
    nothing = _quoted(sorted({*_GAPS, *NO}))
    sql = (
        f"(SELECT {name(key)}, {PRODUCT}, amount, _file, _line FROM (UNPIVOT (SELECT {name(key)}, _file, _line, "
        f"{columns} FROM {source}) ON {listed} INTO NAME {PRODUCT} VALUE amount) WHERE trim(amount) <> '' AND "
        f"lower(trim(amount)) NOT IN ({nothing}) AND (lower(trim(amount)) IN ({_quoted(_MARKS)}) "
        f"OR NOT regexp_full_match(amount, {value(_NOUGHT)})))"
    )
    made = f"{table}_holdings"
    database.execute(f"CREATE TABLE {name(made)} AS SELECT * FROM {sql}")
    some = ", ".join([*products][:3]) + (" …" if len(products) > 3 else "")
    asks = f"reads {len(products)} columns of {table} ({some}) as products of which something is held: is that right?"
    return Flat(made, sql, questions=(asks,))


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(value(text) for text in texts)


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
