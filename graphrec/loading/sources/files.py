"""Get: the files of a mapping become tables of DuckDB; nothing is repaired."""

import codecs
import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from collections.abc import Mapping as Keys
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import PACKED, FileSpec, Mapping
from graphrec.loading.sources import csv_form, dumps, fixed_width, workbooks, xml_files
from graphrec.loading.sources.csv_form import only_lines, without_footer
from graphrec.loading.sources.databases import read_database, read_sqlite
from graphrec.loading.sources.delta_log import live
from graphrec.loading.sources.encodings import first_broken_line, is_utf8, marked_encoding, write_utf8
from graphrec.loading.sources.packed import ZIP, archive_of, members, open_unpacked
from graphrec.loading.sources.sql import explain_error, name, value
from graphrec.progress import Progress

_BLOCK = 1 << 24
_LOOKED_AT = 1 << 26
_OURS = {"filename", "file_row_number", "allow_empty", "column_statistics"}
_NUMBERED = re.compile(r"(.+)_\d+")
_SILENT = {"ignore_errors", "store_rejects", "rejects_table", "rejects_scan", "rejects_limit"}


@dataclass(frozen=True)
class SourceFile:
    """A file on disk, the name that messages and `_file` give it, and where DuckDB can read it."""

    path: Path
    shown: str
    readable: Path


def find_files(mapping: Mapping, data_dir: Path) -> dict[str, list[Path]]:
    """The files of every table, sorted; none for an optional one that is absent, and for what is in a database.

    Raises:
        SourceError: the folder or a file that is not optional is not there.
    """
    if not is_folder(data_dir):
        raise SourceError(
            f"--data {shown_path(data_dir)}: no such folder; name the folder that holds the files of {mapping.name}"
        )
    found: dict[str, list[Path]] = {}
    for spec in mapping.files.values():
        place = mapping.place("source", "files", spec.name)
        if spec.reader == "database":
            found[spec.name] = []
            continue
        try:
            paths = _matching(data_dir, spec.path)
        except (OSError, ValueError, NotImplementedError) as error:
            raise SourceError(f"{place}: {spec.path!r} cannot be looked for: {error}; correct the path") from error
        if not paths and not spec.optional:
            raise SourceError(
                f"{place}: no file {spec.path!r} in {data_dir}; give another --data, or mark the file optional = true"
            )
        found[spec.name] = _newest(paths) if spec.newest else paths
    return found


DATED = r"((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])(?:[-_.]?([0-3]\d))?"
"""The day or month in the name of a file, the year first."""
YEAR_FIRST = re.compile(rf"(?<!\d){DATED}(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)([0-3]\d)[-_.](0[1-9]|1[0-2])[-_.]((?:19|20)\d\d)(?!\d)")


def day_of(name: str) -> str:
    """The day or month in the name of a file, as texts sort; nothing where there is none.

    >>> [day_of(one) for one in ("customers_20260930.csv", "Bestand 31.12.2025.csv", "2026-09/customers.csv", "a.csv")]
    ['2026-09-30', '2025-12-31', '2026-09', '']
    """
    if found := _DAY_FIRST.search(name):
        return "-".join(reversed(found.groups()))
    return "-".join(part for part in found.groups() if part) if (found := YEAR_FIRST.search(name)) else ""


def _newest(paths: list[Path]) -> list[Path]:
    """The files of the latest day in their names, or the last by name where none has a day."""
    days = [day_of(path.as_posix()) for path in paths]
    latest = max(days, default="")
    return [path for path, day in zip(paths, days, strict=True) if day == latest] if latest else paths[-1:]


def _matching(data_dir: Path, pattern: str) -> list[Path]:
    """The files of a path or glob, sorted; behind a zip archive stands which of the files in it are meant."""
    exact = data_dir / pattern
    if exact.is_file():
        return [exact]
    archive, ending, inside = pattern.partition(f"{ZIP}/")
    if not ending:
        return live(sorted(path for path in data_dir.glob(pattern) if path.is_file()))
    return [
        member
        for found in _matching(data_dir, archive + ZIP)
        for member in members(found)
        if fnmatchcase(member.relative_to(found).as_posix(), inside)
    ]


