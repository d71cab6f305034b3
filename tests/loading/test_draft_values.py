"""What a proposal makes of values that are written in odd ways: it reads them, asks or refuses; nothing is silent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import RejectedRows
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.looks import action_of

POINTS = "has points that are read as thousands: are they decimals?"
COMMAS = "has commas that are read as thousands: are they decimals?"
CUSTOMERS = [f"C{i:03},{['private', 'retail'][i % 2]}" for i in range(12)]
PRODUCTS = [f"P{i:02},Fund {i},{['energy', 'health', 'housing'][i % 3]}" for i in range(6)]


def trades(
    value: Callable[[int], str], sign: str = ",", customer: Callable[[int], str] = lambda i: f"C{i:03}"
) -> list[str]:
    return [sign.join([f"T{i:04}", customer(i * 7 % 12), f"P{i % 6:02}", value(i)]) for i in range(40)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the files of a bank; what is not given is as it should be."""

    def files(trades: list[str], head: str = "amount", sign: str = ",", **others: tuple[str, list[str]]) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        given = {
            "customers": ("customer_id,segment", CUSTOMERS),
            "products": ("product_id,name,sector", PRODUCTS),
            "trades": (f"trade_id,customer_id,product_id,{head}".replace(",", sign), trades),
            **others,
        }
        for name, (first, rows) in given.items():
            (folder / f"{name}.csv").write_text("\n".join([first, *rows]) + "\n", encoding="utf-8")
        return folder

    return files


def load(folder: Path, max_rejected: int = 0) -> tuple[list[str], MemorySink, Any]:
    """The questions of a proposal, what it loads, and its text."""
    path = folder.parent / "my.toml"
    questions = write_draft(path, folder).questions
    sink = MemorySink()
    run_load(load_mapping(path), folder, sink, max_rejected=max_rejected, rejected_path=folder.parent / "rejected.csv")
    return questions, sink, path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("loses", ["trades", "customers"])
def test_zeros_that_one_file_has_lost(write: Callable[..., Path], loses: str) -> None:
    keys = [str(i) if loses == "customers" else f"{i:06}" for i in range(12)]
    events = trades(str, customer=lambda i: str(i) if loses == "trades" else f"{i:06}")
    folder = write(events, customers=("customer_id,segment", [f"{key},private" for key in keys]))
    questions, sink, _ = load(folder)
    assert sink.nodes["Customer"]["id"].to_pylist() == [f"{i:06}" for i in range(12)]
    assert set(sink.edges["BOUGHT"]["source"].to_pylist()) == {f"{i:06}" for i in range(12)}
    other = "customers" if loses == "trades" else "trades"
    assert questions == [
        f"{loses}: customer_id has lost the zeros that {other} has kept; it is filled up to 6 digits: is that right?"
    ]


@pytest.mark.slow
def test_keys_of_another_kind_name_no_table_that_is_not_listed(write: Callable[..., Path]) -> None:
    folder = write(trades(str), customers=("customer_id,segment", [f"{i},private" for i in range(12)]))
    questions, sink, text = load(folder)
    assert "customers joins no two things that were recognised and is not used" in questions
    assert 'FROM "customers"' not in text
    assert sink.nodes["Customer"].num_rows == 12


