"""Every Cypher text of the house: read from cypher/, with the labels of a mapping put in by one function.

A file is ordinary Cypher whose role names are placeholders: `:User`, `:Product`, `:HELD` (the relevant interactions)
and `:INTERACTION` (all of them) stand for what the mapping calls them; files of load/ and read/ use `:Node`, `:Source`,
`:Target` and `:EDGE` likewise, those of explain/ `:Via`, `:Mid`, `:FIRST`, `:SECOND` and `:THIRD`. An analyst file
starts with its question and has one line per parameter.
"""

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Literal, LiteralString

from graphrec.errors import QueryError, UnknownId, UsageError
from graphrec.frozen import dataclass
from graphrec.package_data import data_folder
from graphrec.schema import GraphSchema

#: Names that stand for labels and edge types of the mapping wherever they follow `:` or `|`.
PLACEHOLDERS = (
    "User",
    "Product",
    "HELD",
    "INTERACTION",
    "Node",
    "Source",
    "Target",
    "EDGE",
    "Via",
    "Mid",
    "FIRST",
    "SECOND",
    "THIRD",
)

#: What a placeholder becomes: one label or type, or several types joined by `|`.
Labels = Mapping[str, str | Sequence[str]]

_PLACEHOLDER = re.compile(r"(?<=[:|])(" + "|".join(PLACEHOLDERS) + r")\b")
_KINDS = ("text", "integer", "real", "boolean", "list", "user column", "product column", "relation")
_PARAMETER = re.compile(rf"// \$(?P<name>\w+) \((?P<kind>{'|'.join(_KINDS)})(?:, (?P<default>[^)]*))?\): (?P<what>.+)")
_COLUMN = re.compile(r", COLUMN: row\[(?P<first>\d+)\]")
_RETURN = re.compile(r"\bRETURN\s+(?:DISTINCT\s+)?", re.IGNORECASE)
_END_OF_RETURN = re.compile(r"\b(?:ORDER\s+BY|SKIP|LIMIT)\b|;", re.IGNORECASE)
_ALIAS = re.compile(r"\s+AS\s+", re.IGNORECASE)
_NEEDS = re.compile(r"(?:\(:(?P<label>[^()]+)\))|(?:\[:(?P<type>[^\[\]]+)\])")

ParameterKind = Literal["text", "integer", "real", "boolean", "list", "user column", "product column", "relation"]


@dataclass(frozen=True)
class Parameter:
    """One `$param` of an analyst query."""

    name: str
    kind: ParameterKind
    what: str
    default: str | None = None

    def value(self, text: str) -> Any:
        """The text of the command line as the value the query takes.

        Raises:
            UsageError: it is no value of this kind.
        """
        if self.kind in ("text", "user column", "product column", "relation"):
            return text
        try:
            if self.kind == "list":
                return [part.strip() for part in text.split(",") if part.strip()]
            return _PARSERS[self.kind](text)
        except ValueError as error:
            raise UsageError(f"--param {self.name}={text}: not {_ARTICLE[self.kind]}; {self.what}") from error


