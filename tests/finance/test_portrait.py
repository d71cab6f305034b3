"""Portraits: equal to independent SQL, blind to what comes after the date, kept as columns, tags and bands."""

import csv
import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskQuery, Load, MakePortraits, TakeSnapshot
from graphrec.app.requests import AskPortrait
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.finance.portrait import HOURS, Portraits
from graphrec.finance.portrait_file import PortraitFile
from tests.banks import bank_snapshot, small_bank

TODAY = date(2025, 6, 1)
AS_OF = int(np.datetime64("2024-10-01", "us").astype(np.int64))
MAPPING = '''
[source]
name = "broker"
[source.files]
customers = "customers.csv"
products = "products.csv"
trades = "trades.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT", "VIEWED"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
personal = ["born"]
protected = ["sex"]
sql = "SELECT id, born, sex, TRY_CAST(tolerance AS INTEGER) AS tolerance FROM customers"
[nodes.Product]
key = "id"
name = "name"
show = { kind = "kind", risk = "risk" }
sql = "SELECT id, name, kind, CAST(risk AS INTEGER) AS risk FROM products"
[nodes.Issuer]
key = "issuer"
sql = "SELECT DISTINCT issuer FROM products"
[edges.ISSUED_BY]
from = "Product.id"
to = "Issuer.issuer"
sql = "SELECT id, issuer FROM products"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
key = "n"
at = "day"
known_at = "booked"
weight = "amount"
sql = """
SELECT n, customer, product, CAST(trades.at AS DATE) AS day, CAST(booked AS DATE) AS booked,
       CAST(amount AS DOUBLE) AS amount FROM trades WHERE kind = 'buy'"""
[edges.VIEWED]
from = "Customer.customer"
to = "Product.product"
key = "n"
at = "day"
known_at = "booked"
sql = """
SELECT n, customer, product, CAST(trades.at AS DATE) AS day, CAST(booked AS DATE) AS booked
FROM trades WHERE kind = 'view'"""
'''
PORTRAIT = """windows = [30, 365]
stated_risk = "tolerance"
bands = { holdings = [2, 4], BOUGHT_recency = [30.0, 180.0], "user.tolerance" = [3] }
[[tag]]
id = "active"
name = "active traders"
when = "count('BOUGHT', 365) >= 3"
[[tag]]
id = "cautious"
when = "user.tolerance <= 2"
"""


