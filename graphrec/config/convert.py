"""Typed objects from documents and texts, and the one translator of what does not fit.

Types are frozen dataclasses or `msgspec.Struct`s; `Annotated[…, msgspec.Meta(…)]` gives a value its bounds and, with
`extra={"want": "…"}`, the words for what is wanted. Importing this module imports msgspec, some 20 ms of a start: code
that serves one user imports it only when there is a file to convert.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from reprlib import Repr
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from graphrec.config.document import WHOLE, Document, KeyPath, key_text
from graphrec.config.names import nearest
from graphrec.errors import GraphrecError

T = TypeVar("T")
SECRETS = {"username": "NEO4J_USERNAME", "password": "NEO4J_PASSWORD", "token": "NEO4J_PASSWORD"}
"""Keys that no file may hold, and the variable that holds them instead."""
_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 1, 120, 70


def convert(document: Document, wanted: type[T]) -> T:
    """The typed object that a document holds.

    Args:
        document: what `read_toml` returned.
        wanted: a frozen dataclass or a `msgspec.Struct`.

    Raises:
        GraphrecError: of the document's class: file, line, key, value and rule of the first thing that does not fit.
    """
    for path, why in _unknown_keys(inspect.type_info(wanted), document.content, ()):
        document.refuse(path, why)
    try:
        return msgspec.convert(document.content, wanted)
    except (msgspec.ValidationError, RecursionError) as problem:
        path, why = _explain(problem, document.content, wanted)
        document.refuse(path, f"{why}; correct it")


def convert_value(
    value: object, wanted: Any, where: str, error: type[GraphrecError], *, advice: str = "correct it"
) -> Any:
    """One value, such as that of a variable or an option, as an object of a type.

    Args:
        value: a text is read as the number or the truth it spells where one is wanted.
        wanted: any type that msgspec knows.
        where: what messages call the value.
        error: the class of error to raise.
        advice: the end of the message.

    Raises:
        GraphrecError: of that class.
    """
    for _, why in _unknown_keys(inspect.type_info(wanted), value, ()):
        raise error(f"{where}: {why}")
    try:
        found = msgspec.convert(value, wanted, strict=not isinstance(value, str))
    except (msgspec.ValidationError, RecursionError) as problem:
        path, why = _explain(problem, value, wanted)
        colon = ": " if path else " "
        raise error(f"{where}{colon}{why}; {advice}") from None
    if isinstance(found, float) and not math.isfinite(found):
        raise error(f"{where} {shown(value)} is not a finite number; {advice}")
    if isinstance(found, int) and found not in WHOLE:
        raise error(f"{where} is a whole number of more than 64 bits; {advice}")
    return found


def shown(value: object) -> str:
    """A value in one short line; what a table holds is not shown, since it may be a secret."""
    return "{…}" if isinstance(value, dict) else _SHORT.repr(value)


def _unknown_keys(kind: inspect.Type, value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Every key that its table does not know; a struct without `forbid_unknown_fields` takes any."""
    kind = _for_value(kind, value)
    if isinstance(value, dict):
        if isinstance(kind, inspect.StructType | inspect.DataclassType):
            known = {field.encode_name: field.type for field in kind.fields}
            is_open = isinstance(kind, inspect.StructType) and not kind.forbid_unknown_fields
            for key, inner in value.items():
                if key in known:
                    yield from _unknown_keys(known[key], inner, (*path, key))
                elif not is_open:
                    yield (*path, key), _unknown(key, known, path)
        elif isinstance(kind, inspect.DictType):
            for key, inner in value.items():
                yield from _unknown_keys(kind.value_type, inner, (*path, key))
    elif isinstance(value, list) and isinstance(kind, inspect.ListType | inspect.VarTupleType):
        for position, inner in enumerate(value):
            yield from _unknown_keys(kind.item_type, inner, (*path, position))


def _unknown(key: str, known: Iterable[str], path: KeyPath) -> str:
    if key in SECRETS:
        return (
            f"{key_text((*path, key))} is a secret, and secrets come from the environment only: set {SECRETS[key]} "
            "and delete the key"
        )
    near = nearest(key, known, cutoff=0.0) or min(known)
    return f"unknown key {key_text((*path, key))}; the nearest known one is {key_text((*path, near))}"


