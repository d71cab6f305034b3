"""Files put together by hand: headers again, names of columns twice, joint holders, a column for each fund."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose import profile
from graphrec.loading.propose.concepts import CLOSED, NO, OPEN, YES, in_order, place, told
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.looks import action_of, looks
from graphrec.loading.propose.shapes.states import meaning
from graphrec.loading.sources.frame import frame_of

Loaded = tuple[list[str], MemorySink, str]

MEMBERS = ["Membership No,Surname,Town,Marketing: Email"]
MEMBERS += [f"M{100 + i},Walker {i},{('York', 'Rugby')[i % 2]},{('Yes', 'No')[i % 3 == 0]}" for i in range(40)]
PRODUCTS = ["Product Code,Product Name,Product Type,Max Age,Max Age"]
PRODUCTS += [f"FRB{i:03},Fixed Rate Bond Issue {i},{('Bond', 'ISA')[i % 2]},,{70 + i % 3}" for i in range(12)]
ACCOUNTS = ["Account No,Primary Holder,Joint Holder,Product Code,Opened,Status"]
ACCOUNTS += [
    f"{3000 + i},M{100 + i % 40},{f'M{100 + (i + 1) % 40}' if i % 4 == 0 else ''},FRB{i % 12:03},"
    f"{1 + i % 28:02}/03/2024,{('Open', 'Closed', 'Dormant')[i % 3]}"
    for i in range(60)
]


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[dict[str, str]], Loaded]:
    """Proposes a mapping for files and loads it."""

    def load(files: dict[str, str]) -> Loaded:
        folder, path, sink = tmp_path / "data", tmp_path / "my.toml", MemorySink()
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        questions = write_draft(path, folder).questions
        report = run_load(load_mapping(path), folder, sink)
        assert not any(one.rejected for one in (*report.nodes.values(), *report.edges.values()))
        return questions, sink, path.read_text("utf-8")

    return load


@pytest.fixture
def society(loaded: Callable[[dict[str, str]], Loaded]) -> Loaded:
    """A building society: the members of two branches in one file, joint accounts."""
    members = [*MEMBERS[:20], MEMBERS[0], *MEMBERS[20:]]
    return loaded(
        {name: "\n".join(rows) for name, rows in
         (("members.csv", members), ("products.csv", PRODUCTS), ("accounts.csv", ACCOUNTS))}
    )  # fmt: skip


@pytest.mark.slow
def test_a_header_again_is_no_row(society: Loaded) -> None:
    questions, sink, _ = society
    assert sink.nodes["Member"].num_rows == 40
    assert "members: 1 rows are its header again and are left out: is that right?" in questions


@pytest.mark.slow
def test_a_name_of_a_column_twice_gets_a_number(society: Loaded) -> None:
    questions, sink, text = society
    assert 'names = ["Product Code", "Product Name", "Product Type", "Max Age", "Max Age 2"]' in text
    assert sink.nodes["Product"]["Max_Age_2"].to_pylist()[:3] == [70, 71, 72]
    assert "products.csv has a name of a column twice; the later one has a number: is that right?" in questions


@pytest.mark.slow
def test_both_holders_of_a_joint_account_have_it(society: Loaded) -> None:
    questions, sink, _ = society
    held = sink.edges["HELD"]
    assert held.num_rows == 60 + 15
    pairs = set(zip(held["source"].to_pylist(), held["target"].to_pylist(), strict=True))
    assert {("M100", "FRB000"), ("M101", "FRB000")} <= pairs
    assert "Joint_Holder" not in held.column_names
    assert "accounts: Joint Holder names a second holder, who has what the first one has: is that right?" in questions


@pytest.mark.slow
def test_open_and_dormant_accounts_are_held_and_closed_ones_are_not(society: Loaded) -> None:
    _, sink, _ = society
    assert "OPEN" not in sink.edges
    held = sink.edges["HELD"]
    by_status = dict(zip(held["Status"].to_pylist(), held["still_held"].to_pylist(), strict=True))
    assert {status: float(one) for status, one in by_status.items()} == {"Open": 1, "Closed": 0, "Dormant": 1}


@pytest.mark.slow
def test_amounts_in_a_column_for_each_fund(loaded: Callable[[dict[str, str]], Loaded]) -> None:
    funds = [f"{110000 + 137 * i}" for i in range(8)]
    products = ["基金代码,基金名称,基金类型", *(f"{fund},恒泰基金{i},债券型" for i, fund in enumerate(funds))]
    rows = ["持仓总表", "截至2025年1月31日", "客户编号,客户姓名,所在城市," + ",".join(funds)]
    for i in range(30):
        amounts = [("/", "0.00", f"{100 * (i + 1)}.50", "")[(i + j) % 4] for j in range(8)]
        rows.append(f"JJ{i:04},李{i},{('杭州', '苏州')[i % 2]},{','.join(amounts)}")
    questions, sink, _ = loaded({"产品.csv": "\n".join(products), "客户持仓.csv": "\n".join(rows)})
    held = sink.edges["HELD"]
    assert held.num_rows == 60
    assert set(held["target"].to_pylist()) == set(funds)
    assert min(map(float, held["weight"].to_pylist())) == 100.5
    assert sink.nodes["客户持仓"].num_rows == 30
    assert (
        "客户持仓_holdings: reads 8 columns of 客户持仓 (110000, 110137, 110274 …) as products of which something is "
        "held: is that right?" in questions
    )


@pytest.mark.slow
def test_positions_without_a_time_beside_trades_are_asked(loaded: Callable[[dict[str, str]], Loaded]) -> None:
    customers = ["customer_id,segment", *(f"C{i:03},{('mass', 'top')[i % 2]}" for i in range(30))]
    products = ["product_id,name,kind", *(f"P{i:02},Fund {i},{('fund', 'bond')[i % 2]}" for i in range(12))]
    trades = ["trade_id,customer_id,product_id,amount,traded_on"]
    trades += [f"T{i:04},C{i % 30:03},P{i % 12:02},{100 * (i + 1)},2024-{1 + i % 12:02}-11" for i in range(60)]
    holdings = ["customer_id,product_id,units", *(f"C{i % 30:03},P{i % 12:02},{1 + i}" for i in range(60))]
    files = {"customers": customers, "products": products, "trades": trades, "holdings": holdings}
    questions, sink, _ = loaded({f"{name}.csv": "\n".join(rows) for name, rows in files.items()})
    assert (sink.edges["BOUGHT"].num_rows, sink.edges["HELD"].num_rows) == (60, 60)
    assert (
        "roles.relevant: HELD has no time, and BOUGHT has: where one is what came of the other, keep one of them"
        in questions
    )


@pytest.mark.slow
def test_a_folder_is_read_once(loaded: Callable[[dict[str, str]], Loaded], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    profiled = profile.read_files

    def reads(database: Any, mapping: Any, *rest: Any) -> None:
        read.extend(mapping.files)
        profiled(database, mapping, *rest)

    monkeypatch.setattr(profile, "read_files", reads)
    head = "customer_id,segment," + ",".join(f"has_{one}" for one in ("loan", "card", "fund"))
    rows = [f"C{i:03},{('mass', 'top')[i % 2]},{i % 2},{i % 3 % 2},{i % 5 % 2}" for i in range(40)]
    _, sink, _ = loaded({"customers.csv": "\n".join([head, *rows])})
    assert sink.edges["HELD"].num_rows == 20 + 13 + 16
    assert read == ["customers"]


def test_codes_of_funds_in_a_header_are_names_and_amounts_are_none() -> None:
    body = [[f"K{i}", "Anna", str(10 + i), str(20 + i), str(30 + i)] for i in range(8)]
    head = ["client", "name", "110022", "110033", "110044"]
    assert frame_of([["Holdings"], head, *body], [], ";").above == 1
    assert frame_of([["Holdings"], *body], [], ";").above == 0


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Samtykke til markedsføring", "consent"),
        ("Reservert mot markedsføring", "objection"),
        ("Aldersgrense", "least age"),
        ("Fødselsdato", "born"),
        ("Riskprofil", "tolerance"),
        ("Withdrawn Date", "end"),
        ("接受营销短信", "consent"),
        ("Zgoda marketingowa", "consent"),
        ("Em comercialização", "offered"),
        ("trade_restr_ind", "withdrawn"),
        ("suitability_cd", "tolerance"),
        ("Montante Mínimo (€)", "minimum"),
    ],
)
def test_words_of_more_languages(name: str, concept: str) -> None:
    assert place(name, concept) is not None


def test_words_of_the_north() -> None:
    assert all(looks(one, "personal") for one in ("Fornavn", "Efternamn", "Fødselsnr", "Personnummer"))
    assert looks("Produktnavn", "name")
    assert looks("Poststed", "sensitive")
    assert [meaning(one) for one in ("Avsluttet", "Löpande", "Opsagt")] == ["over", None, "over"]
    assert [told(one, OPEN, CLOSED) for one in ("Utgått", "Aktiv", "Tilgjengelig")] == [False, True, True]


@pytest.mark.parametrize(
    ("value", "is_yes"),
    [("Ja, per E-Mail", True), ("Nein", False), ("No - objected", False), ("同意接收短信", True), ("不同意", False),
     ("拒绝", False), ("Tak", True), ("vielleicht", None), ("x", True)],
)  # fmt: skip
def test_values_that_say_yes_among_other_words(value: str, is_yes: bool | None) -> None:
    assert told(value, YES, NO) is is_yes


@pytest.mark.parametrize(
    ("value", "is_open"),
    [
        ("Closed - legacy book", False), ("No longer available", False), ("正常销售", True), ("终止销售", False),
        ("nur Bestand", False), ("aktiver Vertrieb", True), ("不可售", False), ("暂停申购", False), ("Z9", None),
        ("Open to new business", True), ("冻结", False),
    ],
)  # fmt: skip
def test_values_that_say_that_something_is_offered(value: str, is_open: bool | None) -> None:
    assert told(value, OPEN, CLOSED) is is_open


def test_orders_of_numbers_behind_a_letter() -> None:
    assert in_order(["R5 高风险", "R1 低风险"]) == [(1, "R1 低风险"), (5, "R5 高风险")]
    assert in_order(["C3稳健型", "C1保守型"]) == [(1, "C1保守型"), (3, "C3稳健型")]
    assert in_order(["R1 x", "C2 y"]) is None
    for steps in (
        ["Conservador", "Moderado", "Agressivo"],
        ["lav", "middels", "høy"],
        ["Forsiktig", "Balansert", "Aggressive"],
    ):
        assert [text for _, text in in_order(reversed(steps)) or ()] == steps
    assert [meaning(one) for one in ("Encerrada", "Ativa")] == ["over", "held"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [("Switch In", "BOUGHT"), ("SIP", "BOUGHT"), ("Switch Out", "SOLD"), ("SWP", "SOLD"), ("转换出", "SOLD")],
)
def test_switches_between_funds_buy_and_sell(value: str, kind: str) -> None:
    action = action_of(value)
    assert action is not None
    assert action.type == kind
