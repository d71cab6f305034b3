"""Reads a mapping: TOML into the dataclasses of specs.py; what is not one of docs/mappings.md is refused."""

import hashlib
from collections.abc import Mapping as Keys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import UNSET, structs

from graphrec.config.convert import convert, shown
from graphrec.config.document import Document, KeyPath, key_text, parse_toml, read_toml
from graphrec.config.names import nearest
from graphrec.config.settings import RoleOverrides
from graphrec.errors import SourceError
from graphrec.languages import is_code
from graphrec.loading.mapping.consistency import check_events, check_reasons, check_roles
from graphrec.loading.mapping.file import (
    DocumentTable,
    EdgeTable,
    EventTable,
    FileTable,
    MappingFile,
    NodeTable,
    ParseTable,
    SeriesTable,
    SplitTable,
)
from graphrec.loading.mapping.names import LONGEST, is_name, is_too_long, suggest
from graphrec.loading.mapping.specs import (
    PACKED,
    READERS,
    SUFFIXES,
    CleanSpec,
    DocumentSpec,
    EdgeSpec,
    End,
    EventSpec,
    FileSpec,
    Mapping,
    NodeSpec,
    ParseSpec,
    Reader,
    SeriesSpec,
    SplitSpec,
)
from graphrec.package_data import data_folder
from graphrec.schema import LiveBounds, Roles

NO_ROLES = RoleOverrides()


def shipped_names() -> list[str]:
    """The names of the mappings that come with graphrec."""
    found = data_folder("loaders").iterdir()
    return sorted(entry.name[:-5].replace("_", "-") for entry in found if entry.name.endswith(".toml"))