def write_files(folder: Path, *, later: bool = False) -> None:
    """Forty customers of a broker; later: with trades that are known only after the date."""
    rng = np.random.default_rng(4)
    folder.mkdir(exist_ok=True)
    people = [(f"c{n:02}", 1950 + n, "fm"[n % 2], "" if n == 5 else 1 + n % 5) for n in range(40)]
    things = [(f"p{n}", f"Thing {n}", ("fund", "bond")[n % 2], 1 + n % 4, f"i{n % 3}") for n in range(12)]
    trades = []
    for n in range(400):
        at = np.datetime64("2024-01-01") + int(rng.integers(0, 510))
        booked = at + int(rng.integers(0, 20))
        person = f"c{rng.integers(0, 38):02}"
        trades.append((n, person, f"p{rng.integers(0, 12)}", ("buy", "view")[n % 2], at, booked, rng.integers(1, 90)))
    if later:
        trades += [(900 + n, "c01", f"p{n}", "buy", "2025-05-20", "2025-06-02", 7) for n in range(9)]
    for name, head, rows in (
        ("customers", "id,born,sex,tolerance", people),
        ("products", "id,name,kind,risk,issuer", things),
        ("trades", "n,customer,product,kind,at,booked,amount", trades),
    ):
        text = "".join(",".join(str(one) for one in row) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(f"{head}\n{text}")
    (folder / "broker.toml").write_text(MAPPING)


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", today=TODAY))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded home with a portrait's file."""
    folder = tmp_path_factory.mktemp("broker")
    write_files(folder / "files")
    bank_in(folder).load(Load(str(folder / "files" / "broker.toml")))
    (folder / "home" / "portrait.toml").write_text(PORTRAIT)
    return folder


def test_all_portraits_equal_independent_sql(broker: Path, tmp_path: Path) -> None:
    done = bank_in(broker).make_portraits(MakePortraits(tmp_path / "all.csv"))
    assert done.customers == 40
    with (tmp_path / "all.csv").open() as file:
        rows = {row["Customer"]: row for row in csv.DictReader(file)}
    sql = duckdb.connect()
    trades = f"(SELECT * FROM read_csv('{broker}/files/trades.csv') WHERE booked < DATE '2025-06-01')"
    found = sql.execute(f"""
        SELECT customer, count(*) FILTER (kind = 'buy'), count(*) FILTER (kind = 'view'),
          count(*) FILTER (kind = 'buy' AND t."at" > DATE '2025-06-01' - 30),
          count(*) FILTER (kind = 'view' AND t."at" > DATE '2025-06-01' - 365),
          coalesce(sum(amount) FILTER (kind = 'buy' AND t."at" > DATE '2025-06-01' - 365), 0),
          count(DISTINCT product) FILTER (kind = 'buy'), DATE '2025-06-01' - max(t."at") FILTER (kind = 'buy'),
          DATE '2025-06-01' - min(t."at"), count(*) FILTER (kind = 'buy' AND t."at" > DATE '2025-06-01' - 365) >= 3,
          (SELECT avg(risk) FROM read_csv('{broker}/files/products.csv') AS p
             WHERE p.id IN (SELECT product FROM {trades} AS h WHERE h.customer = t.customer AND h.kind = 'buy'))
        FROM {trades} AS t GROUP BY customer""").fetchall()
    names = ("BOUGHT_total", "VIEWED_total", "BOUGHT_30", "VIEWED_365", "BOUGHT_amount_365", "holdings",
             "BOUGHT_recency", "tenure", "active", "revealed_risk")  # fmt: skip
    assert len(found) > 30
    for customer, *values in found:
        for name, value in zip(names, values, strict=True):
            shown = rows[customer][name]
            assert (shown == "") if value is None else float(shown) == pytest.approx(float(value), abs=1e-9), (
                customer,
                name,
            )
    assert rows["c39"]["BOUGHT_total"] == "0"
    assert rows["c39"]["tenure"] == ""
    assert done.tags["active"] == sum(int(row["active"]) for row in rows.values())
    assert rows["c39"]["band holdings"] == "below 2"


def test_hours_are_counted_where_there_are_some(tmp_path: Path) -> None:
    _, tables = small_bank()
    made = Portraits(bank_snapshot(tmp_path / "s"), PortraitFile(), AS_OF)
    users = np.arange(60)
    numbers = made.numbers(users)
    before = [row for row in tables["VIEWED"].to_pylist() if row["known_at"].timestamp() * 1e6 < AS_OF]
    for place, part in enumerate(("night", "morning", "afternoon", "evening")):
        own = [row["source"] for row in before if row["at"].hour // 6 == place]
        assert numbers[f"VIEWED_{part}"].tolist() == [own.count(f"C{n:03}") for n in range(60)]
        assert numbers[f"VIEWED_{part}"].sum() > 0
    assert sum(numbers[f"VIEWED_{part}"] for part in HOURS).tolist() == numbers["VIEWED_total"].tolist()


def test_one_portrait_has_evidence_and_says_what_is_missing(broker: Path) -> None:
    bank = bank_in(broker)
    found = bank.portrait(AskPortrait("c05"))
    assert {"user.tolerance"} <= set(found.missing)
    assert found.stated_risk is None
    assert not any("born" in name or "sex" in name for name in (*found.numbers, *found.missing))
    told = bank.portrait(AskPortrait("c01"))
    tags = {tag.id: tag for tag in told.tags}
    assert tags["cautious"].evidence == {"user.tolerance": 2}
    assert told.stated_risk == 2
    active = bank.portrait(AskPortrait("c00", "2025-01-01"))
    for tag in active.tags:
        if tag.id == "active":
            assert tag.evidence["count('BOUGHT', 365)"] == active.numbers["BOUGHT_365"]
    assert sum(told.held["kind"].values()) == told.numbers["holdings"]
    assert "active traders" in " ".join((told.text, *(tag.name for tag in told.tags))) or "active" not in tags
    assert told.text.startswith(f"Holds {told.numbers['holdings']:g} product")
    assert ". By kind: " in told.text
    assert f"Bought: {told.numbers['BOUGHT_total']:g} in all, the latest " in told.text
    assert "BOUGHT" not in told.text
    with pytest.raises(UnknownId, match="graphrec find"):
        bank.portrait(AskPortrait("nobody"))


def test_what_is_known_later_changes_no_byte(broker: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "files", later=True)
    bank = bank_in(tmp_path)
    bank.load(Load(str(tmp_path / "files" / "broker.toml")))
    (tmp_path / "home" / "portrait.toml").write_text(PORTRAIT)
    bank.make_portraits(MakePortraits(tmp_path / "with.csv"))
    bank_in(broker).make_portraits(MakePortraits(tmp_path / "without.csv"))
    assert (tmp_path / "with.csv").read_bytes() == (tmp_path / "without.csv").read_bytes()


@pytest.mark.slow
def test_kept_portraits_are_columns_tags_and_bands(broker: Path) -> None:
    bank = bank_in(broker)
    done = bank.make_portraits(MakePortraits(keep=True))
    snapshot = bank.take_snapshot(TakeSnapshot()).snapshot
    users = snapshot.nodes("Customer")
    one = bank.portrait(AskPortrait("c01"))
    assert users.column("portrait_bought_365").get(users.ids.find("c01")) == one.numbers["BOUGHT_365"]
    tags = snapshot.edges("HAS_TAG")
    assert len(tags) == sum(done.tags.values())
    assert snapshot.name("PortraitTag", snapshot.nodes("PortraitTag").ids.find("active")) == "active traders"
    assert len(snapshot.edges("IN_BAND")) == sum(len(bank.portrait(AskPortrait(one)).bands) for one in users.ids[:])
    rows = bank.query(AskQuery("MATCH (u:Customer)-[:HAS_TAG]->(t:PortraitTag) RETURN t.id, count(u)"))
    assert {row[0]: row[1] for row in rows.rows} == {name: n for name, n in done.tags.items() if n}
    earlier = bank.take_snapshot(TakeSnapshot(as_of="2025-03-01")).snapshot
    assert len(earlier.edges("HAS_TAG")) == 0
    assert not np.asarray(earlier.nodes("Customer").column("portrait_holdings").valid).any()
    # A second time changes nothing but the day; portraits do not read portraits.
    again = bank.portrait(AskPortrait("c01"))
    assert again == one


def test_faults_of_the_file_are_one_line(broker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = broker / "home" / "portrait.toml"
    try:
        for text, line in (
            ("[[tag]]\nid = 'a'\nwhen = \"product.risk > 2\"\n", "tag a of the portrait"),
            ("[[tag]]\nid = 'a'\nwhen = \"count('SOLD', 9) > 2\"\n", "there is no interaction SOLD"),
            ("bands = { nothing = [1] }", "there is no number nothing"),
            ("bands = { holdings = [2, 1] }", "edges of bands rise"),
        ):
            file.write_text(text)
            with pytest.raises(UsageError, match=line):
                bank_in(broker).portrait(AskPortrait("c01"))
    finally:
        file.write_text(PORTRAIT)
    monkeypatch.setenv("GRAPHREC_HOME", str(broker / "home"))
    shown = CliRunner().invoke(app, ["portrait", "c01"])
    assert shown.exit_code == 0, shown.output
    assert "user.tolerance is 2" in shown.output
    told = json.loads(CliRunner().invoke(app, ["portrait", "c01", "--json"]).output)
    assert told["numbers"]["holdings"] > 0
    assert CliRunner().invoke(app, ["portrait"]).exit_code == 2
