"""What moved in a graph between two of its snapshots: columns, new values, volumes. No node is named."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS, ColumnArray, Snapshot
from graphrec.metrics.rates import chi_squared_tail
from graphrec.monitoring.limits import Limits
from graphrec.monitoring.measure import Counts, Measure, counted, doublings, index_of, measured

DAY = 86_400_000_000
MOST_VALUES = 200
"""Of a column of texts that is compared value by value; one with more is a name."""
BINS = 10
SHOWN = 5
"""New values that are named, at most."""
FEW = 30
"""Events in a window from which on its volume is judged."""


def inputs(before: Snapshot, after: Snapshot, limits: Limits, window_days: int) -> Iterator[Measure]:
    """Every measure of the inputs, columns in the order of their labels and names."""
    yield from _gone(before, after, limits)
    for label in [one for one in after.labels if one in before.labels]:
        yield from _volume_of_nodes(before, after, label, limits)
        yield from _columns(before, after, label, limits)
    yield from _holdings(before, after, limits)
    for name in after.types:
        yield from _volume_of_edges(after, name, limits, window_days)
        if name in before.types:
            yield from _weights(before, after, name, limits)


def last_day(snapshot: Snapshot) -> int | None:
    """The day of the last event of a snapshot, in microseconds since 1970; None without times.

    Events after the day on which it was taken do not count.
    """
    last = snapshot.meta.last
    return None if last is None else int(np.datetime64(last[:10], "us").astype(np.int64))


def _gone(before: Snapshot, after: Snapshot, limits: Limits) -> Iterator[Measure]:
    """Labels, types and columns that are there no more."""
    gone = [f"label {one}" for one in before.labels if one not in after.labels]
    gone += [f"type {one}" for one in before.types if one not in after.types]
    for label in [one for one in before.labels if one in after.labels]:
        there = after.nodes(label).columns
        gone += [f"{label}.{name}" for name in sorted(before.nodes(label).columns) if name not in there]
    yield measured("inputs", "columns_gone", "graph", float(len(gone)), limits, note=", ".join(gone[:SHOWN]))


def _volume_of_nodes(before: Snapshot, after: Snapshot, label: str, limits: Limits) -> Iterator[Measure]:
    first, second = before.count(label), after.count(label)
    value = doublings(first, second) if max(first, second) >= FEW else None
    yield measured("inputs", "volume", label, value, limits, note=f"{first:,} to {second:,}")


def _columns(before: Snapshot, after: Snapshot, label: str, limits: Limits) -> Iterator[Measure]:
    schema = after.schema.nodes[label]
    least = after.schema.roles.min_group if label == after.schema.roles.user else 1
    names = {schema.name, schema.crm_id, *schema.encoded}
    for name, kind in sorted(after.nodes(label).columns.items()):
        if name in names or before.nodes(label).columns.get(name) != kind:
            continue
        about = f"{label}.{name}"
        first, second = (_read(one, label, name) for one in (before, after))
        shares = [float(one.missing.mean()) if len(one.missing) else 0.0 for one in (first, second)]
        yield measured(
            "inputs", "missing", about, abs(shares[1] - shares[0]), limits,
            by_chance=index_of(*(np.array([one.missing.sum(), (~one.missing).sum()]) for one in (first, second)))[1],
            note=f"{shares[0]:.1%} to {shares[1]:.1%} without a value",
        )  # fmt: skip
        if first.texts is None or second.texts is None:
            value, chance = index_of(*_histograms(first.numbers, second.numbers))
            yield measured("inputs", "psi", about, value, limits, by_chance=chance)
            continue
        known, now = sorted(set(first.texts)), set(second.texts)
        if not known or len(known) > MOST_VALUES:
            continue
        fresh = sorted(now - set(known))
        every = [*known, *fresh]
        counts = [counted(one.texts or [], every) for one in (first, second)]
        value, chance = index_of(
            *(np.append(n, one.missing.sum()) for n, one in zip(counts, (first, second), strict=True))
        )
        yield measured("inputs", "psi", about, value, limits, by_chance=chance)
        of_fresh = counts[1][len(known) :]
        named = [f"{one} ({count:,})" for one, count in zip(fresh, of_fresh.tolist(), strict=True) if count >= least]
        share = float(of_fresh.sum()) / max(len(second.missing), 1)
        note = ", ".join(named[:SHOWN]) or (f"{len(fresh):,} values that few have" if fresh else "")
        yield measured("inputs", "new_values", about, share, limits, note=note)


@dataclass(frozen=True, eq=False)
class _Values:
    """The values of one column: texts, or numbers with NaN where there is none."""

    texts: list[str] | None
    numbers: NDArray[np.float64]
    missing: NDArray[np.bool_]


def _read(snapshot: Snapshot, label: str, name: str) -> _Values:
    column: ColumnArray = snapshot.nodes(label).column(name)
    valid = np.asarray(column.valid.whole(), np.bool_)
    if column.kind == "text":
        return _Values([str(column.values[int(n)]) for n in np.flatnonzero(valid)], np.zeros(0), ~valid)
    numbers = np.asarray(column.values, np.float64)
    if column.kind == "time":
        # A date moves with the calendar: what counts is how long ago it was.
        numbers = ((last_day(snapshot) or 0) - numbers) / DAY
    return _Values(None, np.where(valid, numbers, np.nan), ~valid)


def _histograms(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[Counts, Counts]:
    """How many of each are between tenths of the first; what has no value is a group of its own."""
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    first, second = (
        np.bincount(
            np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left")),
            minlength=len(edges) + 2,
        )
        for values in (before, after)
    )
    return first, second


def _holdings(before: Snapshot, after: Snapshot, limits: Limits) -> Iterator[Measure]:
    """How many edges of each interaction customers have."""
    roles = after.schema.roles
    for name in roles.interactions:
        if name in before.types and name in after.types:
            first, second = (np.diff(one.edges(name).indptr.whole()).astype(np.float64) for one in (before, after))
            value, chance = index_of(*_histograms(first, second))
            yield measured("inputs", "psi", f"{name} per {roles.user}", value, limits, by_chance=chance)


def _volume_of_edges(after: Snapshot, name: str, limits: Limits, window_days: int) -> Iterator[Measure]:
    """What happened in the last days of the data beside the mean of up to three windows before it."""
    times, end = np.asarray(after.edges(name).at.whole()), last_day(after)
    times = times[times != ALWAYS]
    if end is None or not len(times):
        return
    span = window_days * DAY
    ago = (end + DAY - 1 - times) // span
    # A window that the data begin in counts where they fill nine tenths of it.
    windows = min(3, int((end + DAY - int(times.min()) + span // 10) // span) - 1)
    if windows < 1:
        return
    counts = np.bincount(ago[(ago >= 0) & (ago <= windows)], minlength=windows + 1)
    usual = float(counts[1:].mean())
    value = doublings(usual, float(counts[0])) if usual >= FEW else None
    yield measured(
        "inputs", "volume", name, value, limits, by_chance=_poisson(usual, float(counts[0])),
        note=f"{counts[0]:,} in {window_days} days, {usual:,.0f} usually",
    )  # fmt: skip


def _poisson(usual: float, now: float) -> float:
    """How often chance alone moves a count so far from what is usual."""
    return chi_squared_tail(min((now - usual) ** 2 / max(usual + now, 1.0), 1400.0), 1)


def _weights(before: Snapshot, after: Snapshot, name: str, limits: Limits) -> Iterator[Measure]:
    first, second = before.edges(name).weight, after.edges(name).weight
    if first is not None and second is not None:
        value, chance = index_of(*_histograms(first.whole().astype(np.float64), second.whole().astype(np.float64)))
        yield measured("inputs", "psi", f"{name} weight", value, limits, by_chance=chance)
