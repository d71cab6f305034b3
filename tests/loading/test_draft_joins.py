"""Proposals join by values, make rows of lists, see what speaks against a product, and ask what they cannot know."""

import json
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import _files, write_draft
from graphrec.loading.propose.drafted import Decision, Draft

CUSTOMERS = ["customer_id,city", *(f"C{i:03},{('Oslo', 'Bergen')[i % 2]}" for i in range(30))]
PRODUCTS = ["product_id,name,risk_class,fee", *(f"P{i:02},Fund {i},{1 + i % 5},0.{i}" for i in range(12))]


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., tuple[Draft, dict[str, Any], MemorySink]]:
    """Proposes a mapping for customers, products and other files, and loads it."""

    def propose(files: dict[str, str], **given: Any) -> tuple[Draft, dict[str, Any], MemorySink]:
        folder = tmp_path / "data"
        folder.mkdir()
        plain = {"customers.csv": "\n".join(CUSTOMERS), "products.csv": "\n".join(PRODUCTS)}
        for name, text in {**plain, **files}.items():
            (folder / name).write_text(text + "\n")
        made = write_draft(tmp_path / "my.toml", folder, **given)
        sink = MemorySink()
        run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
        return made, tomllib.loads((tmp_path / "my.toml").read_text()), sink

    return propose


def lines(head: str, *rows: str) -> str:
    return "\n".join([head, *rows])


@pytest.mark.slow
def test_columns_of_other_names_join_by_their_values(draft: Callable[..., Any]) -> None:
    trades = lines("no,buyer,what,day", *(f"{i},C{i % 30:03},P{i % 12:02},2024-01-{1 + i % 28:02}" for i in range(90)))
    made, plain, sink = draft({"trades.csv": trades})
    assert (made.user, made.product, made.interactions) == ("Customer", "Product", {"BOUGHT": 1.0})
    assert (plain["edges"]["BOUGHT"]["from"], plain["edges"]["BOUGHT"]["to"]) == ("Customer.buyer", "Product.what")
    assert sink.edges["BOUGHT"].num_rows == 90


@pytest.mark.slow
def test_accounts_that_customers_have_one_each_of_are_joined_by_their_own_number(draft: Callable[..., Any]) -> None:
    """Although the digits of both numbers are the same, and trades name the account alone."""
    made, _, sink = draft(
        {
            "accounts.csv": lines("Account,customer_id,kind", *(f"ACC{i:06},C{i:03},cash" for i in range(30))),
            "executions.csv": lines(
                "ExecID,Account,product_id,TransactTime",
                *(f"{i},ACC{i % 30:06},P{i % 12:02},202401{1 + i % 28:02}-10:00:00.000" for i in range(90)),
            ),
        }
    )
    assert (made.user, made.product) == ("Customer", "Product")
    (edges,) = (one for kind, one in sink.edges.items() if not kind.startswith("HAS_"))
    assert {*edges["source"].to_pylist()} == {f"C{i:03}" for i in range(30)}
    assert edges["at"].null_count == 0


@pytest.mark.slow
def test_numbers_refer_to_tables_in_the_plural_of_other_languages(draft: Callable[..., Any]) -> None:
    made, _, sink = draft(
        {
            "klienti.csv": lines("id,meno,kraj", *(f"{i},Novak {i},{('BA', 'KE')[i % 2]}" for i in range(1, 31))),
            "produkty.csv": lines("id,nazov", *(f"{i},Fond {i}" for i in range(1, 13))),
            "zmluvy.csv": lines(
                "id,klient_id,produkt_id,datum",
                *(f"{i},{1 + i % 30},{1 + i % 12},2024-01-{1 + i % 28:02}" for i in range(90)),
            ),
            "customers.csv": "",
            "products.csv": "",
        }
    )  # fmt: skip
    assert (made.user, made.product) == ("Klienti", "Produkty")
    assert sink.nodes["Klienti"]["kraj"].null_count == 0


@pytest.mark.slow
def test_levels_and_years_are_no_keys_by_chance(draft: Callable[..., Any]) -> None:
    trades = lines(
        "trade_id,customer_id,product_id,level,year",
        *(f"{i},C{i % 30:03},P{i % 12:02},{i % 9},{2019 + i % 5}" for i in range(90)),
    )
    years = lines("year_id,inflation", *(f"{year},1.{year}" for year in range(1950, 2030)))
    _, plain, _ = draft({"trades.csv": trades, "years.csv": years})
    assert sorted(plain["edges"]) == ["BOUGHT", "HAS_CITY"]