def is_file(path: Path) -> bool:
    """Whether there is such a file; a path that the system cannot even ask for, such as one too long, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def folder_of(name_or_path: str | Path) -> Path:
    """Where the files of a mapping are when no folder is named: that of the TOML file, else the current one."""
    path = Path(name_or_path)
    return path.parent if is_file(path) else Path()


def load_mapping(name_or_path: str | Path, roles: RoleOverrides = NO_ROLES) -> Mapping:
    """The mapping of a shipped name or of a file.

    Args:
        name_or_path: a shipped name (dashes or underscores) or the path of a TOML file.
        roles: those of graphrec.toml, which replace the mapping's own.

    Raises:
        SourceError: there is no such mapping, or a key or value is not one of docs/mappings.md.
    """
    path = Path(name_or_path)
    if is_file(path):
        return _mapping(read_toml(path, SourceError), roles)
    name = str(name_or_path).replace("_", "-").removesuffix(".toml")
    if name in shipped_names():
        resource = data_folder("loaders") / (name.replace("-", "_") + ".toml")
        return parse_mapping(resource.read_text(encoding="utf-8"), resource.name, roles)
    known = shipped_names()
    close = nearest(name, known)
    raise SourceError(
        f"no mapping {shown(str(name_or_path))}: it is no file, and graphrec ships {', '.join(known)}"
        + (f"; did you mean {close!r}?" if close else "")
    )


def parse_mapping(text: str, where: str, roles: RoleOverrides = NO_ROLES) -> Mapping:
    """The mapping in a TOML text.

    Args:
        text: TOML.
        where: what messages call it.
        roles: those of graphrec.toml, which replace the mapping's own.

    Raises:
        SourceError: the text is no TOML, or a key or value is not one of docs/mappings.md.
    """
    return _mapping(parse_toml(text, where, SourceError), roles)


def _mapping(document: Document, overrides: RoleOverrides) -> Mapping:
    table = convert(document, MappingFile)
    if is_too_long(table.source.name) or not table.source.name.isprintable():
        document.refuse(
            ("source", "name"),
            f"source.name = {shown(table.source.name)} is not a name; want at most {LONGEST} printable characters",
        )
    for path in _lists_with_doubles(document):
        document.refuse(path, f"{key_text(path)} has a text twice; leave one out")
    for language in table.words:
        if not is_code(language):
            document.refuse(("words", language), f"words.{language} is no language; want a code such as en, de or zh")
    mapping = Mapping(
        name=table.source.name,
        where=document.where,
        digest=hashlib.sha256(document.text.encode()).hexdigest(),
        files={name: _file(document, name, value) for name, value in table.source.files.items()},
        roles=_roles(document, table, overrides),
        nodes={label: _node(document, label, one) for label, one in table.nodes.items()},
        edges={kind: _edge(document, kind, one) for kind, one in table.edges.items()},
        series={name: _series(document, name, one) for name, one in table.series.items()},
        split=_split(table.split) if table.split is not UNSET else None,
        events={kind: _event(document, kind, one) for kind, one in table.events.items()},
        documents={name: _document(document, name, one) for name, one in table.documents.items()},
        reasons=_reasons(document, table),
        reasons_in={name: ways for name, ways in table.reasons.items() if isinstance(ways, dict)},
        words=table.words,
        live=LiveBounds(**structs.asdict(table.live)),
        lines=_lines(document),
    )
    check_roles(mapping, document)
    check_reasons(mapping, document)
    check_events(mapping, document)
    return mapping


def _lines(document: Document) -> dict[tuple[str, ...], int]:
    """The line of every key and table, down to the third level."""
    found: dict[tuple[str, ...], int] = {}
    left: list[tuple[tuple[str, ...], Any]] = [((), document.content)]
    while left:
        path, table = left.pop()
        for key, value in table.items():
            if (line := document.line((*path, key))) is not None:
                found[(*path, key)] = line
            if isinstance(value, dict) and len(path) < 3:
                left.append(((*path, key), value))
    return found


def _lists_with_doubles(document: Document) -> list[KeyPath]:
    """The lists of texts in nodes, series and roles that hold one twice."""
    content = document.content
    tables: list[tuple[KeyPath, dict[str, Any]]] = [(("roles",), content.get("roles", {}))]
    for part in ("nodes", "series"):
        tables += [((part, name), one) for name, one in content.get(part, {}).items()]
    return [
        (*path, key)
        for path, table in tables
        for key, value in table.items()
        if isinstance(value, list) and len(set(value)) < len(value)
    ]


def _check_name(document: Document, path: KeyPath, what: str) -> None:
    name = str(path[-1])
    if not is_name(name):
        document.refuse(
            path, f"{key_text(path)}: {shown(name)} is not {what}; want letters, digits and _, beginning with a letter"
        )
    _check_length(document, path, name)


def _check_length(document: Document, path: KeyPath, name: str) -> None:
    """Refuse a name that is too long for the files that it is part of."""
    if is_too_long(name):
        document.refuse(
            path, f"{key_text(path)}: {shown(name)} is too long; want at most {LONGEST} letters or digits of English"
        )


def _file(document: Document, name: str, value: str | FileTable) -> FileSpec:
    at: KeyPath = ("source", "files", name)
    _check_name(document, at, "a table name")
    table = FileTable(value) if isinstance(value, str) else value
    raw = document.content["source"]["files"][name]
    options = {} if isinstance(raw, str) else {key: raw[key] for key in raw if key not in FileTable.__struct_fields__}
    given: dict[str, Any] = {key: getattr(table, key) or None for key in ("url_env", "query")}
    sheets = () if table.sheet is UNSET else (table.sheet,) if isinstance(table.sheet, str) else table.sheet
    if not all(sheet.strip() for sheet in sheets):
        document.refuse((*at, "sheet"), f"{key_text(at)}.sheet has an empty name; want a text or a list of texts")
    given["sheets"] = tuple(sheets)
    if table.reader == "database":
        _check_database(document, at, table, options)
        return FileSpec(name, "", "database", options=options, url_env=given["url_env"], query=given["query"])
    if table.path is UNSET:
        document.refuse(at, f'{key_text(at)}.path is missing; name a file, or say reader = "database"')
    path = Path(table.path)
    if "\0" in table.path or any(len(part.encode()) > 255 for part in path.parts):
        document.refuse(at, f"{key_text(at)} is {shown(table.path)}, which no file can be called; correct it")
    if path.is_absolute() or ".." in path.parts:
        document.refuse(at, f"{key_text(at)} is {shown(table.path)}; paths are relative to --data and stay inside it")
    reader = table.reader if table.reader is not UNSET else _reader_of(document, at, path)
    for key, of in _KEY_OF_READER.items():
        if getattr(table, key) is not UNSET and reader not in of:
            document.refuse(
                (*at, key), f"{key_text(at)}.{key} is for reader = {' or '.join(map(shown, of))}; correct it"
            )
    return FileSpec(name, table.path, reader, table.optional, options, newest=table.newest, **given)


_KEY_OF_READER = {"sheet": ("xlsx",), "url_env": ("database",), "query": ("sqlite", "database")}


def _check_database(document: Document, at: KeyPath, table: FileTable, options: dict[str, Any]) -> None:
    """Refuse an entry that does not say which database and which statement, or says what is for files."""
    for key in ("url_env", "query"):
        if getattr(table, key) is UNSET:
            document.refuse(at, f'{key_text(at)}.{key} is missing; reader = "database" needs url_env and query')
    others = [*(key for key in ("path", "sheet") if getattr(table, key) is not UNSET), *options]
    others += [key for key in ("optional", "newest") if getattr(table, key)]
    if others:
        key = others[0]
        document.refuse((*at, key), f'{key_text(at)}.{key} is for files; reader = "database" has url_env and query')
    if "://" in str(table.url_env):
        document.refuse(
            (*at, "url_env"),
            f"{key_text(at)}.url_env holds an address; want the name of an environment variable that holds it, so that "
            "no password stands in a mapping",
        )


def _reader_of(document: Document, at: KeyPath, path: Path) -> Reader:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        document.refuse(
            at,
            f"{key_text(at)} is {shown(str(path))}, whose suffix names no reader; "
            f"add reader = one of {', '.join(READERS)}",
        )
    return SUFFIXES[suffix]


def _node(document: Document, label: str, table: NodeTable) -> NodeSpec:
    at: KeyPath = ("nodes", label)
    _check_name(document, at, "a label")
    if table.key in table.personal:
        document.refuse(
            (*at, "personal"),
            f"{key_text(at)}.personal holds the key {shown(table.key)}; keys go into every answer: "
            "use a pseudonym as key",
        )
    for columns, mark in ((table.personal, "personal"), (table.protected, "protected")):
        for column in columns:
            if column in table.text:
                document.refuse(
                    (*at, "text"), f"{key_text(at)}.text holds {shown(column)}, which is {mark}; leave it out of one"
                )
    _check_vector(document, at, table)
    outside: dict[str, Any] = {"crm_id": table.crm_id, "adviser": table.adviser, "data_as_of": table.data_as_of}
    outside |= {f"show.{key}": column for key, column in structs.asdict(table.show).items()}
    for key, column in outside.items():
        if column in table.personal:
            document.refuse(
                (*at, key.partition(".")[0]),
                f"{key_text(at)}.{key} names {shown(column)}, which is personal and stays in the store; leave it out "
                "of one",
            )
    return NodeSpec(
        label=label,
        key=table.key,
        sql=table.sql,
        name=table.name or None,
        text=table.text,
        vector=table.vector or None,
        personal=table.personal,
        protected=table.protected,
        sensitive=table.sensitive,
        known_at=table.known_at or None,
        crm_id=table.crm_id or None,
        adviser=table.adviser or None,
        data_as_of=table.data_as_of or None,
        show={key: column for key, column in structs.asdict(table.show).items() if column is not UNSET},
        parse=_parse(document, at, table.parse),
        clean=_clean(document, at, table),
        fold=table.fold,
    )


def _check_vector(document: Document, at: KeyPath, table: NodeTable) -> None:
    """A column of vectors has no other meaning."""
    others = {
        "key": (table.key,), "name": (table.name,), "text": table.text, "personal": table.personal,
        "protected": table.protected, "parse": table.parse, "clean": table.clean,
    }  # fmt: skip
    for key, columns in others.items():
        if table.vector and table.vector in columns:
            document.refuse(
                (*at, "vector"),
                f"{key_text(at)}.vector names {shown(table.vector)}, which is in {key} too; leave it out of one",
            )


def _clean(document: Document, at: KeyPath, table: NodeTable) -> dict[str, CleanSpec]:
    """How columns are cleaned; what says nothing, or half of it, is refused."""
    found = {}
    for column, one in table.clean.items():
        path: KeyPath = (*at, "clean", column)
        if one.range is None and one.missing is None:
            document.refuse(path, f"{key_text(path)} says nothing; want range or missing")
        if one.range is not None:
            _check_range(document, path, one.range)
        if one.range is None and one.outside != "reject":
            document.refuse(path, f"{key_text(path)}.outside wants a range")
        if (one.missing in ("band", "interpolation")) != (one.of is not None):
            document.refuse(
                path, f'{key_text(path)}: of goes with missing = "band" or "interpolation", and with these alone'
            )
        found[column] = CleanSpec(one.range, one.outside, one.missing, one.of)
    return found


def _check_range(document: Document, path: KeyPath, ends: tuple[float | str, float | str]) -> None:
    """Two numbers or two days, the first not above the second."""
    low, high = ends
    if isinstance(low, str) and isinstance(high, str):
        for end in (low, high):
            try:
                date.fromisoformat(end)
            except ValueError:
                document.refuse(path, f"{key_text(path)}.range: {shown(end)} is no day; want YYYY-MM-DD")
        is_wrong = low > high
    elif isinstance(low, str) or isinstance(high, str):
        document.refuse(path, f"{key_text(path)}.range: want two numbers, or two days")
    else:
        is_wrong = low > high
    if is_wrong:
        document.refuse(path, f"{key_text(path)}.range: the first end is above the second")


def _parse(document: Document, at: KeyPath, table: Keys[str, ParseTable]) -> dict[str, ParseSpec]:
    """How columns are read; what says nothing, or two things, is refused."""
    found = {}
    for column, one in table.items():
        path: KeyPath = (*at, "parse", column)
        if one.format and one.type != "time":
            document.refuse(path, f'{key_text(path)} has a format, which only type = "time" has; correct it')
        if one.type not in {"real", "integer"} and (one.thousands or one.decimal != "." or one.unit or one.factors):
            document.refuse(path, f'{key_text(path)} says how numbers are written; want type = "real" or "integer"')
        if one.thousands == one.decimal:
            document.refuse(path, f"{key_text(path)} has one sign for decimals and thousands; correct it")
        if one.factors and one.type == "integer":
            document.refuse(path, f'{key_text(path)} has factors; want type = "real"')
        formats = (one.format,) if isinstance(one.format, str) else one.format
        latest = None if one.latest is UNSET else one.latest
        if latest is not None and not any("%y" in form for form in formats):
            document.refuse(
                (*path, "latest"), f"{key_text(path)} has latest; want a format with years of two digits, %y"
            )
        found[column] = ParseSpec(
            one.type, formats, one.decimal, one.thousands, one.null, one.unit, one.factors, latest
        )
    return found


def _edge(document: Document, kind: str, table: EdgeTable) -> EdgeSpec:
    at: KeyPath = ("edges", kind)
    _check_name(document, at, "an edge type")
    if table.until_known_at and not table.until:
        document.refuse(
            (*at, "until_known_at"), f"{key_text(at)}.until_known_at says when an end was known; name the end: until"
        )
    half_life = table.half_life_days
    if isinstance(half_life, float) and not 0 < half_life < float("inf"):
        document.refuse(
            (*at, "half_life_days"),
            f'{key_text(at)}.half_life_days is {half_life:g}; want a number of days above 0, "fit" or "none"',
        )
    if not table.at and half_life not in (UNSET, "none"):
        document.refuse(
            (*at, "half_life_days"), f"{key_text(at)}.half_life_days needs a time to count from; name its column: at"
        )
    return EdgeSpec(
        type=kind,
        source=_end(document, (*at, "from"), table.from_),
        target=_end(document, (*at, "to"), table.to),
        sql=table.sql,
        key=table.key or None,
        at=table.at or None,
        known_at=table.known_at or None,
        weight=table.weight or None,
        protected=table.protected,
        risk=table.risk,
        sensitive=table.sensitive,
        until=table.until or None,
        until_known_at=table.until_known_at or None,
        quantity=table.quantity or None,
        half_life_days=None if half_life is UNSET else half_life,
        parse=_parse(document, at, table.parse),
    )


def _series(document: Document, name: str, table: SeriesTable) -> SeriesSpec:
    at: KeyPath = ("series", name)
    _check_name(document, at, "a series name")
    of = _end(document, (*at, "of"), table.of)
    return SeriesSpec(name, of, table.at, table.values, table.sql, _parse(document, at, table.parse))


def _event(document: Document, kind: str, table: EventTable) -> EventSpec:
    _check_name(document, ("events", kind), "a type of event")
    return EventSpec(kind, table.edge or None, table.key or None, table.covered_until or None, table.sets)


def _document(document: Document, name: str, table: DocumentTable) -> DocumentSpec:
    _check_name(document, ("documents", name), "a kind of documents")
    return DocumentSpec(name, table.sql, table.key, table.text, table.published, table.title or None, table.form)


def _end(document: Document, at: KeyPath, value: str) -> End:
    """Label and column of `Label.column`."""
    label, _, column = value.partition(".")
    if not (label and column):
        document.refuse(at, f"{key_text(at)} is {shown(value)}; want Label.column, a label and a column of this SQL")
    if not is_name(label):
        document.refuse(
            at, f"{key_text(at)}: {shown(label)} is not a label; want letters, digits and _, beginning with a letter"
        )
    return End(label, column)


def _split(table: SplitTable) -> SplitSpec:
    return SplitSpec(test=table.test, valid=table.valid or None, refit=table.refit, mask=table.mask)


def _reasons(document: Document, table: MappingFile) -> dict[str, str]:
    """Sentences by way; those of a language are a table below `reasons`."""
    for name, value in table.reasons.items():
        if isinstance(value, str) == is_code(name):
            want = "a table of sentences" if is_code(name) else "a sentence"
            document.refuse(("reasons", name), f"{key_text(('reasons', name))} is not {want}; correct it")
    return {way: sentence for way, sentence in table.reasons.items() if isinstance(sentence, str)}


def _roles(document: Document, table: MappingFile, overrides: RoleOverrides) -> Roles:
    """The roles of the mapping, under those of graphrec.toml."""
    own = {} if table.roles is UNSET else structs.asdict(table.roles)
    own = {name: value for name, value in own.items() if value is not UNSET and value != ()}
    for key in ("user", "product", "interactions"):
        if getattr(overrides, key) is None and key not in own:
            document.refuse(("roles",), f"roles.{key} is missing; correct it")
    needed = {key: getattr(overrides, key) for key in ("user", "product", "interactions") if key not in own}
    roles = overrides.apply(Roles(**needed, **own))
    for name in roles.weights:
        if name not in roles.interactions:
            document.refuse(
                ("roles", "weights", name),
                f"roles.weights names {shown(name)}, which is no interaction{suggest(name, roles.interactions)}",
            )
    for name in roles.held:
        if name not in roles.interactions:
            document.refuse(
                ("roles", "held"),
                f"roles.held names {shown(name)}, which is no interaction{suggest(name, roles.interactions)}",
            )
    positive = roles.evidence()
    for name in roles.relevant:
        if name not in positive:
            document.refuse(
                ("roles", "relevant"),
                f"roles.relevant names {shown(name)}, which is no interaction with a weight above 0"
                f"{suggest(name, positive)}",
            )
    return replace(roles, relevant=roles.relevant or positive)
