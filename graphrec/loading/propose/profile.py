"""What the files of a folder look like: tables, columns, kinds, keys and who refers to whom."""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import PACKED, SUFFIXES, FileSpec, Mapping
from graphrec.loading.propose.column_profile import NEARLY_UNIQUE, ColumnProfile, profile_column
from graphrec.loading.propose.looks import action_of_table, is_personal, likeness, looks, property_name
from graphrec.loading.propose.nested import Flat, flatten
from graphrec.loading.propose.wide import holdings, products_in
from graphrec.loading.propose.words import singular, stem, words
from graphrec.loading.sources.csv_form import csv_form, guess_frame
from graphrec.loading.sources.database import lock_database, open_database, scratch_folder
from graphrec.loading.sources.databases import database_tables, is_sqlite, sqlite_tables
from graphrec.loading.sources.encodings import guess_encoding
from graphrec.loading.sources.files import read_databases, read_files
from graphrec.loading.sources.packed import ZIP, archive_of, members
from graphrec.loading.sources.sql import name, value
from graphrec.loading.sources.workbooks import sheet_columns, sheet_frame, sheet_names
from graphrec.progress import Progress
from graphrec.schema import Roles

SAMPLE_ROWS = 500_000
MOST_FILES = 50
"""Of one table, whose ends are looked at."""
_UNNAMED = re.compile(r"column\d+")
_DAY = re.compile(
    r"(?<!\d)((19|20)\d\d[-_.]?(0[1-9]|1[0-2])([-_.]?[0-3]\d)?([-_T]?[0-2]\d[0-5]\d([0-5]\d)?)?"
    r"|[0-3]\d[-_.](0[1-9]|1[0-2])[-_.](19|20)\d\d)(?!\d)"
)
"""A day or month in the name of a file, which the next delivery has not."""
TEXTS = (".txt", ".dat", ".tab", ".asc", ".csv_", ".out", ".exp", ".unl")
"""Suffixes of texts that are tables or not."""
GAPS = (
    *("\\N", "NULL", "null", "Null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "#NULL!", "N/A", "n/a", "#N/A"),
    *("#NV", "<NA>", "NaN", "nan", "NaT"),
)
"""What databases, spreadsheets and data frames write for a gap, and nobody for anything else."""
ENOUGH_KEYS = 5
FEW_KEYS = 0.05
"""A column without a telling name has at least so many of a table's keys, and that share of them, if it holds them."""
SHORT_KEY = 3.0
"""Shorter values are levels and codes, and keys by chance."""
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
    options: Keys[str, object] = field(default_factory=dict)
    """What its entry in `[source.files]` says besides the path."""
    questions: tuple[str, ...] = ()
    of: str = ""
    """The entry that it is made of, where it is no file of its own but what lies in the rows of one."""
    source: str = ""
    """SQL of its rows in that case, and where the customer of a row stands in another table."""
    fields: Keys[str, str] = field(default_factory=dict)
    """Column → its SQL over `t`, the rows of `inner`, where the columns of `source` lie in rows of JSON."""
    inner: str = ""
    through: str = ""
    """That table: its rows say whose an account is, and are nothing by themselves."""

    @property
    def encoding(self) -> str:
        """How its texts are encoded."""
        return str(self.options.get("encoding", "utf-8"))

    @property
    def nulls(self) -> tuple[str, ...]:
        """Texts that stand for a gap."""
        found = self.options.get("nullstr", ())
        return tuple(found) if isinstance(found, list | tuple) else ()

    @property
    def footer(self) -> tuple[str, ...]:
        """What the last lines of its files begin with that are no rows."""
        found = self.options.get("footer", ())
        return tuple(found) if isinstance(found, list | tuple) else ()

    @property
    def rows_sql(self) -> str:
        """What a statement reads its rows from."""
        return self.source or name(self.name)

    def rows_with(self, columns: Iterable[str]) -> str:
        """What a statement reads its rows from that needs no other columns than these."""
        if not self.fields:
            return self.rows_sql
        listed = ", ".join(f"{self.fields[column]} AS {name(column)}" for column in dict.fromkeys(columns))
        return f"(SELECT {listed}, t._file, t._line FROM {self.inner} AS t)"

    def others(self) -> list[ColumnProfile]:
        """The columns that are neither key nor reference."""
        return [
            column for column in self.columns.values() if column.name != self.key and column.name not in self.references
        ]


def profile_folder(
    folder: Path, scratch: Path | None, progress: Progress, url_env: str | None = None, *, are_wide: bool = False
) -> tuple[list[TableProfile], list[str]]:
    """The tables of a folder and of a database, and what is left out of them, in words.

    Args:
        folder: every file below it is looked at.
        scratch: folder in which decoded files and spilled tables lie meanwhile; the system's own when there is none.
        progress: called for every table.
        url_env: the environment variable with the address of a database, whose tables are looked at too.
        are_wide: columns of yes and no are products that customers hold.

    Raises:
        SourceError: the one file that is there cannot be read, or the database does not answer.
    """
    specs, files, left = _all_specs(folder, url_env)
    with (
        scratch_folder(scratch) as private,
        open_database(private, blame=f"--data {folder}", advice="take that file away") as database,
    ):
        for table, spec in list(specs.items()):
            mapping = Mapping(
                "draft", "the proposed mapping", "", {table: spec}, Roles("", "", ()), {}, {}, {}, None, {}
            )
            try:
                read_databases(database, mapping, progress)
                read_files(database, mapping, files, folder, private, progress)
            except SourceError as error:
                if len(specs) == 1:
                    raise
                left.append(f"{spec.shown} is MISSING: {error}")
                del specs[table]
        lock_database(database)
        tables = []
        for spec in specs.values():
            flat = flatten(database, spec.name)
            spec = _with_gaps(database, spec)
            has_commas = _has_commas(spec, files[spec.name])
            tables.append(_profile(database, spec, flat, has_commas=has_commas))
            tables += [_profile(database, spec, part, has_commas=has_commas) for part in flat.parts]
            if are_wide:
                tables[-1:] = _with_holdings(database, spec, tables[-1])
        tables = _with_references(database, _padded(database, _with_keys(tables)))
        tables = [_joined(database, table, tables) for table in tables]
        return [_with_names(table) for table in tables], left


def _all_specs(folder: Path, url_env: str | None) -> tuple[dict[str, FileSpec], dict[str, list[Path]], list[str]]:
    """An entry of `[source.files]` for everything that can be read, with its files, and what is left out."""
    found, left = _group_files(folder)
    specs: dict[str, FileSpec] = {}
    files: dict[str, list[Path]] = {}
    for table, (path, paths) in found.items():
        try:
            some = _specs(table, path, paths, folder)
        except SourceError as error:
            if len(found) == 1 and url_env is None:
                raise
            left.append(f"{path} is MISSING: {error}")
            continue
        for key, spec in some.items():
            free = key if key not in specs and key not in found else f"{table}_{key}" if key != table else key
            specs[free], files[free] = replace(spec, name=free), paths
    for table in database_tables(url_env, f"--database {url_env}") if url_env is not None else ():
        given = _table_name(table, "table")
        while given in specs:
            given += "_2"
        query = f"SELECT * FROM {name(table)}"
        specs[given] = FileSpec(given, "", "database", url_env=url_env, query=query)
        files[given] = []
    return specs, files, left


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


def _specs(table: str, path: str, paths: list[Path], folder: Path) -> dict[str, FileSpec]:
    """The entries of `[source.files]` for one file or glob: one for each sheet or table of a workbook or database."""
    suffix = _suffix(paths[0])
    reader = SUFFIXES.get(suffix, "csv")
    shown = [(each, each.relative_to(folder).as_posix()) for each in paths]
    if reader == "csv":
        return {table: FileSpec(table, path, reader, options=_csv_options(shown))}
    if reader == "xlsx":
        return _sheets(table, path, *shown[0])
    if reader == "sqlite" and len(inside := sqlite_tables(*shown[0])) > 1:
        held = {_table_name(one, table): f"SELECT * FROM {name(one)}" for one in inside}
        return {key: FileSpec(key, path, reader, query=query) for key, query in held.items()}
    return {table: FileSpec(table, path, reader)}


def _csv_options(files: list[tuple[Path, str]]) -> dict[str, object]:
    """How the texts of one table are encoded, and what is around their rows."""
    encodings = sorted({guess_encoding(*each) for each in files} - {"utf-8"})
    options: dict[str, object] = {"encoding": encodings[0]} if encodings else {}
    frames = [guess_frame(*each, encodings[0] if encodings else "utf-8")[1] for each in files[:MOST_FILES]]
    footer = dict.fromkeys(text for frame in frames for text in frame.get("footer", ()))
    above = {key: frames[0][key] for key in ("skip",) if key in frames[0]}
    return options | above | ({"footer": list(footer)} if footer else {})


def _sheets(table: str, path: str, file: Path, shown: str) -> dict[str, FileSpec]:
    """The entries of a workbook: one for each sheet, and one for all sheets that have the same columns."""
    names = sheet_names(file, shown)
    alike: dict[tuple[object, ...], list[str]] = {}
    frames = {}
    for sheet in names:
        frame = frames[sheet] = sheet_frame(file, shown, sheet)
        columns = tuple(sheet_columns(file, shown, sheet, frame.get("skip", 0)))
        action = action_of_table(sheet)
        mark = (columns, action and action.type) if len(columns) > 1 else (sheet,)
        alike.setdefault((*mark, frame.get("skip")), []).append(sheet)
    found = {}
    for sheets in alike.values():
        footer = dict.fromkeys(text for sheet in sheets for text in frames[sheet].get("footer", ()))
        options = frames[sheets[0]] | ({"footer": list(footer)} if footer else {})
        is_whole = len(sheets) == len(names)
        key = table if is_whole or len(sheets) > 1 else _table_name(sheets[0], table)
        while key in found:
            key += "_2"
        meant = () if len(names) == 1 else tuple(sheets)
        found[key] = FileSpec(key, path, "xlsx", options=options, sheets=meant)
    return found


def _is_table(path: Path, shown: str) -> bool:
    """Whether a file of another suffix is a table all the same."""
    try:
        return bool(guess_frame(path, shown, guess_encoding(path, shown))[0])
    except SourceError:
        return False


def _table_name(text: str, before: str) -> str:
    """A text as the name of a table, with a word before it where it begins with a digit."""
    table = "_".join(words(text))
    return table if table and not table[0].isdigit() else f"{before}_{table}"


def _without_suffixes(shown: str) -> str:
    """A name without the suffixes that say how a file is read."""
    while Path(shown).suffix.lower() in {*SUFFIXES, *PACKED, *TEXTS}:
        shown = shown[: -len(Path(shown).suffix)]
    return shown


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _group_files(folder: Path) -> tuple[dict[str, tuple[str, list[Path]]], list[str]]:
    """Files by table name; files that differ only in digits are one table with a glob."""
    groups: dict[str, list[Path]] = {}
    left: list[str] = []
    for path in _all_files(folder, left):
        shown = path.relative_to(folder).as_posix()
        if path.suffix == ".toml" or any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts):
            continue
        suffix = _suffix(path)
        reader = "csv" if suffix in TEXTS and _is_table(path, shown) else SUFFIXES.get(suffix)
        if reader is None or (reader == "sqlite" and (archive_of(path) is not None or not is_sqlite(path))):
            left.append(f"{shown} has no reader by its suffix and was left out")
            continue
        groups.setdefault(re.sub(r"\d+", "*", shown), []).append(path)
    every = [path.relative_to(folder).as_posix() for paths in groups.values() for path in paths]
    found: dict[str, tuple[str, list[Path]]] = {}
    for pattern, paths in groups.items():
        shown = pattern if len(paths) > 1 else _DAY.sub("*", paths[0].relative_to(folder).as_posix())
        named = _without_suffixes(shown.rpartition(f"{ZIP}/")[2])
        table = _table_name(named if words(named) else paths[0].stem, "file")
        while table in found:
            table += "_2"
        shown = re.sub(r"\*(?:[^A-Za-z0-9/]\*)+", "*", shown)
        if "*" in shown and (len(paths) == 1 or sum(fnmatchcase(one, shown) for one in every) > len(paths)):
            shown = shown.replace("*", "[0-9]*")
        found[table] = (shown, paths)
    return found, left


