"""Conditions as trees that are judged pair by pair in plain Python: what the vectorised evaluation must equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.policy.graphs import AS_OF, Event

#: Columns of both sides by kind.
COLUMNS = {"number": ("whole", "real"), "text": ("word", "other"), "boolean": ("flag",), "time": ("day",)}
LEVELS = ("low", "Mid", "high")
WORDS = ("low", "Mid", "high", "LOW", "")
Tree = tuple[Any, ...]


@dataclass(frozen=True)
class Pair:
    """One pair of user and product with its events."""

    sides: Mapping[str, Mapping[str, Any]]
    events: Sequence[Event]


def columns(kind: str) -> st.SearchStrategy[Tree]:
    """A column of a kind."""
    return st.tuples(st.just("column"), st.sampled_from(["user", "product"]), st.sampled_from(COLUMNS[kind]))


texts = st.one_of(columns("text"), st.tuples(st.just("text"), st.sampled_from(WORDS)))
texts = st.one_of(texts, st.tuples(st.just("lower"), texts))
times = st.one_of(columns("time"), st.tuples(st.just("date"), st.dates(date(2000, 1, 1), date(2025, 12, 31))))
numbers = st.recursive(
    st.one_of(
        columns("number"),
        st.tuples(st.just("number"), st.integers(-3, 3)),
        st.tuples(st.just("level"), texts),
        st.tuples(st.sampled_from(["days_since", "years_since"]), times),
    ),
    lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner),
    max_leaves=3,
)
OPERATORS = ["<", "<=", ">", ">=", "==", "!="]
leaves = st.one_of(
    st.tuples(st.sampled_from(OPERATORS), numbers, numbers),
    st.tuples(st.sampled_from(OPERATORS), times, times),
    st.tuples(st.sampled_from(["==", "!="]), texts, texts),
    st.tuples(st.sampled_from(["in", "not in"]), texts, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)),
    st.tuples(st.just("is_missing"), st.one_of(numbers, texts, times)),
    columns("boolean"),
    st.just(("held",)),
    st.tuples(st.just("happened"), st.sampled_from(["BOUGHT", "REJECTED"]), st.sampled_from([None, 1, 30, 30.5])),
    st.tuples(st.just("truth"), st.booleans()),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner)
    ),
    max_leaves=6,
)


def written(tree: Tree) -> str:  # noqa: C901 (a case for each form)
    """A tree in the language of conditions."""
    match tree:
        case ("column", side, name):
            return f"{side}.{name}"
        case ("text" | "number" | "truth", value):
            return repr(value)
        case ("date", day):
            return f'date("{day.isoformat()}")'
        case ("level", inner):
            return f'level("risk", {written(inner)})'
        case ("held",):
            return "held"
        case ("happened", kind, days):
            return f'happened("{kind}")' if days is None else f'happened("{kind}", {days})'
        case ("not", inner):
            return f"not ({written(inner)})"
        case ("and" | "or" as op, *parts):
            return f" {op} ".join(f"({written(part)})" for part in parts)
        case (("in" | "not in") as op, inner, words):
            return f"{written(inner)} {op} {words!r}"
        case (name, inner):
            return f"{name}({written(inner)})"
        case (op, left, right):
            return f"({written(left)} {op} {written(right)})"
    raise AssertionError(tree)


def judged(tree: Tree, pair: Pair) -> Any:  # noqa: C901 (a case for each form)
    """What a tree is worth for one pair; None where a value is missing."""
    match tree:
        case ("column", side, name):
            return pair.sides[side].get(name)
        case ("text" | "number" | "truth", value):
            return value
        case ("date", day):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        case ("is_missing", inner):
            return judged(inner, pair) is None
        case ("held",):
            return any(kind == "BOUGHT" for kind, *_ in pair.events)
        case ("happened", kind, days):
            return _happened([at for name, _, _, at in pair.events if name == kind], days)
        case ("not", inner):
            value = judged(inner, pair)
            return None if value is None else not value
        case ("and" | "or" as op, *parts):
            values, decides = [judged(part, pair) for part in parts], op == "or"
            return decides if decides in values else None if None in values else not decides
        case (("in" | "not in") as op, inner, words):
            value = judged(inner, pair)
            return None if value is None else (value in words) == (op == "in")
        case (name, inner):
            value = judged(inner, pair)
            return None if value is None else _function(name, value)
        case (op, left, right):
            a, b = judged(left, pair), judged(right, pair)
            return None if a is None or b is None else _operation(op, a, b)
    raise AssertionError(tree)


def _happened(times: list[datetime | None], days: float | None) -> bool | None:
    if days is None:
        return bool(times)
    recent = any(at is not None and (AS_OF - at) / timedelta(days=1) < days for at in times)
    return True if recent else None if None in times else False


def _function(name: str, value: Any) -> Any:
    if name == "lower":
        return value.lower()
    if name == "level":
        return LEVELS.index(value) if value in LEVELS else None
    if name == "days_since":
        return (AS_OF - value) / timedelta(days=1)
    return AS_OF.year - value.year - ((AS_OF.month, AS_OF.day) < (value.month, value.day))


def _operation(op: str, a: Any, b: Any) -> Any:
    if op == "/" and b == 0:
        return None
    return {
        "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b,
        "<": lambda: a < b, "<=": lambda: a <= b, ">": lambda: a > b, ">=": lambda: a >= b,
        "==": lambda: a == b, "!=": lambda: a != b,
    }[op]()  # fmt: skip