@pytest.mark.slow
def test_a_number_of_the_database_beside_the_key(write: Callable[..., Path]) -> None:
    rows = [f"{500 + i},{row},{i}" for i, row in enumerate(CUSTOMERS)]
    folder = write(
        trades(lambda i: f"{i},{900 + i},{i}"),
        head="amount,id,nth",
        customers=("id,customer_id,segment,Segment ", rows),
    )
    _, sink, _ = load(folder)
    customer = sink.nodes["Customer"].slice(1, 1).to_pylist()[0]
    assert (customer["id"], customer["id_given"], customer["segment"], customer["Segment_2"]) == (
        "C001",
        501,
        "retail",
        1,
    )
    assert (sink.edges["BOUGHT"]["key"][1].as_py(), sink.edges["BOUGHT"]["id_given"][1].as_py()) == ("T0001", 901)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "first", "question"),
    [
        (
            "{d:02}.{m:02}.23",
            "2023-03-02T00:00:00",
            "has years of two digits, which are read as 1969 to 2068: is that right?",
        ),
        (
            "23-{m:02}-{d:02}",
            "2023-03-02T00:00:00",
            "has years of two digits, which are read as 1969 to 2068: is that right?",
        ),
        ("{d:02}.{m:02}.2023 10:15:07", "2023-03-02T10:15:07", None),
        ("{d:02}.{m:02}.2023 10:15", "2023-03-02T10:15:00", None),
        ("{m:02}/{d:02}/2023 10:15:00 PM", "2023-03-02T22:15:00", None),
        ("2023-{m:02}-{d:02}T01:15:07+02:00", "2023-03-01T23:15:07", None),
        ("2023{m:02}{d:02}", "2023-03-02T00:00:00", None),
    ],
)
def test_times(write: Callable[..., Path], form: str, first: str, question: str | None) -> None:
    folder = write(trades(lambda i: form.format(d=2 + i % 25, m=3 + i % 9)), head="traded_on")
    questions, sink, text = load(folder)
    assert 'at = "traded_on"' in text
    assert sink.edges["BOUGHT"]["at"][0].as_py().replace(tzinfo=None).isoformat() == first
    years = {time.year for time in sink.edges["BOUGHT"]["at"].to_pylist()}
    assert years == {2023}
    assert [one for one in questions if "two digits" in one] == ([f"trades: traded_on {question}"] if question else [])


@pytest.mark.slow
def test_seconds_and_milliseconds(write: Callable[..., Path]) -> None:
    folder = write(trades(lambda i: f"{1_700_000_000_000 + i * 1000}"), head="timestamp")
    _, sink, text = load(folder)
    assert 'format = "milliseconds"' in text
    assert sink.edges["BOUGHT"]["at"][1].as_py().isoformat() == "2023-11-14T22:13:21+00:00"


@pytest.mark.slow
def test_dates_of_several_forms_in_one_column(write: Callable[..., Path]) -> None:
    folder = write(
        trades(lambda i: f"2023-05-{1 + i % 28:02}" if i % 2 else f"{1 + i % 28:02}.05.2023"), head="traded_on"
    )
    questions, sink, text = load(folder)
    assert 'format = ["iso", "%d.%m.%Y"]' in text
    assert questions == ["trades: traded_on has dates of 2 forms, iso, %d.%m.%Y: is each read rightly?"]
    assert [at.day for at in sink.edges["BOUGHT"]["at"].to_pylist()] == [1 + i % 28 for i in range(40)]


@pytest.mark.slow
def test_what_looks_like_a_time_and_is_read_as_none_is_told(write: Callable[..., Path]) -> None:
    folder = write(trades(lambda i: f"{40 + i}/{50 + i}/{60 + i % 9}"), head="moment")
    assert load(folder)[0] == ["trades: moment looks like a time and is not read as one; say how in its parse"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sign", "form", "least", "question"),
    [
        (";", lambda i: f"{i + 1}.800" if i % 2 else f"{300 + i}", 300, POINTS),
        (",", lambda i: f"{i + 1}.800" if i % 2 else f"{300 + i}", 300, POINTS),
        (",", lambda i: f'"{i + 1},800"' if i % 2 else f"{300 + i}", 300, COMMAS),
        (",", lambda i: f"{i + 1}.800", 1.8, "has points that are read as decimals: are they thousands?"),
        (";", lambda i: f"{i + 1}.800,50", 1800.5, None),
        (";", lambda i: f"{i + 1}.234.567", 1_234_567, None),
        (";", lambda i: f"{i + 1},5", 1.5, None),
        (";", lambda i: f"{i + 1}'800.50", 1800.5, None),
        (";", lambda i: f"{i + 1}\u202f800,50", 1800.5, None),
        (",", lambda i: f"0.{100 + i}", 0.1, None),
        (",", lambda i: f"{i + 1}.25", 1.25, None),
    ],
)  # fmt: skip
def test_numbers(
    write: Callable[..., Path], sign: str, form: Callable[[int], str], least: float, question: str | None
) -> None:
    folder = write(trades(form, sign), sign=sign)
    questions, sink, _ = load(folder)
    assert min(sink.edges["BOUGHT"]["weight"].to_pylist()) == least
    assert questions == ([f"trades: amount {question}"] if question else [])