def _all_files(folder: Path, left: list[str]) -> Iterator[Path]:
    """The files below a folder, those in zip archives among them, sorted; what cannot be opened is said in `left`."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix.lower() != ZIP:
            yield path
            continue
        try:
            yield from members(path)
        except SourceError as error:
            left.append(f"{path.relative_to(folder).as_posix()} is MISSING: {error}")


def _profile(database: duckdb.DuckDBPyConnection, spec: FileSpec, flat: Flat, *, has_commas: bool) -> TableProfile:
    rows, columns = _columns(database, flat.table, has_commas=has_commas)
    once = _without_copies(database, flat, rows, columns)
    if once is not flat:
        rows, columns = _columns(database, flat.table, has_commas=has_commas)
    sheet = spec.sheets[0] if len(spec.sheets) == 1 else spec.sheets or None
    given = {"sheet": sheet, "url_env": spec.url_env, "query": spec.query}
    options = {**spec.options, **{key: one for key, one in given.items() if one is not None}}
    if spec.reader == "database" or _suffix(Path(spec.path)) not in SUFFIXES:
        options = {"reader": spec.reader, **options}
    return TableProfile(
        flat.table, spec.path, rows, columns, options=options, of=spec.name, source=once.source,
        questions=once.questions, fields=once.fields, inner=once.inner,
    )  # fmt: skip


def _with_holdings(database: duckdb.DuckDBPyConnection, spec: FileSpec, table: TableProfile) -> list[TableProfile]:
    """A table, and beside it what its columns of yes and no say of products."""
    products = products_in(table.columns.values())
    key = _key(table, set())
    if not products or key is None:
        return [table]
    held = _profile(database, spec, holdings(database, table.name, table.rows_sql, key, products), has_commas=False)
    left = {column: one for column, one in table.columns.items() if column not in products}
    return [replace(table, columns=left), held]


def _columns(
    database: duckdb.DuckDBPyConnection, table: str, *, has_commas: bool
) -> tuple[int, dict[str, ColumnProfile]]:
    """How many rows are looked at, and what the columns are."""
    source = f"(SELECT * FROM {name(table)} LIMIT {SAMPLE_ROWS})"
    described = database.execute(f"DESCRIBE {name(table)}").fetchall()
    types = {column: kind for column, kind, *_ in described if not column.startswith("_")}
    rows = int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])
    found = {
        column: profile_column(database, source, column, kind, rows, has_commas=has_commas)
        for column, kind in types.items()
    }
    # A delimiter at the end of each line makes a column without a name and without values.
    return rows, {name: one for name, one in found.items() if one.filled or not _UNNAMED.fullmatch(name)}


def _without_copies(
    database: duckdb.DuckDBPyConnection, flat: Flat, rows: int, columns: Keys[str, ColumnProfile]
) -> Flat:
    """Each row of a table once, where an identifier then names it: what is alike in every column is one customer."""
    found = [column for column in columns.values() if column.looks_like_id and column.filled == rows]
    if not found or rows >= SAMPLE_ROWS or any(column.is_unique for column in found):
        return flat
    every, table = ", ".join(map(name, columns)), name(flat.table)
    kinds = int(database.execute(f"SELECT count(*) FROM (SELECT DISTINCT {every} FROM {table})").fetchall()[0][0])
    best = max(found, key=lambda column: column.distinct)
    if kinds == rows or best.distinct <= NEARLY_UNIQUE * kinds:
        return flat
    by = name(best.name) if kinds == best.distinct else every
    once = (
        f"(SELECT * FROM {{}} QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY _file, _line) = 1 "
        "ORDER BY _file, _line)"
    )
    database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {once.format(table)}")
    said = f"{rows - kinds} rows are copies of others and are left out"
    source = once.format(flat.source or table)
    return replace(flat, source=source, fields={}, questions=(*flat.questions, said))


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
                if column.padded or not (_may_refer(column, owner) or _is_of_people(column, owner)):
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


def _is_of_people(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether a column is called like customers, and a table, whatever its name, has something personal in it."""
    people = any(is_personal(one, of_user=False) or looks(one.name, "protected") for one in owner.columns.values())
    return people and column.kind == "integer" and likeness(column.name) > 0


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
            matches = [
                owner
                for owner in owners
                if owner.name != table.name
                and (_may_refer(column, owner) or _is_included(database, table, column, owner))
            ]
            counts = {owner.name: _count_strays(database, table, column.name, owner) for owner in matches}
            best = min(counts, key=lambda each: counts[each], default=None)
            if best is not None and _fits(counts[best], column):
                found[column.name] = best
                strays[column.name] = counts[best]
        done.append(replace(table, references=found, strays={name: count for name, count in strays.items() if count}))
    return _without_mutual(done)


