"""Reads a mapping: TOML into the dataclasses of specs.py; what nobody asked for is refused."""

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

from graphrec.config.settings import RoleOverrides
from graphrec.errors import SourceError
from graphrec.loading.mapping.consistency import check_reasons, check_roles
from graphrec.loading.mapping.section import CLOSE, Section, nearest, parse_end, parse_name, suggest
from graphrec.loading.mapping.specs import (
    MASKS,
    PACKED,
    READERS,
    SUFFIXES,
    EdgeSpec,
    End,
    FileSpec,
    Mapping,
    NodeSpec,
    Reader,
    SeriesSpec,
    SplitSpec,
)
from graphrec.package_data import data_folder
from graphrec.schema import LANGUAGES, Roles

NO_ROLES = RoleOverrides()


def shipped_names() -> list[str]:
    """The names of the mappings that come with graphrec."""
    found = data_folder("loaders").iterdir()
    return sorted(entry.name[:-5].replace("_", "-") for entry in found if entry.name.endswith(".toml"))


def load_mapping(name_or_path: str | Path, roles: RoleOverrides = NO_ROLES) -> Mapping:
    """The mapping of a shipped name or of a file.

    Args:
        name_or_path: a shipped name (dashes or underscores) or the path of a TOML file.
        roles: those of graphrec.toml, which stand over the mapping's own.

    Raises:
        SourceError: there is no such mapping, or it says something that no mapping can say.
    """
    path = Path(name_or_path)
    if path.is_file():
        return parse_mapping(_read(path), str(path), roles)
    name = str(name_or_path).replace("_", "-").removesuffix(".toml")
    if name in shipped_names():
        resource = data_folder("loaders") / (name.replace("-", "_") + ".toml")
        return parse_mapping(resource.read_text(encoding="utf-8"), resource.name, roles)
    known = shipped_names()
    close = nearest(name, known, CLOSE)
    raise SourceError(
        f"no mapping {str(name_or_path)!r}: it is no file, and graphrec ships {', '.join(known)}"
        + (f"; did you mean {close!r}?" if close else "")
    )


