"""Faults of the data that a snapshot holds: what cannot be, or is written in two ways, column by column.

missing      no value at all, or more without one than quality.toml allows
range        a value outside of what quality.toml allows, or of no value that it names
outlier      beyond q99 + 10 (q99 - q50), or below q1 - 10 (q50 - q1), where both differ
sign         below 0 where 99 in 100 values are not
future       a time after the date where 99 in 100 are before it
placeholder  a text that stands for no value, or a number of nines or -1 at the end of its column that is repeated
spelling     texts that are one after trimming and without regard to case
twice        nodes that agree in every column, with at least LEAST_EQUAL values, where chance would not make them agree;
             names of products that are equal
repeated     events of one pair at the same moment with the same weight, where moments are finer than days
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.series import series_columns
from graphrec.monitoring.quality_file import ColumnRule, QualityFile

Floats = NDArray[np.float64]
FEW = 0.01
"""What is rarer than this beside the rest is a fault, not a habit."""
FAR = 10.0
LEAST = 50
"""Values of a column, below which nothing is said of outliers, signs and futures."""
MOST_TEXTS = 1000
"""Different texts of a column, above which spellings are not compared."""
LEAST_EQUAL = 4
BY_CHANCE = 0.01
"""Pairs of nodes that columns would make equal by chance, from which on being equal says nothing."""
NAMED = 3
"""Nodes that a fault names."""
DAY = 86_400_000_000
_NOTHING = {"", "-", "?", "n/a", "na", "n.a.", "null", "none", "nil", "nan", "#n/a", "unknown", "tbd", "xxx"}
_LEVELS, _OFTEN = 20, 0.01
"""``none`` is an answer ("knowledge: none, basic, good") among few levels, where more than a hundredth gives it."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a column, a label or an edge type."""

    kind: str
    about: str
    """Label and column, or the edge type."""
    count: int
    """Nodes or events."""
    detail: str
    ids: tuple[str, ...]
    """The first of them; none for edges."""


@dataclass(frozen=True)
class ColumnSummary:
    """What a column holds."""

    label: str
    column: str
    kind: str
    values: int
    missing: float
    """Share without a value."""
    distinct: int
    low: str | float | None
    high: str | float | None


def summaries(snapshot: Snapshot) -> Iterator[ColumnSummary]:
    """Each public column of each label."""
    for label, column, kind, values, valid in _columns(snapshot):
        known = values[valid]
        ends: tuple[str | float | None, str | float | None] = (None, None)
        if len(known) and kind != "text":
            ends = tuple(_shown(kind, float(one)) for one in (known.min(), known.max()))  # type: ignore[assignment]
        share = 1 - len(known) / max(len(values), 1)
        yield ColumnSummary(label, column, kind, len(values), share, len(np.unique(known)), *ends)


def faults(snapshot: Snapshot, file: QualityFile, as_of: int) -> list[Fault]:
    """All faults, by label and column.

    Args:
        as_of: the date of answers in microseconds since 1970.
    """
    found: list[Fault] = []
    for label, column, kind, values, valid in _columns(snapshot):
        rule = file.columns.get(label, {}).get(column, ColumnRule())
        ids = snapshot.nodes(label).ids
        if not valid.any() and column in series_columns(snapshot.schema, label):
            # Too short a series has no change of a year.
            continue
        for name, detail, wrong in _of_column(kind, values, valid, rule, as_of):
            places = np.flatnonzero(wrong)
            shown = tuple(ids[int(place)] for place in places[:NAMED])
            found.append(Fault(name, f"{label}.{column}", len(places), detail, shown))
    found += _spelled_twice(snapshot)
    found += _twice(snapshot)
    found += _repeated(snapshot)
    return found


def _columns(snapshot: Snapshot) -> Iterator[tuple[str, str, str, NDArray[np.generic], NDArray[np.bool_]]]:
    """Label, column, kind, values and which are there; personal columns are in no snapshot."""
    for label in sorted(snapshot.schema.nodes):
        nodes = snapshot.nodes(label)
        for column, kind in sorted(nodes.columns.items()):
            held = nodes.column(column)
            valid = np.asarray(held.valid[:], np.bool_)
            whole = (
                np.array([str(one) for one in held.values[:]], object) if kind == "text" else np.asarray(held.values[:])
            )
            yield label, column, kind, whole if kind == "text" else whole.astype(np.float64), valid


Found = Iterator[tuple[str, str, NDArray[np.bool_]]]


