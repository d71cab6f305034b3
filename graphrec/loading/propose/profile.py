"""What the files of a folder look like: tables, columns, kinds, keys and who refers to whom."""

import re
from collections.abc import Iterable
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import PACKED, SUFFIXES, FileSpec, Mapping
from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.looks import property_name
from graphrec.loading.propose.words import singular, stem, words
from graphrec.loading.sources.csv_form import csv_form
from graphrec.loading.sources.database import lock_database, open_database, scratch_folder
from graphrec.loading.sources.encodings import guess_encoding
from graphrec.loading.sources.files import read_files
from graphrec.loading.sources.sql import name, value
from graphrec.progress import Progress
from graphrec.schema import Roles

SPREADSHEETS = (".xlsx", ".xls", ".ods")
SAMPLE_ROWS = 500_000
GAPS = (
    *("\\N", "NULL", "null", "Null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "#NULL!", "N/A", "n/a", "#N/A"),
    *("#NV", "<NA>", "NaN", "nan", "NaT"),
)
"""What databases, spreadsheets and data frames write for a gap, and nobody for anything else."""
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
    nulls: tuple[str, ...] = ()
    """Texts that stand for a gap."""
    questions: tuple[str, ...] = ()

    def others(self) -> list[ColumnProfile]:
        """The columns that are neither key nor reference."""
        return [
            column for column in self.columns.values() if column.name != self.key and column.name not in self.references
        ]


def profile_folder(folder: Path, scratch: Path | None, progress: Progress) -> tuple[list[TableProfile], list[str]]:
    """The tables of a folder, and what is left out of them, in words.

    Args:
        folder: every file below it is looked at.
        scratch: folder in which decoded files and spilled tables lie meanwhile; the system's own when there is none.
        progress: called for every table.

    Raises:
        SourceError: a file cannot be read.
    """
    found, left = _group_files(folder)
    specs = {table: _spec(table, path, paths, folder) for table, (path, paths) in found.items()}
    files = {table: paths for table, (_, paths) in found.items()}
    with (
        scratch_folder(scratch) as private,
        open_database(private, blame=f"--data {folder}", advice="take that file away") as database,
    ):
        for table, spec in list(specs.items()):
            mapping = Mapping(
                "draft", "the proposed mapping", "", {table: spec}, Roles("", "", ()), {}, {}, {}, None, {}
            )
            try:
                read_files(database, mapping, files, folder, private, progress)
            except SourceError as error:
                if len(specs) == 1:
                    raise
                left.append(f"{table} was left out: {error}")
                del specs[table]
        lock_database(database)
        tables = [
            _profile(database, _with_gaps(database, spec), has_commas=_has_commas(spec, files[spec.name]))
            for spec in specs.values()
        ]
        tables = _with_references(database, _padded(database, _with_keys(tables)))
        return [_with_names(table) for table in tables], left


def _has_commas(spec: FileSpec, paths: list[Path]) -> bool:
    """Whether commas are likely to be decimal ones: columns end in semicolons."""
    return spec.reader == "csv" and csv_form(paths[0], paths[0].name, spec).options["delim"] == ";"


def _with_gaps(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> FileSpec:
    """The file with the texts that stand for a gap in it, which become gaps in the table too."""
    if spec.reader != "csv":
        return spec
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    columns = [column for column, kind, *_ in described if kind == "VARCHAR" and not column.startswith("_")]
    found: set[str] = set()
    for column in columns:
        query = f"SELECT DISTINCT {name(column)} FROM {name(spec.name)} WHERE {name(column)} IN ({_listed(GAPS)})"
        found |= {row[0] for row in database.execute(query).fetchall()}
    for column in columns if found else ():
        listed = _listed(sorted(found))
        database.execute(f"UPDATE {name(spec.name)} SET {name(column)} = NULL WHERE {name(column)} IN ({listed})")
    return replace(spec, options={**spec.options, "nullstr": sorted(found)}) if found else spec


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(value(text) for text in texts)


def _spec(table: str, path: str, paths: list[Path], folder: Path) -> FileSpec:
    reader = SUFFIXES[_suffix(paths[0])]
    shown = [(each, each.relative_to(folder).as_posix()) for each in paths]
    encodings = {guess_encoding(*each) for each in shown} - {"utf-8"} if reader == "csv" else set()
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
            left.append(f"{shown} has no reader by its suffix and was left out{_advice(path)}")
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


def _advice(path: Path) -> str:
    return "; save each of its sheets as CSV" if path.suffix.lower() in SPREADSHEETS else ""


def _profile(database: duckdb.DuckDBPyConnection, spec: FileSpec, *, has_commas: bool) -> TableProfile:
    source = f"(SELECT * FROM {name(spec.name)} LIMIT {SAMPLE_ROWS})"
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    types = {column: kind for column, kind, *_ in described if not column.startswith("_")}
    rows = int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])
    columns = {
        column: profile_column(database, source, column, kind, rows, has_commas=has_commas)
        for column, kind in types.items()
    }
    nulls = tuple(spec.options.get("nullstr", ()))
    return TableProfile(
        spec.name, spec.path, rows, columns, encoding=spec.options.get("encoding", "utf-8"), nulls=nulls
    )


