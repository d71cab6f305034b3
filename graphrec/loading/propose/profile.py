"""What the files of a folder look like: tables, columns, kinds, keys and who refers to whom."""

import re
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from graphrec.loading.mapping.specs import PACKED, SUFFIXES, FileSpec, Mapping
from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.words import singular, stem, words
from graphrec.loading.sources.database import lock_database, open_database, scratch_folder
from graphrec.loading.sources.encodings import guess_encoding
from graphrec.loading.sources.files import read_files
from graphrec.loading.sources.sql import name
from graphrec.progress import Progress
from graphrec.schema import Roles

SAMPLE_ROWS = 500_000
STRAYS = 0.1
"""The share of a column's different values that may be no key of the table it refers to."""


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
    strays: Keys[str, int] = field(default_factory=dict)
    """Column → its different values that are no key of that table."""
    encoding: str = "utf-8"

    def others(self) -> list[ColumnProfile]:
        """The columns that are neither key nor reference."""
        return [
            column for column in self.columns.values() if column.name != self.key and column.name not in self.references
        ]


def profile_folder(folder: Path, scratch: Path | None, progress: Progress) -> tuple[list[TableProfile], list[str]]:
    """The tables of a folder, and the files that no reader fits.

    Args:
        folder: every file below it is looked at.
        scratch: folder in which decoded files and spilled tables lie meanwhile; the system's own when there is none.
        progress: called for every table.

    Raises:
        SourceError: a file cannot be read.
    """
    found, left = _group_files(folder)
    specs = {table: _spec(table, path, paths) for table, (path, paths) in found.items()}
    mapping = Mapping("draft", "the proposed mapping", "", specs, Roles("", "", ()), {}, {}, {}, None, {})
    files = {table: paths for table, (_, paths) in found.items()}
    with (
        scratch_folder(scratch) as private,
        open_database(private, blame=f"--data {folder}", advice="take that file away") as database,
    ):
        read_files(database, mapping, files, folder, private, progress)
        lock_database(database)
        tables = [_profile(database, spec) for spec in specs.values()]
        return _with_references(database, [replace(table, key=_key(table)) for table in tables]), left


def _spec(table: str, path: str, paths: list[Path]) -> FileSpec:
    reader = SUFFIXES[_suffix(paths[0])]
    encodings = {guess_encoding(each) for each in paths} - {"utf-8"} if reader == "csv" else set()
    return FileSpec(table, path, reader, options={"encoding": min(encodings)} if encodings else {})


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
        table = "_".join(words(shown.partition(".")[0])) or "_".join(words(paths[0].stem))
        table = table if table and not table[0].isdigit() else f"file_{table}"
        while table in found:
            table += "_2"
        found[table] = (re.sub(r"\*(?:[^A-Za-z0-9/]\*)+", "*", shown), paths)
    return found, left


def _profile(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> TableProfile:
    source = f"(SELECT * FROM {name(spec.name)} LIMIT {SAMPLE_ROWS})"
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    types = {column: kind for column, kind, *_ in described if not column.startswith("_")}
    rows = int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])
    columns = {column: profile_column(database, source, column, kind, rows) for column, kind in types.items()}
    return TableProfile(spec.name, spec.path, rows, columns, encoding=spec.options.get("encoding", "utf-8"))


def _key(table: TableProfile) -> str | None:
    """The column that names the rows: unique, or all but unique, and called like an identifier or like the table."""
    columns = list(table.columns.values())
    own = {*words(table.name), singular(table.name)}
    named = [column for column in columns if column.is_unique and (column.looks_like_id or own & set(column.words))]
    if named:
        return named[0].name
    first = columns[0] if columns else None
    if first is not None and ((first.is_unique and first.mean_length <= 40) or first.is_nearly_unique):
        return first.name
    return None


def _with_references(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """Each table with the columns that hold keys of others."""
    owners = [table for table in tables if table.key]
    done = []
    for table in tables:
        found, strays = {}, {}
        for column in table.columns.values():
            matches = [owner for owner in owners if owner.name != table.name and _may_refer(column, owner)]
            counts = {owner.name: _count_strays(database, table, column.name, owner) for owner in matches}
            best = min(counts, key=lambda each: counts[each], default=None)
            if best is not None and counts[best] <= STRAYS * column.distinct:
                found[column.name] = best
                strays[column.name] = counts[best]
        done.append(replace(table, references=found, strays={name: count for name, count in strays.items() if count}))
    return _without_mutual(done)


def _may_refer(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether a column may hold the keys of a table: by the names, or as both are identifiers with letters in them."""
    assert owner.key is not None
    key = owner.columns[owner.key]
    if column.filled == 0 or column.kind not in {"text", "integer"}:
        return False
    if column.name.casefold() == key.name.casefold() and column.words != ["id"]:
        return True
    if column.looks_like_id and key.looks_like_id and column.kind == key.kind == "text":
        return True
    own = {*words(singular(owner.name))[-1:], *stem(owner.key)}
    return bool(own & {singular(word) for word in stem(column.name)})


def _count_strays(database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, owner: TableProfile) -> int:
    """How many of the different values of a column are no key of a table."""
    assert owner.key is not None
    keys = f"SELECT CAST({name(owner.key)} AS VARCHAR) FROM {name(owner.name)} WHERE {name(owner.key)} IS NOT NULL"
    values = f"SELECT DISTINCT nullif(CAST({name(column)} AS VARCHAR), '') AS v FROM {name(table.name)}"
    query = f"SELECT count(*) FROM ({values}) WHERE v IS NOT NULL AND v NOT IN ({keys})"
    return int(database.execute(query).fetchall()[0][0])


def _without_mutual(tables: list[TableProfile]) -> list[TableProfile]:
    """Two tables with one key: the one with more rows owns it, the other refers to it."""
    by_name = {table.name: table for table in tables}
    for table in tables:
        owner = by_name.get(table.references.get(table.key or "", ""))
        if owner and owner.references.get(owner.key or "") == table.name and table.rows >= by_name[owner.name].rows:
            left = {column: other for column, other in table.references.items() if column != table.key}
            by_name[table.name] = replace(table, references=left)
    return list(by_name.values())