def _of_column(kind: str, values: NDArray[np.generic], valid: NDArray[np.bool_], rule: ColumnRule, as_of: int) -> Found:
    """Kind of fault, what is wrong, and where."""
    share = float((~valid).mean()) if len(valid) else 0.0
    if len(valid) and not valid.any():
        yield "missing", "no node has a value", ~valid
        return
    if rule.missing is not None and share > rule.missing:
        yield "missing", f"{share:.1%} have no value, and {rule.missing:.1%} are allowed", ~valid
    if kind == "text":
        yield from _of_texts(values, valid, rule)
    elif kind in ("integer", "real"):
        yield from _of_numbers(values.astype(np.float64), valid, rule)
    elif kind == "time":
        late = valid & (values.astype(np.float64) > as_of)
        if 0 < late.sum() <= FEW * valid.sum() and valid.sum() >= LEAST:
            yield "future", f"after {_shown('time', as_of)}, up to {_shown('time', float(values[late].max()))}", late


def _of_texts(values: NDArray[np.generic], valid: NDArray[np.bool_], rule: ColumnRule) -> Found:
    known, back = np.unique(values[valid].astype(str), return_inverse=True)
    at = np.flatnonzero(valid)

    def where(chosen: list[int]) -> NDArray[np.bool_]:
        wrong = np.zeros(len(valid), np.bool_)
        wrong[at[np.isin(back, chosen)]] = True
        return wrong

    often = np.bincount(back) >= _OFTEN * len(back)
    answers = {n for n, text in enumerate(known) if text in rule.values}
    if len(known) <= _LEVELS:
        answers |= {n for n, text in enumerate(known) if text.strip().casefold() == "none" and often[n]}
    nothing = [n for n, text in enumerate(known) if text.strip().casefold() in _NOTHING and n not in answers]
    if nothing:
        yield "placeholder", f"stands for no value: {_listed([known[n] for n in nothing])}", where(nothing)
    if rule.values:
        other = [n for n, text in enumerate(known) if text not in rule.values and n not in nothing]
        if other:
            yield "range", f"not among what is allowed: {_listed([known[n] for n in other])}", where(other)
    if len(known) <= MOST_TEXTS:
        same: dict[str, list[int]] = {}
        for n, text in enumerate(known):
            same.setdefault(" ".join(text.split()).casefold(), []).append(n)
        counts = np.bincount(back, minlength=len(known))
        for group in (one for one in same.values() if len(one) > 1 and one[0] not in nothing):
            rare = sorted(group, key=lambda n: (counts[n], n))[:-1]
            yield "spelling", f"the same but for case and spaces: {_listed([known[n] for n in group])}", where(rare)


def _of_numbers(values: Floats, valid: NDArray[np.bool_], rule: ColumnRule) -> Found:
    known = values[valid]
    wrong = np.zeros(len(valid), np.bool_)
    if rule.range is not None:
        low, high = rule.range
        wrong = valid & ((values < low) | (values > high))
        if wrong.any():
            shown = _listed([f"{one:g}" for one in np.unique(values[wrong])])
            yield "range", f"outside {low:g} to {high:g}: {shown}", wrong
    if len(known) < LEAST:
        return
    for end in (known.min(), known.max()):
        repeated = valid & (values == end) & ~wrong
        if repeated.sum() > 1 and _stands_for_nothing(float(end), known[known != end]):
            yield "placeholder", f"{end:g} stands for no value", repeated
            wrong = wrong | repeated
    negative = valid & (values < 0) & ~wrong
    if 0 < negative.sum() <= FEW * len(known):
        yield "sign", f"below 0 where others are not, down to {values[negative].min():g}", negative
        wrong = wrong | negative
    rest = values[valid & ~wrong]
    if rule.range is None and len(rest) >= LEAST:
        low, middle, high = np.quantile(rest, [0.01, 0.5, 0.99])
        far = valid & ~wrong & ((values > high + FAR * (high - middle)) | (values < low - FAR * (middle - low)))
        far &= (high > middle) & (low < middle)
        if 0 < far.sum() <= FEW * len(known):
            yield "outlier", f"far from the rest ({low:g} to {high:g}): {_listed([f'{x:g}' for x in values[far]])}", far


def _stands_for_nothing(value: float, rest: Floats) -> bool:
    """Whether a number at the end of a column is one that people write for no value.

    >>> _stands_for_nothing(999999.0, np.array([3.0, 700.0])), _stands_for_nothing(99.0, np.array([3.0, 98.0]))
    (True, False)
    """
    if not len(rest):
        return False
    if value < 0:
        return value in (-1.0, -9.0, -99.0, -999.0, -9999.0) and float(rest.min()) >= 0
    text = f"{value:.0f}"
    return value == int(value) and len(text) >= 3 and set(text) == {"9"} and value > 2 * float(rest.max())