def test_a_table_that_is_joined_to_a_joined_one_is_listed() -> None:
    """Assessments stand beside accounts, which stand beside orders: no label leads to them but the statement."""

    def table(name: str) -> Any:
        return SimpleNamespace(name=name, of=name, path=f"{name}.csv", options={}, through="", also=())

    statement = 'SELECT * FROM "orders" AS e LEFT JOIN (SELECT * FROM (SELECT * FROM "assessments")) AS m ON e.a = m.a'
    made = Draft([], parts=[f'[edges.BOUGHT]\nsql = """\n{statement}\n"""'], label_of={"orders": ""})
    tables = [table(name) for name in ("assessments", "orders", "others")]
    assert _files(made, tables) == ['assessments = "assessments.csv"', 'orders = "orders.csv"']


@pytest.mark.slow
def test_the_customer_of_an_account(draft: Callable[..., Any]) -> None:
    depots = lines("depot_id,customer_id,opened", *(f"D{i:04},C{i % 30:03},2020-01-01" for i in range(45)))
    orders = lines(
        "order_id,depot_id,product_id,ordered_on",
        *(f"O{i},D{i % 45:04},P{i % 12:02},2024-02-{1 + i % 28:02}" for i in range(120)),
    )
    made, plain, sink = draft({"depots.csv": depots, "orders.csv": orders})
    assert (made.user, made.product, made.interactions) == ("Customer", "Product", {"BOUGHT": 1.0})
    assert "orders: customer_id comes from depots by depot_id: is that right?" in made.questions
    assert set(plain["nodes"]) == {"Customer", "City", "Product"}, "no account is a node"
    rows = {row["key"]: (row["source"], row["target"]) for row in sink.edges["BOUGHT"].to_pylist()}
    assert (len(rows), rows["O44"], rows["O7"]) == (120, ("C014", "P08"), ("C007", "P07"))


@pytest.mark.slow
def test_items_of_orders_in_json(draft: Callable[..., Any]) -> None:
    orders = [
        {
            "order_id": f"O{i}",
            "ordered_at": f"2024-03-{1 + i % 28:02}T10:00:00Z",
            "by": {"customer_id": f"C{i % 30:03}", "channel": "web"},
            "items": [{"product_id": f"P{(i + k) % 12:02}", "quantity": 1 + k} for k in range(i % 3)],
            "tags": ["a", "b"],
        }
        for i in range(60)
    ]
    made, plain, sink = draft({"orders.json": json.dumps(orders)})
    assert made.interactions == {"BOUGHT": 1.0}
    assert plain["source"]["files"]["orders"] == "orders.json"
    assert set(plain["nodes"]) == {"Customer", "City", "Product"}
    first = min(sink.edges["BOUGHT"].to_pylist(), key=lambda row: (row["source"], row["at"]))
    assert sink.edges["BOUGHT"].num_rows == sum(i % 3 for i in range(60))
    assert (first["source"], first["target"], first["weight"], first["channel"]) == ("C001", "P01", 1.0, "web")
    assert "orders_items: holds the items of orders, a row each: is that what is wanted?" in made.questions