def _explain(problem: Exception, value: object, wanted: Any) -> tuple[KeyPath, str]:
    """Where a value does not fit and why: key, value and what is wanted."""
    if isinstance(problem, RecursionError):
        return (), "it is nested too deep"
    text = str(problem)
    message, _, at = text.rpartition(" - at `") if " - at `" in text else (text, "", "")
    path = tuple(_resolved(at, value, lambda tried: _message(tried, wanted) == text))
    if (missing := re.match(r"Object missing required field `(.+)`$", message)) is not None:
        return path, f"{key_text((*path, missing[1]))} is missing"
    kind, found = _at(inspect.type_info(wanted), value, path)
    if isinstance(problem.__cause__, ValueError | TypeError):
        return path, f"{key_text(path)}: {message}" if path else message
    key = key_text(path)
    if not SECRETS.keys().isdisjoint(path):
        return path, f"{key} is not {_want(kind, found)}"
    if path and isinstance(path[-1], int) and not isinstance(found, dict):
        outer, _ = _at(inspect.type_info(wanted), value, path[:-1])
        return path, f"{key} holds {shown(found)}; want {_want(outer, found)}"
    return path, f"{key} = {shown(found)} is not {_want(kind, found)}" if key else (
        f"{shown(found)} is not {_want(kind, found)}"
    )


def _message(value: object, wanted: Any) -> str:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as problem:
        return str(problem)
    return ""


def _resolved(at: str, value: object, fails: Callable[[object], bool]) -> Iterator[str | int]:
    """The path in a message of msgspec, which writes `[...]` for the keys of a dict: each is tried alone."""
    steps = re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", at.partition("$")[2])
    rebuild: Callable[[object], object] = _itself
    for name, position in steps:
        if name or position == "...":
            assert isinstance(value, dict), "msgspec names keys of tables alone"
            tried = rebuild
            key = name or next((one for one in value if fails(tried({one: value[one]}))), None)
            if key is None:
                return
        else:
            assert isinstance(value, list), "msgspec counts items of lists alone"
            key = int(position)
        rebuild, value = _inside(rebuild, value, key), value[key]
        yield key


def _itself(value: object) -> object:
    return value


def _inside(rebuild: Callable[[object], object], outer: Any, key: str | int) -> Callable[[object], object]:
    """Put a value in place of one that is further inside."""

    def put(inner: object) -> object:
        changed = outer.copy()
        changed[key] = inner
        return rebuild(changed)

    return put


def _at(kind: inspect.Type, value: Any, path: KeyPath) -> tuple[inspect.Type, Any]:
    """The type that is wanted at a path, and the value there."""
    for step in path:
        kind, value = _for_value(kind, value), value[step]
        if isinstance(kind, inspect.StructType | inspect.DataclassType):
            kind = next(field.type for field in kind.fields if field.encode_name == step)
        elif isinstance(kind, inspect.DictType):
            kind = kind.value_type
        elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
            kind = kind.item_type
    return kind, value


def _for_value(kind: inspect.Type, value: object) -> inspect.Type:
    """Of a union the part that a table or a list is meant for; without notes."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        parts = [_for_value(part, value) for part in kind.types]
        tables = (inspect.StructType, inspect.DataclassType, inspect.DictType)
        lists = (inspect.ListType, inspect.VarTupleType)
        fitting = tables if isinstance(value, dict) else lists
        return next((part for part in parts if isinstance(part, fitting)), kind)
    return kind


def _want(kind: inspect.Type, value: object = None) -> str:
    """What a type wants, in words."""
    match kind:
        case inspect.Metadata(extra=extra, type=inner):
            return str(extra["want"]) if extra and "want" in extra else _want(inner, value)
        case inspect.UnionType(types=types):
            return " or ".join(_want(one, value) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "a text that is not empty" if value == "" else "a text"
        case inspect.IntType():
            return "a whole number" + _bounds(kind)
        case inspect.FloatType():
            return "a number" + _bounds(kind)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"a list of {_plural(item)}"
        case inspect.DictType(value_type=item):
            return f"a table of {_plural(item)}"
    return "a table"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = {"of at least": kind.ge, "above": kind.gt, "at most": kind.le, "below": kind.lt}
    words = [f"{word} {bound:,}" for word, bound in bounds.items() if bound is not None]
    return f" {' and '.join(words)}" if words else ""


def _plural(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _plural(inner)
        case inspect.StrType():
            return "texts"
        case inspect.IntType():
            return "whole numbers"
        case inspect.FloatType():
            return "numbers"
        case inspect.StructType() | inspect.DataclassType() | inspect.DictType():
            return "tables"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"lists of {_plural(item)}"
    return "values"
