"""Alerts: planted cases are found, equal to independent SQL, raised once, and gone with their customer."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListAlerts, Load, RunAlerts, SetAlert
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import RecordError, UnknownId, UsageError
from graphrec.finance.alerts.anomaly import anomalies
from graphrec.finance.alerts.file import read_alerts
from graphrec.finance.alerts.signals import DAY, Transfers, cycles, fans

START, END = date(2025, 3, 1), date(2025, 5, 10)
DATES = [START + timedelta(days=6 * n) for n in range(1, 12)]  # windows are longer than what lies between runs
CUSTOMERS = 200
Pairs = set[tuple[str, str]]
Watched = tuple[Path, Pairs, list[int]]
MAPPING = '''
[source]
name = "bank"
[source.files]
customers = "customers.csv"
products = "products.csv"
trades = "trades.csv"
transfers = "transfers.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, CAST(assessed AS DATE) AS assessed_on FROM customers"
[nodes.Product]
key = "id"
sql = "SELECT id FROM products"
[nodes.Account]
key = "account"
sql = "SELECT 'a' || id AS account FROM customers"
[edges.OWNS]
from = "Customer.id"
to = "Account.account"
sql = "SELECT id, 'a' || id AS account FROM customers"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
key = "n"
at = "day"
weight = "amount"
sql = "SELECT n, customer, product, CAST(trades.at AS DATE) AS day, CAST(amount AS DOUBLE) AS amount FROM trades"
[edges.SENT]
from = "Account.sender"
to = "Account.receiver"
key = "n"
at = "moment"
weight = "amount"
sql = """
SELECT n, sender, receiver, CAST(transfers.at AS TIMESTAMP) AS moment, CAST(amount AS DOUBLE) AS amount
FROM transfers"""
'''
ALERTS = """repeat_days = 90
[[rule]]
id = "burst"
name = "many purchases in a week"
when = "count('BOUGHT', 7) >= 6"
[[rule]]
id = "habit"
when = "total('BOUGHT', 7) > 12 * total('BOUGHT', 365) / 52 and total('BOUGHT', 7) > 5000"
[[rule]]
id = "dormant"
when = "count('BOUGHT', 7) >= 1 and count('BOUGHT', 7) == count('BOUGHT', 180) and count('BOUGHT') > count('BOUGHT', 7)"
[[rule]]
id = "old_answers"
severity = "info"
when = "days_since(user.assessed_on) > 365"
[[signal]]
id = "ring"
kind = "cycle"
edge = "SENT"
days = 10
owner = "OWNS"
smallest = 500
[[signal]]
id = "gather"
kind = "fan_in"
edge = "SENT"
days = 5
least = 8
owner = "OWNS"
[[signal]]
id = "scatter"
kind = "fan_out"
edge = "SENT"
days = 5
least = 8
owner = "OWNS"
"""


def write_bank(folder: Path) -> Pairs:
    """The files of a bank, and what was planted: the rule, and whom it is about."""
    planted: Pairs = set()
    rng = np.random.default_rng(11)
    folder.mkdir(exist_ok=True)
    people = {f"c{n:03}": date(2025, 1, 1) - timedelta(days=int(rng.integers(0, 200))) for n in range(CUSTOMERS)}
    trades = list(planted_trades(rng, people, planted))
    sent = list(planted_transfers(rng, list(people), planted))
    tables = {
        "customers": ("id,assessed", people.items()),
        "products": ("id", [(f"p{n}",) for n in range(9)]),
        "trades": ("n,customer,product,at,amount", [(n, *one) for n, one in enumerate(trades)]),
        "transfers": ("n,sender,receiver,at,amount", [(n, *one) for n, one in enumerate(sent)]),
    }
    for name, (head, rows) in tables.items():
        (folder / f"{name}.csv").write_text(f"{head}\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    (folder / "bank.toml").write_text(MAPPING)
    return planted


def planted_trades(
    rng: np.random.Generator, people: dict[str, date], planted: Pairs
) -> Iterator[tuple[str, str, date, float]]:
    """A purchase every third week; a burst, a large amount, a customer who comes back after years."""
    for n, person in enumerate(people):
        if 30 <= n < 35:
            yield person, "p1", date(2023, 5, 5), 800.0
            yield person, "p2", START + timedelta(days=10 + n), 700.0
            planted.add(("dormant", person))
            continue
        for week in range(n % 3, 60, 3):
            at = date(2024, 3, 10) + timedelta(days=7 * week + int(rng.integers(0, 7)))
            yield person, f"p{rng.integers(0, 9)}", at, float(rng.integers(50, 150))
        if n < 8:
            planted.add(("burst", person))
            yield from ((person, f"p{m}", START + timedelta(days=22), 60.0) for m in range(7))
        if 10 <= n < 16:
            planted.add(("habit", person))
            yield person, "p3", START + timedelta(days=30 + n), 9000.0
        if 20 <= n < 25:
            planted.add(("old_answers", person))
            people[person] = START - timedelta(days=340)


def planted_transfers(
    rng: np.random.Generator, names: list[str], planted: Pairs
) -> Iterator[tuple[str, str, str, float]]:
    """Transfers between any two; rings whose money comes back, many who send to one, one who sends to many."""

    def sent(start: str, end: str, hours: float, amount: float) -> tuple[str, str, str, float]:
        at = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
        return f"a{start}", f"a{end}", f"{at:%Y-%m-%d %H:%M:%S}", amount

    for _ in range(900):
        start, end = rng.choice(CUSTOMERS, 2, replace=False)
        yield sent(names[start], names[end], float(rng.integers(0, 24 * 68)), float(rng.integers(5, 400)))
    for n in range(6):
        ring = names[40 + 4 * n : 40 + 4 * n + 3 + n % 2]
        for place, one in enumerate(ring):
            yield sent(one, ring[(place + 1) % len(ring)], 24 * (5 + 9 * n) + 20 * place, 5000 * 0.95**place)
        planted.add(("ring", f"a{ring[0]}"))
    for n in range(4):
        for other in range(9):
            yield sent(names[100 + 10 * n + other], names[90 + n], 24 * (8 + 12 * n) + other, 90.0)
            yield sent(names[80 + n], names[100 + 10 * n + other], 24 * (14 + 12 * n) + other, 90.0)
        planted |= {("gather", f"a{names[90 + n]}"), ("scatter", f"a{names[80 + n]}")}


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", today=END, actor="A. Baker"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A home whose alerts were run every six days, what was planted in it, and how many each run raised."""
    folder = tmp_path_factory.mktemp("watched")
    planted = write_bank(folder / "files")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "bank.toml")))
    (folder / "home" / "alerts.toml").write_text(ALERTS)
    return folder, planted, [len(bank.run_alerts(RunAlerts(day.isoformat())).alerts) for day in DATES]


