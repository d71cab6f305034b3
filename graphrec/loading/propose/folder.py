"""Which files of a folder are tables, and how each is read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import count, takewhile
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import PACKED, SUFFIXES, FileSpec
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.looks import action_of, shortened
from graphrec.loading.propose.shapes import copybook
from graphrec.loading.propose.shapes.grouped import groups_in
from graphrec.loading.propose.shapes.headless import names_of, with_rating
from graphrec.loading.propose.shapes.records import Layout, kinds_of, layout_in, options_of
from graphrec.loading.propose.words import words
from graphrec.loading.sources.csv_form import first_records, guess_frame
from graphrec.loading.sources.databases import database_tables, is_sqlite, sqlite_tables
from graphrec.loading.sources.delta_log import live
from graphrec.loading.sources.dumps import dump_tables
from graphrec.loading.sources.encodings import delivery_encoding, encoding_within, guess_encoding
from graphrec.loading.sources.fixed_width import fixed_rows, guess_fixed
from graphrec.loading.sources.packed import ZIP, archive_of, members
from graphrec.loading.sources.sql import name
from graphrec.loading.sources.workbooks import header_line, sheet_columns, sheet_frame, sheet_names
from graphrec.loading.sources.xml_files import row_paths

MOST_FILES = 50
"""Of one table, whose ends are looked at."""
_DAY = re.compile(
    r"(?<!\d)((19|20)\d\d[-_.]?(0[1-9]|1[0-2])([-_.]?[0-3]\d)?([-_T]?[0-2]\d[0-5]\d([0-5]\d)?)?"
    r"|[0-3]\d[-_.](0[1-9]|1[0-2])[-_.](19|20)\d\d)(?!\d)"
)
"""A day or month in the name of a file, which the next delivery has not."""
TEXTS = (
    *(".txt", ".dat", ".tab", ".asc", ".csv_", ".out", ".exp", ".unl", ".lst", ".prn", ".rpt", ".spl", ".del", ".psv"),
    ".ascii",
)
"""Suffixes of texts that are tables or not."""


def all_specs(folder: Path, url_env: str | None) -> tuple[dict[str, FileSpec], dict[str, list[Path]], list[str]]:
    """An entry of `[source.files]` for everything that can be read, with its files, and what is left out."""
    found, left = _group_files(folder)
    delivery = delivery_encoding(
        (path, path.relative_to(folder).as_posix())
        for _, paths in found.values()
        for path in paths
        if suffix_of(path) in TEXTS or SUFFIXES.get(suffix_of(path)) == "csv"
    )
    texts = [path for _, paths in found.values() for path in paths]
    texts += [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in copybook.SUFFIXES]
    layouts = [one for path in texts if (one := _layout(path, folder)) is not None]
    specs: dict[str, FileSpec] = {}
    files: dict[str, list[Path]] = {}
    for table, (path, paths) in found.items():
        try:
            some = _specs(table, path, paths, folder, layouts, left, delivery)
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


def _layout(path: Path, folder: Path) -> Layout | None:
    """What a file says of the columns of others."""
    is_text = suffix_of(path) in (*TEXTS, *copybook.SUFFIXES) or SUFFIXES.get(suffix_of(path)) == "csv"
    return layout_in(path, path.relative_to(folder).as_posix()) if is_text else None


def _specs(
    table: str,
    path: str,
    paths: list[Path],
    folder: Path,
    layouts: Sequence[Layout],
    left: list[str],
    delivery: str | None,
) -> dict[str, FileSpec]:
    """The entries of `[source.files]` for one file or glob: one for each sheet or table of a workbook or database."""
    suffix = suffix_of(paths[0])
    reader = SUFFIXES.get(suffix, "csv")
    shown = [(each, each.relative_to(folder).as_posix()) for each in paths]
    if reader == "csv":
        cut = next((columns for one in layouts if (columns := one.of_file(path))), {})
        if cut and all(cut.values()):
            left.append(f"{path}: its columns are those that a table of fields tells: is that right?")
            encoding = encoding_within(*shown[0], delivery)
            given = {"encoding": encoding} if encoding != "utf-8" else {}
            return {table: FileSpec(table, path, "fixed", options={**given, "columns": cut})}
        found = _records(table, path, shown, layouts, left, delivery)
        return found or {table: _text(table, path, shown, delivery)}
    if reader == "xlsx":
        return _sheets(table, path, shown)
    if reader == "xml":
        return _xml(table, path, *shown[0])
    if reader == "dump":
        return _dump(table, path, *shown[0])
    if reader == "sqlite" and len(inside := sqlite_tables(*shown[0])) > 1:
        held = {_table_name(one, table): f"SELECT * FROM {name(one)}" for one in inside}
        return {key: FileSpec(key, path, reader, query=query) for key, query in held.items()}
    return {table: FileSpec(table, path, reader)}


def _text(table: str, path: str, files: list[tuple[Path, str]], delivery: str | None) -> FileSpec:
    """The entry of texts: between delimiters, or in columns of a fixed width."""
    encodings = sorted({encoding_within(*each, delivery) for each in files} - {"utf-8"})
    encoding = encodings[0] if encodings else "utf-8"
    given: dict[str, object] = {"encoding": encoding} if encodings else {}
    frames = [guess_frame(*each, encoding) for each in files[:MOST_FILES]]
    if groups_in(*files[0], encoding, frames[0][0]) is not None:
        return FileSpec(table, path, "lines", options=given)
    if not frames[0][0] and (cut := _fixed(*files[0], encoding)):
        return FileSpec(table, path, "fixed", options=given | cut)
    footer = dict.fromkeys(text for _, frame in frames for text in frame.get("footer", ()))
    given |= {key: frames[0][1][key] for key in ("skip", "delim") if key in frames[0][1]}
    given |= {"footer": list(footer)} if footer else {}
    records = first_records(*files[0], given)
    if names := names_of(records):
        action = action_of(table)
        if action is not None and action.type == "RATED":
            names = with_rating(names, records)
        return FileSpec(table, path, "csv", options=given | {"header": False, "names": names})
    names = _told_apart(records[0]) if records else []
    return FileSpec(table, path, "csv", options=given | ({"names": names} if names else {}))


def _told_apart(header: Sequence[str]) -> list[str]:
    """The names of a header with a number behind each that is there again; nothing where none is."""
    given = [column or f"column{number}" for number, column in enumerate(header)]
    taken = {one.casefold() for one in given}
    found: list[str] = []
    for column in given:
        if column.casefold() in {one.casefold() for one in found}:
            column = next(one for n in count(2) if (one := f"{column} {n}").casefold() not in taken)
            taken.add(column.casefold())
        found.append(column)
    return found if found != given else []


def _records(
    table: str,
    path: str,
    files: list[tuple[Path, str]],
    layouts: Sequence[Layout],
    left: list[str],
    delivery: str | None,
) -> dict[str, FileSpec]:
    """The entries of a text with records of several kinds, one for each; nothing where all are of one."""
    encoding = encoding_within(*files[0], delivery)
    kinds = kinds_of(*files[0], encoding)
    if kinds is None:
        return {}
    layout = next((one for one in layouts if one.of(kinds) and one.path != path), None)
    found = {}
    if layout is not None:
        left.append(f"{path}: the columns of its records are those that {layout.path} tells: is that right?")
    for kind, lines in kinds.counts.items():
        options = options_of(kinds, kind, layout, *files[0])
        if options is None:
            left.append(
                f"{path}: its {lines:,} lines that begin with {kind} are MISSING: nothing says where their columns "
                "are; add a table with the columns record, field, from, to, or an entry with reader = "
                f'"fixed", begins = "{kind}", columns = {{ … }}'
            )
            continue
        options |= {"encoding": encoding} if encoding != "utf-8" else {}
        key = _table_name(f"{table}_{kind}", table)
        found[key] = FileSpec(key, path, "csv" if kinds.delimiter else "fixed", options=options)
    if kinds.left and found:
        left.append(f"{path}: lines that begin with {', '.join(kinds.left[:5])} are no records and are left out")
    if layout is None and found:
        left.append(f"{path}: nothing says what the columns of its records are; they are named by what is in them")
    return found


def _fixed(path: Path, shown: str, encoding: str) -> dict[str, object]:
    """The options of a text in columns of a fixed width, with names by what is in them where its lines give none."""
    cut = guess_fixed(path, shown, encoding)
    if not cut:
        return {}
    columns = cut["columns"]
    names = None if "skip" in cut else names_of(fixed_rows(path, shown, encoding, cut))
    return {**cut, "columns": dict(zip(names, columns.values(), strict=True)) if names else columns}


def _sheets(table: str, path: str, files: Sequence[tuple[Path, str]]) -> dict[str, FileSpec]:
    """The entries of workbooks: one for each sheet, and one for all sheets that have the same columns.

    Sheets of other names in other files are called by what they have in common: "Jan *" of 2024 and 2025.
    """
    listed = [(each, sheet_names(*each)) for each in files[:MOST_FILES]]
    are_alike = all(names == listed[0][1] for _, names in listed)
    first: dict[str, tuple[tuple[Path, str], str]] = {}
    for each, names in listed[: 1 if are_alike else None]:
        for sheet in names:
            first.setdefault(sheet if are_alike else re.sub(r"\d+", "*", sheet), (each, sheet))
    alike: dict[tuple[object, ...], list[str]] = {}
    frames, headers = {}, {}
    for called, (file, sheet) in first.items():
        frame = frames[called] = sheet_frame(*file, sheet)
        columns = headers[called] = tuple(sheet_columns(*file, sheet, frame.get("skip", 0)))
        action = action_of(sheet)
        mark = (columns, action and action.type) if len(columns) > 1 else (called,)
        alike.setdefault((*mark, frame.get("skip")), []).append(called)
    found = {}
    for sheets in alike.values():
        footer = dict.fromkeys(text for sheet in sheets for text in frames[sheet].get("footer", ()))
        options = frames[sheets[0]] | ({"footer": list(footer)} if footer else {})
        if again := _told_apart(headers[sheets[0]]):
            (file, sheet) = first[sheets[0]]
            options |= {"names": again, "skip": header_line(*file, sheet, options.get("skip", 0))}
        is_whole = len(sheets) == len(first)
        key = table if is_whole or len(sheets) > 1 else _table_name(sheets[0], table)
        while key in found:
            key += "_2"
        meant = () if are_alike and len(first) == 1 else tuple(sheets)
        found[key] = FileSpec(key, path, "xlsx", options=options, sheets=meant)
    return found


def _xml(table: str, path: str, file: Path, shown: str) -> dict[str, FileSpec]:
    """The entries of an XML file: one for each kind of element that is there several times."""
    found: dict[str, FileSpec] = {}
    rows = row_paths(file, shown)
    if not rows:
        raise SourceError(f"{shown} has no element that is there several times; want one for each row")
    for one in rows:
        key = table if len(rows) == 1 else _table_name(one.rpartition("/")[2], table)
        while key in found:
            key += "_2"
        found[key] = FileSpec(key, path, "xml", options={"rows": one})
    return found


def _dump(table: str, path: str, file: Path, shown: str) -> dict[str, FileSpec]:
    """The entries of a dump: one for each table that has rows."""
    encoding = guess_encoding(file, shown)
    given = {"encoding": encoding} if encoding != "utf-8" else {}
    inside = dump_tables(file, shown, encoding)
    if not inside:
        raise SourceError(f"{shown} has no rows (INSERT or COPY); give a dump with data, or the tables as files")
    if len(inside) == 1:
        return {table: FileSpec(table, path, "dump", options=given)}
    held = {_table_name(one, table): one for one in inside}
    return {key: FileSpec(key, path, "dump", options=given | {"table": one}) for key, one in held.items()}


_FOR_PEOPLE = re.compile("readme|liesmich|lisezmoi|leggimi|leame|leesmij|licen[cs]e|lizenz|changelog|说明|はじめに")
"""Names of texts that tell people of a delivery."""


def _is_table(path: Path, shown: str) -> bool:
    """Whether a file of another suffix is a table all the same."""
    if _FOR_PEOPLE.search(normal(path.stem)):
        return False
    try:
        encoding = guess_encoding(path, shown)
        is_one = guess_frame(path, shown, encoding)[0] or guess_fixed(path, shown, encoding)
        return bool(is_one) or kinds_of(path, shown, encoding) is not None
    except SourceError:
        return False


def _is_told(path: Path, folder: Path) -> bool:
    """Whether a file beside it tells where the columns of a text are."""
    if archive_of(path) is not None:
        return False
    beside = (one for one in sorted(path.parent.iterdir()) if one != path and one.is_file() and path.stem in one.stem)
    shown = path.relative_to(folder).as_posix()
    return any((layout := _layout(one, folder)) is not None and bool(layout.of_file(shown)) for one in beside)


def _table_name(text: str, before: str) -> str:
    """A text as the name of a table, with a word before it where it begins with a digit."""
    table = "_".join(words(text))
    return shortened(table if table[:1].isidentifier() else f"{before}_{table}")


def _without_suffixes(shown: str) -> str:
    """A name without the suffixes that say how a file is read."""
    while Path(shown).suffix.lower() in {*SUFFIXES, *PACKED, *TEXTS}:
        shown = shown[: -len(Path(shown).suffix)]
    return shown


def _without_parts(shown: str) -> str:
    """A path without folders that say a value, as dt=2025-01-31 does, and without a name that says a part alone."""
    folders = [one for one in shown.split("/") if "=" not in one]
    is_part = len(folders) > 1 and set(words(folders[-1])) - {"c"} <= _PARTS
    return "/".join(folders[:-1] if is_part else folders)


_OF_ENGINES = re.compile(
    r"(?<=(?<![^/])part-)\d+-[^/.]+|(?<![0-9a-f])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])"
)
"""What engines write into the names of files, another one each time: the number and the name of a part."""
_PARTS = frozenset({"part", "parts", "data", "snappy", "chunk", "shard", "file", "export", "output"})
"""Words of files in a folder that is the table."""


def suffix_of(path: Path) -> str:
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
        if _is_beside(path, path.relative_to(folder).parts):
            continue
        suffix = suffix_of(path)
        is_text = suffix in TEXTS and (_is_table(path, shown) or _is_told(path, folder))
        reader = "csv" if is_text else SUFFIXES.get(suffix)
        if reader is None or (reader == "sqlite" and (archive_of(path) is not None or not is_sqlite(path))):
            why = "is no table" if suffix in TEXTS else "has no reader by its suffix"
            left.append(f"{shown} {why} and was left out")
            continue
        # Runs of numbers are one: trades_2025_2026 is of the same table as trades_2024.
        groups.setdefault(re.sub(r"\d+([^A-Za-z0-9/]+\d+)*", "*", _OF_ENGINES.sub("*", shown)), []).append(path)
    groups = {pattern: part for one in groups.items() for pattern, part in _apart(folder, *one)}
    groups = _with_changes(folder, groups)
    by_name = {path.relative_to(folder).as_posix(): path for paths in groups.values() for path in paths}
    found: dict[str, tuple[str, list[Path]]] = {}
    read: set[str] = set()
    for pattern, paths in sorted(groups.items(), key=lambda group: len(group[1]) == 1):
        own = {path.relative_to(folder).as_posix() for path in paths} - read
        if not own:
            continue
        shown = pattern if len(own) > 1 else _DAY.sub("*", _OF_ENGINES.sub("*", min(own)))
        named = _without_parts(_without_suffixes(shown.rpartition(f"{ZIP}/")[2]))
        table = _table_name(named if words(named) else paths[0].stem, "file")
        while table in found:
            table += "_2"
        shown = re.sub(r"\*(?:[^A-Za-z0-9/]\*)+", "*", shown)
        if "*" in shown and (len(own) == 1 or _taken(shown, by_name) - own):
            shown = shown.replace("*", "[0-9a-f]*" if _OF_ENGINES.search(min(own)) else "[0-9]*")
        if len(own) > 1 and (others := _taken(shown, by_name) - own):
            digits = _by_digits(own)
            if digits is None:
                left.append(f"{min(others)} is read with the others of {shown}: is it of the same table?")
                own |= others
            shown = digits or shown
        read |= own
        found[table] = (shown, [by_name[one] for one in sorted(own)])
    return found, left


def _is_beside(path: Path, parts: Sequence[str]) -> bool:
    """Whether a file is none of the data: hidden, a mapping, a copybook, or of an engine (_delta_log, _SUCCESS)."""
    is_of_engine = any(part.startswith("_") for part in parts[:-1]) or (parts[-1][0] == "_" and not path.suffix)
    is_told = path.suffix.lower() in (".toml", *copybook.SUFFIXES)
    return is_of_engine or is_told or any(part.startswith((".", "~$")) for part in parts)


def _apart(folder: Path, pattern: str, paths: list[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Files that differ only in digits: one table, or several where their headers have little in common (E01, E02)."""
    # The file of another year may have other names for the same columns.
    heads = None if all(_YEAR.search(path.name) for path in paths) else _heads(folder, paths)
    if heads is None or _is_one_table(list(heads.values())):
        yield pattern, paths
        return
    parts: dict[str, list[Path]] = {}
    for path in paths:
        first, digits, rest = re.split(r"(\d+)", path.relative_to(folder).as_posix(), maxsplit=1)
        parts.setdefault(f"{first}{digits}{re.sub(_DIGITS, '*', rest)}", []).append(path)
    for name_, part in parts.items():
        if _is_one_table([heads[path] for path in part if path in heads]):
            yield name_, part
        else:
            yield from ((path.relative_to(folder).as_posix(), [path]) for path in part)