def _with_keys(tables: list[TableProfile]) -> list[TableProfile]:
    """Each table with its key: of several that could be, the one that other tables have too."""
    done = []
    for table in tables:
        elsewhere = {column.casefold() for other in tables if other.name != table.name for column in other.columns} - {
            "id"
        }
        done.append(replace(table, key=_key(table, elsewhere)))
    return done


def _key(table: TableProfile, elsewhere: set[str]) -> str | None:
    """The column that names the rows: unique, or all but unique, and called like an identifier or like the table."""
    columns = list(table.columns.values())
    own = {*words(table.name), singular(table.name)}
    named = [column for column in columns if column.is_unique and (column.looks_like_id or own & set(column.words))]
    if named:
        return next((column for column in named if column.name.casefold() in elsewhere), named[0]).name
    first = columns[0] if columns else None
    if first is not None and ((first.is_unique and first.mean_length <= 40) or first.is_nearly_unique):
        return first.name
    return None


def _padded(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """The tables with zeros before the keys that one file has lost and another has kept, in the database too."""
    by_name = {table.name: table for table in tables}
    for owner_name in [table.name for table in tables if table.key]:
        for name_of in [table.name for table in tables if table.name != owner_name]:
            for column in by_name[name_of].columns.values():
                owner = by_name[owner_name]
                if not _may_refer(column, owner) or column.padded:
                    continue
                assert owner.key is not None
                if _fits(_count_strays(database, by_name[name_of], column.name, owner), column):
                    continue
                mine, keys = _digits(database, name_of, column.name), _digits(database, owner_name, owner.key)
                if not (mine.longest > 0 and keys.longest > 0):
                    continue
                if keys.are_padded and mine.longest <= keys.longest:
                    by_name[name_of] = _pad(database, by_name[name_of], column.name, keys.longest, owner)
                elif mine.are_padded and keys.longest <= mine.longest:
                    by_name[owner_name] = _pad(database, owner, owner.key, mine.longest, by_name[name_of])
    return [by_name[table.name] for table in tables]


@dataclass(frozen=True)
class _Digits:
    """How the numbers of a column are written; `longest` is 0 where some are no numbers."""

    longest: int
    are_padded: bool
    """Whether all have the same length, and some begin with a zero."""


def _digits(database: duckdb.DuckDBPyConnection, table: str, column: str) -> _Digits:
    text = f"nullif(CAST({name(column)} AS VARCHAR), '')"
    shortest, longest, zeros, others = database.execute(
        f"SELECT coalesce(min(length({text})), 0), coalesce(max(length({text})), 0), "
        f"count(*) FILTER (WHERE regexp_full_match({text}, '0\\d+')), "
        f"count(*) FILTER (WHERE NOT regexp_full_match({text}, '\\d+')) FROM {name(table)}"
    ).fetchall()[0]
    return _Digits(0, False) if others else _Digits(longest, shortest == longest and zeros > 0)


def _pad(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, digits: int, other: TableProfile
) -> TableProfile:
    """The table with a column filled up to so many digits."""
    database.execute(f"ALTER TABLE {name(table.name)} ALTER {name(column)} TYPE VARCHAR")
    database.execute(f"UPDATE {name(table.name)} SET {name(column)} = lpad({name(column)}, {digits}, '0')")
    profile = replace(table.columns[column], padded=digits, kind="text", parse=None)
    question = (
        f"{column} has lost the zeros that {other.name} has kept; it is filled up to {digits} digits: is that right?"
    )
    return replace(table, columns={**table.columns, column: profile}, questions=(*table.questions, question))


def _with_names(table: TableProfile) -> TableProfile:
    """Each column with a name in the graph that no other column has; id is that of the key alone."""
    taken: set[str] = set()
    columns = {}
    for column in sorted(table.columns.values(), key=lambda column: column.name != table.key):
        wanted = property_name(column.name)
        if wanted.casefold() == "id" and column.name != table.key:
            wanted = "id_given"
        while wanted.casefold() in taken:
            wanted += "_2"
        taken.add(wanted.casefold())
        columns[column.name] = replace(column, in_graph=wanted)
    return replace(table, columns={column: columns[column] for column in table.columns})


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
            if best is not None and _fits(counts[best], column):
                found[column.name] = best
                strays[column.name] = counts[best]
        done.append(replace(table, references=found, strays={name: count for name, count in strays.items() if count}))
    return _without_mutual(done)


def _fits(strays: int, column: ColumnProfile) -> bool:
    return strays <= STRAYS * column.distinct


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
