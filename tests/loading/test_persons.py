"""What says who somebody is: known by names and values, left out or marked, refused under another label."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import SourceError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.loading.persons.names import sort_of
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.run.engine import check
from graphrec.privacy.anonymity import anonymity

PERSONAL = (
    "E-Mail privat|mobile_no|Ausweisnummer|身份证号码|téléphone|dirección|codice fiscale|IBAN Referenzkonto|dateOfBirth"
)
PERSONAL += "|last_login_ip|Arbeitgeber|紧急联系人|achternaam|passport_no"
PERSONAL += "|cust_fname|LastNm|AcctHolderNm|contact_person_name|TelNr|GebTag|SteuerNr_FA|Kd_Name|账户名|证件类型号码"
PERSONAL += "|advisor_notes|Bemerkungen_Berater|call_memo|客户经理备注"
SPECIAL = "Konfession|blood_type|trade_union|政治面貌|orientation sexuelle|discapacidad|Vorstrafen|健康状况"
PROTECTED = "gender|Familienstand|国籍|état civil|sesso|burgerlijke staat"
KNOWN = "no_products|branch_no|opened_dt|balance_avg_12m|Kundenbetreuer_Nr|客户等级"
KNOWN += "|customer_segment|Wohnort|开户日期|income_band|num_children|canal|profesión|since"


@pytest.mark.parametrize(
    ("names", "sort"), [(PERSONAL, "personal"), (SPECIAL, "special"), (PROTECTED, "protected"), (KNOWN, "known")]
)
def test_names_say_what_a_column_is(names: str, sort: str) -> None:
    assert {name: sort_of(name) for name in names.split("|")} == dict.fromkeys(names.split("|"), sort)


def test_other_names_say_nothing() -> None:
    assert [sort_of(name) for name in ("xq7", "fav_colour", "trace", "Hausbank", "sector_code_7b", "panda")] == [
        None, None, None, None, "known", None
    ]  # fmt: skip


def iban(number: int) -> str:
    """A German IBAN with right check digits."""
    account = f"{37040044:08}{number:010}"
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def files(folder: Path, *, customers: int = 40) -> Path:
    """A bank whose columns of customers have names that tell nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "customer_id,a1,a2,a3,a4,a5,a6,denomination,segment"
    rows = [
        f"C{n:03},q{n}@mail.example,+43 660 12{n:05},{iban(n)},{1940 + n}-03-0{1 + n % 9},{n * 7_919 + 300_000},"
        f"{'AB'[n % 2]},{('none', 'some')[n % 2]},{('retail', 'private')[n % 2]}"
        for n in range(customers)
    ]
    (folder / "customers.csv").write_text("\n".join([head, *rows]) + "\n")
    products = [f"P{n:02},Fund number {n},{('fund', 'bond')[n % 2]}" for n in range(6)]
    (folder / "products.csv").write_text("\n".join(["product_id,name,kind", *products]) + "\n")
    trades = [f"T{n},C{n % customers:03},P{n % 6:02},2025-0{1 + n % 9}-01" for n in range(120)]
    (folder / "trades.csv").write_text("\n".join(["trade_id,customer_id,product_id,bought_at", *trades]) + "\n")
    return folder


def proposed(folder: Path, answer: str = "left out") -> tuple[Any, list[str]]:
    draft = write_draft(
        folder / "my.toml", folder, decide=lambda one: answer if answer in one.choices else one.choices[0]
    )
    return load_mapping(folder / "my.toml"), draft.questions


@pytest.mark.slow
def test_values_say_who_somebody_is(tmp_path: Path) -> None:
    mapping, questions = proposed(files(tmp_path / "bank"))
    customer = mapping.nodes["Customer"]
    assert customer.personal == ("a1", "a2", "a3", "a4", "a5")
    assert "a6" not in customer.sql
    assert "denomination" not in customer.sql
    assert set(mapping.nodes) == {"Customer", "Product", "Segment", "Kind"}
    assert any(one.startswith("nodes.Customer: a6 is called by no known word and is left out") for one in questions)
    assert any(
        "denomination is of a special kind (Article 9 and 10 of the GDPR) and is left out" in one for one in questions
    )
    report = check(mapping, tmp_path / "bank")
    assert report.marks == ()


@pytest.mark.slow
def test_what_somebody_says_yes_to_is_taken(tmp_path: Path) -> None:
    mapping, _ = proposed(files(tmp_path / "bank"), "an attribute")
    assert {"A6", "Segment"} <= set(mapping.nodes)
    mapping, _ = proposed(files(tmp_path / "other"), "for audits alone")
    assert mapping.nodes["Customer"].protected == ("denomination",)
    assert mapping.edges["HAS_DENOMINATION"].protected


MAPPING = """
[source]
name = "small"
[source.files]
customers = "customers.csv"
products = "products.csv"
trades = "trades.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
[nodes.Customer]
key = "customer_id"
personal = ["a1"]
sensitive = ["segment"]
sql = "SELECT customer_id, a1, a2, segment, denomination, a4 AS wrote FROM customers"
[nodes.Product]
key = "product_id"
sql = "SELECT product_id, name FROM products"
[edges.BOUGHT]
from = "Customer.customer_id"
to = "Product.product_id"
sql = "SELECT customer_id, product_id FROM trades GROUP BY ALL"
"""


def test_a_check_says_what_is_not_marked(tmp_path: Path) -> None:
    report = check(parse_mapping(MAPPING, "my.toml"), files(tmp_path))
    assert report.marks == (
        'nodes.Customer: a2 holds telephone numbers: personal = ["a2"]',
        "nodes.Customer: denomination looks like data of a special kind (Article 9 and 10 of the GDPR): leave it out, "
        'or protected = ["denomination"]',
    )


@pytest.mark.parametrize(
    ("label", "where"),
    [
        ('[nodes.Contact]\nkey = "mail"\nsql = "SELECT a1 AS mail FROM customers"', "its key"),
        ('[nodes.Contact]\nkey = "n"\nsql = "SELECT segment AS n, min(a1) AS m FROM customers GROUP BY 1"', None),
        ('[nodes.Contact]\nkey = "n"\nsql = "SELECT a5 AS n, upper(a6) AS up, a1 AS m FROM customers"', "m"),
    ],
)
def test_what_is_personal_stands_under_no_other_label(tmp_path: Path, label: str, where: str | None) -> None:
    mapping = parse_mapping(f"{MAPPING}{label}\n", "my.toml")
    run: list[Callable[[], object]] = [
        lambda: check(mapping, files(tmp_path)), lambda: run_load(mapping, files(tmp_path), MemorySink())
    ]  # fmt: skip
    for one in run:
        if where is None:
            one()  # two values are too few to tell
            continue
        with pytest.raises(
            SourceError, match=f"nodes.Contact: {where} holds 40 values of nodes.Customer.a1, which is p"
        ):
            one()


def test_a_snapshot_says_how_alike_its_customers_are(tmp_path: Path) -> None:
    sink = MemorySink()
    run_load(parse_mapping(MAPPING, "my.toml"), files(tmp_path, customers=9), sink)
    found = anonymity(write_snapshot(tmp_path / "s", sink.schema, sink.nodes, sink.edges, sink.series, {}, None))
    assert (found.k, found.small, found.customers, found.by) == (4, 4, 9, ("segment",))
    assert found.telling == ("a2", "wrote")
    assert found.sentence(5).startswith("k-anonymity by segment: k = 4, 4 of 9 customers in groups of fewer than 5; ")
