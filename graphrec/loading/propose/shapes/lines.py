"""Contracts by line: a file each of loans, cards or policies with their customers, and none of products.

What a customer has chosen is then the file and the kind of the row: a gold card, a mortgage loan.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.looks import is_personal, likeness
from graphrec.loading.propose.references import as_text
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, is_identifier, simplified, singular, words
from graphrec.loading.sources.sql import name, value

PRODUCT = "product_id"
KIND = "kind"
MOST_KINDS = 40
MOST_EACH = 5
"""Rows a customer, from which on they are dealings and no contracts."""
_LINES = frozenset(
    word
    for line in (
        "account loan credit mortgage card deposit saving fund bond share stock security policy insurance cover",
        "pension annuity lease leasing contract depot portfolio plan overdraft subscription facility certificate",
        "konto kredit darlehen hypothek karte einlage sparbuch sparplan sparvertrag bausparvertrag fonds anleihe",
        "police versicherung vertrag rente wertpapier sparkonto girokonto festgeld tagesgeld",
        "cuenta préstamo prestamo hipoteca tarjeta depósito deposito fondo seguro póliza poliza contrato",
        "compte prêt pret hypothèque hypotheque carte dépôt depot épargne epargne assurance contrat",
        "conto prestito mutuo carta polizza contratto",
    )
    for word in line.split()
)
_LINES_ZH = ("账户", "帐户", "贷款", "信用卡", "银行卡", "存款", "理财", "基金", "保险", "保单", "国债", "合同")
_KINDS = frozenset(
    word
    for line in (
        "type kind class category line tier tariff plan scheme purpose program programme subtype model",
        "art typ klasse kategorie sparte sorte tarif modell zweck tipo clase categoría categoria modalidad",
        "genre catégorie categorie classe modalità",
    )
    for word in line.split()
)
_KINDS_ZH = ("类型", "种类", "类别", "险种", "品种", "用途")


def as_lines(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those of contracts with the product of each row, and one of the products; as they are without any."""
    people = _people(tables)
    if people is None:
        return list(tables)
    found = {
        table.name: held for table in tables
        if table.name != people.name and (held := _with_product(database, table, people, tables)) is not None
    }  # fmt: skip
    if not found:
        return list(tables)
    products = _products(database, list(found.values()), {table.name for table in tables})
    refer = {
        name: replace(held, references={**held.references, PRODUCT: products.name}) for name, held in found.items()
    }
    return [*(refer.get(table.name, table) for table in tables), products]


def line_of(table: str) -> str | None:
    """The line that a file of contracts is called by, one of them; None: it is called like none.

    >>> line_of("insurance_policies"), line_of("Kredite"), line_of("transactions")
    ('insurance policy', 'kredit', None)
    """
    found = [singular(word) for word in words(table)]
    stems = [each for word in found for each in (word, word.removesuffix("e"), word.removesuffix("en"))]
    is_line = bool(_LINES.intersection(stems)) or any(part in simplified(table) for part in _LINES_ZH)
    last = next((each for each in stems[-3:] if each in _LINES), found[-1] if found else "")
    return " ".join((*found[:-1], last)) if is_line else None


def _people(tables: Sequence[TableProfile]) -> TableProfile | None:
    """The table of customers: with personal columns, or called like customers; the one that most refer to."""
    referred = [other for table in tables for other in table.references.values()]

    def rank(table: TableProfile) -> tuple[bool, int, int]:
        is_named = any(is_personal(one, of_user=False) for one in table.others())
        return is_named, likeness(table.name), referred.count(table.name)

    found = [table for table in tables if table.key and (rank(table)[0] or likeness(table.name) > 0)]
    return max(found, key=rank, default=None)


