"""What the files of a folder look like: tables, columns and their kinds."""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Keys
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import SUFFIXES, FileSpec, Mapping
from graphrec.loading.propose.cells.bits import with_bits
from graphrec.loading.propose.cells.codes import written_out
from graphrec.loading.propose.cells.multi import with_parts
from graphrec.loading.propose.cells.several import with_several
from graphrec.loading.propose.column_profile import GAPS as GAPS_OF_NUMBERS
from graphrec.loading.propose.column_profile import NEARLY_UNIQUE, ColumnProfile, of_one_calendar, profile_column
from graphrec.loading.propose.folder import all_specs, suffix_of
from graphrec.loading.propose.histories.changes import last_changes
from graphrec.loading.propose.histories.deliveries import have_days, with_days
from graphrec.loading.propose.histories.heads import with_one_head
from graphrec.loading.propose.histories.live import live, of_things
from graphrec.loading.propose.histories.snapshots import as_spans, key_by_day, latest
from graphrec.loading.propose.histories.unlisted import with_unlisted
from graphrec.loading.propose.histories.vault import as_tables
from graphrec.loading.propose.histories.versions import current
from graphrec.loading.propose.looks import likeness, property_name
from graphrec.loading.propose.references import key_of, with_keys, with_references
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.shapes.actions import as_one_column
from graphrec.loading.propose.shapes.catalogue import with_told_names
from graphrec.loading.propose.shapes.described import with_described
from graphrec.loading.propose.shapes.ended import with_ended
from graphrec.loading.propose.shapes.grouped import groups_in, rows_of
from graphrec.loading.propose.shapes.joint import with_joint
from graphrec.loading.propose.shapes.lines import as_lines
from graphrec.loading.propose.shapes.nested import Flat, flatten
from graphrec.loading.propose.shapes.other_keys import with_other_keys, with_persons
from graphrec.loading.propose.shapes.owners import SAMPLE_ROWS, with_owner
from graphrec.loading.propose.shapes.pairs import as_attributes
from graphrec.loading.propose.shapes.sides import with_sides
from graphrec.loading.propose.shapes.streams import with_kinds
from graphrec.loading.propose.shapes.switches import with_switches
from graphrec.loading.propose.shapes.undone import without_undone
from graphrec.loading.propose.shapes.wide import amounts, holdings, named_by_keys, products_in
from graphrec.loading.propose.spelling import spelled_alike
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import is_identifier
from graphrec.loading.sources.csv_form import csv_form, guess_frame
from graphrec.loading.sources.database import lock_database, open_database, scratch_folder
from graphrec.loading.sources.files import read_databases, read_files, trim, trimmed
from graphrec.loading.sources.sql import OWN_COLUMNS, name, value
from graphrec.progress import Progress
from graphrec.schema import Roles