@pytest.mark.slow
def test_what_programs_write_for_a_gap_is_one(write: Callable[..., Path]) -> None:
    gaps = ["\\N", "NULL", "N/A", "#NV", ""]
    rows = [
        f"C{i:03},{['North', 'South', 'East', *gaps][i % 8]},{'NULL' if i == 5 else f'1960-01-{1 + i:02}'}"
        for i in range(24)
    ]
    folder = write(
        trades(lambda i: "-" if i % 5 == 0 else f"{i}.5"), head="fee", customers=("customer_id,region,opened_on", rows)
    )
    questions, sink, _ = load(folder)
    assert sorted(sink.nodes["Region"]["id"].to_pylist()) == ["East", "North", "South"]
    opened = sink.nodes["Customer"]["opened_on"].to_pylist()
    assert (opened[5], opened[6].day) == (None, 7)
    assert sink.edges["BOUGHT"]["fee"].to_pylist()[:2] == [None, 1.5]
    assert questions == [
        "customers.csv: #NV, N/A, NULL, \\N are read as gaps: is that right?",
        "trades: fee is read with '-' as gaps: is that right?",
    ]


@pytest.mark.slow
def test_numbers_of_twenty_digits_are_names(write: Callable[..., Path]) -> None:
    number = 40817810099910000000
    rows = [f"{number + i},private,{number - i}" for i in range(12)]
    folder = write(trades(str, customer=lambda i: str(number + i)), customers=("customer_id,segment,konto", rows))
    _, sink, _ = load(folder)
    assert sink.nodes["Customer"].slice(1, 1).to_pylist()[0] | {"known_at": None} == {
        "id": str(number + 1), "known_at": None, "konto": str(number - 1), "segment": "private"
    }  # fmt: skip
    assert sink.edges["BOUGHT"]["source"][0].as_py() == str(number)


def test_a_text_that_is_utf8_but_for_a_byte_is_named_with_its_line_and_the_rest_is_proposed(
    write: Callable[..., Path],
) -> None:
    folder = write(trades(str))
    path = folder / "customers.csv"
    path.write_text("customer_id,segment\n" + "".join(f"C{i:03},Ältere Größe\n" for i in range(12)), encoding="utf-8")
    lines = path.read_bytes().split(b"\n")
    lines[8] = "C007,Öffentlich".encode("cp1252")
    path.write_bytes(b"\n".join(lines))
    draft = write_draft(folder.parent / "my.toml", folder)
    missing = (
        "customers.csv is MISSING: customers.csv line 9 is not UTF-8, and the rest of the file is; correct that line"
    )
    assert draft.questions[0] == missing
    assert f"[source.files]\n# {missing}\n" in (folder.parent / "my.toml").read_text()
    assert draft.interactions == {"BOUGHT": 1.0}


@pytest.mark.slow
def test_the_first_line_of_excel_says_the_delimiter(write: Callable[..., Path]) -> None:
    folder = write(
        trades(str, "|"), sign="|", customers=("customer_id|segment", [row.replace(",", "|") for row in CUSTOMERS])
    )
    for name in ("customers", "trades"):
        path = folder / f"{name}.csv"
        path.write_text("sep=|\n" + path.read_text())
    _, sink, _ = load(folder)
    assert (sink.nodes["Customer"].num_rows, sink.edges["BOUGHT"].num_rows) == (12, 40)


@pytest.mark.slow
def test_lines_are_counted_below_the_line_of_excel(write: Callable[..., Path]) -> None:
    folder = write(trades(str))
    path = folder / "trades.csv"
    path.write_text("sep=,\n" + path.read_text())
    load(folder)
    path.write_text(path.read_text().replace("P03,39", "P03,many"))
    with pytest.raises(RejectedRows) as caught:
        run_load(load_mapping(folder.parent / "my.toml"), folder, MemorySink())
    assert str(caught.value) == (
        "trades.csv line 42: amount 'many' is not a number; fix the row or rerun with --max-rejected 1"
    )


@pytest.mark.slow
def test_one_file_that_cannot_be_read_does_not_end_the_rest(write: Callable[..., Path]) -> None:
    folder = write(trades(str), notes=("a,b", ["1,2,3", "4"]))
    questions, sink, _ = load(folder)
    assert questions[0].startswith("notes.csv is MISSING: notes.csv: line 2: Expected Number of Columns: 2 Found: 3")
    assert sink.edges["BOUGHT"].num_rows == 40


