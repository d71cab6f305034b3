"""What the files of a folder look like: tables, columns, kinds, keys and who refers to whom."""

import re
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from graphrec.loaders.database import open_database
from graphrec.loaders.files import bind_files
from graphrec.loaders.specs import PACKED, SUFFIXES, FileSpec, Mapping
from graphrec.loaders.sql import name, value
from graphrec.progress import Progress
from graphrec.schema import Kind, Roles

SAMPLE_ROWS = 500_000
FEW_VALUES = 8
DATE_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%m-%Y", "%d-%b-%Y")
_ID_WORDS = {
    "id",
    "key",
    "code",
    "no",
    "nr",
    "number",
    "isin",
    "ticker",
    "symbol",
    "sku",
    "uuid",
    "cusip",
    "wkn",
    "ean",
}


@dataclass(frozen=True)
class ColumnProfile:
    """One column: what its values are."""

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    mean_length: float
    least: float
    convert: str
    """SQL of the typed value."""
    values: tuple[str, ...] = ()
    """The different values of a text column, where they are few."""
    is_ambiguous_date: bool = False
    """Whether its dates could begin with the day or with the month."""

    @property
    def is_unique(self) -> bool:
        """Whether it could be a key."""
        return self.rows > 0 and self.filled == self.rows == self.distinct and self.kind in {"text", "integer"}

    @property
    def words(self) -> list[str]:
        """The words of its name, in lower case."""
        return words(self.name)

    @property
    def looks_like_id(self) -> bool:
        """Whether its name is that of an identifier."""
        return bool(self.words) and self.words[-1] in _ID_WORDS


@dataclass(frozen=True)
class TableProfile:
    """One table of `[source.files]`."""

    name: str
    path: str
    rows: int
    columns: Keys[str, ColumnProfile]
    key: str | None = None
    references: Keys[str, str] = field(default_factory=dict)
    """Column → the table whose key it holds."""

    def others(self) -> list[ColumnProfile]:
        """The columns that are neither key nor reference."""
        return [
            column for column in self.columns.values() if column.name != self.key and column.name not in self.references
        ]


def words(text: str) -> list[str]:
    """The words of a name: `CustomerID` and `customer_id` are both customer, id."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", split) if word]


def profile_folder(folder: Path, progress: Progress) -> tuple[list[TableProfile], list[str]]:
    """The tables of a folder, and the files that no reader fits.

    Raises:
        SourceError: a file cannot be read.
    """
    found, left = _group_files(folder)
    specs = {table: FileSpec(table, path, SUFFIXES[_suffix(paths[0])]) for table, (path, paths) in found.items()}
    mapping = Mapping("draft", "the proposed mapping", "", specs, Roles("", "", ()), {}, {}, {}, None, {})
    files = {table: paths for table, (_, paths) in found.items()}
    with open_database(blame=f"--data {folder}", advice="take that file away") as (database, scratch):
        bind_files(database, mapping, files, folder, scratch, progress)
        tables = [_profile(database, spec) for spec in specs.values()]
        return _with_references(database, [replace(table, key=_key(table)) for table in tables]), left


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _group_files(folder: Path) -> tuple[dict[str, tuple[str, list[Path]]], list[str]]:
    """Files by table name; files that differ only in digits are one table with a glob."""
    groups: dict[str, list[Path]] = {}
    left = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        shown = path.relative_to(folder).as_posix()
        if path.suffix == ".toml" or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if _suffix(path) not in SUFFIXES:
            left.append(shown)
            continue
        groups.setdefault(re.sub(r"\d+", "*", shown), []).append(path)
    found: dict[str, tuple[str, list[Path]]] = {}
    for pattern, paths in groups.items():
        shown = pattern if len(paths) > 1 else paths[0].relative_to(folder).as_posix()
        stem = "_".join(words(shown.partition(".")[0])) or "_".join(words(paths[0].stem))
        table = stem if stem and not stem[0].isdigit() else f"file_{stem}"
        while table in found:
            table += "_2"
        found[table] = (re.sub(r"\*(?:[^A-Za-z0-9/]\*)+", "*", shown), paths)
    return found, left


def _profile(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> TableProfile:
    source = f"(SELECT * FROM {name(spec.name)} LIMIT {SAMPLE_ROWS})"
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    types = {column: kind for column, kind, *_ in described if not column.startswith("_")}
    rows = int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])
    columns = {column: _profile_column(database, source, column, kind, rows) for column, kind in types.items()}
    return TableProfile(spec.name, spec.path, rows, columns)


def _profile_column(
    database: duckdb.DuckDBPyConnection, source: str, column: str, declared: str, rows: int
) -> ColumnProfile:
    quoted = name(column)
    text = f"nullif(CAST({quoted} AS VARCHAR), '')"
    tests = {
        "filled": f"count({text})",
        "distinct": f"count(DISTINCT {text})",
        "mean": f"coalesce(avg(length({text})), 0)",
        "padded": f"count(*) FILTER (WHERE regexp_full_match({text}, '0\\d+'))",
        "integer": f"count(TRY_CAST({text} AS BIGINT)) FILTER (WHERE regexp_full_match({text}, '[-+]?\\d+'))",
        "real": f"count(TRY_CAST({text} AS DOUBLE))",
        "time": f"count(TRY_CAST({text} AS TIMESTAMPTZ))",
        "boolean": f"count(*) FILTER (WHERE lower({text}) IN ('true', 'false'))",
        "least": f"coalesce(min(TRY_CAST({text} AS DOUBLE)), 0)",
        **{
            f"format{number}": f"count(try_strptime({text}, {value(form)}))" for number, form in enumerate(DATE_FORMATS)
        },
    }
    answer = database.execute(f"SELECT {', '.join(tests.values())} FROM {source}").fetchall()[0]
    found = dict(zip(tests, answer, strict=True))
    kind, convert = _kind(column, found)
    if kind == "time" and (declared == "DATE" or declared.startswith("TIMESTAMP")):
        convert = quoted
    if kind == "text" and (declared.startswith(("STRUCT", "MAP")) or declared.endswith("]")):
        convert = f"CAST({quoted} AS VARCHAR)"
    values: tuple[str, ...] = ()
    if kind == "text" and found["distinct"] <= FEW_VALUES:
        query = f"SELECT DISTINCT {text} AS v FROM {source} WHERE v IS NOT NULL ORDER BY v"
        values = tuple(row[0] for row in database.execute(query).fetchall())
    numbers = float(found["mean"]), float(found["least"])
    is_ambiguous = kind == "time" and found["format0"] == found["format1"] == found["filled"]
    return ColumnProfile(
        column, kind, rows, found["filled"], found["distinct"], *numbers, convert, values, is_ambiguous
    )


def _kind(column: str, found: Keys[str, int]) -> tuple[Kind, str]:
    quoted, filled = name(column), found["filled"]
    if filled == 0:
        return "text", quoted
    if found["boolean"] == filled:
        return "boolean", f"TRY_CAST({quoted} AS BOOLEAN)"
    if found["time"] == filled:
        return "time", f"TRY_CAST({quoted} AS TIMESTAMPTZ)"
    for number, form in enumerate(DATE_FORMATS):
        if found[f"format{number}"] == filled:
            return "time", f"try_strptime({quoted}, {value(form)})"
    if found["integer"] == filled and not found["padded"]:
        seconds = {"time", "timestamp", "ts", "date", "epoch"} & set(words(column)) and found["least"] > 100_000_000
        if seconds and found["least"] < 10_000_000_000:
            return "time", f"to_timestamp(TRY_CAST({quoted} AS BIGINT))"
        return "integer", f"TRY_CAST({quoted} AS BIGINT)"
    if found["real"] == filled and not found["padded"]:
        return "real", f"TRY_CAST({quoted} AS DOUBLE)"
    return "text", quoted


def _key(table: TableProfile) -> str | None:
    """The column that names the rows: unique, and called like an identifier or like the table."""
    unique = [column for column in table.columns.values() if column.is_unique]
    named = [
        column
        for column in unique
        if column.looks_like_id or set(column.words) & {*words(table.name), singular(table.name)}
    ]
    first = next(iter(table.columns.values()), None)
    if named:
        return named[0].name
    return first.name if first in unique and first is not None and first.mean_length <= 40 else None


def singular(text: str) -> str:
    """A table's name for one of its rows: customers is customer, categories is category."""
    for ending, one in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if text.lower().endswith(ending) and len(text) > len(ending) + 2 and not text.lower().endswith("ss"):
            return text[: -len(ending)] + one
    return text


