"""Signals in the graph of money: arrays and the Cypher of both stores find the same, each with its path."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrec import queries
from graphrec.app.bank import Bank
from graphrec.app.jobs import ListAlerts, Load, RunAlerts
from graphrec.config.settings import Settings, StoreLogin
from graphrec.finance.alerts.signals import DAY, Links, Transfers, cycles, fans, sharing
from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.store import open_store

END = date(2025, 6, 1)
BEFORE = "2025-06-01T00:00:00.000000Z"
AS_OF = int(np.datetime64(END, "us").astype(np.int64))
MAPPING = """
[source]
name = "ring"
[source.files]
people = "people.csv"
sent = { path = "sent.csv", types = { amount = "DOUBLE" } }
homes = "homes.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "customer"
sql = "SELECT customer FROM people"
[nodes.Product]
key = "product"
sql = "SELECT DISTINCT 'P' AS product FROM people"
[nodes.Account]
key = "account"
sql = "SELECT account FROM people"
[nodes.Address]
key = "address"
sql = "SELECT DISTINCT address FROM homes"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
at = "day"
sql = "SELECT customer, 'P' AS product, DATE '2024-05-05' AS day FROM people"
[edges.OWNS]
from = "Customer.customer"
to = "Account.account"
sql = "SELECT customer, account FROM people"
[edges.LIVES_AT]
from = "Customer.customer"
to = "Address.address"
sql = "SELECT customer, address FROM homes"
[edges.MOVED_TO]
from = "Customer.customer"
to = "Address.address"
at = "moment"
sql = "SELECT customer, address, CAST(moved AS TIMESTAMP) AS moment FROM homes"
[edges.SENT]
from = "Account.sender"
to = "Account.receiver"
key = "n"
at = "moment"
weight = "amount"
sql = "SELECT n, sender, receiver, CAST(sent.at AS TIMESTAMP) AS moment, amount FROM sent"
"""
ALERTS = """
[[rule]]
id = "old"
when = "count('BOUGHT') >= 1"
[[signal]]
id = "ring"
kind = "cycle"
edge = "SENT"
days = 12
keeps = 0.7
owner = "OWNS"
[[signal]]
id = "back"
kind = "loop"
edge = "SENT"
days = 12
keeps = 0.7
owner = "OWNS"
[[signal]]
id = "gather"
kind = "fan_in"
edge = "SENT"
days = 8
least = 5
owner = "OWNS"
[[signal]]
id = "scatter"
kind = "fan_out"
edge = "SENT"
days = 8
least = 5
owner = "OWNS"
[[signal]]
id = "house"
kind = "shared"
edge = "LIVES_AT"
least = 4
[[signal]]
id = "odd"
kind = "unlike"
edge = "SENT"
days = 60
share = 0.05
owner = "OWNS"
"""
Ask = Callable[[str, dict[str, str], dict[str, Any]], list[dict[str, Any]]]


def write_files(folder: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Files of sixty people with many transfers in few weeks; transfers and homes."""
    rng = np.random.default_rng(5)
    folder.mkdir()
    sent = []
    for n in range(700):
        start, end = rng.integers(60, size=2)
        moment = np.datetime64("2025-05-01T00:00:00") + np.timedelta64(int(rng.integers(0, 33 * 24)), "h")
        sent.append((n, f"a{start:02}", f"a{end:02}", str(moment).replace("T", " "), float(rng.integers(80, 140))))
    homes = []
    for n in range(60):
        moved = np.datetime64("2025-04-01") + np.timedelta64(int(rng.integers(0, 70)), "D")
        homes.append((f"c{n:02}", f"h{rng.integers(18):02}", f"{moved} 08:00:00"))
    tables = {
        "people": ("customer,account", [(f"c{n:02}", f"a{n:02}") for n in range(60)]),
        "sent": ("n,sender,receiver,at,amount", sent),
        "homes": ("customer,address,moved", homes),
    }
    for name, (head, rows) in tables.items():
        (folder / f"{name}.csv").write_text(f"{head}\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    (folder / "ring.toml").write_text(MAPPING)
    return sent, homes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("ring")
    return folder, *write_files(folder / "files")


@pytest.fixture(scope="module")
def bank(folder: tuple[Path, Any, Any]) -> Bank:
    """The same bank in an embedded store."""
    found = Bank(Settings(home=folder[0] / "home", today=END, actor="A. Baker"))
    found.load(Load(str(folder[0] / "files" / "ring.toml")))
    (folder[0] / "home" / "alerts.toml").write_text(ALERTS)
    return found


@pytest.fixture(scope="module", params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def ask(
    request: pytest.FixtureRequest, folder: tuple[Path, Any, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """Asks a store that holds the bank."""
    home = tmp_path_factory.mktemp("server")
    own = Settings(home=home / "home", today=END)
    if request.param == "neo4j":
        uri, login = request.getfixturevalue("neo4j_login")
        assert isinstance(login, StoreLogin)
        own = replace(own, store=uri, login=login)
        with open_store(uri, home, login) as store:
            store.write("MATCH (n) DETACH DELETE n")
        Bank(own).load(Load(str(folder[0] / "files" / "ring.toml")))
    else:
        own = request.getfixturevalue("bank").settings

    def ask(name: str, labels: dict[str, str], given: dict[str, Any]) -> list[dict[str, Any]]:
        with open_store(own.store, Bank(own).home.store, own.login) as store:
            result = store.query(queries.text(f"read/signal_{name}", labels), {"before": BEFORE, **given})
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    yield ask
    if own.store is not None:
        with open_store(own.store, home, own.login) as store:
            store.write("MATCH (n) DETACH DELETE n")


def transfers_of(sent: list[tuple[Any, ...]]) -> Transfers:
    ids = sorted({one for row in sent for one in row[1:3]})
    at = np.array([np.datetime64(row[3].replace(" ", "T"), "us").astype(np.int64) for row in sent])
    source, target = (np.array([ids.index(row[side]) for row in sent]) for side in (1, 2))
    return Transfers(tuple(ids), source, target, at, np.array([row[4] for row in sent]))


def microseconds(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "us").astype(np.int64))


@pytest.mark.parametrize(("name", "into"), [("fan_in", True), ("fan_out", False)])
def test_fans_in_cypher_are_those_of_the_arrays(ask: Ask, folder: tuple[Path, Any, Any], name: str, into: bool) -> None:
    for days, least, smallest in ((8, 5, 0.0), (5, 3, 100.0)):
        found = fans(transfers_of(folder[1]), AS_OF, days=days, least=least, into=into, smallest=smallest)
        given = {"days": days, "least": least, "smallest": smallest}
        rows = ask(name, {"Node": "Account", "EDGE": "SENT"}, given)
        last = {row["account"]: row for row in reversed(rows)}
        assert len(found) > 3
        assert {one.account: one.at for one in found} == {
            account: microseconds(row["at"]) for account, row in last.items()
        }
        for one in found:
            others = {start if into else end for start, end, _, _ in one.steps}
            assert sorted(others) == last[one.account]["others"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loop", "cycle_3", "cycle_4", "cycle_5"])
def test_cycles_in_cypher_are_those_of_the_arrays(ask: Ask, folder: tuple[Path, Any, Any], name: str) -> None:
    length = {"loop": 2}.get(name, int(name[-1]) if name[-1].isdigit() else 0)
    days = 4 * length
    found = cycles(transfers_of(folder[1]), AS_OF, days=days, least=length, most=length, keeps=0.8, smallest=85.0)
    rows = ask(name, {"Node": "Account", "EDGE": "SENT"}, {"days": days, "keeps": 0.8, "smallest": 85.0})
    last = {row["account"]: microseconds(row["at"]) for row in reversed(rows)}
    assert len(found) > 2
    assert {one.account: one.at for one in found} == last
    ways = {(row["account"], *row["accounts"], *map(microseconds, row["times"]), *row["amounts"]) for row in rows}
    for one in found:
        starts, _, times, amounts = zip(*one.steps, strict=True)
        assert (one.account, *starts, *times, *amounts) in ways


def test_what_is_shared_in_cypher_is_that_of_the_arrays(ask: Ask, folder: tuple[Path, Any, Any]) -> None:
    homes = folder[2]
    ids, shared = sorted({row[0] for row in homes}), sorted({row[1] for row in homes})
    source, target = np.array([ids.index(row[0]) for row in homes]), np.array([shared.index(row[1]) for row in homes])
    moved = np.array([microseconds(row[2].replace(" ", "T")) for row in homes])
    for edge, at in (("LIVES_AT", np.full(len(homes), ALWAYS)), ("MOVED_TO", moved)):
        links = Links(tuple(ids), tuple(shared), source, target, at)
        found = sharing(links, AS_OF, days=40, least=3)
        labels = {"Source": "Customer", "EDGE": edge, "Target": "Address"}
        rows = ask("shared", labels, {"days": 40, "least": 3})
        assert len(found) > 3
        assert {(one.account, one.shared, tuple(sorted(one.others))) for one in found} == {
            (row["account"], row["shared"], tuple(row["others"])) for row in rows
        }


def test_each_alert_of_a_signal_has_a_path(bank: Bank) -> None:
    done = bank.run_alerts(RunAlerts(kind="graph"))
    assert {one.rule for one in done.alerts} == {"ring", "back", "gather", "scatter", "house", "odd"}
    assert all(one.kind == "graph" and one.path for one in done.alerts)
    for one in done.alerts:
        if one.rule in ("ring", "back"):
            assert one.path[0].start == one.path[-1].end == one.about
            assert all(step.end == after.start for step, after in zip(one.path, one.path[1:], strict=False))
        elif one.rule == "house":
            # Nobody else is named in an alert about a customer.
            assert {step.start for step in one.path} == {one.user} | {f"other {n}" for n in range(1, len(one.path))}
        else:
            assert all(one.about in (step.start, step.end) for step in one.path)
    assert bank.run_alerts(RunAlerts(kind="rule")).alerts[0].rule == "old"
    assert {one.kind for one in bank.alerts(ListAlerts(kind="rule"))} == {"rule"}
    again = {one.id: one for one in bank.alerts(ListAlerts())}
    assert again[done.alerts[0].id] == done.alerts[0]
    assert json.loads(json.dumps(done.alerts[0].path[0].__dict__))["end"]


def test_times_after_the_date_are_not_shared() -> None:
    links = Links(("a", "b"), ("x",), np.array([0, 1]), np.array([0, 0]), np.array([AS_OF - 3 * DAY, AS_OF]))
    assert sharing(links, AS_OF, days=9, least=2) == []
    (one, other) = sharing(links, AS_OF + 1, days=9, least=2)
    assert (one.account, one.others, other.own, one.at) == ("a", ("b",), AS_OF, AS_OF)
    none = Links((), (), *(np.zeros(0, np.int64) for _ in range(3)))
    assert sharing(none, AS_OF, days=9, least=2) == []
