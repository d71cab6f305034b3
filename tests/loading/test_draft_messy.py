"""Proposals for files as banks write them: wrapped JSON, copies of rows, signed pieces, words of Austria and China."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.drafted import Draft

PRODUCTS = [
    "ISIN;PRODUKTNAME;PRODUKTGRUPPE;OCF %;MINDESTVERANLAGUNG;BESCHREIBUNG",
    *(
        f"AT{i:010};Fonds {i};{('Aktien', 'Renten')[i % 2]};0,5;1.000,00;"
        f"Der Fonds investiert in {('Wasser', 'Holz')[i % 2]}"
        for i in range(12)
    ),
]
CUSTOMERS = [
    "KD_NR;NACHNAME;GEB_DAT;PLZ;STAATSBÜRGERSCHAFT;PEP;WERBEZUSTIMMUNG;KUNDENSTATUS",
    *(
        f"{i:05};Huber;0{1 + i % 9}.02.1970;0{1000 + i % 9};{('AT', 'CH')[i % 2]};N;J;"
        f"{('aktiv', 'gekündigt')[i % 9 == 8]}"
        for i in range(30)
    ),
]


def proposed(
    tmp_path: Path, files: dict[str, str], encoding: str = "utf-8"
) -> tuple[Draft, dict[str, Any], MemorySink]:
    """A mapping for the files, and what it loads."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding=encoding)
    draft, sink = write_draft(tmp_path / "my.toml", folder), MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
    return draft, tomllib.loads((tmp_path / "my.toml").read_text("utf-8")), sink


@pytest.fixture(scope="module")
def austrian(tmp_path_factory: pytest.TempPathFactory) -> tuple[Draft, dict[str, Any], MemorySink]:
    moves = ["BEWEGUNGS_NR;KD_NR;ISIN;BUCHUNGSDATUM;BEWEGUNGSART;STÜCK"]
    for i in range(60):
        sold = i % 4 == 3
        moves.append(
            f"B{i:04};{i % 15:05};AT{i % 4 + i // 30:010};0{1 + i % 9}.03.2024;"
            f"{('Kauf', 'Rücknahme')[sold]};{'-' if sold and i % 8 == 3 else ''}{10 + i}"
        )
    looks = ["KD_NR;ISIN;ZEITSTEMPEL", *(f"{i % 30:05};AT{i % 12:010};05.04.2024 10:{i:02}" for i in range(50))]
    files = {
        "KUNDENSTAMM.csv": "\n".join([*CUSTOMERS, CUSTOMERS[3], CUSTOMERS[7]]),
        "PRODUKTE.csv": "\n".join(PRODUCTS),
        "BEWEGUNGEN.csv": "\n".join(moves),
        "ONLINE_ZUGRIFFE.csv": "\n".join(looks),
    }
    return proposed(tmp_path_factory.mktemp("austria"), files, "cp1252")


def test_words_of_austria(austrian: tuple[Draft, dict[str, Any], MemorySink]) -> None:
    _, plain, sink = austrian
    user, product = plain["nodes"]["Kunde"], plain["nodes"][plain["roles"]["product"]]
    assert user["personal"] == ["NACHNAME", "GEB_DAT"]
    assert user["protected"] == ["STAATSBÜRGERSCHAFT", "PEP"]
    assert "PLZ" not in user["parse"]
    assert product["text"] == ["PRODUKTNAME", "BESCHREIBUNG"]
    assert product["show"] == {"kind": "PRODUKTGRUPPE", "fee": "OCF_percent", "minimum": "MINDESTVERANLAGUNG"}
    assert not {"Kundenstatus", "Werbezustimmung", "Pep"} & plain["nodes"].keys()
    assert set(sink.nodes["Kunde"]["PLZ"].to_pylist()) == {f"0{1000 + i}" for i in range(9)}


def test_copies_of_a_row_are_one_customer(austrian: tuple[Draft, dict[str, Any], MemorySink]) -> None:
    draft, _, sink = austrian
    assert "kundenstamm: 2 rows are copies of others and are left out" in draft.questions
    assert sink.nodes["Kunde"].num_rows == 30


def test_what_is_sold_gives_up_a_position_whatever_its_sign(austrian: tuple[Draft, dict[str, Any], MemorySink]) -> None:
    _, plain, sink = austrian
    assert plain["roles"]["weights"] == {"BOUGHT": 1.0, "VIEWED": 0.2}
    assert plain["roles"]["relevant"] == ["BOUGHT"]
    assert plain["edges"]["BOUGHT"]["quantity"] == "signed_STÜCK"
    given = [float(one) for one in sink.edges["BOUGHT"]["signed_STÜCK"].to_pylist()]
    assert sum(one < 0 for one in given) == 15
    assert len(given) == 60


