"""Rejected rows: each rule, its words, its place, and the mask over personal values."""

import csv

import pytest

from graphrec.errors import RejectedRows, SourceError, UsageError
from graphrec.graph.rows import Counts
from graphrec.loading import parse_limit
from tests.loading.conftest import Bank

TRADE_RULES = [
    (",C1,P1,5,2024-05-01,", "trades.csv line 6: trade_id is empty"),
    ("T5,,P1,5,2024-05-01,", "trades.csv line 6: customer_id is empty"),
    ("T5,C9,P1,5,2024-05-01,", "trades.csv line 6: customer_id 'C9' names no Customer"),
    ("T5,C1,P9,5,2024-05-01,", "trades.csv line 6: isin 'P9' names no Product"),
    ("T5,C1,P1,5,,", "trades.csv line 6: traded_at is empty"),
    ("T5,C1,P1,5,31/02/2024,", "trades.csv line 6: traded_at '31/02/2024' is not a date (want YYYY-MM-DD)"),
    ("T5,C1,P1,5,infinity,", "trades.csv line 6: traded_at 'infinity' is not a date (want YYYY-MM-DD)"),
    ("T5,C1,P1,5,2024-05-01,soon", "trades.csv line 6: booked_at 'soon' is not a date (want YYYY-MM-DD)"),
    ("T5,C1,P1,,2024-05-01,", "trades.csv line 6: amount_eur is empty"),
    ("T5,C1,P1,ten,2024-05-01,", "trades.csv line 6: amount_eur 'ten' is not a number"),
    ("T5,C1,P1,nan,2024-05-01,", "trades.csv line 6: amount_eur 'nan' is not a number"),
    ("T5,C1,P1,-3,2024-05-01,", "trades.csv line 6: amount_eur '-3' is below 0"),
    ("T1,C1,P1,7,2024-05-01,", "trades.csv line 6: trade_id 'T1' is there twice"),
]


def written(bank: Bank) -> list[dict[str, str]]:
    with bank.rejected.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
@pytest.mark.parametrize(("line", "message"), TRADE_RULES)
def test_one_rejected_row_stops_the_load(bank: Bank, line: str, message: str) -> None:
    bank.append("trades.csv", line)
    with pytest.raises(RejectedRows) as caught:
        bank.load()
    assert str(caught.value) == f"{message}; fix the row or rerun with --max-rejected 1"
    assert bank.sink.nodes == {}


@pytest.mark.slow
def test_the_limit_lets_rows_go(bank: Bank) -> None:
    bank.append("trades.csv", "T5,C1,P1,ten,2024-05-01,")
    report = bank.load(max_rejected=1)
    assert report.edges["BOUGHT"] == Counts(read=5, created=4, rejected=1)
    assert written(bank) == [
        {
            "statement": "edges.BOUGHT",
            "column": "amount_eur",
            "rule": "is not a number",
            "value": "ten",
            "file": "trades.csv",
            "line": "6",
            "row": "",
        }
    ]
    bank.edit("trades.csv", "T5,C1,P1,ten,2024-05-01,\n", "")
    bank.load()
    assert not bank.rejected.exists()


@pytest.mark.slow
def test_a_share_as_limit(bank: Bank) -> None:
    bank.append("trades.csv", "T5,C1,P1,ten,2024-05-01,")
    assert bank.load(max_rejected=0.5).edges["BOUGHT"].rejected == 1
    with pytest.raises(RejectedRows, match="^trades.csv line 6"):
        bank.check(max_rejected=0.001)


def test_many_rejected_rows_name_the_first_and_the_file(bank: Bank) -> None:
    bank.append("trades.csv", "T5,C9,P1,5,2024-05-01,\nT6,C9,P1,5,2024-05-01,")
    with pytest.raises(RejectedRows) as caught:
        bank.load(max_rejected=1)
    assert str(caught.value) == (
        "trades.csv line 6: customer_id 'C9' names no Customer; 2 rows rejected, "
        f"all in {bank.rejected}; fix them or rerun with --max-rejected 2"
    )
    assert [row["line"] for row in written(bank)] == ["6", "7"]


def test_rejected_texts_steer_no_terminal_and_compute_nothing(bank: Bank) -> None:
    bank.append("trades.csv", "T5,=1+1,P1,5,2024-05-01,\nT6,\x1b]0;x\x07C9,P1,5,2024-05-01,")
    bank.load(max_rejected=2)
    assert [row["value"] for row in written(bank)] == ["'=1+1", "\\x1b]0;x\\x07C9"]


def test_a_rejected_node_takes_its_edges_along(bank: Bank) -> None:
    bank.edit("products.csv", "P2;Green Bond 2030", ";Green Bond 2030")
    report = bank.load(max_rejected=100)
    assert report.nodes["Product"] == Counts(read=3, created=2, rejected=1)
    assert report.edges["IN_SECTOR"] == Counts(read=3, created=2, rejected=1)
    first = written(bank)[0]
    assert (first["statement"], first["row"], first["line"]) == ("nodes.Product", "2", "")