AGAINST = {
    "amounts": ("amount", lambda i: f"{-5 if i % 6 == 0 else 7}.50", "amount below 0", 15, "RETURNED"),
    "yes and no": ("returned", lambda i: "yes" if i % 6 == 0 else "no", "rows with returned", 15, "RETURNED"),
    "stars": ("stars", lambda i: str(1 + i % 5), "stars of 2 and less", 36, "BOUGHT_LOW"),
    "of ten": ("score", lambda i: str(1 + i % 10), "score of 4 and less", 36, "BOUGHT_LOW"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", list(AGAINST))
def test_what_says_no_speaks_against_a_product(case: str, draft: Callable[..., Any]) -> None:
    column, value, says, count, kind = AGAINST[case]
    rows = [f"{i},C{i % 30:03},P{i % 12:02},{value(i)}" for i in range(90)]
    made, _, sink = draft({"purchases.csv": lines(f"purchase_id,customer_id,product_id,{column}", *rows)})
    assert made.interactions == {"BOUGHT": 1.0, kind: -1.0}
    assert f"purchases: {says} became {kind}, which speaks against a product: is that right?" in made.questions
    assert (sink.edges["BOUGHT"].num_rows, sink.edges[kind].num_rows) == (90 - count, count)
    assert made.relevant() == ["BOUGHT"]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["returns", "Retouren", "退货"])
def test_tables_of_returns_speak_against(table: str, draft: Callable[..., Any]) -> None:
    rows = [f"{i},C{i % 30:03},P{i % 12:02}" for i in range(40)]
    head = "row_id,customer_id,product_id"
    made, _, _ = draft({"purchases.csv": lines(head, *rows), f"{table}.csv": lines(head, *rows[:20])})
    assert made.interactions == {"BOUGHT": 1.0, "RETURNED": -1.0}


@pytest.mark.slow
@pytest.mark.parametrize("column", ["Verwendungszweck", "memo", "payment_reference", "附言", "IBAN"])
def test_texts_of_payments_are_in_no_edge(column: str, draft: Callable[..., Any]) -> None:
    rows = [f"{i},C{i % 30:03},P{i % 12:02},for Anna {i}" for i in range(40)]
    made, _, sink = draft({"trades.csv": lines(f"trade_id,customer_id,product_id,{column}", *rows)})
    assert f"trades: {column} may name people and is left out of the edges" in made.questions
    assert "Anna" not in str(sink.edges["BOUGHT"].to_pylist())


@pytest.mark.slow
def test_the_end_of_a_contract_is_no_beginning(draft: Callable[..., Any]) -> None:
    rows = [f"{i},C{i % 30:03},P{i % 12:02},2025-01-01,2020-02-{1 + i % 28:02}" for i in range(40)]
    made, plain, _ = draft({"contracts.csv": lines("contract_id,customer_id,product_id,valid_until,began", *rows)})
    assert plain["edges"]["HELD"]["at"] == "began"
    assert plain["edges"]["HELD"]["until"] == "valid_until"
    assert (
        "contracts: valid_until looks like the day on which it ends (until); what has ended is no holding and stays as "
        "evidence: is that right?"
    ) in made.questions


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "head"),
    [
        ("accounts", "account_no,customer_id,product_id,opened_on,closed_on"),
        ("Verträge", "Vertragsnr,customer_id,product_id,Beginn,Vertragsende"),
        ("合同", "流水号,customer_id,product_id,开始日期,到期日"),
    ],
)
def test_the_end_is_found_by_its_word(table: str, head: str, draft: Callable[..., Any]) -> None:
    end = head.rsplit(",", maxsplit=1)[-1]
    rows = [
        f"{i},C{i % 30:03},P{i % 12:02},01.02.2020,{'' if i % 3 else f'{1 + i % 28:02}.03.2024'}" for i in range(40)
    ]
    _, plain, sink = draft({f"{table}.csv": lines(head, *rows)})
    (kind,) = plain["roles"]["interactions"]
    assert plain["edges"][kind]["until"] == end
    assert sink.schema.edges[kind].until == end
    ended = sink.edges[kind][end].to_pylist()
    assert sum(one is not None for one in ended) == 14


