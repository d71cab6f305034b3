"""Tables that say what codes mean: one for one column, or one for all, with a column that says which.

Columns that hold such codes are written out, so that people, rules and states read the words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import is_attitude, normal, place, says_state
from graphrec.loading.propose.looks import likeness, looks
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import words
from graphrec.loading.sources.sql import name, value

_MOST_CODES = 300
"""A longer table lists things, and no codes."""
_SHORT = 6.0
"""Codes are so short on average."""
_FEW = 60
"""A column with more different values holds no codes."""
_NAMES = frozenset(
    {
        *(
            "code",
            "codes",
            "lookup",
            "lookups",
            "schluessel",
            "schlüssel",
            "status",
            "statuses",
            "statuscode",
            "codelist",
        ),
        *("statuscodes", "domain", "domains", "dictionary", "dict", "reference", "ref", "legend", "legende", "enum"),
        *("enums", "codetabelle", "kodes", "kennzeichen", "nomenclature", "codici", "codigos", "字典", "代码", "码表"),
    }
)
"""Words of tables of codes."""
_KINDS = frozenset(
    {
        *("table", "tabelle", "kind", "type", "typ", "art", "domain", "category", "kategorie", "attribute", "attribut"),
        *("field", "feld", "column", "spalte", "schluesselart", "codeart", "codetype", "codetyp", "listname", "set"),
        *("类型", "类别", "字段", "tabella", "tabla", "categoria"),
    }
)
"""Words of the column that says which column a code is of."""


@dataclass(frozen=True)
class _Codes:
    """What the codes of one column mean."""

    table: str
    kind: str
    """What the column is called where the table says so; nothing: it has the codes of one column alone."""
    meaning: str
    """SQL of what a code means, with {0} for the column of `t` that holds it."""
    meanings: dict[str, str]
    column: str
    """What the table calls its codes."""
    text: str = ""
    """What the table calls their meanings, where a rule asks for such a column."""

    @property
    def shown(self) -> str:
        """What questions call it."""
        return f"{self.table} ({self.kind})" if self.kind else self.table


def written_out(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """The tables with the columns written out whose codes another table tells."""
    codes = {table.name: some for table in tables if (some := _codes_of(database, table))}
    every = [one for some in codes.values() for one in some]
    return [table if table.name in codes else _decoded(database, table, _coded(table, every)) for table in tables]


def _codes_of(database: duckdb.DuckDBPyConnection, table: TableProfile) -> list[_Codes]:
    """The codes that a table tells; nothing where it is no such table."""
    columns = [one for one in table.columns.values() if one.filled == table.rows and one.kind in {"text", "integer"}]
    if not 2 <= len(columns) <= 4 or len(columns) < len(table.columns) - 1 or not 2 <= table.rows <= _MOST_CODES:
        return []
    says_states = any(says_state(one.states, of_users=True) for one in columns)
    if likeness(table.name) and not says_states and "status" not in words(table.name):
        return []  # products with a name each, and no codes
    is_named = bool(_NAMES.intersection((*words(table.name), normal(table.name))))
    columns = _without_level(columns, table.rows)
    if len(columns) == 2:
        code, text = sorted(columns, key=lambda one: (one.mean_length, not one.looks_like_id))
        is_meant = is_named or bool(re.search(r"(status|stat|state|zustand)(code|cd)?$", normal(code.name)))
        is_meant = (
            is_meant or says_states or is_attitude(text.states) or _is_asked_for(text.name) or _is_asked_for(code.name)
        )
        is_one = code.distinct == table.rows and code.mean_length <= _SHORT and text.kind == "text"
        return [_read(database, table, "", code, text)] if is_meant and is_one else []
    kind = min((one for one in columns if one.kind == "text"), key=lambda one: one.distinct, default=None)
    if kind is None or kind.distinct < 2 or 2 * kind.distinct > table.rows or looks(kind.name, "state"):
        return []
    code, *_, text = sorted((one for one in columns if one is not kind), key=lambda one: one.mean_length)
    pairs = f"SELECT count(*) FROM (SELECT DISTINCT {name(kind.name)}, {name(code.name)} FROM {name(table.name)})"
    is_each = int(database.execute(pairs).fetchall()[0][0]) == table.rows
    says_so = is_named or bool(_KINDS.intersection((*kind.words, normal(kind.name))))
    if not is_each or not says_so or likeness(code.name) or code.mean_length > _SHORT or text.kind != "text":
        return []
    listed = f"SELECT DISTINCT CAST({name(kind.name)} AS VARCHAR) AS k FROM {name(table.name)} ORDER BY k"
    told = [str(row[0]) for row in database.execute(listed).fetchall()]
    return [_read(database, table, each, code, text, kind=kind) for each in told]


def _without_level(columns: list[ColumnProfile], rows: int) -> list[ColumnProfile]:
    """A code and its meaning without the number that only counts them: A, security, 1."""
    texts = [one for one in columns if one.kind == "text" and one.distinct == rows]
    counts = [
        one for one in columns if one.kind == "integer" and (one.least, one.most, one.distinct) == (1, rows, rows)
    ]
    return texts if len(columns) == len(texts) + len(counts) and (len(texts), len(counts)) == (2, 1) else columns


_ASKED_FOR = ("tolerance", "risk", "consent", "relation", "offered", "horizon", "knowledge", "client")


def _is_asked_for(column: str) -> bool:
    """Whether a rule of suitability asks for what a column is called."""
    return any(place(column, one) is not None for one in _ASKED_FOR)


def _read(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    of: str,
    code: ColumnProfile,
    text: ColumnProfile,
    *,
    kind: ColumnProfile | None = None,
) -> _Codes:
    where = f" WHERE {name(kind.name)} = {value(of)}" if kind is not None else ""
    asked = f"CAST({name(code.name)} AS VARCHAR), CAST({name(text.name)} AS VARCHAR)"
    found = database.execute(f"SELECT {asked} FROM {name(table.name)}{where}").fetchall()
    also = f"{where} AND" if where else " WHERE"
    meaning = (
        f"(SELECT any_value({name(text.name)}) FROM {table.rows_sql}{also} "
        f"CAST({name(code.name)} AS VARCHAR) = CAST(t.{{0}} AS VARCHAR))"
    )
    return _Codes(table.name, of, meaning, {str(one): str(said) for one, said in found}, code.name,
                  text.name if _is_asked_for(text.name) else "")  # fmt: skip


def _coded(table: TableProfile, codes: Sequence[_Codes]) -> dict[str, _Codes]:
    """The codes of each column of a table that holds some."""
    found: dict[str, _Codes] = {}
    for column in table.columns.values():
        if column.name == table.key or not 1 <= column.distinct <= _FEW or column.kind not in {"text", "integer"}:
            continue
        fits = [one for one in codes if column.states and set(column.states) <= one.meanings.keys()]
        named = [one for one in fits if _is_called(column, one)]
        # Where no name says it, only codes that no other kind has do.
        unnamed = [one for one in fits if one.kind and len(fits) == 1 and _says_nothing(column.words)]
        chosen = (named or unnamed)[:1]
        if chosen and len({*chosen[0].meanings.values()}) == len(chosen[0].meanings):
            found[column.name] = chosen[0]
    return found


_TELLING = 4
"""Shorter names end others by chance."""


def _is_called(column: ColumnProfile, codes: _Codes) -> bool:
    """Whether a column is called like codes, or by a longer or shorter word for the same."""
    own, other = normal(column.name), normal(codes.kind or codes.column)
    if own == other or (not codes.kind and own == normal(codes.table)):
        return True
    if not codes.kind and len(own) >= _TELLING and normal(codes.table).endswith(own):
        return True
    bare = [one.removesuffix("code").removesuffix("cd").removesuffix("schluessel") for one in (own, other)]
    short, long = sorted(bare, key=len)
    return len(short) >= 3 and (long.startswith(short) or long.endswith(short))


def _says_nothing(called: Sequence[str]) -> bool:
    """Whether a column is named by what is in it, because its file has no names."""
    return bool(set(called) & {"code", "kind", "id", "text", "number", "flag", "level", "column", "field"})


def _name_of(column: str, codes: _Codes, taken: set[str]) -> str:
    """What a column is called once it holds words."""
    bare = re.sub(r"(?i)(?<=\w)[ _-]?(code|cd|kz|kürzel|kuerzel|schlüssel|schluessel|schl)$", "", column)
    wanted = codes.kind if codes.kind and _says_nothing(words(column)) else bare
    wanted = codes.text if codes.text and not _is_asked_for(column) else wanted
    return wanted if wanted.casefold() not in {one.casefold() for one in taken} else column


def _decoded(database: duckdb.DuckDBPyConnection, table: TableProfile, found: dict[str, _Codes]) -> TableProfile:
    """A table with the meanings of codes in their place."""
    if not found:
        return table
    called: dict[str, str] = {}
    fields = {column: f"t.{name(column)}" for column in table.columns}
    for column, codes in found.items():
        called[column] = _name_of(column, codes, {*table.columns, *called.values()} - {column})
        told = f"coalesce({with_rows(codes.meaning, name(column))}, CAST(t.{name(column)} AS VARCHAR))"
        fields = {
            called[column] if one == column else one: told if one == column else sql for one, sql in fields.items()
        }
    listed = ", ".join(f"{sql} AS {name(one)}" for one, sql in fields.items())
    made = f"(SELECT {listed}, t._file, t._line FROM {{0}} AS t)"
    whole = f"(SELECT * FROM {with_rows(made, name(table.name))} ORDER BY _file, _line)"
    remake(database, table.name, whole)
    columns = {
        called.get(column, column): profile_column(database, name(table.name), called[column], "VARCHAR", table.rows)
        if column in called
        else profile
        for column, profile in table.columns.items()
    }
    asks = tuple(f"{column} is written out by {codes.shown}: is that right?" for column, codes in found.items())
    return replace(
        table, columns=columns, source=with_rows(made, table.rows_sql), fields=fields, inner=table.rows_sql,
        questions=(*table.questions, *asks), also=(*table.also, *sorted({one.table for one in found.values()})),
    )  # fmt: skip