_UNNAMED = re.compile(r"column\d+")
_OF_HEADER = 4
"""A row that has the names of so many columns in them, or of all, is a header."""
GAPS = (
    *("\\N", "NULL", "null", "Null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "#NULL!", "N/A", "n/a", "#N/A"),
    *("#NV", "<NA>", "NaN", "nan", "NaT"),
)
"""What databases, spreadsheets and data frames write for a gap, and nobody for anything else."""


class Delivery:
    """The files of a folder, read and profiled once, to be made tables of in several ways."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, specs: Keys[str, FileSpec], tables: list[list[TableProfile]],
        left: list[str],
    ) -> None:  # fmt: skip
        self._database, self._specs, self._tables = database, specs, tables
        self.left = left
        """What is left out of the tables, in words."""

    def tables(self, *, are_wide: bool = False, are_lines: bool = False) -> list[TableProfile]:
        """The tables of the files.

        Args:
            are_wide: columns of yes and no are products that customers hold.
            are_lines: files of contracts and their kinds are products that customers hold.
        """
        # What one way makes of the tables is undone for the next one, and for the statements that are looked at below.
        self._database.execute("BEGIN TRANSACTION")
        try:
            tables = self._made(are_wide=are_wide)
        finally:
            self._database.execute("ROLLBACK")
        tables = as_lines(self._database, tables) if are_lines else tables
        return [_with_names(table) for table in tables]

    def _made(self, *, are_wide: bool) -> list[TableProfile]:
        database, tables = self._database, list[TableProfile]()
        for spec, some in zip(self._specs.values(), self._tables, strict=True):
            tables += some
            if are_wide:
                tables[-1:] = _with_holdings(database, spec, tables[-1])
        tables = with_told_names(database, [as_attributes(database, table) for table in tables])
        tables = with_kinds(database, [with_one_head(database, table) for table in tables])
        tables = without_undone(database, tables)
        tables = as_tables(database, [last_changes(database, table) for table in tables])
        tables = [with_days(database, table) for table in tables]
        tables = [latest(database, table) for table in current(database, tables)]
        tables = [as_one_column(database, table) for table in written_out(database, with_bits(database, tables))]
        tables = _with_amounts(database, with_keys(database, tables), self._specs)
        tables = with_references(database, spelled_alike(database, with_parts(database, tables)))
        tables = with_unlisted(database, tables)
        tables = with_other_keys(database, with_persons(database, with_switches(database, tables)))
        tables = with_several(database, with_sides(database, of_things(database, live(database, tables))))
        tables = [as_spans(database, table) for table in tables]
        tables = [with_joint(database, table, tables) for table in tables]
        tables = [with_owner(database, table, tables) for table in tables]
        tables = [with_ended(database, table) for table in tables]
        return [_with_twins(database, with_described(database, table)) for table in tables]


@contextmanager
def read_folder(
    folder: Path, scratch: Path | None, progress: Progress, url_env: str | None = None
) -> Iterator[Delivery]:
    """The files of a folder and the tables of a database.

    Args:
        folder: every file below it is looked at.
        scratch: folder in which decoded files and spilled tables lie meanwhile; the system's own when there is none.
        progress: called for every table.
        url_env: the environment variable with the address of a database, whose tables are looked at too.

    Raises:
        SourceError: the one file that is there cannot be read, or the database does not answer.
    """
    specs, files, left = all_specs(folder, url_env)
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
        for table, spec in specs.items():
            spec = _with_trim(database, spec)
            flat = _flat(database, spec, files[spec.name][0] if files[spec.name] else folder)
            specs[table] = spec = _with_gaps(database, spec)
            flat = _without_others(database, spec, flat)
            has_commas = _has_commas(spec, files[spec.name])
            tables.append([_profile(database, spec, part, has_commas=has_commas) for part in (flat, *flat.parts)])
        yield Delivery(database, specs, tables, left)


def _flat(database: duckdb.DuckDBPyConnection, spec: FileSpec, path: Path) -> Flat:
    """The table of a file without what lies in its cells or around its rows."""
    if spec.reader != "lines":
        return flatten(database, spec.name)
    text = path, path.name, str(spec.options.get("encoding", "utf-8"))
    groups = groups_in(*text, guess_frame(*text)[0])
    return flatten(database, spec.name) if groups is None else rows_of(database, spec.name, groups)


def _has_commas(spec: FileSpec, paths: list[Path]) -> bool:
    """Whether commas are likely to be decimal ones: columns end in semicolons."""
    return spec.reader == "csv" and csv_form(paths[0], paths[0].name, spec).options["delim"] == ";"


def _with_trim(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> FileSpec:
    """The file with blanks around names and texts taken away, where some are; in its table too."""
    if spec.reader == "database":
        return spec
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    texts = [column for column, kind, *_ in described if kind == "VARCHAR" and column not in OWN_COLUMNS]
    around = " OR ".join(f"{name(column)} <> {trimmed(name(column))}" for column in texts)
    is_blank = any(column != column.strip() for column in texts)
    if not texts or not (
        is_blank or database.execute(f"SELECT 1 FROM {name(spec.name)} WHERE {around} LIMIT 1").fetchall()
    ):
        return spec
    trim(database, spec)
    return replace(spec, options={**spec.options, "trim": True})


def _with_gaps(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> FileSpec:
    """The file with the texts that stand for a gap in it, which become gaps in the table too."""
    if spec.reader != "csv":
        return spec
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    columns = [column for column, kind, *_ in described if kind == "VARCHAR" and column not in OWN_COLUMNS]
    found, of_keys, of_words = set[str](), set[str](), set[str]()
    for column in columns:
        listed = _listed(dict.fromkeys((*GAPS, *_OF_KEYS)))
        query = f"SELECT DISTINCT {name(column)} FROM {name(spec.name)} WHERE {name(column)} IN ({listed})"
        there = {row[0] for row in database.execute(query).fetchall()}
        found |= there.intersection(GAPS)
        if gaps := there.intersection(_OF_KEYS):
            are_keys, are_words = _beside_gaps(database, spec.name, column)
            of_keys |= gaps if are_keys else set()
            of_words |= gaps if are_words else set()
    # Among keys that are numbers NA is a gap; among words it may be Namibia.
    found |= of_keys - of_words
    for column in columns if found else ():
        listed = _listed(sorted(found))
        database.execute(f"UPDATE {name(spec.name)} SET {name(column)} = NULL WHERE {name(column)} IN ({listed})")
    return replace(spec, options={**spec.options, "nullstr": sorted(found)}) if found else spec


def _beside_gaps(database: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[bool, bool]:
    """Whether what stands beside gaps in a column are keys that are whole numbers, and whether words are among it."""
    quoted = name(column)
    numbers, words = database.execute(
        f"SELECT bool_and(regexp_full_match({quoted}, '\\d+')), bool_or(regexp_matches({quoted}, '\\pL')) "
        f"FROM {name(table)} WHERE {quoted} <> '' AND {quoted} NOT IN ({_listed(_OF_KEYS)})"
    ).fetchall()[0]
    are_keys = is_identifier(column) and numbers is not False
    return are_keys, bool(words) and not are_keys


_OF_KEYS = tuple(one for one in GAPS_OF_NUMBERS if not any(map(str.isdigit, one)))
"""What may stand for a gap among keys."""


def _without_others(database: duckdb.DuckDBPyConnection, spec: FileSpec, flat: Flat) -> Flat:
    """The rows of a file without those that are none: its header again, as in files that were put together, and sums
    between the rows."""
    if spec.reader not in {"csv", "xlsx"} or flat.source:
        return flat
    described = database.execute(f"DESCRIBE {name(flat.table)}").fetchall()
    every = [column for column, *_ in described if column not in OWN_COLUMNS]
    columns = every[:_OF_HEADER]
    if len(columns) < 2:
        return flat
    # A file that was put together has the mark of a text's beginning in its middle too.
    bare = {one: f"ltrim(CAST({name(one)} AS VARCHAR), chr(65279))" for one in columns}
    filled = " + ".join(f"CAST({name(one)} IS NOT NULL AS INTEGER)" for one in every)
    first = f"coalesce({', '.join(f'CAST({name(one)} AS VARCHAR)' for one in every)})"
    others = {
        " AND ".join(f"{bare[one]} IS NOT DISTINCT FROM {value(one)}" for one in columns): "its header again",
        f"coalesce(regexp_matches({first}, {value(_SUMS)}), false) AND 2 * ({filled}) <= {len(every)}": "sums",
    }
    counts = {}
    for condition in others:
        query = f"SELECT count(*) FROM {name(flat.table)} WHERE {condition}"
        if count := int(database.execute(query).fetchall()[0][0]):
            counts[condition] = count
            database.execute(f"DELETE FROM {name(flat.table)} WHERE {condition}")
    if not counts:
        return flat
    source = f"(SELECT * FROM {name(flat.table)} WHERE NOT ({' OR '.join(f'({one})' for one in counts)}))"
    asks = [f"{count} rows are {others[one]} and are left out: is that right?" for one, count in counts.items()]
    return replace(flat, source=source, questions=(*flat.questions, *asks))


_SUMS = (
    r"(?i)^\W*(sub|grand|zwischen|tussen|end|eind|gesamt|deel|mellan|del)?[ -]?"
    r"(totals?|totaal|totaux|totale[sn]?|summen?|sous-total|suma|итого|всего|合计|小计|总计)([ :,.-]|$)"
)
"""What the first text of a row of sums begins with."""


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(value(text) for text in texts)


def _profile(database: duckdb.DuckDBPyConnection, spec: FileSpec, flat: Flat, *, has_commas: bool) -> TableProfile:
    rows, columns = _columns(database, flat.table, has_commas=has_commas)
    once = _without_copies(database, flat, rows, columns)
    if once is not flat:
        rows, columns = _columns(database, flat.table, has_commas=has_commas)
    beside = _beside(columns) if spec.reader == "xlsx" else ()
    if beside:
        columns = {column: one for column, one in columns.items() if column not in beside}
        asks = f"{', '.join(beside)} are another table beside it on the sheet and are left out: is that right?"
        once = replace(once, questions=(*once.questions, asks))
    columns = _named(columns)
    sheet = spec.sheets[0] if len(spec.sheets) == 1 else spec.sheets or None
    given = {"sheet": sheet, "url_env": spec.url_env, "query": spec.query}
    options = {**spec.options, **{key: one for key, one in given.items() if one is not None}}
    if spec.reader != SUFFIXES.get(suffix_of(Path(spec.path))):
        options = {"reader": spec.reader, **options}
    return TableProfile(
        flat.table, spec.path, rows, columns, options=options, of=spec.name, source=once.source,
        questions=once.questions, fields=once.fields, inner=once.inner,
    )  # fmt: skip


def _with_holdings(database: duckdb.DuckDBPyConnection, spec: FileSpec, table: TableProfile) -> list[TableProfile]:
    """A table, and beside it what its columns of yes and no say of products."""
    products = products_in(table.columns.values())
    key, day = key_of(table, set()), None
    if key is None:
        key, day = key_by_day(database, table)
    if not products or key is None:
        return [table]
    flat = holdings(database, table.name, table.rows_sql, (key, *([day] if day else [])), products)
    held = _profile(database, spec, flat, has_commas=False)
    left = {column: one for column, one in table.columns.items() if column not in products}
    return [replace(table, columns=left), held]


def _with_amounts(
    database: duckdb.DuckDBPyConnection, tables: list[TableProfile], specs: Keys[str, FileSpec]
) -> list[TableProfile]:
    """The tables, and for each with a column for each product of another a table of what is held."""
    done = []
    for table in tables:
        found = [products for owner in tables if (products := named_by_keys(database, table, owner))]
        products = max(found, key=len, default={})
        if not products or table.key is None or table.key in products:
            done.append(table)
            continue
        flat = amounts(database, table.name, table.rows_sql, table.key, products)
        held = _profile(database, specs[table.of], flat, has_commas=False)
        done += [
            replace(table, columns={one: each for one, each in table.columns.items() if one not in products}),
            held,
        ]
    return done


def _columns(
    database: duckdb.DuckDBPyConnection, table: str, *, has_commas: bool
) -> tuple[int, dict[str, ColumnProfile]]:
    """How many rows are looked at, and what the columns are."""
    source = f"(SELECT * FROM {name(table)} LIMIT {SAMPLE_ROWS})"
    described = database.execute(f"DESCRIBE {name(table)}").fetchall()
    types = {column: kind for column, kind, *_ in described if column not in OWN_COLUMNS}
    rows = int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])
    found = {
        column: profile_column(database, source, column, kind, rows, has_commas=has_commas)
        for column, kind in types.items()
    }
    return rows, of_one_calendar(database, source, found)


def _named(columns: Keys[str, ColumnProfile]) -> dict[str, ColumnProfile]:
    """The columns without those that have no name and no values, as a delimiter at the end of each line makes one."""
    return {name: one for name, one in columns.items() if one.filled or not _UNNAMED.fullmatch(name)}


def _beside(columns: Keys[str, ColumnProfile]) -> tuple[str, ...]:
    """The columns of a shorter table behind a blank column, as sheets have what codes mean beside what has them."""
    names = list(columns)
    gap = next((n for n, one in enumerate(names) if _UNNAMED.fullmatch(one) and not columns[one].filled), len(names))
    later = [one for one in names[gap:] if columns[one].filled]
    most = max((columns[one].filled for one in names[:gap]), default=0)
    return tuple(later) if later and 2 * max(columns[one].filled for one in later) <= most else ()


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
    if have_days(database, flat.table):
        pairs = f"SELECT count(*) FROM (SELECT DISTINCT {name(best.name)}, _file FROM {table})"
        if database.execute(pairs).fetchall()[0][0] == rows:
            return flat  # what did not change since the delivery before
    by = name(best.name) if kinds == best.distinct else every
    once = (
        f"(SELECT * FROM {{0}} QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY _file, _line) = 1 "
        "ORDER BY _file, _line)"
    )
    remake(database, flat.table, with_rows(once, table))
    said = f"{rows - kinds} rows are copies of others and are left out"
    source = with_rows(once, flat.source or table)
    return replace(flat, source=source, fields={}, questions=(*flat.questions, said))


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
    described = {column: _with_names(one) for column, one in table.described.items()}
    return replace(table, columns={column: columns[column] for column in table.columns}, described=described)


def _with_twins(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table of dealings without a key, with what two of them have alike: two purchases of one product on one day."""
    columns = table.columns.values()
    if table.key is not None or any((one.is_unique and one.looks_like_id) or one.is_nearly_unique for one in columns):
        return table
    others = [one for one in table.others() if one.kind in {"text", "integer"} and 1 < one.distinct < one.filled]
    ids = [*table.references, *(one.name for one in table.others() if one.looks_like_id and one.distinct > 1)]
    # Where an end has no identifier its name is one.
    ids += [one.name for one in others if not one.looks_like_id and likeness(one.name)]
    at = next((one.name for one in table.others() if one.kind == "time" and one.is_whole), None)
    if at is None:
        return table
    found = set()
    for pair in combinations(ids[:_ENDS_LOOKED_AT], 2):
        if min(map(likeness, pair)) > 0 or max(map(likeness, pair)) < 0:
            continue
        by = ", ".join(map(name, (*pair, at)))
        query = f"SELECT 1 FROM {name(table.name)} GROUP BY {by} HAVING count(*) > 1 LIMIT 1"
        if database.execute(query).fetchall():
            found |= {(*pair, at), (*reversed(pair), at)}
    if not found:
        return table
    asks = "has rows that have what they join and their time alike; each counts: is that right?"
    return replace(table, twins=frozenset(found), questions=(*table.questions, asks))


_ENDS_LOOKED_AT = 4
"""Columns that may name what a row joins."""