@dataclass(frozen=True)
class Query:
    """One query of the analysts' library."""

    name: str
    question: str
    parameters: tuple[Parameter, ...]
    labels: tuple[str, ...]
    """Labels it needs besides the roles."""
    types: tuple[str, ...]
    """Edge types it needs besides the roles."""

    def fits(self, schema: GraphSchema) -> bool:
        """Whether the graph has what this query speaks of."""
        return set(self.labels) <= set(schema.nodes) and set(self.types) <= set(schema.edges)

    def values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The parameters of one run from `--param name=value` texts.

        Raises:
            UsageError: one is missing, unknown or of another kind.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in texts:
            if name not in known:
                raise UsageError(f"query {self.name} has no parameter {name}; it takes {', '.join(known) or 'none'}")
        values = {}
        for parameter in self.parameters:
            text_value = texts.get(parameter.name, parameter.default)
            if text_value is None:
                raise UsageError(
                    f"query {self.name} needs --param {parameter.name}=…: {parameter.what}; "
                    "`graphrec query` lists every query with its parameters"
                )
            values[parameter.name] = parameter.value(text_value)
        return values

    def check(self, values: Mapping[str, Any], schema: GraphSchema) -> None:
        """Refuse names of properties and edge types that the graph does not have: they would find no rows.

        Args:
            values: what `values` gave.

        Raises:
            UsageError: one is not there; the message names the nearest.
        """
        roles_of = schema.roles
        known: dict[str, Collection[str]] = {
            "user column": ("id", *(one.name for one in schema.nodes[roles_of.user].columns)),
            "product column": ("id", *(one.name for one in schema.nodes[roles_of.product].columns)),
            "relation": [name for name, edge in schema.edges.items() if edge.source == roles_of.user],
        }
        for parameter in self.parameters:
            names_of = known.get(parameter.kind)
            if names_of is not None and values[parameter.name] not in names_of:
                near = difflib.get_close_matches(values[parameter.name], names_of, n=1, cutoff=0.5)
                hint = f"the nearest is {near[0]}" if near else f"there are {', '.join(sorted(names_of)[:8])}"
                raise UsageError(
                    f"--param {parameter.name}={values[parameter.name]}: there is no such {parameter.kind}; {hint}"
                )


def quote(name: str) -> str:
    """The name in backticks, safe in any Cypher or SQL text.

    Raises:
        QueryError: the name is empty or holds a NUL.
    """
    if not name or "\0" in name:
        raise QueryError(f"{name!r} is no name for a label or an edge type; give it at least one character and no NUL")
    return "`" + name.replace("`", "``") + "`"


def roles(schema: GraphSchema) -> dict[str, str | Sequence[str]]:
    """What the role placeholders become under this schema."""
    return {
        "User": schema.roles.user,
        "Product": schema.roles.product,
        "HELD": schema.roles.relevant or schema.roles.interactions,
        "INTERACTION": schema.roles.interactions,
    }


def text(
    name: str, labels: Labels | None = None, *, reverse: Collection[str] = (), columns: Sequence[str] | None = None
) -> LiteralString:
    """The Cypher of a file such as "load/nodes", or of a person's own statement, with its labels put in.

    Edges of the placeholders in `reverse` point the other way than the file says. With `columns`, the property
    `COLUMN: row[n]` becomes those properties, from row[n] on.

    Raises:
        UnknownId: it looks like the name of a file and there is none.
        QueryError: a placeholder has no label.
    """
    if not is_name(name):
        return name  # pyright: ignore[reportReturnType]
    source = _read(name)
    names_of = labels or {}
    body = "\n".join(line for line in source.splitlines() if not line.startswith("//")).strip()
    for placeholder in reverse:
        body = re.sub(rf"-\[(\w*:{placeholder})\]->", r"<-[\1]-", body)
    if columns is not None:
        body = _COLUMN.sub(lambda match: _listed(columns, int(match["first"])), body)
    return _PLACEHOLDER.sub(lambda match: _label(name, match.group(1), names_of), body)  # pyright: ignore[reportReturnType]


def analyst(name: str, schema: GraphSchema) -> LiteralString:
    """The Cypher of a query of the library for a graph: labels, edge types and the columns that people read as names.

    Raises:
        UnknownId: there is no such query.
        QueryError: a placeholder has no label.
    """
    body = text(f"analyst/{name}", roles(schema))
    product = quote(schema.roles.product)
    of_products = set(re.findall(rf"\((\w+):{re.escape(product)}", body))

    def named(match: re.Match[str]) -> str:
        labels = [schema.roles.product] if match[1] in of_products else list(schema.nodes)
        columns_of = dict.fromkeys(
            node.name for label in labels if (node := schema.nodes[label]).name and node.name not in node.personal
        )
        read = [f"{match[1]}.{quote(column)}" for column in columns_of if column]
        return read[0] if len(read) == 1 else f"coalesce({', '.join(read)})" if read else "null"

    return re.sub(r"\b(\w+)\.name\b", named, body)  # pyright: ignore[reportReturnType]