_FULL = frozenset({"full", "init", "initial", "base", "voll", "gesamt", "snapshot", "complete", "complet", "completo"})
_CHANGES = frozenset(
    {
        *("delta", "deltas", "inc", "incr", "incremental", "increment", "changes", "change", "upd", "updates", "diff"),
        *("cdc", "mutations", "aenderungen", "änderungen", "mutationen", "differenz", "novedades", "variazioni"),
    }
)
"""Words in the names of files that have everything, and of those that have what changed since."""


def _with_changes(folder: Path, groups: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The files of each table, those that have changes alone with those that have everything."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for pattern in groups:
        said = [one for one in words(pattern) if one not in _FULL | _CHANGES and not one.isdigit()]
        alike.setdefault(tuple(said), []).append(pattern)
    found = dict(groups)
    every = [path.relative_to(folder).as_posix() for paths in groups.values() for path in paths]
    for patterns in alike.values():
        if {bool(_CHANGES.intersection(words(one))) for one in patterns} != {True, False}:
            continue
        own = [path.relative_to(folder).as_posix() for one in patterns for path in groups[one]]
        ends = _beginning(own), _beginning([one[::-1] for one in own])[::-1]
        glob = f"{ends[0].rstrip('0123456789')}*{ends[1].lstrip('0123456789')}"
        if len({one.count("/") for one in own}) == 1 and _taken(glob, every) == set(own):
            found[glob] = [path for one in patterns for path in found.pop(one)]
    return found


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    return "".join(signs[0] for signs in takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False)))


