"""Groups of a column: every user in one, whatever the values look like."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from graphrec.evaluation.groups import _attributes, _masks
from graphrec.graph.adjacency import visible_graph
from graphrec.graph.snapshot import Snapshot
from tests.training import bank

HOUR = 3_600_000_000


def groups_of(kind: str, values: list[float]) -> dict[str, list[int]]:
    """The places of the users in each group."""
    column = SimpleNamespace(kind=kind, values=np.array(values), valid=np.ones(len(values), np.bool_))
    found = _masks(column, np.arange(len(values), dtype=np.int32))  # type: ignore[arg-type]
    return {name: np.flatnonzero(mask).tolist() for name, mask in found.items()}


def test_long_numbers_are_told_apart() -> None:
    assert groups_of("integer", [1_000_001, 1_000_002, 1_000_001]) == {"1000001": [0, 2], "1000002": [1]}


def test_bands_of_a_measure_hold_a_quarter_each() -> None:
    found = groups_of("real", [n / 2 for n in range(16)])
    assert [len(rows) for rows in found.values()] == [4, 4, 4, 4]
    assert list(found) == ["below 1.875", "1.875 to 3.75", "3.75 to 5.625", "5.625 and more"]


@pytest.mark.parametrize("per_day", [1, 16])
def test_bands_whose_bounds_read_alike_are_one(per_day: int) -> None:
    found = groups_of("time", [n * 24 // per_day * HOUR for n in range(16)])
    assert sorted(row for rows in found.values() for row in rows) == list(range(16))
    if per_day == 16:
        assert list(found) == ["below 1970-01-01", "1970-01-01 and more"]


def test_nodes_of_one_name_are_told_apart_by_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = bank.taste_bank(tmp_path / "s", users=4)
    monkeypatch.setattr(Snapshot, "name", lambda *_: "Newtown")
    members = _attributes(snapshot, visible_graph(snapshot), np.arange(4, dtype=np.int32))
    towns = next(one for one in members if one.attribute == "LIVES_IN")
    found = {name: np.flatnonzero(mask).tolist() for name, mask in towns.masks.items()}
    assert found == {"Newtown": [0, 2], "Newtown (t1)": [1, 3]}
