"""Measures: found where something moved, silent where chance did, equal to their formulas."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import UsageError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.probabilities import stability_index
from graphrec.monitoring.inputs import _histograms, inputs
from graphrec.monitoring.limits import Limits, MonitorFile, read_monitor
from graphrec.monitoring.measure import index_of, measured
from tests.banks import SCHEMA, bank_snapshot, small_bank


def test_the_index_is_that_of_the_risk_report() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.normal(0, 1, 900), np.append(rng.normal(0.7, 1, 700), [np.nan] * 50)
    value, chance = index_of(*_histograms(before, after))
    assert value == pytest.approx(stability_index(before, after), abs=1e-12)
    assert chance < 1e-12


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


def test_limits_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "monitor.toml"
    assert read_monitor(file) == MonitorFile()
    file.write_text("window_days = 7\n[limits]\npsi = { warn = 0.2, alarm = 0.3 }\n")
    found = read_monitor(file)
    assert (found.window_days, found.limits.psi.alarm, found.limits.empty) == (7, 0.3, Limits().empty)
    file.write_text("[limits]\npsi = { warn = 0.3, alarm = 0.2 }\n")
    with pytest.raises(UsageError, match=r"line 2.*warn 0\.3 is above alarm 0\.2; want it below"):
        read_monitor(file)
