"""Words of other houses: traditional Chinese, French, compounds, fields of JSON, numbers of persons."""

import json
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.concepts import CLOSED, in_order, normal, place
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.looks import action_of, action_of_table, likeness, looks
from graphrec.loading.propose.words import is_identifier, simplified, singular


def loaded(data: Path) -> tuple[list[str], MemorySink, str]:
    path, sink = data.parent / "my.toml", MemorySink()
    questions = write_draft(path, data).questions
    run_load(load_mapping(path), data, sink)
    return questions, sink, path.read_text("utf-8")


@pytest.mark.slow
def test_a_broker_who_writes_traditional_chinese(data: Path) -> None:
    (data / "客戶資料.csv").write_text(
        "客戶編號,客戶姓名,出生日期,電郵地址,風險承受能力,同意接收推廣\n"
        + "".join(
            f"HK{i:04},陳大文{i},{1950 + i}/01/02,c{i}@example.hk,{'低中高'[i % 3]},{'是否'[i % 2]}\n"
            for i in range(30)
        )
    )
    (data / "產品清單.csv").write_text(
        "產品代號,產品名稱,產品類別,風險級別,銷售狀態\n"
        + "".join(f"{700 + i:05}.HK,龍騰基金{i},股票基金,{'低中高'[i % 3]},可供認購\n" for i in range(8))
    )
    (data / "交易記錄.csv").write_text(
        "交易編號,客戶編號,產品代號,交易日期,買賣方向,數量\n"
        + "".join(
            f"T{i:04},HK{i % 30:04},{700 + i % 8:05}.HK,{1 + i % 28:02}/02/2024,{('買入', '賣出')[i % 6 == 5]},{i}\n"
            for i in range(1, 61)
        )
    )
    _, sink, text = loaded(data)
    assert 'personal = ["客戶姓名", "出生日期", "電郵地址"]' in text
    assert 'name = "產品名稱"' in text
    assert 'show = { kind = "產品類別", risk = "風險級別" }' in text
    assert sink.nodes["客戶"]["同意接收推廣"].to_pylist()[:2] == [True, False]
    assert min(sink.edges["BOUGHT"]["signed_數量"].to_pylist()) < 0


def test_words_in_traditional_chinese_are_those_of_simplified() -> None:
    assert simplified("客戶編號") == "客户编号"
    assert is_identifier("產品代號")
    assert singular("客戶資料") == "客戶"
    assert place("風險承受能力", "tolerance") is not None
    assert normal("暫停認購") in CLOSED
    assert in_order(["極高", "低", "中"]) == [(2, "低"), (4, "中"), (7, "極高")]
    assert action_of("賣出") is action_of("卖出")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("No client", True),
        ("No opération", True),
        ("KUNDENNR", True),
        ("PAN", True),
        ("no marketing", False),
        ("no_claims", False),
        ("grid", False),
    ],
)
def test_numbers_of_things(name: str, is_one: bool) -> None:
    assert is_identifier(name) is is_one


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("TARIFBEZ", "name"),
        ("Modellbezeichnung", "name"),
        ("TARIFGRUPPE", "kind"),
        ("MINDESTSPARBETRAG", "minimum"),
        ("KDBETREUER", "adviser"),
        ("FAMSTAND", "protected"),
    ],
)
def test_compounds(name: str, like: str) -> None:
    assert looks(name, like)


def test_who_chooses_and_what() -> None:
    assert (likeness("Leasingnehmer"), likeness("party_id"), likeness("Scheme Code")) == (2, 2, -2)
    told = [action_of_table(one) for one in ("policy", "loan_accounts", "Leasingverträge", "保單")]
    assert [one and one.type for one in told] == ["HELD"] * 4


@pytest.mark.slow
def test_fields_keep_what_they_lie_in(data: Path) -> None:
    users = [
        {
            "userId": f"u{i:02}",
            "profile": {"name": {"first": f"Mia{i}", "last": f"Lund{i}"}},
            "consents": {"marketing": {"granted": i % 2 == 0}},
        }
        for i in range(30)
    ]
    (data / "users.json").write_text(json.dumps(users))
    (data / "products.csv").write_text("productId,title\n" + "".join(f"p{i},Pot {i}\n" for i in range(9)))
    orders = "".join(f"u{i % 30:02},p{i % 9},2024-01-{1 + i % 28:02}\n" for i in range(60))
    (data / "orders.csv").write_text(f"userId,productId,day\n{orders}")
    _, sink, text = loaded(data)
    assert 'personal = ["whole_name", "name_first", "name_last"]' in text
    assert sink.nodes["User"]["marketing_granted"].to_pylist()[:2] == [True, False]