def shown_path(path: Path) -> str:
    """A path for messages: whole, unless no system has one so long."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:100]}…{text[-100:]}"


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; a path that the system cannot even ask for, such as one too long, is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_databases(database: duckdb.DuckDBPyConnection, mapping: Mapping, progress: Progress) -> dict[str, str]:
    """Copy what the mapping reads from databases into tables; returns a digest of each.

    Args:
        database: it may not be locked yet.

    Raises:
        SourceError: a database does not answer, or refuses its statement.
    """
    specs = [spec for spec in mapping.files.values() if spec.reader == "database"]
    digests = {}
    for done, spec in enumerate(specs):
        progress("reading databases", done, len(specs))
        digests[spec.name] = read_database(database, spec, mapping.place("source", "files", spec.name))
    if specs:
        progress("reading databases", len(specs), len(specs))
    return digests


def hash_files(
    mapping: Mapping, found: Keys[str, list[Path]], copied: Keys[str, str], data_dir: Path, progress: Progress
) -> str:
    """A hash of the mapping, of names and contents of all its files, and of what was copied from databases.

    Args:
        copied: the digests of `read_databases`.

    Raises:
        SourceError: a file cannot be read.
    """
    total = hashlib.sha256(mapping.digest.encode())
    for table, digest in sorted(copied.items()):
        total.update(f"\n{table}\t{digest}".encode())
    paths = [(table, path) for table, listed in sorted(found.items()) for path in listed]
    for done, (table, path) in enumerate(paths):
        progress("comparing files", done, len(paths))
        try:
            with (archive_of(path) or path).open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(
                f"{path.relative_to(data_dir)} cannot be read: {error.strerror}; correct its rights, or fetch it again"
            ) from error
        total.update(f"\n{table}\t{path.relative_to(data_dir).as_posix()}\t{content}".encode())
    progress("comparing files", len(paths), len(paths))
    return total.hexdigest()


def read_files(
    database: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    found: Keys[str, list[Path]],
    data_dir: Path,
    scratch: Path,
    progress: Progress,
) -> list[str]:
    """Read every listed file into a table; returns the tables whose optional files are absent.

    Those of databases are there by then (`read_databases`).

    Args:
        database: it may not be locked yet; nothing in it refers to a file afterwards.
        mapping: it lists the files.
        found: the files of every table.
        data_dir: the folder that shown names are relative to.
        scratch: a folder for decoded and unpacked files; they are removed once they are read.
        progress: called for every table.

    Raises:
        SourceError: a file cannot be read.
    """
    absent: list[str] = []
    for done, spec in enumerate(mapping.files.values()):
        progress("reading files", done, len(mapping.files))
        if spec.reader == "database":
            continue  # by read_databases
        _check_options(database, mapping, spec)
        if not found[spec.name]:
            absent.append(spec.name)
            _make_empty(database, spec)
            continue
        shown = {path: path.relative_to(data_dir).as_posix() for path in found[spec.name]}
        _check_marks(mapping, spec, shown)
        files = [_cut(_readable(path, called, scratch, spec), scratch, spec) for path, called in shown.items()]
        _read_table(database, mapping, spec, files)
        for file in files:
            if file.readable.parent == scratch:
                file.readable.unlink()
    progress("reading files", len(mapping.files), len(mapping.files))
    return absent


def _check_marks(mapping: Mapping, spec: FileSpec, shown: Keys[Path, str]) -> None:
    """Refuse texts that name another encoding than the one they would be read in."""
    if spec.reader not in {"csv", "lines", "fixed"} or "encoding" in spec.options:
        return
    for path, called in shown.items():
        if (marked := marked_encoding(path, called)) is not None:
            place = mapping.place("source", "files", spec.name)
            raise SourceError(
                f'{called} begins with the byte order mark of {marked}; set encoding = "{marked}" in {place}'
            )


def _read_table(database: duckdb.DuckDBPyConnection, mapping: Mapping, spec: FileSpec, files: list[SourceFile]) -> None:
    place = mapping.place("source", "files", spec.name)
    try:
        plain = replace(spec, options={key: one for key, one in spec.options.items() if key != "trim"})
        if spec.reader in _BY_ROW:
            _BY_ROW[spec.reader](database, plain, [(file.readable, file.shown) for file in files], place)
        else:
            _READERS[spec.reader](database, plain, files)
        if spec.options.get("trim"):
            trim(database, spec)
    except duckdb.Error as error:
        reason = explain_error(error)
        advice = f"correct the file, or the options of {place}"
        if "Invalid unicode" in reason:
            with open_unpacked(files[0].path, files[0].shown) as stream:
                is_mostly = first_broken_line(bytes(stream.read(_LOOKED_AT))) is not None
            advice = f'it is not UTF-8; set encoding = "cp1252", "gb18030" or another in {place}'
            advice = "the rest of the file is UTF-8; correct that line" if is_mostly else advice
        raise SourceError(f"{_guilty(error, files)}: {reason}; {advice}") from error


def trim(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> None:
    """Take the blanks around names and texts of a table away; a text that is then a gap of the entry is one."""
    nulls = spec.options.get("nullstr", ())
    gaps = ["", *([nulls] if isinstance(nulls, str) else nulls)]
    described = database.execute(f"DESCRIBE {name(spec.name)}").fetchall()
    known = {column.casefold() for column, *_ in described}
    for column, kind, *_ in described:
        if kind == "VARCHAR" and column not in {"_file", "_line"}:
            bare = trimmed(name(column))
            gap = f"{bare} IN ({', '.join(map(value, gaps))})"
            changes = f"{bare} <> {name(column)} OR {gap}"
            new = f"CASE WHEN {gap} THEN NULL ELSE {bare} END"
            database.execute(f"UPDATE {name(spec.name)} SET {name(column)} = {new} WHERE {changes}")
        if (short := column.strip()) and short.casefold() not in known:
            known.add(short.casefold())
            database.execute(f"ALTER TABLE {name(spec.name)} RENAME {name(column)} TO {name(short)}")


def trimmed(quoted: str) -> str:
    """SQL of a text without the blanks around it."""
    return f"trim({quoted}, ' \t\u00a0\u3000')"


def _readable(path: Path, shown: str, scratch: Path, spec: FileSpec) -> SourceFile:
    """The file itself, or a copy of one that DuckDB cannot unpack or decode or whose name it takes for a pattern."""
    encoding = str(spec.options.get("encoding", "utf-8")) if spec.reader == "csv" else "utf-8"
    packed = PACKED if spec.reader in _BY_ROW else (".bz2",)
    is_packed = path.suffix.lower() in packed or archive_of(path) is not None
    is_foreign = not is_utf8(encoding, shown)
    if not is_packed and not is_foreign and not any(sign in str(path) for sign in "*?["):
        return SourceFile(path, shown, path)
    gone = PACKED if is_foreign or is_packed else packed
    endings = [suffix for suffix in path.suffixes if suffix[1:].isalnum() and suffix.lower() not in gone]
    target = scratch / (hashlib.sha256(shown.encode()).hexdigest()[:16] + "".join(endings))
    if is_foreign:
        write_utf8(path, shown, encoding, target)
    elif is_packed:
        _unpack(path, shown, target)
    else:
        target.symlink_to(path.resolve())
    return SourceFile(path, shown, target)


def _cut(file: SourceFile, scratch: Path, spec: FileSpec) -> SourceFile:
    """A file without the lines at its end that are no rows."""
    footer, begins = spec.options.get("footer"), spec.options.get("begins", "")
    if not isinstance(begins, str):
        raise SourceError(f"{file.shown}: begins = {begins!r} is no text; want what lines begin with that are rows")
    if spec.reader == "csv" and begins:
        target = scratch / (hashlib.sha256(f"{file.shown} {begins}".encode()).hexdigest()[:16] + " kind.csv")
        only_lines(file.readable, file.shown, begins, target)
        if file.readable.parent == scratch:
            file.readable.unlink()
        file = replace(file, readable=target)
    if spec.reader != "csv" or not footer:
        return file
    if not isinstance(footer, list) or not all(isinstance(one, str) and one for one in footer):
        raise SourceError(f"{file.shown}: footer = {footer!r} is no list of texts; want what its last lines begin with")
    endings = [suffix for suffix in file.readable.suffixes if suffix.lower() not in PACKED]
    target = scratch / (hashlib.sha256(file.shown.encode()).hexdigest()[:16] + " rows" + "".join(endings))
    without_footer(file.readable, file.shown, footer, target)
    if file.readable.parent == scratch:
        file.readable.unlink()
    return replace(file, readable=target)


def _unpack(path: Path, shown: str, target: Path) -> None:
    with open_unpacked(path, shown) as packed, target.open("wb") as copy:
        shutil.copyfileobj(packed, copy, _BLOCK)


def _check_options(database: duckdb.DuckDBPyConnection, mapping: Mapping, spec: FileSpec) -> None:
    if not spec.options:
        return
    known = _OPTIONS.get(spec.reader)
    if known is None:
        known = _parameters(database, spec.reader) - _OURS - _SILENT - {"path", "paths"}
    known = known | _OWN.get(spec.reader, set()) | {"trim"}
    for key in spec.options:
        place = mapping.place("source", "files", spec.name, key)
        if key in _SILENT:
            raise SourceError(f"{place} would drop rows in silence; correct the file instead")
        if key not in known:
            own = {"path", "reader", "optional", "newest", *(["sheet"] if spec.reader == "xlsx" else [])}
            raise SourceError(f"{place} is no key or option of {spec.reader}{suggest(key, known | own)}")


_PARAMETERS: dict[str, set[str]] = {}
"""By reader what DuckDB lets it be told; to ask takes as long as to read a small file."""


def _parameters(database: duckdb.DuckDBPyConnection, reader: str) -> set[str]:
    asked = "SELECT DISTINCT unnest(parameters) FROM duckdb_functions() WHERE function_name = ?"
    if not _PARAMETERS.get(reader):
        _PARAMETERS[reader] = {row[0] for row in database.execute(asked, [f"read_{reader}"]).fetchall()}
    return _PARAMETERS[reader]


def _guilty(error: duckdb.Error, files: list[SourceFile]) -> str:
    """The file that a message of DuckDB names, else the first."""
    text = str(error)
    return next((file.shown for file in files if str(file.readable) in text), files[0].shown)


def _make_empty(database: duckdb.DuckDBPyConnection, spec: FileSpec) -> None:
    columns = {"line": "VARCHAR"} if spec.reader == "lines" else csv_form.declared_columns(spec.options)
    declared = {**columns, "_file": "VARCHAR", "_line": "BIGINT"}
    body = ", ".join(f"{name(column)} {kind}" for column, kind in declared.items())
    database.execute(f"CREATE TABLE {name(spec.name)} ({body})")


def _read_csv(database: duckdb.DuckDBPyConnection, spec: FileSpec, files: list[SourceFile]) -> None:
    forms = [csv_form.csv_form(file.path, file.shown, spec) for file in files]
    parts = [
        f"SELECT *, {value(file.shown)} AS _file, row_number() OVER () + {form.lines_before} AS _line "
        f"FROM read_csv({value(str(file.readable))}, {form.arguments()})"
        for file, form in zip(files, forms, strict=True)
    ]
    database.execute(f"CREATE TABLE {name(spec.name)} AS {' UNION ALL BY NAME '.join(parts)}")
    for file, form in zip(files, forms, strict=True):
        _correct_lines(database, spec.name, file, form.lines_before, form.record_lines)


def _read_json(database: duckdb.DuckDBPyConnection, spec: FileSpec, files: list[SourceFile]) -> None:
    options = {"sample_size": -1, "union_by_name": True, **spec.options}
    paths = [str(file.readable) for file in files]
    if "columns" not in options:
        found = database.execute(f"DESCRIBE SELECT * FROM read_json({_arguments(paths, options)})").fetchall()
        _check_keys(database, [column for column, *_ in found], files)
        options["columns"] = {column: _json_type(kind) for column, kind, *_ in found}
    parts = [
        f"SELECT *, {value(file.shown)} AS _file, row_number() OVER () AS _line "
        f"FROM read_json({_arguments(str(file.readable), options)})"
        for file in files
    ]
    database.execute(f"CREATE TABLE {name(spec.name)} AS {' UNION ALL BY NAME '.join(parts)}")
    for file in files:
        _correct_lines(database, spec.name, file, 0, partial(_filled_lines, file))


def _check_keys(database: duckdb.DuckDBPyConnection, columns: list[str], files: list[SourceFile]) -> None:
    """Refuse keys that differ in case alone: DuckDB would give one of them another name, and lose its values."""
    known = {column.casefold() for column in columns}
    renamed = [column for column in columns if (base := _NUMBERED.fullmatch(column)) and base[1].casefold() in known]
    for file in files if renamed else ():
        query = f"SELECT DISTINCT unnest(json_keys(json)) FROM read_json_objects({value(str(file.readable))})"
        _check_twice([row[0] for row in database.execute(query).fetchall()], file.shown)


def _check_twice(columns: list[str], shown: str) -> None:
    seen: set[str] = set()
    for column in sorted(columns):
        if column.casefold() in seen:
            raise SourceError(f"{shown}: column {column!r} is there twice, whatever its case; rename one")
        seen.add(column.casefold())


def _json_type(kind: str) -> str:
    """The sniffed type, where it leaves the text of the file as it is."""
    return "VARCHAR" if kind in {"JSON", "UUID", "DATE", "TIME"} or kind.startswith("TIMESTAMP") else kind


def _filled_lines(file: SourceFile) -> list[int]:
    with open_unpacked(file.path, file.shown) as stream:
        return [number for number, line in enumerate(io.BufferedReader(stream), start=1) if line.strip()]


def _read_parquet(database: duckdb.DuckDBPyConnection, spec: FileSpec, files: list[SourceFile]) -> None:
    shown = {str(file.readable): file.shown for file in files}
    for file in files:
        query = f"SELECT name, num_children FROM parquet_schema({value(str(file.readable))})"
        _check_twice(_top_level(database.execute(query).fetchall()), file.shown)
    options = {"union_by_name": True, **spec.options, "filename": "_path", "file_row_number": True}
    database.execute(
        f"CREATE TABLE {name(spec.name)} AS SELECT * EXCLUDE (_path, file_row_number), "
        f"MAP {value(shown)}[_path] AS _file, file_row_number + 1 AS _line "
        f"FROM read_parquet({_arguments(list(shown), options)})"
    )


def _top_level(schema: list[tuple[str, int | None]]) -> list[str]:
    """The columns of a Parquet file, whose schema lists all that is nested after its parent."""
    names: list[str] = []
    left = [0]
    for column, children in schema[1:]:
        if left == [0]:
            names.append(column)
        else:
            left[-1] -= 1
        if children:
            left.append(children)
        while len(left) > 1 and left[-1] == 0:
            left.pop()
    return names


def _read_lines(database: duckdb.DuckDBPyConnection, spec: FileSpec, files: list[SourceFile]) -> None:
    encoding = str(spec.options.get("encoding", "utf-8"))
    database.execute(f"CREATE TABLE {name(spec.name)} (line VARCHAR, _file VARCHAR, _line BIGINT)")
    for file in files:
        before = 0
        for lines in _blocks_of_lines(file, encoding):
            database.register("_some_lines", pa.table({"line": lines}))
            database.execute(
                f"INSERT INTO {name(spec.name)} SELECT line, {value(file.shown)}, {before} + row_number() OVER () "
                "FROM _some_lines"
            )
            database.unregister("_some_lines")
            before += len(lines)


def _blocks_of_lines(file: SourceFile, encoding: str) -> Iterator[pa.Array]:
    """The lines of a text in their order, some at a time."""
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig" if is_utf8(encoding, file.shown) else encoding)()
        with open_unpacked(file.path, file.shown) as stream:
            begun = ""
            while block := stream.read(_BLOCK):
                whole, newline, rest = (begun + decoder.decode(block)).rpartition("\n")
                if newline:
                    yield _split(whole)
                begun = rest
            begun += decoder.decode(b"", final=True)
            if begun:
                yield _split(begun)
    except UnicodeError as error:
        raise SourceError(f"{file.shown} is not {encoding}: {error}; set another encoding") from error


def _split(text: str) -> pa.Array:
    lines = pc.split_pattern(pa.array([text], pa.large_string()), "\n").flatten()
    return pc.replace_substring_regex(lines, "\r$", "") if "\r" in text else lines


def _arguments(path: object, options: Keys[str, object]) -> str:
    return ", ".join([value(path), *(f"{key} = {value(option)}" for key, option in options.items())])


def _correct_lines(
    database: duckdb.DuckDBPyConnection, table: str, file: SourceFile, before: int, exact: csv_form.RecordLines
) -> None:
    """Set `_line` to the line of the file where lines and records differ (blank lines, line feeds in quotes)."""
    counted = database.execute(f"SELECT count(*) FROM {name(table)} WHERE _file = ?", [file.shown]).fetchall()
    records = counted[0][0]
    if csv_form.count_lines(file.path, file.shown) == records + before:
        return
    lines = exact()
    if len(lines) != records:
        return
    moved = pa.table({"_old": pa.array(range(before + 1, before + 1 + records)), "_new": pa.array(lines)})
    database.register("_moved_lines", moved)
    database.execute(
        f"UPDATE {name(table)} SET _line = _new FROM _moved_lines WHERE _file = {value(file.shown)} AND _line = _old"
    )
    database.unregister("_moved_lines")


_OWN = {"csv": {"footer", "begins"}}
"""What readers of DuckDB take besides its options."""
_OPTIONS: Keys[str, set[str]] = {
    "lines": {"encoding"},
    "xlsx": set(workbooks.OPTIONS),
    "sqlite": set(),
    "fixed": set(fixed_width.OPTIONS),
    "xml": set(xml_files.OPTIONS),
    "dump": set(dumps.OPTIONS),
}
"""What readers of our own take; the others take the options of DuckDB's."""
_BY_ROW = {
    "xlsx": workbooks.read_workbooks,
    "sqlite": read_sqlite,
    "fixed": fixed_width.read_fixed,
    "xml": xml_files.read_xml,
    "dump": dumps.read_dump,
}
"""Readers that DuckDB has not."""
_READERS = {"csv": _read_csv, "json": _read_json, "parquet": _read_parquet, "lines": _read_lines}