def _spelled_twice(snapshot: Snapshot) -> Iterator[Fault]:
    """Nodes other than customers and products whose ids differ in case and spaces alone."""
    for label in sorted(snapshot.schema.nodes.keys() - {snapshot.schema.roles.user, snapshot.schema.roles.product}):
        ids = snapshot.nodes(label).ids
        if len(ids) > MOST_TEXTS:
            continue
        same: dict[str, list[str]] = {}
        for one in ids:
            same.setdefault(" ".join(str(one).split()).casefold(), []).append(str(one))
        groups = [sorted(group) for group in same.values() if len(group) > 1]
        if groups:
            shown = [one for group in groups for one in group]
            told = f"the same but for case and spaces: {_listed(shown)}"
            yield Fault("spelling", label, len(shown) - len(groups), told, tuple(shown[:NAMED]))


def _twice(snapshot: Snapshot) -> Iterator[Fault]:
    """Nodes that are there more than once under different ids."""
    roles = snapshot.schema.roles
    by_label: dict[str, dict[str, tuple[NDArray[np.generic], NDArray[np.bool_]]]] = {}
    for label, column, _, values, valid in _columns(snapshot):
        if label in (roles.user, roles.product):
            by_label.setdefault(label, {})[column] = (values, valid)
    for label, columns in by_label.items():
        ids = snapshot.nodes(label).ids
        rows: dict[tuple[object, ...], list[int]] = {}
        for place in range(len(ids)):
            row = tuple(values[place] if valid[place] else None for values, valid in columns.values())
            if sum(one is not None for one in row) >= LEAST_EQUAL:
                rows.setdefault(row, []).append(place)
        groups = [group for group in rows.values() if len(group) > 1]
        if groups and _alike_by_chance(list(columns.values()), len(ids)) < BY_CHANCE:
            shown = tuple(ids[place] for group in groups for place in group)[:NAMED]
            yield Fault("twice", label, sum(len(one) - 1 for one in groups), "equal in every column", shown)
    name = snapshot.schema.nodes[roles.product].name
    if name is not None and name in by_label.get(roles.product, {}):
        values, valid = by_label[roles.product][name]
        places: dict[str, list[int]] = {}
        for place in np.flatnonzero(valid).tolist():
            places.setdefault(" ".join(str(values[place]).split()).casefold(), []).append(place)
        again = [one for one in places.values() if len(one) > 1]
        if again:
            ids = snapshot.nodes(roles.product).ids
            shown = tuple(ids[place] for group in again for place in group)[:NAMED]
            yield Fault("twice", f"{roles.product}.{name}", sum(len(one) - 1 for one in again), "one name", shown)


def _alike_by_chance(columns: Sequence[tuple[NDArray[np.generic], NDArray[np.bool_]]], count: int) -> float:
    """How many pairs of nodes would be equal in every column if columns had nothing to do with each other.

    Args:
        columns: values, and which are there.
        count: of nodes.
    """
    expected = count * (count - 1) / 2
    for values, valid in columns:
        _, of_value = np.unique(values[valid], return_counts=True)
        missing = count - int(of_value.sum())
        expected *= float((of_value.astype(np.float64) ** 2).sum() + missing**2) / count**2
    return expected


def _repeated(snapshot: Snapshot) -> Iterator[Fault]:
    """Events that are booked twice."""
    for name in snapshot.types:
        edges = snapshot.edges(name)
        at = np.asarray(edges.at[:])
        dated = at[at != ALWAYS]
        if not len(dated) or not (dated % DAY).any():
            continue
        indptr = np.asarray(edges.indptr[:], np.int64)
        source = np.repeat(np.arange(len(indptr) - 1), indptr[1:] - indptr[:-1])
        weight = np.zeros(len(at)) if edges.weight is None else np.nan_to_num(np.asarray(edges.weight[:], np.float64))
        rows = np.stack([source, np.asarray(edges.indices[:]), at, weight.view(np.int64)], axis=1)[at != ALWAYS]
        count = len(rows) - len(np.unique(rows, axis=0))
        if count:
            yield Fault("repeated", name, count, "the same pair, moment and weight", ())


def _listed(values: list[str] | list[object]) -> str:
    shown = [repr(str(one)) if str(one) != str(one).strip() or not str(one) else str(one) for one in values]
    return ", ".join(shown[:NAMED]) + (f" and {len(shown) - NAMED} more" if len(shown) > NAMED else "")


def _shown(kind: str, value: float) -> str | float:
    return str(np.datetime64(int(value), "us"))[:10] if kind == "time" else value


def known_columns(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """The columns of each label that rules may name."""
    return {label: tuple(snapshot.nodes(label).columns) for label in snapshot.schema.nodes}