def test_without_lines_the_statement_and_its_row(bank: Bank) -> None:
    bank.edit("products.csv", "2020-06-01", "June")
    with pytest.raises(RejectedRows) as caught:
        bank.load()
    assert str(caught.value).startswith("nodes.Product row 2: issued_on 'June' is not a date (want YYYY-MM-DD); ")


def test_the_first_of_two_stays(bank: Bank) -> None:
    bank.append("customers.csv", "C1,Ada Herbst,1970-01-01,F,1,50-59")
    bank.append("trades.csv", "T1,C1,P1,9,2023-01-01,")
    report = bank.load(max_rejected=10)
    assert report.nodes["Customer"] == Counts(read=5, created=4, rejected=1)
    assert report.edges["IN_BAND"] == Counts(read=5, created=4, rejected=1)
    kept = {row["id"]: row["display_name"] for row in bank.sink.nodes["Customer"].to_pylist()}
    assert kept["C1"] == "Ada Winter"
    assert [(row["column"], row["value"], row["rule"]) for row in written(bank)] == [
        ("customer_id", "C1", "is there twice"),
        ("customer_id band", "C1 50-59", "is there twice"),
        ("trade_id", "T1", "is there twice"),
    ]


def test_personal_values_are_masked(bank: Bank) -> None:
    bank.edit("bank.toml", "TRY_CAST(birth_date AS DATE) AS birth_date", "birth_date")
    bank.edit(
        "bank.toml",
        'sql  = "SELECT customer_id, age_band AS band FROM customers"',
        'at = "birth_date"\nsql  = "SELECT customer_id, age_band AS band, birth_date, _file, _line FROM customers"',
    )
    bank.edit("customers.csv", "1988-11-30", "30.11.1988")
    with pytest.raises(RejectedRows) as caught:
        bank.load()
    assert str(caught.value).startswith(
        "customers.csv line 3: birth_date '***' is not a date (want YYYY-MM-DD); 2 rows rejected"
    )
    assert "30.11.1988" not in bank.rejected.read_text()
    assert [row["value"] for row in written(bank)] == ["***", ""]


def test_a_failing_cast_shows_no_value(bank: Bank) -> None:
    bank.edit("customers.csv", "C1,Ada Winter,1971-03-04,F,4,", "C1,Ada Winter,1971-03-04,F,four,")
    with pytest.raises(SourceError) as caught:
        bank.load()
    assert "four" not in str(caught.value)
    assert str(caught.value).startswith(f"{bank.mapping} line 25: nodes.Customer.sql: Conversion Error: ")
    assert str(caught.value).endswith("; correct its SQL")


def test_lines_are_those_of_the_file(bank: Bank) -> None:
    header = "trade_id,customer_id,isin,amount_eur,traded_at,booked_at\n"
    rows = 'T1,C1,P1,1,2024-01-01,\n\n"T2\nx",C1,P1,1,2024-01-02,\n\nT3,C1,P1,one,2024-01-03,\n'
    (bank.folder / "trades.csv").write_text(header + rows)
    with pytest.raises(RejectedRows, match="^trades.csv line 7: amount_eur 'one' is not a number"):
        bank.check()


def test_split_pairs_are_checked(bank: Bank) -> None:
    (bank.folder / "holdout.csv").write_text("customer_id,isin\nC1,P1\nC3,P1\nC2,P1\nC9,P1\n")
    with pytest.raises(RejectedRows) as caught:
        bank.load()
    assert str(caught.value).startswith("split.valid row 2: customer_id isin 'C3 P1' is no pair of BOUGHT; 3 rows")
    assert [(row["rule"], row["value"]) for row in written(bank)] == [
        ("is no pair of BOUGHT", "C3 P1"),
        ("is a test pair too", "C2 P1"),
        ("names no Customer", "C9"),
    ]


def test_series_rows_are_checked(bank: Bank) -> None:
    bank.append("prices.tsv", "P9\t2024-01-02\t1\t1\nP1\t2024-01-02\t7\t7\nP1\tx\t1\t1\nP1\t2024-01-09\tmuch\t1")
    bank.load(max_rejected=4)
    assert [(row["column"], row["rule"], row["row"]) for row in written(bank)] == [
        ("isin", "names no Product", "4"),
        ("isin day", "is there twice", "5"),
        ("day", "is not a date (want YYYY-MM-DD)", "6"),
        ("close", "is not a number", "7"),
    ]
    assert bank.sink.series["price"].num_rows == 3


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("12", 12), ("0.5%", 0.005), ("10%", 0.1)])
def test_limits(text: str, limit: float) -> None:
    assert parse_limit(text) == pytest.approx(limit)


@pytest.mark.parametrize("text", ["-1", "many", "100%", "x%", ""])
def test_wrong_limits(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_limit(text)
    assert str(caught.value) == (
        f"--max-rejected {text!r} is no limit; want a number of rows such as 10, or a share such as 0.5%"
    )