def _joined(database: duckdb.DuckDBPyConnection, table: TableProfile, tables: list[TableProfile]) -> TableProfile:
    """A table with the customer of each row, where that stands in the table of accounts to which it refers."""
    by_name = {one.name: one for one in tables}
    users = {one.name for one in tables if likeness(one.name) > 0}
    for column, other in table.references.items():
        between = by_name[other]
        whose = next((one for one, owner in between.references.items() if owner in users - {other, table.name}), None)
        if whose is None or table.key == column or between.key is None or not between.columns[between.key].is_unique:
            continue
        if users & (set(table.references.values()) - {other}):
            continue  # it says itself whose it is
        if table.columns[column].padded or between.columns[between.key].padded or between.columns[whose].padded:
            continue
        given = whose if whose not in table.columns else f"{between.name}_{whose}"
        joined = (
            f"(SELECT e.*, m.{name(whose)} AS {name(given)} FROM {{}} AS e LEFT JOIN {{}} AS m "
            f"ON CAST(e.{name(column)} AS VARCHAR) = CAST(m.{name(between.key)} AS VARCHAR))"
        )
        made = name(f"{table.name} joined")
        database.execute(f"CREATE TABLE {made} AS SELECT * FROM {joined.format(name(table.name), name(between.name))}")
        rows = f"(SELECT * FROM {made} LIMIT {SAMPLE_ROWS})"
        kind = next(kind for one, kind, *_ in database.execute(f"DESCRIBE {made}").fetchall() if one == given)
        columns = {one: profile for one, profile in table.columns.items() if one != column}
        columns[given] = profile_column(database, rows, given, kind, table.rows)
        kept = {one: owner for one, owner in table.references.items() if one != column}
        return replace(
            table,
            columns=columns,
            references={given: between.references[whose], **kept},
            source=joined.format(table.rows_sql, between.rows_sql),
            fields={},
            through=between.name,
            questions=(*table.questions, f"{given} comes from {between.name} by {column}: is that right?"),
        )
    return table


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


def _is_included(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile
) -> bool:
    """Whether the values of a column, whatever its name, are keys of a table, and too many for that to be chance."""
    assert owner.key is not None
    key = owner.columns[owner.key]
    if column.name == table.key or column.kind not in {"text", "integer"} or key.kind not in {"text", "integer"}:
        return False
    enough = max(ENOUGH_KEYS, key.distinct * FEW_KEYS)
    if column.distinct < enough or column.distinct > key.distinct * (1 + STRAYS) or column.mean_length < SHORT_KEY:
        return False
    return _count_strays(database, table, column.name, owner) == 0


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
