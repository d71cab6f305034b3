"""Groups of a column: every user in one, whatever the values look like."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from graphrec.evaluation.details import Wanted
from graphrec.evaluation.evaluate import evaluate
from graphrec.evaluation.groups import SMALLER, _attributes, _masks, large_enough
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.training.fit import TrainOptions, train
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


def masks(*groups: list[int], size: int) -> dict[str, np.ndarray]:
    """Masks of rows by a letter."""
    return {chr(97 + n): np.isin(np.arange(size), group) for n, group in enumerate(groups)}


def sizes(groups: dict[str, np.ndarray], owners: np.ndarray, least: int) -> dict[str, int]:
    found = large_enough(groups, owners, least)
    return {name: len(np.unique(owners[mask])) for name, mask in found.items()}


def test_groups_of_fewer_than_min_group_people_are_summed() -> None:
    alone = np.arange(12)
    several = masks([0, 1], [2, 3, 4, 5], [6], [7, 8, 9, 10, 11], size=12)
    assert sizes(several, alone, 3) == {"b": 4, "d": 5, SMALLER: 3}
    assert sizes(several, alone, 1) == {"a": 2, "b": 4, "c": 1, "d": 5}


def test_no_difference_tells_of_a_small_group() -> None:
    """One small group alone would be all minus what is shown: the smallest of the others goes with it."""
    one = masks([0, 1], [2, 3, 4, 5], [6, 7, 8, 9, 10], size=11)
    assert sizes(one, np.arange(11), 3) == {"c": 5, SMALLER: 6}
    assert sizes(masks([0, 1], size=2), np.arange(2), 3) == {}


def test_people_are_counted_not_rows() -> None:
    """Four rows of two people are two people."""
    rows = masks([0, 1, 2, 3], [4, 5, 6], size=7)
    assert sizes(rows, np.array([0, 0, 1, 1, 2, 3, 4]), 3) == {SMALLER: 5}


def test_no_group_of_a_report_is_smaller_than_min_group(tmp_path: Path) -> None:
    """Two users hold more than all others: their bin of holdings was shown alone, with two people."""
    snapshot = bank.taste_bank(tmp_path / "s", users=24, heavy=2, min_group=3)
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("kernel", fixed=True)).path
    details = evaluate(snapshot, folder, ks=(3,), wanted=Wanted(explain_users=2)).details
    assert details is not None
    groups = [*details.holdings, *details.holders, *(group for one in details.segments for group in one.groups)]
    assert min(group.users for group in groups) >= snapshot.schema.roles.min_group
    assert SMALLER in {group.name for group in details.holdings}
    assert details.explanations is None  # of two users, which are fewer than three
