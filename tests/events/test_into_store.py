"""The next load takes events into the store, and what the files have by then is not counted twice."""

from pathlib import Path
from typing import Any

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.jobs import AskQuery, Load, Refresh
from graphrec.app.requests import Recommend
from graphrec.app.results import Loaded
from graphrec.events.fold import Pending
from graphrec.graph.folders.facts import FactsShelf
from tests.events.conftest import bank_in, purchases, views, write_files

EDGES = 'MATCH (c:Customer {id: "c00"})-[b:BOUGHT]->() RETURN b.key AS key, b.sources AS sources'


def sent(bank: Bank, *events: dict[str, Any]) -> None:
    accept(bank, [{"user": "c00", "at": "2025-06-01T09:00:00Z", **event} for event in events])


def loaded(bank: Bank, shop: Path) -> Loaded:
    return bank.load(Load(str(shop / "files" / "shop.toml")))


def from_events(bank: Bank) -> dict[str, list[str]]:
    """By key, the sources of c00's purchases that the files did not always have."""
    rows = bank.query(AskQuery(EDGES)).rows
    old = {trade for user, _, trade, *_ in purchases() if user == "c00"}
    return {str(key): list(sources) for key, sources in rows if key not in old}  # type: ignore[call-overload]


def answer(bank: Bank) -> list[tuple[str, float]]:
    return [
        (item.product, item.score) for item in bank.recommend(Recommend("c00", 4, "kernel", record=False)).answer.items
    ]


@pytest.mark.slow
def test_a_load_takes_events_in_once_and_answers_stay(bank: Bank, shop: Path) -> None:
    sent(
        bank,
        {"id": "e1", "type": "bought", "product": "p0", "key": "T1", "quantity": 100},
        {"id": "e2", "type": "bought", "product": "p2"},
        {"id": "e3", "type": "viewed", "product": "p5"},
        {"id": "e4", "type": "advised", "set": {"risk": 2}},
    )
    before = answer(bank)
    done = loaded(bank, shop)
    assert done.events == {"written": 4, "superseded": 0, "waiting": 0}
    assert done.took_events
    assert from_events(bank) == {"T1": ["event log"], "event:e2": ["event log"]}
    assert bank.query(AskQuery('MATCH (c:Customer {id: "c00"}) RETURN c.risk AS risk')).rows == ((2,),)
    other = bank_in(shop)
    assert Pending(FactsShelf(other.home.facts).latest(), other.events.log).of_user("c00") is None
    assert answer(other) == before
    again = loaded(other, shop)
    assert (again.took_events, again.is_new) == (False, False)


@pytest.mark.slow
def test_what_the_files_bring_by_then_supersedes_events(bank: Bank, shop: Path) -> None:
    sent(
        bank,
        {"id": "keyed", "type": "bought", "product": "p0", "key": "T1"},
        {"id": "free", "type": "bought", "product": "p2"},
        {"id": "late", "type": "bought", "product": "p4", "at": "2025-06-01T23:00:00Z"},
        {"id": "said", "type": "advised", "set": {"consent": "no"}},
    )
    rows = [("c00", "p0", "T1", "2025-06-01T09:00:00", "100"), ("c00", "p2", "T2", "2025-06-01T09:00:01", "100")]
    mapping = (
        (shop / "files" / "shop.toml")
        .read_text()
        .replace("AS DATE) AS day, CAST(amount", "AS TIMESTAMP) AS day, CAST(amount")
    )
    write_files(shop / "files", [*purchases(), *rows], mapping=mapping)
    done = loaded(bank, shop)
    assert done.events == {"written": 1, "superseded": 3, "waiting": 0}
    assert from_events(bank) == {"T1": ["shop"], "T2": ["shop"], "event:late": ["event log"]}
    assert bank.recommend(Recommend("c00", 4, "kernel")).answer.limits["consent"] == "yes"
    # What comes late and is of a time that the files have is not counted either.
    sent(bank, {"id": "slow", "type": "bought", "product": "p6", "at": "2025-06-01T08:00:00Z"})
    assert bank.recommend(Recommend("c00", 4, "kernel")).answer.last_event is None


@pytest.mark.slow
def test_an_event_of_an_earlier_load_goes_when_the_files_have_it(bank: Bank, shop: Path) -> None:
    sent(bank, {"id": "keyed", "type": "bought", "product": "p0", "key": "T1", "quantity": 7})
    loaded(bank, shop)
    assert from_events(bank) == {"T1": ["event log"]}
    write_files(shop / "files", [*purchases(), ("c00", "p0", "T1", "2025-06-01", "100")])
    done = loaded(bank, shop)
    assert done.events == {"written": 0, "superseded": 1, "waiting": 0}
    assert from_events(bank) == {"T1": ["shop"]}
    weight = bank.query(AskQuery('MATCH (:Customer {id: "c00"})-[b:BOUGHT {key: "T1"}]->() RETURN b.weight AS w')).rows
    assert weight == ((100.0,),)


@pytest.mark.slow
def test_a_customer_who_is_gone_takes_their_events_along(bank: Bank, shop: Path) -> None:
    accept(bank, [{"id": "e", "user": "c29", "type": "advised", "set": {"risk": 1}, "at": "2025-06-01"}])
    assert loaded(bank, shop).events == {"written": 1, "superseded": 0, "waiting": 0}
    folder = shop / "files"
    write_files(folder, [row for row in purchases() if row[0] != "c29"], [row for row in views() if row[0] != "c29"])
    people = (folder / "customers.csv").read_text().splitlines()
    (folder / "customers.csv").write_text("\n".join(one for one in people if not one.startswith("c29")) + "\n")
    assert loaded(bank, shop).events == {"written": 0, "superseded": 0, "waiting": 1}
    assert bank.query(AskQuery('MATCH (c:Customer {id: "c29"}) RETURN c.id AS id')).rows == ()


def test_a_refresh_without_files_takes_events_in(bank: Bank, shop: Path) -> None:
    assert bank.refresh(Refresh(train=False)).unchanged
    sent(bank, {"id": "e1", "type": "bought", "product": "p0"})
    done = bank.refresh(Refresh(train=False))
    assert [(step.name, step.did) for step in done.steps] == [("facts", True)]
    assert from_events(bank) == {"event:e1": ["event log"]}
    assert bank.refresh(Refresh(train=False)).unchanged