def test_planted_cases_are_found_with_few_false_alarms(watched: Watched) -> None:
    folder, planted, counts = watched
    found = bank_in(folder).alerts(ListAlerts())
    raised = {(one.rule, one.about) for one in found}
    assert len(found) == sum(counts) == len(raised)
    assert len(raised & planted) >= 0.95 * len(planted), planted - raised
    assert 1000 * len(raised - planted) / (CUSTOMERS * (DATES[-1] - START).days) <= 1
    for one in found:
        assert one.user == (one.about if one.label == "Customer" else one.about[1:])
        assert one.evidence
        assert one.state == "open"
    ring = next(one for one in found if one.rule == "ring")
    assert ring.evidence[0].startswith(f"{ring.about} to ")
    assert next(one for one in found if one.rule == "burst").evidence[1].startswith("count('BOUGHT', 7) is ")
    # A day is written as one.
    old = next(one for one in found if one.rule == "old_answers")
    assert re.fullmatch(r"user\.assessed_on is \d{4}-\d{2}-\d{2}", old.evidence[1])
    # A run raises the most urgent ones first.
    urgent = {"critical": 0, "warning": 1, "info": 2}
    runs = np.split([urgent[one.severity] for one in found], np.cumsum(counts)[:-1])
    assert max(len(set(run.tolist())) for run in runs) > 1
    assert all((np.diff(run) >= 0).all() for run in runs)


