"""Dumps: records of several kinds in one file, codes that a table explains, a status in place of an end."""

from pathlib import Path

import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.drafted import Decision, as_proposed
from graphrec.loading.propose.shapes.records import kinds_of
from graphrec.loading.propose.shapes.states import meaning
from tests.loading.delivered import loaded

LAYOUT = {
    "01": (("KUNDENNR", 6), ("NAME", 12), ("GEBDAT", 8), ("WERBEEINWILLIGUNG", 1)),
    "02": (("PRODUKTNR", 4), ("PRODUKTBEZ", 14), ("PRODUKTART", 3), ("STATUS", 1)),
    "03": (("VERTRAGSNR", 8), ("KUNDENNR", 6), ("PRODUKTNR", 4), ("BEGINN", 8), ("KONTOSTATUS", 2)),
}
CODES = (
    "Tabelle;Schluessel;Text\nKONTOSTATUS;01;aktiv\nKONTOSTATUS;09;geschlossen\n"
    "PRODUKTART;SAV;Sparen\nPRODUKTART;FND;Fonds\n"
)
ROWS = [
    *(("01", f"{i + 100:06}", f"SCHMIDT {i}", f"{1950 + i}0101", "JN"[i % 2]) for i in range(30)),
    *(("02", f"{i + 500}", f"Modell {i}", ("SAV", "FND")[i % 2], "A") for i in range(8)),
    *(
        ("03", f"{i:08}", f"{i % 30 + 100:06}", f"{i % 8 + 500}", f"2023{1 + i % 12:02}11", ("01", "09")[i % 4 == 3])
        for i in range(60)
    ),
]


def dump(data: Path, delimiter: str = "") -> None:
    """A core system's file: a head, customers, products and contracts, and a count at the end."""
    widths = {kind: [width for _, width in columns] for kind, columns in LAYOUT.items()}
    lines = [
        delimiter.join(
            (kind, *(cell.ljust(0 if delimiter else w) for cell, w in zip(cells, widths[kind], strict=True)))
        )
        for kind, *cells in ROWS
    ]
    whole = [f"00{delimiter}KERNBANK", *lines, f"99{delimiter}{len(lines):08}"]
    (data / "KERNBANK.DAT").write_text("\r\n".join(whole) + "\r\n")
    (data / "CODES.csv").write_text(CODES)


def layout(data: Path, *, is_placed: bool) -> None:
    """The table that says what the columns are."""
    rows = ["Satzart;Feld;Stelle;Länge" if is_placed else "Satzart;Feld"]
    for kind, columns in LAYOUT.items():
        place = 3
        for name, width in columns:
            rows.append(f"{kind};{name};{place};{width}" if is_placed else f"{kind};{name}")
            place += width
    (data / "SATZBILD.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", ["", "|"])
def test_a_dump_with_its_layout_and_codes(data: Path, delimiter: str) -> None:
    dump(data, delimiter)
    layout(data, is_placed=not delimiter)
    questions, sink, text = loaded(data)
    assert sink.nodes["Kernbank01"]["id"].to_pylist()[:2] == ["000100", "000101"]
    assert sink.nodes["Kernbank01"]["WERBEEINWILLIGUNG"].to_pylist()[:2] == [True, False]
    assert sink.nodes["Kernbank02"]["PRODUKTART"].to_pylist()[:2] == ["Sparen", "Fonds"]
    held = sink.edges["HELD"].to_pylist()
    assert len(held) == 60
    assert [one["still_held"] for one in held[:5]] == [1, 1, 1, 0, 1]
    assert 'personal = ["NAME", "GEBDAT"]' in text
    assert 'name = "PRODUKTBEZ"' in text
    assert "KERNBANK.DAT: lines that begin with 00, 99 are no records and are left out" in questions
    assert "KERNBANK.DAT: the columns of its records are those that SATZBILD.csv tells: is that right?" in questions
    assert (
        "kernbank_03: what has KONTOSTATUS geschlossen is over, is no holding and stays as evidence: is that right?"
        in questions
    )


@pytest.mark.slow
def test_a_dump_without_a_layout(data: Path) -> None:
    dump(data, "|")
    questions, sink, _ = loaded(data)
    assert sink.edges["HELD" if "HELD" in sink.edges else "KERNBANK_03"].num_rows == 60
    told = "KERNBANK.DAT: nothing says what the columns of its records are; they are named by what is in them"
    assert told in questions


def test_columns_of_a_fixed_width_that_nothing_tells_are_missing(data: Path) -> None:
    dump(data)
    with pytest.raises(SourceError, match="its 60 lines that begin with 03 are MISSING: nothing says where"):
        write_draft(data.parent / "my.toml", data)