def _with_product(
    database: duckdb.DuckDBPyConnection, table: TableProfile, people: TableProfile, tables: Sequence[TableProfile]
) -> TableProfile | None:
    """A table of contracts with the customer and the product of each row; None: it is none."""
    line = line_of(table.name)
    if line is None:
        return None
    whose = next((column for column, other in table.references.items() if other == people.name), None)
    if whose is None:
        linked = _by_link(database, table, people, tables)
        if linked is None:
            return None
        table, whose = linked
    if table.rows > MOST_EACH * table.columns[whose].distinct:
        return None
    kind = next((one for one in table.columns.values() if _is_kind(one, table)), None)
    said = value(line)
    if kind is not None:
        text = f"trim(CAST({name(kind.name)} AS VARCHAR))"
        said = (
            f"CASE WHEN coalesce({text}, '') = '' THEN {said} WHEN contains(lower({text}), {said}) THEN {text} "
            f"ELSE {text} || ' ' || {said} END"
        )
    sold = f"(SELECT *, {said} AS {name(PRODUCT)} FROM {{0}})"
    remake(database, table.name, with_rows(sold, name(table.name)))
    source = with_rows(sold, table.rows_sql)
    held = replace(table, source=source, fields={}, of=table.of or table.name, are_contracts=True)
    about = f"{line} and {kind.name} are" if kind is not None else f"{line} is"
    asks = f"no file has products, and {about} read as what a customer has chosen: is that right?"
    column = _profiled(database, held, PRODUCT)
    left = {one: profile for one, profile in table.columns.items() if kind is None or one != kind.name}
    return replace(held, columns={**left, PRODUCT: column}, questions=(*table.questions, asks))


def _is_kind(column: ColumnProfile, table: TableProfile) -> bool:
    is_called = bool(_KINDS.intersection(column.words)) or any(part in column.name for part in _KINDS_ZH)
    is_few = 1 <= column.distinct <= MOST_KINDS and column.kind == "text" and not is_identifier(column.name)
    return is_called and is_few and column.name not in table.references and column.name != table.key


def _by_link(
    database: duckdb.DuckDBPyConnection, table: TableProfile, people: TableProfile, tables: Sequence[TableProfile]
) -> tuple[TableProfile, str] | None:
    """A table with the customer of each row, where another table says whose an account or the like is.

    Of several customers of an account the first that is named.
    """
    for column, other in (*table.references.items(), (table.key, table.name)):
        for link in tables:
            whose = next((one for one, owner in link.references.items() if owner == people.name), None)
            at = next((one for one, owner in link.references.items() if owner == other), None)
            at = link.key if link.name == other else at
            if column is None or at is None or whose is None or link.name == table.name or whose in table.columns:
                continue
            source, here = (
                f"(SELECT e.*, m.{name(whose)} FROM {rows} AS e LEFT JOIN "
                f"(SELECT {as_text(at)} AS k, arg_min({name(whose)}, _line) AS {name(whose)} FROM {links} GROUP BY k) "
                f"AS m ON nullif(CAST(e.{name(column)} AS VARCHAR), '') = m.k)"
                for rows, links in ((table.rows_sql, link.rows_sql), (name(table.name), name(link.name)))
            )
            remake(database, table.name, here)
            joined = replace(table, source=source, fields={}, of=table.of or table.name)
            asks = f"{whose} is the first one that {link.name} names for each {column}: is that right?"
            found = replace(
                joined,
                columns={**table.columns, whose: _profiled(database, joined, whose)},
                references={whose: people.name},
                questions=(*table.questions, asks),
            )
            return found, whose
    return None


def _products(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile], taken: set[str]) -> TableProfile:
    """The products of tables of contracts, each with its line."""
    source, here = (
        f"(SELECT DISTINCT ON (id) * FROM ({' UNION ALL '.join(parts)}) ORDER BY id, _file, _line)"
        for parts in zip(*(_sold_in(table) for table in tables), strict=True)
    )
    made = TableProfile(free_name("products", taken), "", 0, {}, key="id", of=tables[0].of, source=source)
    remake(database, made.name, here)
    columns = {one: _profiled(database, made, one) for one in ("id", KIND)}
    return replace(made, rows=columns["id"].rows, columns=columns)


def _sold_in(table: TableProfile) -> tuple[str, str]:
    """SQL of the products of one table of contracts, over its files and over the table as it is now."""
    line = value(line_of(table.name) or "")
    source, here = (
        f"SELECT {name(PRODUCT)} AS id, {line} AS {name(KIND)}, _file, _line FROM {rows}"
        for rows in (table.rows_sql, name(table.name))
    )
    return source, here


def _profiled(database: duckdb.DuckDBPyConnection, table: TableProfile, column: str) -> ColumnProfile:
    rows = int(database.execute(f"SELECT count(*) FROM {name(table.name)}").fetchall()[0][0])
    described = database.execute(f"DESCRIBE SELECT {name(column)} FROM {name(table.name)}").fetchall()
    return profile_column(database, name(table.name), column, str(described[0][1]), rows)