def _with_references(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """Each table with the columns that hold keys of others."""
    owners = [table for table in tables if table.key]
    done = []
    for table in tables:
        found = {}
        for column in table.columns.values():
            matches = [owner for owner in owners if owner.name != table.name and _may_refer(column, owner)]
            shares = {owner.name: _share(database, table, column.name, owner) for owner in matches}
            best = max(shares, key=lambda each: shares[each], default=None)
            if best is not None and shares[best] >= 0.9:
                found[column.name] = best
        done.append(replace(table, references=found))
    return _without_mutual(done)


def _may_refer(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether the names let a column hold the keys of a table."""
    assert owner.key is not None
    if column.filled == 0 or column.kind not in {"text", "integer"}:
        return False
    if column.name.casefold() == owner.key.casefold() and column.words != ["id"]:
        return True
    stem = {*words(singular(owner.name))[-1:], *(word for word in words(owner.key) if word not in _ID_WORDS)}
    return bool(stem & {singular(word) for word in column.words})


def _share(database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, owner: TableProfile) -> float:
    """The share of the different values of a column that are keys of a table."""
    assert owner.key is not None
    keys = f"SELECT CAST({name(owner.key)} AS VARCHAR) FROM {name(owner.name)}"
    values = f"SELECT DISTINCT nullif(CAST({name(column)} AS VARCHAR), '') AS v FROM {name(table.name)}"
    query = f"SELECT avg(CASE WHEN v IN ({keys}) THEN 1.0 ELSE 0 END) FROM ({values}) WHERE v IS NOT NULL"
    return float(database.execute(query).fetchall()[0][0] or 0)


def _without_mutual(tables: list[TableProfile]) -> list[TableProfile]:
    """Two tables with one key: the one with more rows owns it, the other refers to it."""
    by_name = {table.name: table for table in tables}
    for table in tables:
        owner = by_name.get(table.references.get(table.key or "", ""))
        if owner and owner.references.get(owner.key or "") == table.name and table.rows >= by_name[owner.name].rows:
            left = {column: other for column, other in table.references.items() if column != table.key}
            by_name[table.name] = replace(table, references=left)
    return list(by_name.values())