@pytest.mark.slow
def test_seconds_since_1970_in_chinese_files(tmp_path: Path) -> None:
    customers = ["客户号,姓名,开户时间,是否政治公众人物", *(f"{i:05},王伟,{1_500_000_000 + i},否" for i in range(20))]
    funds = [
        "基金代码,基金名称,产品说明",
        *(
            f"{i * 37:06},稳健{i}号,本基金主要投资于消费领域的优质企业。基金有风险，投资需谨慎，第{i}期"
            for i in range(9)
        ),
    ]
    trades = ["流水号,客户号,基金代码,交易类型,份额,交易时间"]
    trades += [
        f"T{i},{i % 20:05},{i % 9 * 37:06},{('申购', '定投', '分红')[i % 3]},5.00,{1_700_000_000 + i}"
        for i in range(60)
    ]
    files = {
        name: "\n".join(text) for name, text in (("客户.csv", customers), ("基金.csv", funds), ("交易.csv", trades))
    }
    draft, plain, _ = proposed(tmp_path, files, "gb18030")
    user, product = plain["roles"]["user"], plain["roles"]["product"]
    assert plain["edges"]["BOUGHT"]["at"] == "交易时间"
    assert plain["nodes"][user]["parse"]["开户时间"] == {"type": "time", "format": "seconds"}
    assert plain["nodes"][user]["protected"] == ["是否政治公众人物"]
    assert plain["nodes"][product]["text"] == ["基金名称", "产品说明"]
    # A dividend is nothing that a customer chose.
    assert draft.interactions == {"BOUGHT": 1.0}
    assert "交易: 交易类型 分红 is nothing that a customer chose and is left out" in draft.questions
    assert plain["roles"]["relevant"] == ["BOUGHT"]


def test_short_chinese_descriptions_are_texts(tmp_path: Path) -> None:
    """Thirteen signs say as much as a line of English; names of four signs do not."""
    kinds = ("国债", "黄金", "消费", "医药", "芯片", "红利", "能源", "地产", "军工")
    files = {
        "客户.csv": "\n".join(["客户号,城市", *(f"C{i:04},上海市区" for i in range(20))]),
        "产品.csv": "\n".join(
            ["产品号,产品介绍", *(f"P{i:03},主要投资{kind}行业优质企业" for i, kind in enumerate(kinds))]
        ),
        "交易.csv": "\n".join(
            ["客户号,产品号,交易时间", *(f"C{i % 20:04},P{i % 9:03},2024-01-{i % 28 + 1:02}" for i in range(60))]
        ),
    }
    _, plain, _ = proposed(tmp_path, files, "utf-8")
    texts = {label: node.get("text") for label, node in plain["nodes"].items()}
    assert [text for text in texts.values() if text] == [["产品介绍"]]


@pytest.mark.slow
def test_rows_of_rows_of_a_wrapped_export(tmp_path: Path) -> None:
    clients = [
        {
            "clientRef": f"CLT-{i:03}",
            "person": {"lastName": "Smith", "address": {"city": "Leeds"}, "pepFlag": i == 3},
            "preferences": {"marketingOptIn": i % 2 == 0},
            "accounts": [
                {"number": f"A{i}-{n}", "lots": [{"sedol": f"B{(i + n) % 7:03}", "units": 5}]} for n in (0, 1)
            ],
        }
        for i in range(20)
    ]
    funds = ["SEDOL,Fund Name", *(f"B{i:03},Fund {i}" for i in range(7))]
    events = ["client,sedol,ts,action"]
    events += [
        f"CLT-{i % 20:03},B{i % 7:03},{1_700_000_000 + i},{('view', 'dismissed')[i % 5 == 0]}" for i in range(60)
    ]
    files = {
        "clients.json": json.dumps({"exportedAt": "2024-12-31T23:00:00Z", "clients": clients}),
        "funds.csv": "\n".join(funds),
        "web_events.csv": "\n".join(events),
    }
    _, plain, sink = proposed(tmp_path, files)
    assert (plain["roles"]["user"], sink.nodes["Client"].num_rows) == ("Client", 20)
    assert {"lastName", "city", "pepFlag", "marketingOptIn"} <= set(sink.nodes["Client"].column_names)
    assert plain["roles"]["weights"]["REJECTED"] == -1.0
    assert sink.edges["VIEWED"].num_rows == 48
    # A list in a list has rows of its own, which know whose they are.
    lots = [kind for kind, edge in plain["edges"].items() if "lots" in edge["sql"]]
    assert [sink.edges[kind].num_rows for kind in lots] == [40]
    assert len(plain["edges"]["VIEWED"]["sql"]) < 200


@pytest.mark.slow
def test_a_minus_behind_the_number_is_one(tmp_path: Path) -> None:
    partners = [
        "Partner-Nr;Nachname;Geschl.;Opt-in E-Mail",
        *(f"{20000 + i};Meier;{'mw'[i % 2]};ja" for i in range(20)),
    ]
    papers = ["WKN;Bezeichnung;Ausgabeaufschlag", *(f"A{i:05};Fonds {i};{('2,50', '5,00')[i % 2]} %" for i in range(9))]
    moves = ["Beleg;GP;WKN;Valuta;Nominal;Betrag"]
    moves += [
        f"9{i:05};{20000 + i % 20};A{i % 9:05};2023-02-{1 + i % 28:02};{5 + i % 7},000{'-' * (i % 5 == 4)};"
        f"{1 + i % 8}.{100 + i},50{'-' * (i % 5 == 4)}"
        for i in range(60)
    ]
    files = {"GP_STAMM.csv": "\n".join(partners), "WP_STAMM.csv": "\n".join(papers), "UMSAETZE.csv": "\n".join(moves)}
    _, plain, sink = proposed(tmp_path, files)
    user = plain["nodes"][plain["roles"]["user"]]
    assert (user["personal"], user["protected"]) == (["Nachname"], ["Geschl"])
    assert "Ausgabeaufschlag" not in plain["nodes"]
    assert plain["roles"]["interactions"] == ["BOUGHT"]
    assert (plain["edges"]["BOUGHT"]["quantity"], plain["edges"]["BOUGHT"].get("weight")) == ("Nominal", None)
    given = sink.edges["BOUGHT"]["Nominal"].to_pylist()
    assert (len(given), sum(one < 0 for one in given)) == (60, 12)