@pytest.mark.slow
def test_a_time_beyond_the_year_9999_is_rejected(write: Callable[..., Path]) -> None:
    rows = [
        f"{row},{'9999-12-31T23:59:59-05:00' if i == 3 else '2027-01-01T00:00:00-05:00'}"
        for i, row in enumerate(PRODUCTS)
    ]
    folder = write(trades(str), products=("product_id,name,sector,valid_until", rows))
    with pytest.raises(RejectedRows) as caught:
        load(folder)
    assert str(caught.value).startswith(
        "products.csv line 5: valid_until '9999-12-31T23:59:59-05:00' is outside the years 1 to 9999 of UTC; "
    )


@pytest.mark.slow
def test_a_value_that_a_form_would_lose_is_rejected_with_its_text(write: Callable[..., Path]) -> None:
    folder = write(trades(lambda i: f"{1 + i % 28}.05.2023"), head="traded_on")
    load(folder)
    path = folder / "trades.csv"
    path.write_text(path.read_text().replace("5.05.2023", "32.05.2023", 1))
    with pytest.raises(RejectedRows) as caught:
        run_load(load_mapping(folder.parent / "my.toml"), folder, MemorySink())
    assert str(caught.value) == (
        "trades.csv line 6: traded_on '32.05.2023' is not a date (want %d.%m.%Y); fix the row or rerun with "
        "--max-rejected 1"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            ("order.cancelled", "RETURNED"),
            ("sell_order", "SOLD"),
            ("account_closed", "CLOSED"),
            ("order_viewed", "VIEWED"),
        ),
        *(("order.executed", "BOUGHT"), ("buy_order", "BOUGHT"), ("account_opened", "HELD"), ("撤销订单", "RETURNED")),
    ],
)
def test_what_was_done_to_an_order_says_more_than_that_it_is_one(text: str, kind: str) -> None:
    action = action_of(text)
    assert action is not None
    assert action.type == kind


def test_a_fee_that_is_written_as_a_share_is_read_in_per_cent(write: Callable[..., Path]) -> None:
    products = [f"P{i:02},Fund {i},{['energy', 'health', 'housing'][i % 3]},0.00{20 + 9 * i}" for i in range(6)]
    folder = write(trades(str), products=("product_id,name,sector,ocf", products))
    questions, sink, text = load(folder)
    assert sink.nodes["Product"].column("ocf").to_pylist() == pytest.approx([0.2 + 0.09 * i for i in range(6)])
    assert 'fee = "ocf"' in text
    read = "is read as a share, times 100 for per cent: is that right?"
    assert f"products: ocf goes up to 0.0065 and {read}" in questions


@pytest.mark.parametrize(
    ("head", "cell", "minimum"),
    [
        ("Risk Mandate (min),Ongoing Charge", "Balanced,0.75", ""),
        ("Laufzeit min (Monate),Mindestbetrag", "12,500", "Mindestbetrag"),
        ("Min. age,Min. term (years),Minimum investment", "18,5,500", "Minimum_investment"),
    ],
)
def test_the_smallest_amount_is_one_of_money(write: Callable[..., Path], head: str, cell: str, minimum: str) -> None:
    products = [f"P{i:02},Fund {i},{cell}" for i in range(6)]
    _, _, text = load(write(trades(str), products=(f"product_id,name,{head}", products)))
    assert (f'minimum = "{minimum}"' in text) if minimum else ("minimum =" not in text)


def test_who_looks_after_a_customer_is_no_trait_of_theirs(write: Callable[..., Path]) -> None:
    customers = [f"C{i:03},{['A. Penn', 'S. Lee'][i % 2]}" for i in range(12)]
    _, sink, text = load(write(trades(str), customers=("customer_id,Relationship Manager", customers)))
    assert 'adviser = "Relationship_Manager"' in text
    assert set(sink.nodes) == {"Customer", "Product", "Sector"}


def test_what_the_bank_decided_on_is_what_the_customer_applied_for(write: Callable[..., Path]) -> None:
    def decided(i: int) -> str:
        return ("genehmigt", "abgelehnt")[i % 4 == 3]

    _, sink, text = load(write(trades(decided), head="Entscheidung"))
    assert {"APPLIED", "REJECTED"} <= set(sink.edges)
    assert "weights = { APPLIED = 1.0, REJECTED = -1.0 }" in text