def parse_mapping(text: str, where: str, roles: RoleOverrides = NO_ROLES) -> Mapping:
    """The mapping that a TOML text says; `where` names it in messages.

    Raises:
        SourceError: the text is no TOML, or a key or value is not one of docs/mappings.md.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{where}: not a TOML file: {error}; mend that line") from error
    top = Section(plain, where)
    source = top.section("source")
    name = source.text("name")
    listed = source.section("files")
    source_files = {key: _file(key, listed) for key in listed.names()}
    source.close()
    nodes = {label: _node(label, section) for label, section in top.sections("nodes")}
    edges = {kind: _edge(kind, section) for kind, section in top.sections("edges")}
    series = {key: _series(key, section) for key, section in top.sections("series")}
    reasons, reasons_in = _reasons(top.section("reasons", optional=True))
    mapping = Mapping(
        name=name,
        where=where,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        files=source_files,
        roles=_roles(top, roles),
        nodes=nodes,
        edges=edges,
        series=series,
        split=_split(top.section("split")) if "split" in plain else None,
        reasons=reasons,
        reasons_in=reasons_in,
        words=_by_language(top.section("words", optional=True)),
    )
    top.close()
    check_roles(mapping)
    check_reasons(mapping)
    return mapping


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _file(name: str, listed: Section) -> FileSpec:
    parse_name(name, listed.place(name), "a table name")
    value = listed.take(name)
    if isinstance(value, str):
        value = {"path": value}
    if not isinstance(value, dict):
        raise SourceError(f"{listed.place(name)} is {value!r}; want a path or a table with path = …")
    section = Section(value, listed.where, f"{listed.at}.{name}")
    path = section.text("path")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise SourceError(f"{section.place('path')} is {path!r}; paths are relative to --data and stay inside it")
    reader: Reader = section.one_of("reader", READERS) if "reader" in value else _reader_of(path, section)
    optional = section.flag("optional")
    return FileSpec(name, path, reader, optional, section.rest())


def _reader_of(path: str, section: Section) -> Reader:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        raise SourceError(
            f"{section.place('path')} is {path!r}, whose suffix names no reader; "
            f"add reader = one of {', '.join(READERS)}"
        )
    return SUFFIXES[suffix]


def _node(label: str, section: Section) -> NodeSpec:
    parse_name(label, section.at_place(), "a label")
    spec = NodeSpec(
        label=label,
        key=section.text("key"),
        sql=section.text("sql"),
        name=section.text_or_none("name"),
        text=section.texts("text"),
        personal=section.texts("personal"),
        protected=section.texts("protected"),
        known_at=section.text_or_none("known_at"),
    )
    section.close()
    if spec.key in spec.personal:
        raise SourceError(
            f"{section.place('personal')} holds the key {spec.key!r}; keys go into every answer: use a pseudonym as key"
        )
    for marked, mark in ((spec.personal, "personal"), (spec.protected, "protected")):
        for column in marked:
            if column in spec.text:
                raise SourceError(f"{section.place('text')} holds {column!r}, which is {mark}; leave it out of one")
    return spec


def _edge(kind: str, section: Section) -> EdgeSpec:
    parse_name(kind, section.at_place(), "an edge type")
    spec = EdgeSpec(
        type=kind,
        source=End(*parse_end(section.text("from"), section.place("from"))),
        target=End(*parse_end(section.text("to"), section.place("to"))),
        sql=section.text("sql"),
        key=section.text_or_none("key"),
        at=section.text_or_none("at"),
        known_at=section.text_or_none("known_at"),
        weight=section.text_or_none("weight"),
        protected=section.flag("protected"),
    )
    section.close()
    return spec


def _series(name: str, section: Section) -> SeriesSpec:
    parse_name(name, section.at_place(), "a series name")
    spec = SeriesSpec(
        name=name,
        of=End(*parse_end(section.text("of"), section.place("of"))),
        at=section.text("at"),
        values=section.texts("values", required=True),
        sql=section.text("sql"),
    )
    section.close()
    return spec


def _split(section: Section) -> SplitSpec:
    spec = SplitSpec(
        test=section.text("test"),
        valid=section.text_or_none("valid"),
        refit=section.flag_or_text("refit", default=True),
        mask=section.one_of("mask", MASKS, default="fitted"),
    )
    section.close()
    return spec


def _reasons(section: Section) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Sentences by way, and those of `[reasons.LANGUAGE]` by language."""
    by_language = {name: section.section(name) for name in LANGUAGES if section.has(name)}
    ways = [name for name in section.names() if name not in by_language]
    return {way: section.text(way) for way in ways}, {name: _texts(inner) for name, inner in by_language.items()}


def _by_language(section: Section) -> dict[str, dict[str, str]]:
    """A table of strings for each language."""
    for name in section.names():
        if name not in LANGUAGES:
            raise SourceError(
                f"{section.place(name)} is no language of the reasons; want one of {', '.join(LANGUAGES)}"
            )
    return {name: _texts(section.section(name)) for name in section.names()}


def _texts(section: Section) -> dict[str, str]:
    return {name: section.text(name) for name in section.names()}


def _roles(top: Section, overrides: RoleOverrides) -> Roles:
    """The roles of the mapping, under those of graphrec.toml."""
    enough = overrides.user and overrides.product and overrides.interactions
    section = top.section("roles", optional=bool(enough))
    roles = overrides.apply(
        Roles(
            user=overrides.user or section.text("user"),
            product=overrides.product or section.text("product"),
            interactions=overrides.interactions or section.texts("interactions", required=True),
            weights=section.numbers("weights"),
            relevant=section.texts("relevant"),
            metapaths=section.texts("metapaths") if section.has("metapaths") else None,
            min_group=section.whole("min_group", default=5, least=1),
        )
    )
    for key in ("user", "product", "interactions"):
        section.take(key)
    section.close()
    for name in roles.weights:
        if name not in roles.interactions:
            raise SourceError(
                f"{section.place('weights')} names {name!r}, which is no interaction{suggest(name, roles.interactions)}"
            )
    positive = roles.evidence()
    for name in roles.relevant:
        if name not in positive:
            raise SourceError(
                f"{section.place('relevant')} names {name!r}, which is no interaction with a weight above 0"
                f"{suggest(name, positive)}"
            )
    return replace(roles, relevant=roles.relevant or positive)
