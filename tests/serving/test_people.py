"""People are counted alike in a snapshot and in its facts, whichever way an edge to them goes."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders import facts
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.serving.positions import Positions
from graphrec.serving.reasons.people import People
from tests.training import bank

USERS, LIVES = 9, Hop("LIVES_IN", reverse=True)


@pytest.fixture
def towns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """Three of nine users are of each town, whose edges lead to them; who has an even number bought p0."""
    monkeypatch.setitem(bank.ENDS, "LIVES_IN", ("Town", "User"))
    lives: list[bank.Event] = [(f"t{n % 3}", f"u{n}", n) for n in range(USERS)]
    bought: list[bank.Event] = [(f"u{n}", f"p{n % 2}", n) for n in range(USERS)]
    return bank.make(tmp_path / "snapshot", {"LIVES_IN": lives, "BOUGHT": bought})


@pytest.mark.parametrize("before", [USERS, 5])
@pytest.mark.parametrize("told", ["snapshot", "facts", "facts of before"])
def test_who_has_an_attribute_that_leads_to_them_is_counted(
    towns: Snapshot, before: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told == "facts of before":
        # An older graphrec wrote edges that lead to users from these alone.
        monkeypatch.setitem(facts.OTHER_END, True, ())
    graph = towns if told == "snapshot" else facts.write_facts(tmp_path / "facts", towns)
    people = People(graph, Positions(graph), None if before == USERS else bank.day(before))
    for town in range(3):
        there = [n for n in range(before) if n % 3 == town]
        counted = people.with_attribute(LIVES, graph.nodes("Town").ids.find(f"t{town}"), 0, user=0)
        assert counted == (len(there), sum(n % 2 == 0 for n in there)), town


def test_edges_that_lead_to_users_read_alike_from_both_ends(towns: Snapshot, tmp_path: Path) -> None:
    whole, turned = towns.edges("LIVES_IN"), facts.write_facts(tmp_path / "facts", towns).edges("LIVES_IN")
    assert turned.is_by_target
    for name in ("indptr", "indices", "at", "known_at"):
        assert np.asarray(getattr(turned, name)).tolist() == np.asarray(getattr(whole, name)).tolist(), name
    assert turned.weight is None
    assert len(turned) == USERS
