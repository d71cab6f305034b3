"""Measures: found where something moved, silent where chance did, equal to their formulas."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.errors import UsageError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.probabilities import stability_index
from graphrec.monitoring.inputs import _histograms, inputs
from graphrec.monitoring.limits import Limits, MonitorFile, read_monitor
from graphrec.monitoring.lists import Shown, Window, lists
from graphrec.monitoring.measure import index_of, measured
from graphrec.monitoring.operations import Decided, Times, latency, overrides
from graphrec.policy.facts import microseconds
from tests.banks import SCHEMA, bank_snapshot, small_bank


def test_the_index_is_that_of_the_risk_report() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(0, 1, 900), np.append(rng.normal(0.7, 1, 700), [np.nan] * 50)
    value, chance = index_of(*_histograms(before, after))
    assert value == pytest.approx(stability_index(before, after), abs=1e-12)
    assert chance < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("size", [30, 200, 3000])
def test_chance_alone_gives_no_fault(size: int) -> None:
    """1,000 pairs of samples of one distribution, numbers with tails and rare values."""
    rng, limits = np.random.default_rng(2), Limits()
    faults = 0
    for _ in range(500):
        numbers = [rng.lognormal(size=size) for _ in range(2)]
        values = [np.bincount(rng.zipf(1.6, size).clip(0, 60), minlength=61) for _ in range(2)]
        for value, chance in (index_of(*_histograms(*numbers)), index_of(*values)):
            faults += measured("inputs", "psi", "x", value, limits, by_chance=chance).state != "ok"
    assert faults == 0


def test_a_shift_is_found() -> None:
    rng, limits = np.random.default_rng(3), Limits()
    states = [
        measured("inputs", "psi", "x", value, limits, by_chance=chance).state
        for _ in range(50)
        for value, chance in [index_of(*_histograms(rng.normal(0, 1, 400), rng.normal(0.8, 1, 400)))]
    ]
    assert states.count("alarm") == 50


def test_snapshots_of_one_bank_differ_where_something_was_planted(tmp_path: Path) -> None:
    before = bank_snapshot(tmp_path / "before", customers=200)
    same = bank_snapshot(tmp_path / "same", seed=2, customers=200)
    quiet = list(inputs(before, same, Limits(), 30))
    assert [one for one in quiet if one.state not in ("ok", "unknown")] == []
    assert {one.name for one in quiet} == {"columns_gone", "volume", "missing", "psi", "new_values"}
    twice = bank_snapshot(tmp_path / "twice", customers=900)
    states = {(one.name, one.about): one.state for one in inputs(before, twice, Limits(), 30)}
    assert states["volume", "Customer"] == "alarm"
    assert states["psi", "Product.kind"] == "ok"
    gone = {one.name: one for one in inputs(before, _without_views(tmp_path / "gone"), Limits(), 30)}
    assert (gone["columns_gone"].state, gone["columns_gone"].note) == ("alarm", "type VIEWED")


def _without_views(folder: Path) -> Snapshot:
    nodes, edges = small_bank(customers=200)
    roles = replace(SCHEMA.roles, interactions=("BOUGHT",), weights={})
    schema = replace(SCHEMA, roles=roles, edges={name: one for name, one in SCHEMA.edges.items() if name != "VIEWED"})
    del edges["VIEWED"]
    return write_snapshot(folder, schema, nodes, edges)


@pytest.mark.parametrize(("days", "states"), [(35, []), (95, ["ok"])])
def test_a_source_that_has_just_begun_is_not_beside_a_part_of_a_window(
    tmp_path: Path, days: int, states: list[str]
) -> None:
    nodes, edges = small_bank(customers=200)
    viewed = edges["VIEWED"]
    day = 86_400_000_000
    at = microseconds("2026-01-01T00:00:00+00:00") - np.linspace(0, days * day, len(viewed)).astype(np.int64)
    for name in ("at", "known_at"):
        column = pa.array(at, pa.int64()).cast(viewed.schema.field(name).type)
        viewed = viewed.set_column(viewed.schema.get_field_index(name), name, column)
    begun = write_snapshot(tmp_path, SCHEMA, nodes, {**edges, "VIEWED": viewed})
    found = inputs(begun, begun, Limits(), 30)
    assert [one.state for one in found if (one.name, one.about) == ("volume", "VIEWED") and one.value != 0] == states


def test_lists_that_one_rule_refuses_whole_are_not_empty_ones() -> None:
    listed = Shown("m", ("P1",), (1.0,), (), (), {"held": 2}, 8)
    barred, empty = (Shown("m", (), (), (), (), refused, 10) for refused in ({"consent": 10}, {"held": 4, "risk": 6}))
    for some, count, state in ((barred, 0, "ok"), (empty, 20, "alarm")):
        now = Window(0, 1, 50, {f"C{n}": some if n < 20 else listed for n in range(50)})
        found = next(one for one in lists(Window(-1, 0), now, Limits(), 5) if one.name == "empty")
        assert (found.value, found.state) == (count / 50, state)
        assert found.note == f"{count} of 50" + ", and 20 that one rule refuses whole" * (count == 0)


def windows(folder: Path, before: Sequence[float], now: Sequence[float], operation: str = "recommendations") -> Times:
    """The audit log of a service that gave answers on 1 and on 2 January."""
    lines = [
        {"at": f"2026-01-0{day}T12:00:00+00:00", "operation": operation, "status": 200, "seconds": seconds}
        for day, times in ((1, before), (2, now))
        for seconds in times
    ]
    more = [{**lines[0], "status": 500, "seconds": 60.0}, {"at": "2026-01-02T12:00:00+00:00", "caller": "old line"}]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(one) + "\n" for one in (*lines, *more))
    (folder / "access-2026-01.log").write_text(text + "half a li", "utf-8")
    days = [microseconds(f"2026-01-0{day}T00:00:00+00:00") for day in (1, 2, 3)]
    return Times.read(folder, *days)


def test_a_service_that_became_slow_is_found_and_chance_is_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    usual = [rng.lognormal(-4, 0.5, 400) for _ in range(2)]
    (same,) = latency(windows(tmp_path / "same", *(one.tolist() for one in usual)), Limits())
    assert (same.name, same.about, same.state) == ("latency", "recommendations", "ok")
    (slow,) = latency(windows(tmp_path / "slow", usual[0].tolist(), (usual[1] * 5).tolist()), Limits())
    assert slow.state == "alarm"
    assert slow.value == pytest.approx(np.log2(np.quantile(usual[1] * 5, 0.95) / np.quantile(usual[0], 0.95)))
    (few,) = latency(windows(tmp_path / "few", [0.01] * 20, [1.0] * 20), Limits())
    assert (few.state, few.about) == ("unknown", "service")


def test_decisions_against_the_proposal_are_counted() -> None:
    def decided(against: int, of: int) -> Decided:
        found = Decided(0, 10)
        for place in range(of):
            found.add(place % 10, ("rejected", "modified")[place % 2] if place < against else "accepted")
        found.add(11, "rejected")
        return found

    assert overrides(decided(5, 100), decided(60, 100), Limits()).state == "alarm"
    assert overrides(decided(5, 100), decided(9, 100), Limits()).state == "ok"
    assert overrides(decided(5, 100), decided(20, 20), Limits()).state == "unknown"


def test_limits_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    assert read_monitor(file) == MonitorFile()
    file.write_text("window_days = 7\n[limits]\npsi = { warn = 0.2, alarm = 0.3 }\n")
    found = read_monitor(file)
    assert (found.window_days, found.limits.psi.alarm, found.limits.empty) == (7, 0.3, Limits().empty)
    file.write_text("[limits]\npsi = { warn = 0.3, alarm = 0.2 }\n")
    with pytest.raises(UsageError, match=r"line 2.*warn 0\.3 is above alarm 0\.2; want it below"):
        read_monitor(file)
