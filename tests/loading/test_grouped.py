"""Reports in groups: a line says of whom the rows below it are, above the same header again."""

from pathlib import Path

import pytest

from tests.loading.delivered import loaded, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, "clients.csv", "Client #,Last Name,OK to Market?", *(f"{5000 + i},Miller {i},Yes" for i in range(30)))
    write(folder, "securities.csv", "Symbol,Security Name", *(f"SY{i:02},Fund {i}" for i in range(12)))
    return folder


@pytest.mark.parametrize(
    ("above", "sign"),
    [("Client: {}  Miller, Rosa", ","), ("CLIENT {}", ";"), ("Client #{},,,", ","), ('"Client","{}",,', ",")],
)
def test_rows_are_of_the_line_above_their_header(above: str, sign: str, data: Path) -> None:
    lines = ["POSITIONS REPORT                AS OF 11/30/2026", ""]
    for i in range(30):
        lines += [above.format(5000 + i), sign.join(("Symbol", "Quantity", "Market Value", "Date Acquired"))]
        for n in range(1 + i % 4):
            cells = (f"SY{(i + n * 5) % 12:02}", str(1 + n), f'"{1 + i},{n}00.50"', f"{1 + n:02}/{13 + i % 12}/2024")
            lines.append(sign.join(cells))
        lines += [sign.join(("Total", "", '"9,900.00"', "")), ""]
    write(data, "positions.csv", *lines)
    questions, sink, text = loaded(data)
    assert 'reader = "lines"' in text
    (held,) = (edges for kind, edges in sink.edges.items() if not kind.startswith("HAS_"))
    pairs = set(zip(held["source"].to_pylist(), held["target"].to_pylist(), strict=True))
    assert held.num_rows == sum(1 + i % 4 for i in range(30))
    assert {pair for pair in pairs if pair[0] == "5003"} == {("5003", f"SY{(3 + n * 5) % 12:02}") for n in range(4)}
    assert any("is a report in groups" in one for one in questions)


def test_files_put_together_are_no_groups(data: Path) -> None:
    rows = [f"{5000 + i % 30},SY{i % 12:02},2024-01-{1 + i % 28:02}" for i in range(90)]
    head = "client,symbol,date"
    write(data, "trades.csv", head, *rows[:30], head, *rows[30:60], head, *rows[60:])
    _, sink, text = loaded(data)
    assert 'reader = "lines"' not in text
    assert sink.edges["BOUGHT"].num_rows == 90