@pytest.mark.parametrize(
    "text",
    ["id,name\n" + "".join(f"{i},n{i}\n" for i in range(30)), "Title\n\na;b;c\n" + "1;2;3\n4;5;6\n" * 9, "prose\n" * 9],
)
def test_files_of_one_kind_are_none_of_several(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert kinds_of(tmp_path / "a.csv", "a.csv", "utf-8") is None


def test_lines_of_one_kind_keep_their_lines(tmp_path: Path) -> None:
    mapping = """
        [source]
        name = "x"
        [source.files]
        a = { path = "a.txt", reader = "csv", header = false, delim = "|", begins = "C|", names = ["_kind", "id"] }
        b = { path = "a.txt", reader = "fixed", begins = "P", columns = { id = [3, 4] } }
        c = { path = "a.txt", reader = "csv", header = false, delim = "|", begins = "E|", names = ["x", "c", "p", "t"] }
        [roles]
        user = "C"
        product = "P"
        interactions = ["E"]
        [nodes.C]
        key = "id"
        sql = "SELECT id FROM a"
        [nodes.P]
        key = "id"
        sql = "SELECT id FROM b"
        [edges.E]
        from = "C.c"
        to = "P.p"
        at = "t"
        sql = "SELECT c, p, t, _file, _line FROM c"
    """
    (tmp_path / "a.txt").write_text("\ufeffC|1\nP|p1\nE|1|p1|2024-01-01\nC|2\nE|2|p1|never\n", "utf-8")
    sink = MemorySink()
    rejected = tmp_path / "rejected.csv"
    run_load(parse_mapping(mapping, "x.toml"), tmp_path, sink, max_rejected=1, rejected_path=rejected)
    assert (sink.nodes["C"].num_rows, sink.nodes["P"].num_rows, sink.edges["E"].num_rows) == (2, 1, 1)
    assert "never" in (text := rejected.read_text())
    assert ",5" in text


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False])
def test_states_end_holdings(data: Path, is_known: bool) -> None:
    states = ("In Force", "Lapsed", "NTU") if is_known else ("10", "20", "30")
    (data / "customers.csv").write_text("customer_id,name\n" + "".join(f"C{i:02},Ann {i}\n" for i in range(20)))
    (data / "plans.csv").write_text("plan_code,plan_name\n" + "".join(f"PL{i},Plan {i}\n" for i in range(6)))
    (data / "policies.csv").write_text(
        "policy_no,customer_id,plan_code,issue_date,policy_status\n"
        + "".join(f"L{i:04},C{i % 20:02},PL{i % 6},2023-01-0{1 + i % 9},{states[i % 3]}\n" for i in range(60))
    )
    asked: list[str] = []

    def decide(decision: Decision) -> str:
        asked.append(decision.question)
        return "over" if decision.question.endswith("'20': what is it?") else as_proposed(decision)

    found = write_draft(data.parent / "my.toml", data, decide=decide)
    sink = MemorySink()
    run_load(load_mapping(data.parent / "my.toml"), data, sink)
    held = sink.edges["HELD"].to_pylist()
    over = [one for one in held if one["still_held"] == 0]
    assert (len(held), len(over)) == ((40, 20) if is_known else (60, 20))
    assert any("policies: what has policy_status '20': what is it?" in one for one in asked) is not is_known
    listed = "policies: what has policy_status '10', '30' counts as held: which of them are over?"
    assert (listed in found.questions) is not is_known


@pytest.mark.slow
def test_orders_that_came_to_nothing_are_left_out(data: Path) -> None:
    (data / "customers.csv").write_text("customer_id,name\n" + "".join(f"C{i:02},Ann {i}\n" for i in range(20)))
    (data / "funds.csv").write_text("isin,fund_name\n" + "".join(f"LU{i:010},Fund {i}\n" for i in range(6)))
    (data / "orders.csv").write_text(
        "order_id,customer_id,isin,order_date,order_status\n"
        + "".join(
            f"O{i:04},C{i % 20:02},LU{i % 6:010},2023-01-0{1 + i % 9},{('FILLED', 'CANCELLED', 'PART_FILLED')[i % 3]}\n"
            for i in range(60)
        )
    )
    _, sink, _ = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 40


@pytest.mark.slow
def test_what_is_opened_and_closed_is_held_between(data: Path) -> None:
    (data / "users.csv").write_text("user_id,email\n" + "".join(f"U{i:02},u{i}@example.org\n" for i in range(20)))
    (data / "products.csv").write_text("product_id,title\n" + "".join(f"P{i},Pot {i}\n" for i in range(6)))
    rows = [(i, "PRODUCT_OPENED") for i in range(60)] + [(i, "PRODUCT_CLOSED") for i in range(0, 60, 4)]
    (data / "events.csv").write_text(
        "event_id,user_id,product_id,ts,type\n"
        + "".join(f"E{n},U{i % 20:02},P{i % 6},{1_700_000_000_000 + n},{kind}\n" for n, (i, kind) in enumerate(rows))
    )
    _, sink, _ = loaded(data)
    changes = sink.edges["HELD"]["held_change"].to_pylist()
    assert (changes.count(1), changes.count(-1)) == (60, 15)


@pytest.mark.parametrize(
    ("text", "of_orders", "state"),
    [
        ("Premium Paying", False, "held"),
        ("nicht aktiv", False, "over"),
        ("Antrag angenommen", False, "held"),
        ("已終止", False, "over"),
        ("Closed", True, "held"),
        ("Expired", True, "never held"),
        ("Cancelada", True, "never held"),
        ("ZX", False, None),
    ],
)
def test_what_states_mean(text: str, of_orders: bool, state: str | None) -> None:
    assert meaning(text, of_orders=of_orders) == state
