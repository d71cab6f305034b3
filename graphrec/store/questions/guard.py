"""What a person's own Cypher may call: it reads the graph, never files, addresses or settings of the machine.

The text is cut into tokens, so that strings and comments hide nothing and look like nothing. Procedures and functions
are allowed by name; plug-ins such as APOC are on no list. Whether a statement writes is for the store to say, which
runs it with reading access only.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from graphrec.errors import QueryError

#: Procedures that only read the graph and its indexes.
PROCEDURES = frozenset(
    {
        "db.labels",
        "db.relationshiptypes",
        "db.propertykeys",
        "db.schema.visualization",
        "db.schema.nodetypeproperties",
        "db.schema.reltypeproperties",
        "db.index.fulltext.querynodes",
        "db.index.fulltext.queryrelationships",
        "db.index.vector.querynodes",
        "db.index.vector.queryrelationships",
    }
)
_DATES = ("date", "datetime", "localdatetime", "localtime", "time")
_CLOCKS = ("realtime", "statement", "transaction", "truncate", "fromepoch", "fromepochmillis")
#: Functions that compute with their arguments and the graph alone.
FUNCTIONS = frozenset(
    """
    all any exists isempty none single
    char_length character_length coalesce elementid endnode head id last length nullif properties randomuuid size
    startnode timestamp toboolean tobooleanornull tofloat tofloatornull tointeger tointegerornull type valuetype
    avg collect count max min percentilecont percentiledisc stdev stdevp sum
    extract filter keys labels nodes range reduce relationships reverse tail
    tobooleanlist tofloatlist tointegerlist tostringlist
    abs ceil floor isnan rand round sign e exp log log10 sqrt
    acos asin atan atan2 cos cosh cot coth degrees haversin pi radians sin sinh tan tanh
    btrim left lower ltrim normalize replace right rtrim split substring tolower tostring tostringornull toupper trim
    upper date datetime localdatetime localtime time duration point vector vector_dimension_count vector_distance
    vector_norm shortestpath allshortestpaths
    duration.between duration.indays duration.inmonths duration.inseconds point.distance point.withinbbox
    vector.similarity.cosine vector.similarity.euclidean
    """.split()  # noqa: SIM905
) | {f"{one}.{clock}" for one in _DATES for clock in _CLOCKS}
#: Words that may stand before a bracket without being a function.
_KEYWORDS = frozenset(
    """
    match optional where with return distinct unwind as in and or xor not is by limit skip offset then else when case
    starts ends contains union order set on merge create delete detach remove foreach call explain profile yield
    any all shortest path paths group groups element elements repeatable different relationships bindings walk trail
    acyclic asc ascending desc descending finish filter let node nodes relationship
    """.split()  # noqa: SIM905
)
#: How a statement may begin.
_READING = ("MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL", "EXPLAIN", "PROFILE")
_WRITING = (*_READING, "CREATE", "MERGE", "FOREACH", "DROP")

Kind = Literal["word", "name", "text", "number", "sign"]


@dataclass(frozen=True)
class Token:
    """One token of Cypher; `value` is that of a name without its backticks."""

    kind: Kind
    value: str
    position: int

    @property
    def is_name(self) -> bool:
        """Whether it may be part of the name of a procedure, function or label."""
        return self.kind in ("word", "name")


_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n\r]*|/\*.*?\*/)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<name>`(?:[^`]|``)*`)
    | (?P<number>\d[\w.]*?(?=\.\.|[^\w.]|$))
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>->|<-|<=|>=|<>|=~|\.\.|\|\||::|[^\w\s])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")


def tokens(text: str) -> list[Token]:
    """The tokens of a statement, without spaces and comments.

    Raises:
        QueryError: a string, name or comment has no end, or an escape could change where one ends.
    """
    for escape in _ESCAPE.finditer(text):
        # Neo4j replaces these before it looks for strings: one that is a quote would end a string that goes on here.
        if not chr(int(escape[1], 16)).isalnum() or not _is_in_string(text, escape.start()):
            raise _refused(f"the escape {escape[0]}", "write the character itself", text, escape.start())
    return _cut(text)


def _cut(text: str) -> list[Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match["sign"] in ("'", '"', "`") or _is_open_comment(text, match):
            raise _refused("a string, name or comment without its end", "close it", text, place)
        if match["name"] is not None:
            found.append(Token("name", match["name"][1:-1].replace("``", "`"), place))
        elif match["space"] is None:
            kind: Kind = match.lastgroup  # type: ignore[assignment]
            found.append(Token(kind, match[0], place))
        place = match.end()
    return found


def _is_open_comment(text: str, match: re.Match[str]) -> bool:
    return match["sign"] == "/" and text.startswith("/*", match.start())


def _is_in_string(text: str, position: int) -> bool:
    return any(one.kind == "text" and one.position < position < one.position + len(one.value) for one in _cut(text))


def check_statement(text: str, *, write: bool = False) -> None:
    """Pass a statement that reads nothing but the graph.

    Args:
        write: it may change the graph.

    Raises:
        QueryError: it reads files, calls what is on no list, is several statements or is not Cypher; the position.
    """
    found = tokens(text)
    while found and found[-1].value == ";":
        found.pop()
    if not found:
        raise QueryError("the statement is empty; want Cypher such as MATCH (n:Customer) RETURN count(n)")
    begins = _WRITING if write else (*_READING, *_WRITING)  # the store itself refuses what writes
    if found[0].kind != "word" or found[0].value.upper() not in begins:
        wanted = f"a statement begins with {', '.join(_READING)}"
        raise _refused(f"a statement that begins with {found[0].value}", wanted, text, found[0].position)
    for number, token in enumerate(found):
        _check_token(found, number, token, text)


def _check_token(found: Sequence[Token], number: int, token: Token, text: str) -> None:
    following = found[number + 1] if number + 1 < len(found) else None
    before = found[number - 1] if number else None
    if token.value == ";":
        raise _refused("a second statement", "run one statement at a time", text, token.position)
    word = token.value.upper() if token.kind == "word" else ""
    after = following.value.upper() if following is not None and following.kind == "word" else ""
    if word == "LOAD" and after == "CSV":
        raise _refused("LOAD CSV", "files are brought in by a mapping: graphrec load", text, token.position)
    if word == "USE" and (before is None or before.value == "{"):
        raise _refused("USE", "name the database with NEO4J_DATABASE", text, token.position)
    if word == "CALL" and following is not None and following.is_name and not _is_property(before):
        name, _ = _dotted(found, number + 1)
        if name.lower() not in PROCEDURES:
            raise _refused(f"the procedure {name}", _nearest(name, PROCEDURES), text, token.position)
    if token.is_name and following is not None and following.value == "(":
        _check_function(found, number, text)


def _check_function(found: Sequence[Token], number: int, text: str) -> None:
    first = number
    while first >= 2 and found[first - 1].value == "." and found[first - 2].is_name:
        first -= 2
    name, _ = _dotted(found, first)
    before = found[first - 1] if first else None
    is_procedure = before is not None and before.kind == "word" and before.value.upper() == "CALL"
    if is_procedure and not _is_property(found[first - 2] if first > 1 else None):
        return  # it has been looked at with its CALL
    is_plain = first == number
    if is_plain and found[number].kind == "word" and name.lower() in _KEYWORDS:
        return
    if is_plain and _is_hint(found, number):
        return
    if name.lower() not in FUNCTIONS:
        raise _refused(f"the function {name}", _nearest(name, FUNCTIONS), text, found[first].position)


def _dotted(found: Sequence[Token], first: int) -> tuple[str, int]:
    """The name that begins here, its parts joined by dots, and how many tokens it has."""
    parts, number = [found[first].value], first + 1
    while number + 1 < len(found) and found[number].value == "." and found[number + 1].is_name:
        parts.append(found[number + 1].value)
        number += 2
    return ".".join(parts), number - first


def _is_hint(found: Sequence[Token], number: int) -> bool:
    """Whether this is the label of `USING INDEX n:Label(property)`."""
    words = [one.value.upper() for one in found[max(0, number - 7) : number]]
    return len(words) > 2 and words[-1] == ":" and "USING" in words and "INDEX" in words


def _is_property(before: Token | None) -> bool:
    return before is not None and before.value in (".", ":", "$")


def _nearest(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"it is on no list of what only reads the graph{f'; the nearest there is {near[0]}' if near else ''}"


def _refused(what: str, rule: str, text: str, position: int) -> QueryError:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return QueryError(f"line {line}:{column}: {what} is not allowed here: {rule}")