def test_alerts_equal_independent_sql(watched: Watched) -> None:
    folder, _, _ = watched
    sql, expected = duckdb.connect(), set()
    sql.execute(f"""
        CREATE TABLE t AS SELECT * FROM read_csv('{folder}/files/trades.csv');
        CREATE TABLE s AS SELECT * FROM read_csv('{folder}/files/transfers.csv');
        CREATE TABLE c AS SELECT * FROM read_csv('{folder}/files/customers.csv')""")
    for day in DATES:
        now = f"TIMESTAMP '{day}'"
        sql.execute(f"CREATE OR REPLACE VIEW k AS SELECT * FROM t WHERE t.at < {now}")
        week = f"(k.at > {now} - INTERVAL 7 DAY)"
        expected |= set(
            sql.execute(f"""
            SELECT 'burst', customer FROM k GROUP BY ALL HAVING count(*) FILTER ({week}) >= 6
            UNION ALL SELECT 'habit', customer FROM k GROUP BY ALL
              HAVING sum(amount) FILTER ({week}) > 5000 AND sum(amount) FILTER ({week})
                > 12 * sum(amount) FILTER (k.at > {now} - INTERVAL 365 DAY) / 52
            UNION ALL SELECT 'dormant', customer FROM k GROUP BY ALL
              HAVING count(*) FILTER ({week}) >= 1 AND count(*) > count(*) FILTER ({week})
                AND count(*) FILTER ({week}) = count(*) FILTER (k.at > {now} - INTERVAL 180 DAY)
            UNION ALL SELECT 'old_answers', id FROM c WHERE {now} - assessed > INTERVAL 365 DAY""").fetchall()
        )
        for rule, one, other in (("gather", "receiver", "sender"), ("scatter", "sender", "receiver")):
            expected |= set(
                sql.execute(f"""
                SELECT DISTINCT '{rule}', z.{one} FROM s AS z JOIN s AS o ON o.{one} = z.{one}
                  AND o.at <= z.at AND o.at > z.at - INTERVAL 5 DAY
                WHERE z.at < {now} AND z.at > {now} - INTERVAL 5 DAY
                GROUP BY z.n, z.{one} HAVING count(DISTINCT o.{other}) >= 8""").fetchall()
            )
        for length in (3, 4, 5):
            names = [f"s{n}" for n in range(length)]
            steps = " AND ".join(
                f"{b}.sender = {a}.receiver AND {b}.at > {a}.at "
                f"AND {b}.amount BETWEEN .8 * {a}.amount AND {a}.amount / .8"
                for a, b in pairwise(names)
            )
            apart = " AND ".join(f"{a}.sender <> {b}.sender" for n, a in enumerate(names) for b in names[:n])
            large = " AND ".join(f"{a}.amount >= 500 AND {a}.at < {now}" for a in names)
            expected |= set(
                sql.execute(f"""
                SELECT DISTINCT 'ring', s0.sender FROM {", ".join(f"s AS {a}" for a in names)}
                WHERE {steps} AND {apart} AND {large} AND {names[-1]}.receiver = s0.sender
                  AND {names[-1]}.at < s0.at + INTERVAL 10 DAY
                  AND {names[-1]}.at > {now} - INTERVAL 10 DAY""").fetchall()
            )
    assert {(one.rule, one.about) for one in bank_in(folder).alerts(ListAlerts())} == expected