def is_name(text_or_name: str) -> bool:
    """Whether this is written like the name of a file in cypher/, not like a statement."""
    return re.fullmatch(r"[a-z_]+/[\w.-]+", text_or_name) is not None


def speaks_of_nobody(name: str) -> bool:
    """Whether a question of the library is there and reads no customer."""
    try:
        statement = text(f"analyst/{name}", {one: one for one in PLACEHOLDERS})
    except (UnknownId, QueryError):
        return False
    return is_name(f"analyst/{name}") and ":`User`" not in statement


def columns(statement: str) -> tuple[str, ...]:
    """The names of the columns that a statement returns, as written; none when it does not say."""
    returned = list(_RETURN.finditer(statement))
    if not returned:
        return ()
    body = _END_OF_RETURN.split(statement[returned[-1].end() :])[0].strip()
    found, depth, start = [], 0, 0
    for position, one in enumerate(body):
        depth += (one in "([{") - (one in ")]}")
        if one == "," and depth == 0:
            found.append(body[start:position])
            start = position + 1
    found.append(body[start:])
    names_of = (_ALIAS.split(one)[-1].strip().strip("`") for one in found)
    return tuple(name for name in names_of if name != "*")


def names(folder: str) -> tuple[str, ...]:
    """The names of the files in one folder of cypher/, sorted, which is the order of schema files."""
    found = (entry.name for entry in data_folder("cypher").joinpath(folder).iterdir() if entry.name.endswith(".cypher"))
    return tuple(sorted(f"{folder}/{name.removesuffix('.cypher')}" for name in found))


def library(schema: GraphSchema | None = None) -> tuple[Query, ...]:
    """The analysts' queries, those that fit the schema when one is given."""
    queries = (describe(name) for name in names("analyst"))
    return tuple(query for query in queries if schema is None or query.fits(schema))


def describe(name: str) -> Query:
    """The question, parameters and needs in the head of an analyst file.

    Raises:
        UnknownId: there is no such query.
    """
    path = name if is_name(name) else f"analyst/{name}"
    head = [line for line in _read(path).splitlines() if line.startswith("//")]
    needs = [match for line in head if line.startswith("// needs ") for match in _NEEDS.finditer(line)]
    return Query(
        name=path.partition("/")[2],
        question=head[0].removeprefix("//").strip(),
        parameters=tuple(_parameter(match) for line in head if (match := _PARAMETER.fullmatch(line))),
        labels=tuple(match["label"] for match in needs if match["label"]),
        types=tuple(match["type"] for match in needs if match["type"]),
    )


def _parameter(match: re.Match[str]) -> Parameter:
    kind: Any = match["kind"]
    return Parameter(match["name"], kind, match["what"], match["default"])


def _label(name: str, placeholder: str, labels: Labels) -> str:
    value = labels.get(placeholder)
    if not value:
        raise QueryError(f"query {name} speaks of :{placeholder}, and the graph has none; load a mapping that names it")
    return quote(value) if isinstance(value, str) else "|".join(quote(one) for one in value)


def _listed(columns: Sequence[str], first: int) -> str:
    return "".join(f", {quote(name)}: row[{number}]" for number, name in enumerate(columns, first))


def _boolean(text: str) -> bool:
    value = json.loads(text.lower())
    if not isinstance(value, bool):
        raise ValueError(text)
    return value


@cache
def _read(name: str) -> str:
    try:
        return data_folder("cypher").joinpath(f"{name}.cypher").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        folder, _, query = name.partition("/")
        known = (
            [one.partition("/")[2] for one in names(folder)] if data_folder("cypher").joinpath(folder).is_dir() else []
        )
        near = difflib.get_close_matches(query, known, n=3, cutoff=0.0)
        raise UnknownId(f"no query {query}; the nearest are: {', '.join(near) or 'none'}") from error


_ARTICLE = {"integer": "a whole number", "real": "a number", "boolean": "true or false", "list": "a list"}
_PARSERS: Mapping[str, Callable[[str], Any]] = {"integer": int, "real": float, "boolean": _boolean}
