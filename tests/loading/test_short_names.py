"""Short names of core systems, heads with units, ends by several columns: exports of banks explain none of them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.concepts import CLOSED, OPEN, place, told
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.looks import action_of, is_accounting, looks
from graphrec.loading.propose.words import is_identifier, singular, spelled_out, words

Drafted = Callable[[dict[str, str]], tuple[Any, dict[str, Any], MemorySink]]


@pytest.fixture
def drafted(tmp_path: Path) -> Drafted:
    """Proposes a mapping for files, loads it, and gives the draft, the mapping and what was loaded."""

    def propose(files: dict[str, str]) -> tuple[Any, dict[str, Any], MemorySink]:
        folder = tmp_path / "data"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        made = write_draft(tmp_path / "my.toml", folder)
        sink, mapping = MemorySink(), load_mapping(tmp_path / "my.toml")
        run_load(mapping, folder, sink)
        return made, {"nodes": mapping.nodes, "edges": mapping.edges, "roles": mapping.roles}, sink

    return propose


def rows(head: str, count: int, line: Callable[[int], str]) -> str:
    return "\n".join([head, *(line(i) for i in range(count))]) + "\n"


def values(sink: MemorySink, label: str, column: str) -> list[Any]:
    return sink.nodes[label].column(column).to_pylist()  # type: ignore[no-any-return]


SAP = {
    "KNA1.csv": rows(
        "MANDT,KUNNR,NAME1,PSTLZ,ORT01,GBDAT,KDGRP", 30,
        lambda i: f"100,{i:010},Kramer {i},{10115 + i},{('Bonn', 'Kiel', 'Ulm')[i % 3]},{1950 + i}0102,{1 + i % 4:02}",
    ),
    "MARA.csv": rows(
        "MANDT,MATNR,MAKTX,MTART", 9, lambda i: f"100,{i + 400:018},Sparbrief Nr. {i},{('SPAR', 'FOND')[i % 2]}"
    ),
    "VBAK.csv": rows(
        "MANDT,VBELN,KUNNR,MATNR,AUDAT,BEGDA,ENDDA,NETWR,WAERK", 90,
        lambda i: f"100,{40000000 + i:010},{i % 30:010},{400 + i % 9:018},2023{1 + i % 12:02}11,2023{1 + i % 12:02}15,"
        f"{'20250301' if i % 5 == 0 else '99991231'},{i}00.00,EUR",
    ),
}  # fmt: skip


@pytest.mark.slow
def test_tables_of_sap_are_customers_products_and_contracts(drafted: Drafted) -> None:
    made, mapping, sink = drafted(SAP)
    assert (made.user, made.product) == ("Customer", "Product")
    customer, product = mapping["nodes"]["Customer"], mapping["nodes"]["Product"]
    assert (customer.key, product.key, product.name) == ("KUNNR", "MATNR", "MAKTX")
    assert set(customer.personal) == {"NAME1", "GBDAT"}
    (kind,) = mapping["roles"].interactions
    edge = mapping["edges"][kind]
    assert (edge.at, edge.until, edge.key) == ("AUDAT", "ENDDA", "VBELN")
    assert sink.edges[kind].num_rows == 90
    assert {moment.year for moment in sink.edges[kind].column("ENDDA").to_pylist()} == {2025, 9999}
    assert {"City", "CustomerGroup"} <= set(sink.nodes)
    assert not [one for one in made.questions if "MANDT" in one]


@pytest.mark.slow
def test_six_letters_are_understood_by_their_parts(drafted: Drafted) -> None:
    made, mapping, sink = drafted(
        {
            "MEMBER.csv": rows(
                "MBRNBR,LNAME,BIRTHDT,CITY,OPTOUTMKT,BRNCHNBR", 40,
                lambda i: f"{20000 + i:09},Johnson,{1 + i % 12:02}/{1 + i % 28:02}/{(45 + i) % 60 + 40:02},"
                f"{('TULSA', 'OMAHA')[i % 2]},{'NY'[i % 2]},{i % 6:03}",
            ),
            "PRODTBL.csv": rows(
                "PRODCD,PRODDESC,PRODTYP,OFFRIND", 12,
                lambda i: f"{i + 1:03},Share certificate of series {i},{('SH', 'LN')[i % 2]},{'YN'[i == 3]}",
            ),
            "ACCOUNT.csv": rows(
                "ACCTNBR,MBRNBR,PRODCD,OPENDT,CLOSEDT,ACCTSTAT", 120,
                lambda i: f"{5000000 + i:012},{20000 + i % 40:09},{1 + i % 12:03},{1 + i % 12:02}/{1 + i % 28:02}/23,"
                f"{'02/13/25' if i % 7 == 0 else ''},{'CLS' if i % 7 == 0 else 'ACT'}",
            ),
        }
    )  # fmt: skip
    assert (made.user, made.product, made.interactions) == ("Member", "Product", {"HELD": 1.0})
    assert mapping["nodes"]["Product"].name == "PRODDESC"
    held = mapping["edges"]["HELD"]
    assert (held.at, held.until, held.key) == ("OPENDT", "CLOSEDT", "ACCTNBR")
    assert {"LNAME", "BIRTHDT"} <= set(mapping["nodes"]["Member"].personal)
    born = [one.year for one in values(sink, "Member", "BIRTHDT")]
    assert (min(born), max(born)) == (1940, 1999)
    # A number that lost nothing gets no zeros of another table.
    assert not [one for one in made.questions if "BRNCHNBR" in one and "zeros" in one]


@pytest.mark.parametrize("name", ["Valid", "Title", "Postcode", "Produkttext", "Vertrag", "Active", "Transaction"])
def test_words_are_not_taken_for_short_names(name: str) -> None:
    assert spelled_out(name) == name


def test_states_without_their_vowels() -> None:
    assert [told(one, OPEN, CLOSED) for one in ("ACTV", "WTHD", "CLSD", "SUSP")] == [True, False, False, False]
    concepts = [("DCSD_FLG", "blocked"), ("MKTG_CNST_FLG", "consent"), ("REC_STAT", "relation"), ("EFF_TO_DT", "end")]
    assert [place(name, concept) is not None for name, concept in concepts] == [True] * 4


def test_what_a_table_is_called_besides() -> None:
    named = ["Kundenstamm", "stock_master", "Tarifkatalog", "PRODTBL", "KNA1"]
    assert ["".join(words(singular(one))) for one in named] == ["kunde", "stock", "tarif", "product", "customer"]


def test_accounts_and_postal_codes() -> None:
    assert [is_identifier(one) for one in ("Client A/C", "EPIC", "Post Code", "postal_code", "zip-code")] == [
        True, True, False, False, False
    ]  # fmt: skip


@pytest.mark.slow
def test_the_column_that_dealings_use_is_the_key(drafted: Drafted) -> None:
    _, mapping, sink = drafted(
        {
            "clients.csv": rows(
                "Client A/C,Family Name,Town", 30, lambda i: f"AB{i:03},Smith,{('York', 'Hull')[i % 2]}"
            ),
            "stock_master.csv": rows(
                "SEDOL,Ticker Code,Stock Name,Sector", 12,
                lambda i: f"B{i:03}XY,{('VOD', 'BP')[i % 2]}{i}.L,Albion {i},{('Banks', 'Energy')[i % 2]}",
            ),
            "contract_notes.csv": rows(
                "Contract Note,Client A/C,Ticker Code,Trade Date,Shares", 90,
                lambda i: f"CN{i:04},AB{i % 30:03},{('VOD', 'BP')[i % 2]}{i % 12}.L,{1 + i % 28:02}/03/2023,{i + 1}",
            ),
        }
    )  # fmt: skip
    assert (mapping["nodes"]["Client"].key, mapping["nodes"]["Stock"].key) == ("Client_A_C", "Ticker_Code")
    (kind,) = mapping["roles"].interactions
    assert mapping["edges"][kind].key == "Contract_Note"
    assert sink.edges[kind].num_rows == 90


@pytest.mark.slow
def test_a_contract_ends_on_the_first_of_its_ends(drafted: Drafted) -> None:
    made, mapping, sink = drafted(
        {
            "kunden.csv": rows("Kundennr,Name,Ort", 30, lambda i: f"K{i:03},Gruber,{('Wien', 'Linz')[i % 2]}"),
            "tarife.csv": rows("Tarifnr,Tarifname,Sparte", 9, lambda i: f"T{i},Schutz {i},{('Leben', 'Kfz')[i % 2]}"),
            "polizzen.csv": rows(
                "Polizzennr,Kundennr,Tarifnr,Beginn,Ablauf,Stornodatum", 90,
                lambda i: f"P{i:03},K{i % 30:03},T{i % 9},2023-02-01,2043-02-01,{'2024-05-01' if i % 3 == 0 else ''}",
            ),
        }
    )  # fmt: skip
    assert mapping["edges"]["HELD"].until == "ends_on"
    ends = sorted(moment.date() for moment in sink.edges["HELD"].column("ends_on").to_pylist())
    assert (ends.count(date(2024, 5, 1)), ends.count(date(2043, 2, 1))) == (30, 60)
    assert any("Ablauf, Stornodatum look like days" in one for one in made.questions)


@pytest.mark.slow
def test_heads_say_how_large_a_number_is(drafted: Drafted) -> None:
    made, _, sink = drafted(
        {
            "客户资料.csv": rows(
                "客户号,客户等级,总资产（万元）", 30, lambda i: f"3001{i:04},{('金卡', '普通')[i % 2]},{i}.5"
            ),
            "产品信息.csv": rows(
                "产品代码,产品名称,起购金额（万元）", 9, lambda i: f"{600 + i:06},鑫享{i}号,{5 * (1 + i)}"
            ),
            "成交流水.csv": rows(
                "委托编号,客户号,产品代码,业务名称,成交日期,成交份额", 90,
                lambda i: f"WT{i:06},3001{i % 30:04},{600 + i % 9:06},{('申购', '红利发放')[i % 10 == 9]},"
                f"202303{1 + i % 28:02},1",
            ),
        }
    )  # fmt: skip
    assert sorted(values(sink, "产品", "起购金额_万元"))[:2] == [50_000, 100_000]
    assert max(values(sink, "客户", "总资产_万元")) == 295_000
    assert any("read times 10,000" in one for one in made.questions)
    # What the bank paid out was chosen by nobody.
    assert "BOUGHT" in sink.edges
    assert "红利发放" not in sink.edges


@pytest.mark.slow
def test_lists_of_plain_values_are_no_things(drafted: Drafted) -> None:
    people = [
        {
            "customerId": f"u{i:03}", "emails": [f"a{i}@example.org"], "born": {"$date": f"{1970 + i}-01-02T00:00:00Z"},
            "plan": ("free", "plus")[i % 2],
        }
        for i in range(30)
    ]  # fmt: skip
    events = [
        {"id": f"e{i}", "type": ("product.activated", "product.cancelled")[i % 9 == 8], "ts": 1_690_000_000_000 + i,
         "data": {"customerId": f"u{i % 30:03}", "productId": f"p{i % 7:02}"}}
        for i in range(120)
    ]  # fmt: skip
    _, mapping, sink = drafted(
        {
            "customers.jsonl": "\n".join(map(json.dumps, people)),
            "products.csv": rows("productId,name", 7, lambda i: f"p{i:02},Card {i}"),
            "events.jsonl": "\n".join(map(json.dumps, events)),
        }
    )
    assert [label for label in sink.nodes if "mail" in label.lower()] == []
    assert set(mapping["nodes"]["Customer"].personal) == {"emails", "born"}
    # What is cancelled is held no more, and speaks against nothing.
    assert mapping["roles"].weights == {"HELD": 1.0}
    assert mapping["edges"]["HELD"].quantity == "held_change"


@pytest.mark.parametrize("said", ["Depotgebühr", "Kapitalertragsteuer", "红利发放", "Bardividende"])
def test_what_nobody_chose(said: str) -> None:
    assert is_accounting(said)
    assert not any(is_accounting(one) for one in ("Kauf", "Sparplan", "申购", "Verkauf"))
    assert action_of("Verkauf") is not None


@pytest.mark.parametrize("column", ["Stornodatum", "Schließung", "CLOSEDT", "Data disdetta", "ENDDA", "退保日期"])
def test_ends_by_other_words(column: str) -> None:
    assert looks(column, "end")