def test_an_alert_is_raised_once_and_has_a_state(watched: Watched, tmp_path: Path) -> None:
    folder, _, _ = watched
    bank = bank_in(folder)
    again = bank.run_alerts(RunAlerts(DATES[-1].isoformat()))
    assert again.alerts == ()
    assert again.known > 0
    one = bank.alerts(ListAlerts("open"))[0]
    assert bank.set_alert(SetAlert(one.id, "acknowledged")).by == "A. Baker"
    with pytest.raises(UsageError, match="with a reason"):
        bank.set_alert(SetAlert(one.id, "closed"))
    closed = bank.set_alert(SetAlert(one.id, "closed", why="the customer called", by="B. Cook"))
    assert bank.alerts(ListAlerts("closed")) == (closed,)
    with pytest.raises(UsageError, match="closed already, by B. Cook"):
        bank.set_alert(SetAlert(one.id, "acknowledged"))
    with pytest.raises(UnknownId, match="graphrec alerts list"):
        bank.set_alert(SetAlert("nothing", "acknowledged"))
    # Not again within repeat_days, though it is closed.
    assert bank.run_alerts(RunAlerts(one.at)).alerts == ()
    bank.alerts(ListAlerts(out=tmp_path / "alerts.csv"))
    with (tmp_path / "alerts.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(bank.alerts(ListAlerts()))
    assert rows[0]["why"] == "the customer called"
    with pytest.raises(RecordError, match="kept in the decision record"):
        Bank(Settings(home=folder / "home", today=END, record=False)).run_alerts(RunAlerts())


def test_the_command(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, _ = watched
    monkeypatch.setenv("GRAPHREC_HOME", str(folder / "home"))
    run = CliRunner().invoke
    told = json.loads(run(app, ["alerts", "list", "--json"]).stdout)
    assert set(told["alerts"][0]) >= {"id", "rule", "severity", "about", "evidence", "at", "state"}
    assert "raised before" in run(app, ["alerts", "run", "--as-of", DATES[0].isoformat()]).stdout
    assert run(app, ["alerts", "ack"]).exit_code == 2
    file = folder / "home" / "alerts.toml"
    try:
        file.unlink()
        assert "graphrec alerts init writes a first one" in run(app, ["alerts", "run"]).stderr
        assert run(app, ["alerts", "init"]).exit_code == 0
        drafted = read_alerts(file)
        assert [one.id for one in drafted.rule] == ["burst-bought", "dormant-bought", "habit-bought", "old-answers"]
        assert [(one.kind, one.edge, one.owner) for one in drafted.signal] == [
            (kind, "SENT", "OWNS") for kind in ("cycle", "fan_in", "fan_out")
        ]
        assert run(app, ["alerts", "run", "--as-of", DATES[0].isoformat()]).exit_code == 0
        file.write_text(
            '[[signal]]\nid = "odd"\nkind = "unlike"\nedge = "SENT"\ndays = 60\nshare = 0.05\nowner = "OWNS"'
        )
        found = json.loads(run(app, ["alerts", "run", "--as-of", DATES[-1].isoformat(), "--json"]).stdout)["alerts"]
        assert 1 <= len(found) <= 10
        assert {one["about"] for one in found} == {f"a{one['user']}" for one in found}
        assert all(re.search(r", usual [\d.,]+: [\d.]+ of [\d.]+$", line) for one in found for line in one["evidence"])
        for text, line in (
            ('[[rule]]\nid = "a"\nwhen = "product.x > 1"', "rule a of alerts.toml"),
            ('[[jump]]\nid = "a"\nedge = "OWNS"\ncolumn = "x"', "Account has no column x of numbers"),
            ('[[jump]]\nid = "a"\nedge = "SENT"\ncolumn = "x"', "no edge type SENT from Customer"),
            ('[[signal]]\nid = "a"\nkind = "cycle"\nedge = "OWNS"', "no edge type OWNS between nodes of one label"),
            ('[[signal]]\nid = "a"\nkind = "cycle"\nedge = "SENT"\nleast = 6', "a: least is above most"),
        ):
            file.write_text(text)
            failed = run(app, ["alerts", "run"])
            assert failed.exit_code == 2
            assert line in failed.stderr
    finally:
        file.write_text(ALERTS)


def test_a_pattern_after_the_date_is_not_seen() -> None:
    ids = ("a", "b", "c")
    one = Transfers(ids, np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([1, 2, 3]) * DAY, np.array([9.0, 9.0, 9.0]))
    found = cycles(one, 4 * DAY, days=5, least=3, most=4, keeps=0.9)
    assert [(signal.account, len(signal.steps)) for signal in found] == [("a", 3)]
    assert cycles(one, 3 * DAY, days=5, least=3, most=4, keeps=0.9) == []
    assert cycles(one, 4 * DAY, days=2, least=3, most=4, keeps=0.9) == []
    assert cycles(one, 4 * DAY, days=5, least=4, most=4, keeps=0.9) == []
    assert [signal.account for signal in fans(one, 4 * DAY, days=5, least=2, into=True)] == []


def test_a_score_is_the_sum_of_its_parts_and_an_odd_account_is_first() -> None:
    rng = np.random.default_rng(2)
    source, target = rng.integers(0, 60, 900), rng.integers(0, 60, 900)
    at, amount = np.sort(rng.integers(1, 90, 900)) * DAY, rng.uniform(90, 110, 900)
    ids = tuple(f"a{n}" for n in range(60))
    plain = anomalies(Transfers(ids, source, target, at, amount), 0, 100 * DAY)
    odd = amount.copy()
    odd[source == 7] = 2.0
    found = anomalies(Transfers(ids, source, target, at, odd), 0, 100 * DAY)
    assert np.abs(found.scores - np.sum(list(found.parts.values()), axis=0)).max() <= 1e-9
    assert [int(found.accounts[row]) for row in found.highest(0.02)] == [7]
    assert "smallest out 2.00" in " ".join(found.described(int(found.highest(0.02)[0])))
    # Of each measure, the distance from the median in robust standard deviations, by its definition.
    logs = np.log1p(plain.measures["sum in"])
    away = np.abs(logs - np.median(logs))
    assert plain.parts["sum in"] == pytest.approx(np.minimum(away / (1.4826 * np.median(away)), 10))
    own, other = source[source != target], target[source != target]
    assert plain.measures["number out"].tolist() == np.bincount(own, minlength=60).tolist()
    assert plain.measures["others in"].tolist() == [len(set(own[other == n].tolist())) for n in range(60)]
    days = (at // DAY)[source != target]
    most = [
        max(((days[own == n] > day - 7) & (days[own == n] <= day)).sum() for day in days[own == n]) for n in range(60)
    ]
    assert plain.measures["most in a week out"].tolist() == most
    later = anomalies(Transfers(ids, source, target, at, odd), 0, int(at[400]))
    early = at < at[400]
    alone = anomalies(Transfers(ids, source[early], target[early], at[early], odd[early]), 0, int(at[400]))
    assert later.scores.tolist() == alone.scores.tolist()
    none = anomalies(Transfers(ids, source, target, at, odd), 100 * DAY, 200 * DAY)
    assert (len(none.scores), len(none.highest(0.5))) == (0, 0)