_DIGITS = r"\d+"
_YEAR = re.compile(r"(?<!\d)(19|20)\d\d")
_LIKE = 0.5
"""Files of one table have so many of the names of their headers in common."""


def _heads(folder: Path, paths: list[Path]) -> dict[Path, frozenset[str]] | None:
    """The names in the headers of some texts; None where one has no header, or is no table between delimiters."""
    found: dict[Path, frozenset[str]] = {}
    if len(paths) < 2 or SUFFIXES.get(suffix_of(paths[0]), "csv") != "csv":
        return None
    for path in paths[:MOST_FILES]:
        shown = path.relative_to(folder).as_posix()
        try:
            encoding = guess_encoding(path, shown)
            delimiter, frame = guess_frame(path, shown, encoding)
            given = {"encoding": encoding} | {key: frame[key] for key in ("skip",) if key in frame}
            records = first_records(path, shown, given) if delimiter else []
        except SourceError:
            return None
        cells = [cell.strip().casefold() for cell in records[0]] if records else []
        if len(cells) < 2 or names_of(records) or any(re.fullmatch(r"[\W\d]*", cell) for cell in cells):
            return None
        found[path] = frozenset(cells)
    return found


def _is_one_table(heads: Sequence[frozenset[str]]) -> bool:
    """Whether each header has half of its names, or of those of the first one, in common with the first one."""
    return all(len(one & heads[0]) >= _LIKE * min(len(one), len(heads[0])) for one in heads[1:])


def _taken(pattern: str, every: Iterable[str]) -> set[str]:
    """The files that a glob takes."""
    return {one for one in every if fnmatchcase(one, pattern)}


def _by_digits(names: set[str]) -> str | None:
    """A glob in which each digit is one; None: the names have not the same numbers of digits."""
    found = {re.sub(r"\d", "[0-9]", one) for one in names}
    return found.pop() if len(found) == 1 else None


def _all_files(folder: Path, left: list[str]) -> Iterator[Path]:
    """The files below a folder, those in zip archives among them, sorted; what cannot be opened is said in `left`."""
    for path in live(sorted(path for path in folder.rglob("*") if path.is_file())):
        if path.suffix.lower() != ZIP:
            yield path
            continue
        try:
            yield from members(path)
        except SourceError as error:
            left.append(f"{path.relative_to(folder).as_posix()} is MISSING: {error}")
