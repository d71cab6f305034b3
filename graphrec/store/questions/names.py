"""Names of labels, edge types and properties in a person's own Cypher, checked against what the graph has.

A store answers a question about a property that is not there with no rows, which reads like an answer. So a name that
the graph does not have is refused, with the nearest one.
"""

import difflib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from graphrec.errors import QueryError
from graphrec.schema import GraphSchema
from graphrec.store.questions.guard import Token, tokens

#: What every node and every edge carries besides the columns of the mapping.
OF_NODES = ("id", "known_at", "sources", "run", "text_vector", "graph_vector")
OF_EDGES = ("key", "at", "known_at", "weight", "sources", "run")
#: What a clause that writes begins with, and the signs after which such a word is a name.
_WRITING = ("CREATE", "MERGE", "SET", "DELETE", "REMOVE", "FOREACH")
_BEFORE_NAMES = (".", ":", "(", "[", "{", ",", "|", "&", "$")
#: What graphrec writes for itself: its properties are not in the schema.
OWN = ("RECOMMENDED",)


@dataclass
class _Spoken:
    """What a statement speaks of."""

    labels: dict[str, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    """With the place of the first mention."""
    bound: dict[str, set[str]] = field(default_factory=dict)
    """The labels or types of each variable; empty: any."""
    edges: set[str] = field(default_factory=set)
    """Variables of edges."""
    keys: list[tuple[str, str, int]] = field(default_factory=list)
    """Properties in patterns: of a label or type, or "" for any."""


def check_names(text: str, schema: GraphSchema, others: Callable[[], Collection[str]]) -> None:
    """Pass a statement whose labels, edge types and properties the graph has.

    One that writes may bring new names: the store says that it may not write.

    Args:
        schema: what the graph has.
        others: labels and types that the store holds besides, such as those of another program; asked where one is
            not in the schema.

    Raises:
        QueryError: one is not there; the message names the nearest.
    """
    found = tokens(text)
    if _writes(found):
        return
    spoken = _spoken(found)
    foreign: set[str] = set()
    for names, known, what in ((spoken.labels, schema.nodes, "label"), (spoken.types, schema.edges, "edge type")):
        for name, position in names.items():
            if name in known or name in OWN or name.startswith("Graphrec"):
                continue
            if name not in others():
                raise _absent(f"there is no {what} {name}", name, known, text, position)
            foreign.add(name)
    properties = _properties(schema)
    everything = {name for names in properties.values() for name in names}
    for owner, name, position in (*spoken.keys, *_read(found, spoken)):
        if owner in foreign or owner in OWN or owner.startswith("Graphrec") or (foreign and not owner):
            continue
        known_names = properties.get(owner, everything)
        if name not in known_names:
            of = f"{owner} has no property" if owner else "nothing has a property"
            raise _absent(f"{of} {name}", name, known_names, text, position)


def _writes(found: Sequence[Token]) -> bool:
    """Whether a clause writes: its word stands where no name does, and what it writes follows."""
    return any(
        token.kind == "word"
        and token.value.upper() in _WRITING
        and not (number and found[number - 1].kind == "sign" and found[number - 1].value in _BEFORE_NAMES)
        and (after.is_name or after.value == "(")
        for number, (token, after) in enumerate(pairwise(found))
    )


def _properties(schema: GraphSchema) -> dict[str, set[str]]:
    nodes = {label: {*OF_NODES, *(one.name for one in node.columns)} for label, node in schema.nodes.items()}
    return nodes | {name: {*OF_EDGES, *(one.name for one in edge.columns)} for name, edge in schema.edges.items()}


def _spoken(found: Sequence[Token]) -> _Spoken:
    spoken = _Spoken()
    for number, token in enumerate(found):
        if token.value not in ("(", "[") or token.kind != "sign" or _is_call(found, number):
            continue
        place, variable = number + 1, ""
        if place < len(found) and found[place].is_name:
            variable, place = found[place].value, place + 1
        if place >= len(found) or found[place].value not in (":", ")", "]", "{", "*"):
            continue
        listed, place = _names(found, place)
        is_edge = token.value == "["
        for name in listed:
            (spoken.types if is_edge else spoken.labels).setdefault(name, token.position)
        if variable:
            spoken.bound.setdefault(variable, set()).update(listed)
        if is_edge:
            spoken.edges.add(variable)
        owner = listed[0] if len(listed) == 1 else ""
        spoken.keys += [(owner, name, position) for name, position in _keys(found, place)]
    return spoken


def _is_call(found: Sequence[Token], number: int) -> bool:
    """Whether a bracket belongs to a function, a list or an index: a pattern stands after a keyword or a sign."""
    before = found[number - 1] if number else None
    if found[number].value == "[":
        return before is None or before.value not in ("-", "<-", "--")
    return before is not None and before.is_name and before.value.upper() not in _BEFORE_PATTERNS


_BEFORE_PATTERNS = (
    *("MATCH", "OPTIONAL", "CREATE", "MERGE", "WHERE", "AND", "OR", "XOR", "NOT", "EXISTS", "SHORTESTPATH"),
    *("ALLSHORTESTPATHS", "COUNT", "IN", "WHEN", "THEN", "ELSE", "RETURN", "WITH"),
)


def _names(found: Sequence[Token], place: int) -> tuple[list[str], int]:
    """The labels or types that begin here, and where they end."""
    listed = []
    while place + 1 < len(found) and found[place].value in (":", "|", "&") and found[place + 1].is_name:
        listed.append(found[place + 1].value)
        place += 2
    return listed, place


def _keys(found: Sequence[Token], place: int) -> Iterator[tuple[str, int]]:
    """The keys of the map that begins here, if one does."""
    if place >= len(found) or found[place].value != "{":
        return
    depth = 0
    for number in range(place, len(found) - 1):
        value = found[number].value if found[number].kind == "sign" else ""
        depth += (value in ("{", "(", "[")) - (value in ("}", ")", "]"))
        if depth == 0:
            return
        if depth == 1 and value in ("{", ",") and found[number + 1].is_name:
            yield found[number + 1].value, found[number + 1].position


def _read(found: Sequence[Token], spoken: _Spoken) -> Iterator[tuple[str, str, int]]:
    """The properties of variables that stand for nodes or edges: the label or type (or ""), name, place."""
    for before, dot, after in zip(found, found[1:], found[2:], strict=False):
        if dot.value != "." or not before.is_name or not after.is_name or before.value not in spoken.bound:
            continue
        labels = spoken.bound[before.value]
        yield (next(iter(labels)) if len(labels) == 1 else ""), after.value, after.position


def _absent(what: str, name: str, known: Collection[str], text: str, position: int) -> QueryError:
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    hint = f"the nearest is {folded[near[0]]}" if near else f"there are {', '.join(sorted(known)[:8]) or 'none'}"
    return QueryError(f"line {line}:{column}: {what}; {hint}")
