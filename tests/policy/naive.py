"""Conditions as trees that are judged pair by pair in plain Python: what the vectorised evaluation must equal."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.policy.graphs import AS_OF, Event

#: Columns of both sides by kind.
COLUMNS = {"number": ("whole", "real"), "text": ("word", "other"), "boolean": ("flag",), "time": ("day",)}
LEVELS = ("low", "Mid", "high")
WORDS = ("low", "Mid", "high", "LOW", "", "low; high", "Mid;LOW")
Tree = tuple[Any, ...]


@dataclass(frozen=True)
class Pair:
    """One pair of user and product with its events."""

    sides: Mapping[str, Mapping[str, Any]]
    events: Sequence[Event]
    """Of the pair."""
    all_events: Sequence[Event] = ()
    """Of the user."""
    products: Sequence[Mapping[str, Any]] = ()
    product: int = 0
    issuers: Mapping[int, AbstractSet[int]] = field(default_factory=dict)
    """Of each product."""
    occasion: Mapping[str, Any] = field(default_factory=dict)

    def groups(self, product: int, by: str) -> AbstractSet[Any]:
        """The groups of a product."""
        if by == "ISSUED_BY":
            return self.issuers.get(product, set())
        return {value for value in (self.products[product].get(by),) if value is not None}


def columns(kind: str) -> st.SearchStrategy[Tree]:
    """A column of a kind."""
    return st.tuples(st.just("column"), st.sampled_from(["user", "product"]), st.sampled_from(COLUMNS[kind]))


texts = st.one_of(columns("text"), st.tuples(st.just("text"), st.sampled_from(WORDS)))
texts = st.one_of(texts, st.tuples(st.just("lower"), texts))
counted = st.tuples(
    st.sampled_from(["count", "total"]),
    st.just("BOUGHT"),
    st.sampled_from([None, 1, 30, 30.5]),
    st.sampled_from([None, "word", "whole", "ISSUED_BY"]),
)
times = st.one_of(
    columns("time"), st.just(("now",)), st.tuples(st.just("date"), st.dates(date(2000, 1, 1), date(2025, 12, 31)))
)
numbers = st.recursive(
    st.one_of(
        columns("number"),
        st.tuples(st.just("number"), st.integers(-3, 3)),
        st.tuples(st.just("level"), texts),
        st.just(("occasion", "amount")),
        counted,
        st.tuples(st.just("count"), st.just("COMPLAINED"), st.sampled_from([None, 30]), st.none()),
        st.tuples(st.sampled_from(["days_since", "years_since"]), times),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*/"), inner, inner), st.tuples(st.sampled_from(["min", "max"]), inner, inner)
    ),
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
    st.tuples(st.just("in group"), st.sampled_from([None, 1, 30]), st.sampled_from(["word", "whole", "ISSUED_BY"])),
    st.tuples(st.just("complained"), st.sampled_from([None, 1, 30])),
    st.tuples(st.just("contains"), columns("text"), texts),
    st.tuples(st.just("=="), st.just(("occasion", "channel")), texts),
    st.tuples(st.just("truth"), st.booleans()),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
        st.tuples(st.just("if"), inner, inner, inner),
        st.tuples(st.just("if value"), inner, numbers, numbers),
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
        case ("held" | "now" as name,):
            return name
        case ("occasion", name):
            return str(name)
        case ("count" | "total" as name, kind, days, by):
            return _call(name, kind, days, by)
        case ("in group", days, by):
            return _call("happened", "BOUGHT", days, by)
        case ("complained", days):
            return _call("happened", "COMPLAINED", days, None)
        case ("contains", whole, part):
            return f"contains({written(whole)}, {written(part)})"
        case ("min" | "max" as name, left, right):
            return f"{name}({written(left)}, {written(right)})"
        case ("if", test, one, other):
            return f"({written(one)}) if ({written(test)}) else ({written(other)})"
        case ("if value", test, one, other):
            return f"(({written(one)}) if ({written(test)}) else ({written(other)})) > 0"
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


def _call(name: str, kind: str, days: float | None, by: str | None) -> str:
    group = None if by is None else f'"{by}"' if by == "ISSUED_BY" else f"product.{by}"
    return f"{name}({', '.join([repr(kind), *(str(part) for part in (days, group) if part is not None)])})"


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
        case ("now",):
            return AS_OF
        case ("occasion", name):
            return pair.occasion.get(name)
        case ("count" | "total" as name, kind, days, by):
            return _number(pair, kind, days, by, weighed=name == "total")[0]
        case ("in group", days, by):
            value, known = _number(pair, "BOUGHT", days, by, weighed=False)
            return True if known else None if value is None else False
        case ("complained", days):
            value, known = _number(pair, "COMPLAINED", days, None, weighed=False)
            return True if known else None if value is None else False
        case ("contains", whole, part):
            a, b = judged(whole, pair), judged(part, pair)
            return None if a is None or b is None else b in [one.strip() for one in a.split(";") if one.strip()]
        case ("min" | "max" as name, left, right):
            a, b = judged(left, pair), judged(right, pair)
            return None if a is None or b is None else {"min": min, "max": max}[name](a, b)
        case ("if", test, one, other):
            value, a, b = judged(test, pair), judged(one, pair), judged(other, pair)
            return None if value is None else a if value else b
        case ("if value", test, one, other):
            value, a, b = judged(test, pair), judged(one, pair), judged(other, pair)
            chosen = None if value is None else a if value else b
            return None if chosen is None else chosen > 0
        case ("held",):
            return any(kind == "BOUGHT" for kind, *_ in pair.events)
        case ("happened", kind, days):
            return _happened([at for name, _, _, at, *_ in pair.events if name == kind], days)
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


def _number(pair: Pair, kind: str, days: float | None, by: str | None, *, weighed: bool) -> tuple[Any, float]:
    """The number of events or the sum of their weights, None where it is open; and what is known of it."""
    of_kind = [event for event in pair.all_events if event[0] == kind]
    if by is None:
        return _summed(of_kind, days, weighed=weighed)
    groups = pair.groups(pair.product, by)
    sums = [_summed([e for e in of_kind if g in pair.groups(e[2], by)], days, weighed=weighed) for g in groups]
    known = max((one[1] for one in sums), default=0)
    return (None if not sums or any(one[0] is None for one in sums) else known), known


def _summed(events: Sequence[Event], days: float | None, *, weighed: bool) -> tuple[Any, float]:
    total, is_open = 0.0, False
    for _, _, _, at, *weight in events:
        if days is not None and at is not None and (AS_OF - at) / timedelta(days=1) >= days:
            continue
        if (days is not None and at is None) or (weighed and not weight):
            is_open = True
            continue
        total += weight[0] if weighed else 1
    return (None if is_open else total), total


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