POSITIONS = {
    "below 0": ("trades", "quantity", lambda i: "-1" if i % 4 == 3 else "2", "quantity"),
    "side": ("trades", "side,quantity", lambda i: f"{'SELL' if i % 4 == 3 else 'BUY'},2", "signed_quantity"),
    "Art": ("Orders", "Art,Stück", lambda i: f'{"Verkauf" if i % 4 == 3 else "Kauf"},"2,5"', "signed_Stück"),
    "方向": ("交易", "方向,份额", lambda i: f"{'赎回' if i % 4 == 3 else '申购'},2", "signed_份额"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", list(POSITIONS))
def test_quantities_that_are_given_up_make_positions(case: str, draft: Callable[..., Any]) -> None:
    table, columns, value, named = POSITIONS[case]
    rows = [f"{i},C{i % 30:03},P{i % 12:02},{value(i)}" for i in range(90)]
    made, plain, sink = draft({f"{table}.csv": lines(f"row_id,customer_id,product_id,{columns}", *rows)})
    assert made.interactions == {"BOUGHT": 1.0}
    assert plain["edges"]["BOUGHT"]["quantity"] == named
    signs = [one > 0 for one in sink.edges["BOUGHT"][named].to_pylist()]
    assert (signs.count(True), signs.count(False)) == (68, 22)
    assert any("gives up what was held (quantity): is that right?" in question for question in made.questions)


def test_a_person_may_say_that_what_is_below_0_speaks_against(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"{i},C{i % 30:03},P{i % 12:02},{-1 if i % 4 == 3 else 2}" for i in range(90)]
    for name, text in {"customers": CUSTOMERS, "products": PRODUCTS}.items():
        (folder / f"{name}.csv").write_text("\n".join(text))
    (folder / "trades.csv").write_text(lines("row_id,customer_id,product_id,quantity", *rows))
    made = write_draft(
        tmp_path / "my.toml", folder, decide=lambda one: one.choices[-1] if "given" in str(one) else one.choices[0]
    )
    assert made.interactions == {"BOUGHT": 1.0, "RETURNED": -1.0}


@pytest.mark.slow
def test_what_is_shown_beside_products_and_given_to_systems(draft: Callable[..., Any]) -> None:
    people = ["customer_id,city,crm_id,adviser,income", *(f"C{i:03},Oslo,003{i},A{i % 3},{i}000" for i in range(30))]
    trades = lines("trade_id,customer_id,product_id", *(f"{i},C{i % 30:03},P{i % 12:02}" for i in range(40)))
    _, plain, sink = draft({"customers.csv": "\n".join(people), "trades.csv": trades})
    assert plain["nodes"]["Product"]["show"] == {"risk": "risk_class", "fee": "fee"}
    customer = plain["nodes"]["Customer"]
    assert (customer["crm_id"], customer["adviser"], customer["sensitive"]) == ("crm_id", "adviser", ["city", "income"])
    assert "HAS_ADVISER" not in plain["edges"]
    assert sink.schema.nodes["Customer"].crm_id == "crm_id"


@pytest.mark.slow
def test_tables_of_a_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "bank.db")) as database:
        for table, text in {"customers": CUSTOMERS, "products": PRODUCTS}.items():
            names = text[0].split(",")
            database.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", [row.split(",") for row in text[1:]])
        database.execute("CREATE TABLE trades (trade_id INTEGER, customer_id TEXT, product_id TEXT)")
        rows = [(i, f"C{i % 30:03}", f"P{i % 12:02}") for i in range(40)]
        database.executemany("INSERT INTO trades VALUES (?, ?, ?)", rows)
        database.commit()
    (tmp_path / "data" / "Thumbs.db").write_bytes(b"no database")
    made = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert "Thumbs.db has no reader by its suffix and was left out" in made.questions
    report = run_load(load_mapping(tmp_path / "my.toml"), tmp_path / "data", MemorySink())
    assert (report.nodes["Customer"].created, report.edges["BOUGHT"].created) == (30, 40)


@pytest.mark.slow
def test_a_person_decides_what_only_a_person_can_know(draft: Callable[..., Any]) -> None:
    asked: list[Decision] = []

    def decide(decision: Decision) -> str:
        asked.append(decision)
        return decision.choices[0 if "personal" in decision.question else -1]

    rows = [f"{i},C{i % 30:03},P{i % 12:02},{('reserve', 'borrow', 'reject')[i % 3]}" for i in range(90)]
    made, _, _ = draft({"loans.csv": lines("loan_id,customer_id,product_id,action", *rows)}, decide=decide)
    assert [one.question for one in asked] == [
        "nodes.Customer: no column is personal; which other is?",
        "loans: action borrow: does it speak for a product?",
        "loans: action reserve: does it speak for a product?",
        "loans: action reject: does it speak for a product?",
    ]
    assert [one.choices[0] for one in asked] == ["no other", "for", "for", "against"]
    assert made.interactions == {"BORROW": -1.0, "RESERVE": -1.0, "REJECTED": 1.0}


def test_which_of_two_chooses_can_be_decided(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [f"X{i % 9},Y{i % 7}" for i in range(40)]
    (tmp_path / "data" / "pairs.csv").write_text(lines("left_id,right_id", *rows) + "\n")
    asked: list[Decision] = []

    def decide(decision: Decision) -> str:
        asked.append(decision)
        return decision.choices[1]

    made = write_draft(tmp_path / "my.toml", tmp_path / "data", decide=decide)
    assert asked[0].choices == ("Left chooses Right", "Right chooses Left")
    assert (made.user, made.product) == ("Right", "Left")


def test_yes_and_database_go_with_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["--yes"], ["--database", "BANK_URL"]):
        done = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "load", "demo", *words])
        assert done.exit_code == 2
        assert f"{words[0]} goes with --new, which proposes a mapping; leave it out" in done.stderr
    monkeypatch.delenv("BANK_URL", raising=False)
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "my.toml", tmp_path, url_env="BANK_URL")
    assert str(caught.value).startswith("--database BANK_URL: the environment variable BANK_URL is not set; set it to ")