@pytest.mark.slow
def test_a_number_of_a_person_as_the_key(data: Path) -> None:
    (data / "customers.csv").write_text(
        "Mobile No,PAN,Customer Name\n" + "".join(f"98{i:08},ABCP{i:04}K,Iyer {i}\n" for i in range(30))
    )
    (data / "schemes.csv").write_text("Scheme Code,Scheme Name\n" + "".join(f"LN{i:02},Loan {i}\n" for i in range(8)))
    loans = "".join(f"L{i:04},ABCP{i % 30:04}K,LN{i % 8:02},2023-01-0{1 + i % 9}\n" for i in range(60))
    (data / "loans.csv").write_text(f"Loan No,PAN,Scheme Code,Disbursal Date\n{loans}")
    questions, sink, text = loaded(data)
    assert 'key = "PAN"' in text
    assert sink.edges["HELD"].num_rows == 60
    assert any(one.startswith("nodes.Customer: PAN names a person, and as the key it stands") for one in questions)


@pytest.mark.slow
def test_numbers_that_match_other_things_by_chance_keep_their_zeros(data: Path) -> None:
    (data / "customers.csv").write_text("KUNDENNR,NAME\n" + "".join(f"{i:06},A {i}\n" for i in range(100, 130)))
    (data / "products.csv").write_text("PRODUKTNR,PRODUKTBEZ\n" + "".join(f"{i:04},M {i}\n" for i in range(100, 110)))
    rows = "".join(f"{i:08},{100 + i % 30:06},{100 + i % 10:04},2023-01-0{1 + i % 9}\n" for i in range(200))
    (data / "vertraege.csv").write_text(f"VERTRAGSNR,KUNDENNR,PRODUKTNR,BEGINN\n{rows}")
    _, sink, text = loaded(data)
    assert "lpad(" not in text
    assert sink.edges["HELD"].num_rows == 200


@pytest.mark.slow
def test_what_a_broker_books_is_nothing_that_a_customer_chose(data: Path) -> None:
    (data / "accounts.csv").write_text(
        "Account Number,Primary Owner,SSN,Do Not Solicit\n"
        + "".join(f"Z{i:04},Smith {i},***-**-{1000 + i},{'NY'[i % 2]}\n" for i in range(30))
    )
    (data / "securities.csv").write_text("Symbol,Text\n" + "".join(f"ETF{i},Total Market {i}\n" for i in range(8)))
    actions = ("YOU BOUGHT", "DIVIDEND RECEIVED", "REINVESTMENT", "YOU SOLD")
    (data / "history.csv").write_text(
        "Run Date,Account Number,Action,Symbol,Quantity\n"
        + "".join(
            f"{1 + i % 12:02}/{13 + i % 9}/2023,Z{i % 30:04},{actions[i % 4]},ETF{i % 8},{i}\n" for i in range(1, 81)
        )
    )
    questions, sink, text = loaded(data)
    assert set(sink.edges) == {"BOUGHT"}
    assert sink.edges["BOUGHT"].num_rows == 60
    assert 'personal = ["Primary_Owner", "SSN"]' in text
    assert 'name = "Text"' in text
    assert "history: Action DIVIDEND RECEIVED is nothing that a customer chose and is left out" in questions


@pytest.mark.slow
def test_won_and_lost_opportunities(data: Path) -> None:
    (data / "Contact.csv").write_text("Id,LastName\n" + "".join(f"0035g{i:05}AAA,Doe{i}\n" for i in range(30)))
    (data / "Product2.csv").write_text("Id,Name\n" + "".join(f"01t5g{i:05}AAA,Fund {i}\n" for i in range(9)))
    stages = ("Closed Won", "Closed Lost", "Prospecting")
    (data / "Opportunity.csv").write_text(
        "Id,ContactId,Product2Id,StageName,CloseDate\n"
        + "".join(
            f"0065g{i:05}AAA,0035g{i % 30:05}AAA,01t5g{i % 9:05}AAA,{stages[i % 3]},2023-0{1 + i % 9}-11\n"
            for i in range(90)
        )
    )
    _, sink, text = loaded(data)
    assert [table.num_rows for table in sink.edges.values()] == [30]
    assert 'at = "CloseDate"' in text
    assert "until = " not in text
