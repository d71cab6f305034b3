"""Ends and states of contracts in languages that no list of words has, and customers in long form."""

from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.concepts import in_order
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.shapes.states import meaning

PEOPLE = "customer_id,city\n" + "".join(f"C{i:03},{'AB'[i % 2]}\n" for i in range(30))
FUNDS = "fund_id,fund_name\n" + "".join(f"F{i},Fund {i}\n" for i in range(6))


def drafted(data: Path, **files: str) -> tuple[str, MemorySink]:
    for name, text in files.items():
        (data / f"{name}.csv").write_text(text)
    path, sink = data.parent / "my.toml", MemorySink()
    write_draft(path, data)
    run_load(load_mapping(path), data, sink)
    return path.read_text("utf-8"), sink


def contracts(rows: list[str], *, end: str = "zz") -> str:
    return f"contract_id,customer_id,fund_id,start_date,{end},qq\n" + "".join(rows)


def row(i: int, end: str, state: str) -> str:
    return f"K{i},C{i % 30:03},F{i % 6},2024-01-{1 + i % 28:02},{end},{state}\n"


def test_a_day_that_some_states_alone_have_is_the_end_whatever_both_are_called(data: Path) -> None:
    rows = [row(i, "2025-03-01" if i % 3 == 0 else "", "xol" if i % 3 == 0 else "vim") for i in range(60)]
    text, _ = drafted(data, customers=PEOPLE, funds=FUNDS, contracts=contracts(rows))
    assert 'until = "zz"' in text
    assert "still_held" not in text


def test_a_state_without_the_day_that_no_word_tells_is_asked_about(data: Path) -> None:
    states = ("xol", "vim", "tup")
    rows = [row(i, "2025-03-01" if i % 3 == 0 else "", states[i % 3]) for i in range(60)]
    text, sink = drafted(data, customers=PEOPLE, funds=FUNDS, contracts=contracts(rows))
    assert "what has qq 'tup' has no zz and counts as held: is it so?" in text
    assert len(sink.edges["HELD"]) == 60


@pytest.mark.parametrize(
    ("end", "state"),
    [("2023-03-01", "xol"), ("2025-03-01", "vim")],
    ids=["a day before the start is no end", "a state with and without the day tells nothing"],
)
def test_a_day_that_is_no_end_is_asked_about(data: Path, end: str, state: str) -> None:
    rows = [row(i, "2025-03-01" if i % 3 == 0 else "", "xol" if i % 3 == 0 else "vim") for i in range(60)]
    rows += [row(i, end, state) for i in range(60, 66)]
    text, _ = drafted(data, customers=PEOPLE, funds=FUNDS, contracts=contracts(rows))
    assert "until = " not in text
    assert "zz is there in 26 of 66 rows: is it the end (until)?" in text


def test_what_is_undone_and_has_no_day_never_was(data: Path) -> None:
    states = ("Racheté", "En cours", "Annulé")
    rows = [row(i, "2025-03-01" if i % 3 == 0 else "", states[i % 3]) for i in range(60)]
    text, sink = drafted(data, customers=PEOPLE, funds=FUNDS, contracts=contracts(rows))
    assert "what has qq Annulé never was and is left out" in text
    assert len(sink.edges["HELD"]) == 40


def test_orders_without_a_named_status_are_told_by_what_it_says() -> None:
    said = ("CANCELADA", "stornovaná", "Törölt", "Скасовано", "취소", "取消", "Makulerad", "ملغى")
    assert {meaning(one, of_orders=True) for one in said} == {"never held"}
    assert meaning("EXECUTADA", of_orders=True) == "held"


def test_customers_in_long_form_are_put_side_by_side(data: Path) -> None:
    listed = ("lastname", "city", "income", "risk profile")
    cells = "".join(
        f"C{i:03},{one},{value}\n"
        for i in range(30)
        for one, value in zip(listed, (f"Smith{i}", "AB"[i % 2], 1000 + i, "low"), strict=True)
    )
    rows = [row(i, "", "open") for i in range(60)]
    text, sink = drafted(data, people=f"customer_id,field,value\n{cells}", funds=FUNDS, contracts=contracts(rows))
    assert "each of its rows has one attribute of a thing, by field" in text
    assert len(sink.nodes["People"]) == 30
    assert sink.nodes["People"]["income"].to_pylist()[:2] == [1000, 1001]


def test_answers_a_channel_are_no_attributes(data: Path) -> None:
    cells = "".join(f"C{i:03},{one},{'yn'[i % 2]}\n" for i in range(30) for one in ("email", "phone", "mobile"))
    rows = [row(i, "", "open") for i in range(60)]
    text, _ = drafted(
        data, customers=PEOPLE, consents=f"customer_id,channel,consent\n{cells}", funds=FUNDS, contracts=contracts(rows)
    )
    assert "one attribute of a thing" not in text


def test_letters_before_numbers_tell_keys_of_other_things_apart(data: Path) -> None:
    people = "MA_KH,TINH\n" + "".join(f"KH{i:05},A\n" for i in range(40))
    funds = "MA_SP,TEN_SP\n" + "".join(f"SP{i},Fund {i}\n" for i in range(30))
    dealings = "SO_HD,MA_KH,MA_SP,NGAY\n" + "".join(
        f"HD{i},KH{i % 40:05},SP{i % 30},2024-01-{1 + i % 28:02}\n" for i in range(90)
    )
    text, _ = drafted(data, KHACH_HANG=people, SAN_PHAM=funds, HOP_DONG=dealings)
    assert 'user = "KhachHang"' in text
    assert "regexp" not in text


def test_steps_in_further_languages() -> None:
    ordered = [text for _, text in in_order(["дуже висока", "середня", "низька", "висока", "дуже низька"]) or ()]
    assert ordered == ["дуже низька", "низька", "середня", "висока", "дуже висока"]
    korean = ["공격투자형", "안정형", "위험중립형", "안정추구형", "적극투자형"]
    assert [text for _, text in in_order(korean) or ()] == [korean[1], korean[3], korean[2], korean[4], korean[0]]


def test_keys_between_spaces_are_a_row_each(data: Path) -> None:
    seen = "session_id,customer_id,fund_ids\n" + "".join(
        f"S{i},C{i % 30:03},F{i % 6} F{(i + 1) % 6}\n" for i in range(40)
    )
    text, sink = drafted(data, customers=PEOPLE, funds=FUNDS, views=seen)
    assert "fund_ids has several values in a cell, between spaces" in text
    assert len(sink.edges["VIEWED"]) == 80
