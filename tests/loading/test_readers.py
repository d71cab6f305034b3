"""Workbooks, SQLite files and a real PostgreSQL as tables of a mapping: what they hold, and what is refused."""

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import LoadReport
from graphrec.loading import check, load_mapping, run_load
from tests.loading.conftest import SMALL
from tests.postgres.server import running

FILES = 'people = "people.csv"\nthings = "things.csv"\nlikes = LIKES'
DATED = 'at = "day"\nsql = "SELECT *, _file, _line FROM likes"'
MAPPING = SMALL.replace("FILES", FILES).replace('sql = "SELECT person, thing FROM likes"', DATED)


class Small:
    """Two people and two things; what they like is in a file or a database of another kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink = MemorySink()
        self.rejected = folder / "out" / "rejected.csv"
        (folder / "people.csv").write_text("person\n1001\n1002\n")
        (folder / "things.csv").write_text("thing\n0007\n0008\n")

    def mapping(self, likes: str, more: str = "") -> Path:
        path = self.folder / "small.toml"
        path.write_text(MAPPING.replace("LIKES", likes, 1) + more)
        return path

    def load(self, likes: str, more: str = "", *, max_rejected: int = 0) -> LoadReport:
        return run_load(
            load_mapping(self.mapping(likes, more)), self.folder, self.sink, max_rejected=max_rejected,
            rejected_path=self.rejected,
        )  # fmt: skip

    def refused(self, likes: str, more: str = "") -> str:
        with pytest.raises(SourceError) as caught:
            self.load(likes, more)
        return str(caught.value)

    def rows(self) -> list[dict[str, Any]]:
        return sorted(self.sink.edges["LIKES"].to_pylist(), key=lambda row: (row["source"], row["target"]))


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def write_book(path: Path, sheets: dict[str, list[list[Any]]], merged: str | None = None) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if merged:
                sheet.merge_range(merged, "Likes")
            for line, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, datetime.date):
                        sheet.write_datetime(line, place, cell, day)
                    elif cell is not None:
                        sheet.write(line, place, cell)


DAY = datetime.date(2024, 3, 1)
MORNING = datetime.datetime(2024, 3, 2, 10, 15)  # noqa: DTZ001 (a cell has no zone)
LIKES = [["person", "thing", "day", "amount", "sure", "zip"], [1001, "0007", DAY, 12.5, True, "00123"],
         [1002, "0008", MORNING, 3, False, None]]  # fmt: skip


def test_a_sheet_of_a_workbook(small: Small) -> None:
    write_book(small.folder / "likes.xlsx", {"Notes": [["nothing"]], "Likes": [*LIKES, [None], [1002, "0007", DAY]]})
    report = small.load('{ path = "likes.xlsx", sheet = "Likes" }')
    assert report.edges["LIKES"].created == 3
    first, second = small.rows()[0], small.rows()[2]
    assert (first["source"], first["target"], first["at"].isoformat()) == ("1001", "0007", "2024-03-01T00:00:00+00:00")
    assert (first["amount"], first["sure"], first["zip"]) == ("12.5", "true", "00123")
    assert (second["at"].isoformat(), second["amount"], second["zip"]) == ("2024-03-02T10:15:00+00:00", "3", None)
    parse = '[edges.LIKES.parse]\namount = { type = "real" }\nsure = { type = "boolean" }\n'
    small.sink = MemorySink()
    small.load('{ path = "likes.xlsx", sheet = "Likes" }', parse)
    assert (small.rows()[0]["amount"], small.rows()[0]["sure"]) == (12.5, True)


def test_a_rejected_cell_is_named_by_its_sheet_and_line(small: Small) -> None:
    write_book(small.folder / "likes.xlsx", {"Likes": [[], LIKES[0], [None], [1001, "0007", "soon"]]})
    message = small.refused('"likes.xlsx"')
    assert message == (
        "likes.xlsx sheet Likes line 4: day 'soon' is not a date (want YYYY-MM-DD); fix the row or rerun with "
        "--max-rejected 1"
    )


@pytest.mark.parametrize(
    ("sheets", "merged", "entry", "message"),
    [
        (
            {"A": LIKES, "B": LIKES},
            None,
            '"likes.xlsx"',
            'small.toml line 7: source.files.likes: likes.xlsx has 2 sheets, A, B; say which: sheet = "…"',
        ),
        (
            {"Likes": LIKES},
            None,
            '{ path = "likes.xlsx", sheet = "Like" }',
            "small.toml line 7: source.files.likes: likes.xlsx has no sheet 'Like'; did you mean 'Likes'?; "
            "correct sheet",
        ),
        (
            {"Likes": [["Likes"], *LIKES]},
            "A1:C1",
            '"likes.xlsx"',
            "likes.xlsx sheet Likes line 1: cells A1:C1 are merged, and a header is one line of names; unmerge them, "
            "or name the lines above it: skip = 1",
        ),
        (
            {"Likes": [["person", "thing", "Person"], [1001, "0007", "x"]]},
            None,
            '"likes.xlsx"',
            "likes.xlsx sheet Likes: column 'Person' is there twice; rename one",
        ),
        (
            {"Likes": [["A report of likes"], *LIKES]},
            None,
            '"likes.xlsx"',
            "likes.xlsx sheet Likes line 1: the header has 1 names, and rows below it have more cells; name them all, "
            "or name the lines above the header: skip = 1",
        ),
        ({"Likes": []}, None, '"likes.xlsx"', "likes.xlsx has no sheet with rows"),
        (
            {"Likes": LIKES},
            None,
            '{ path = "likes.xlsx", delim = ";" }',
            "small.toml line 7: source.files.likes.delim is no key or option of xlsx; there is footer, names, "
            "newest, optional, path, reader, sheet, skip",
        ),
    ],
)
def test_what_is_no_table_in_a_workbook(
    small: Small, sheets: dict[str, list[list[Any]]], merged: str | None, entry: str, message: str
) -> None:
    write_book(small.folder / "likes.xlsx", sheets, merged)
    assert message in small.refused(entry)


def test_lines_above_the_header_of_a_sheet(small: Small) -> None:
    write_book(small.folder / "likes.xlsx", {"Likes": [["A report"], *LIKES]}, "A1:C1")
    assert small.load('{ path = "likes.xlsx", skip = 1 }').edges["LIKES"].created == 2


def test_a_file_that_is_no_workbook(small: Small) -> None:
    (small.folder / "likes.xlsx").write_text("person,thing\n")
    message = small.refused('"likes.xlsx"')
    assert message.startswith("likes.xlsx cannot be read: ")
    assert message.endswith("; fetch the file again, or save it as .xlsx anew")


def write_sqlite(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


SQLITE = (
    "CREATE TABLE likes (person INTEGER, thing TEXT, day TEXT, amount REAL, note)",
    "INSERT INTO likes VALUES (1001, '0007', '2024-03-01', 12.5, 'a'), (1002, '0008', '2024-03-02', 3, 4)",
)


def test_a_table_of_sqlite(small: Small) -> None:
    write_sqlite(small.folder / "likes.db", *SQLITE)
    assert small.load('"likes.db"').edges["LIKES"].created == 2
    first, second = small.rows()
    assert (first["source"], first["target"], first["amount"], first["note"]) == ("1001", "0007", 12.5, "a")
    assert (second["amount"], second["note"]) == (3.0, "4")
    write_sqlite(small.folder / "likes.db", "CREATE TABLE other (x)")
    assert small.refused('"likes.db"') == (
        f"{small.folder / 'small.toml'} line 7: source.files.likes: likes.db holds 2 tables, likes, other; say what is "
        'read: query = "SELECT … FROM …"'
    )
    query = "SELECT person, thing, day FROM likes WHERE amount > 10"
    assert small.load(f'{{ path = "likes.db", query = "{query}" }}').edges["LIKES"].removed == 1


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT persn FROM likes", "likes.db: no such column: persn; correct the query"),
        ("DELETE FROM likes", "query is no SELECT; want one SELECT, which reads and changes nothing"),
        ("WITH a AS (SELECT 1) DELETE FROM likes", "attempt to write a readonly database"),
        ("SELECT x'00' AS person", "likes.db: column 'person' holds bytes, which no property can be; leave it out"),
    ],
)
def test_queries_of_sqlite_that_are_refused(small: Small, query: str, reason: str) -> None:
    write_sqlite(small.folder / "likes.db", *SQLITE)
    assert reason in small.refused(f'{{ path = "likes.db", query = "{query}" }}')


def test_a_file_that_is_no_sqlite(small: Small) -> None:
    (small.folder / "likes.sqlite").write_text("person,thing\n" * 100)
    assert "likes.sqlite: file is not a database; correct the query, or fetch the file again" in (
        small.refused('"likes.sqlite"')
    )


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running() as address:
        import psycopg

        with psycopg.connect(address) as connection:
            connection.execute(
                "CREATE TABLE likes (person bigint, thing text, day date, amount numeric(10,2), sure boolean, "
                "seen timestamptz, more jsonb)"
            )
            connection.execute("CREATE SEQUENCE counted")
            connection.execute(
                "INSERT INTO likes VALUES (1001, '0007', '2024-03-01', 12.50, true, '2024-03-01 01:00+02', "
                "'{\"a\": [1]}'), (1002, '0008', '2024-03-02', 3.00, false, NULL, NULL)"
            )
        yield address


DATABASE = '{ reader = "database", url_env = "LIKES_URL", query = "QUERY" }'


@pytest.mark.slow
def test_a_query_of_postgresql(small: Small, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKES_URL", postgres)
    likes = DATABASE.replace(
        "QUERY", "SELECT * FROM likes WHERE thing LIKE '0%' AND seen::text <> '10:15' OR seen IS NULL"
    )
    assert small.load(likes).edges["LIKES"].created == 2
    first, second = small.rows()
    assert (first["source"], first["target"], first["at"].isoformat()) == ("1001", "0007", "2024-03-01T00:00:00+00:00")
    assert (first["amount"], first["sure"], first["more"]) == (12.5, True, '{"a": [1]}')
    assert (first["seen"].isoformat(), second["seen"]) == ("2024-02-29T23:00:00+00:00", None)
    again = small.load(likes)
    assert (again.edges["LIKES"].read, again.edges["LIKES"].unchanged) == (0, 0)  # nothing to do
    import psycopg

    with psycopg.connect(postgres) as connection:
        connection.execute("UPDATE likes SET amount = 4 WHERE person = 1002")
    assert small.load(likes).edges["LIKES"].changed == 1
    report = check(load_mapping(small.mapping(likes)), small.folder)
    assert report.edges["LIKES"].read == 2


def test_what_postgresql_refuses(small: Small, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"{small.folder / 'small.toml'} line 7: source.files.likes: "
    likes = DATABASE.replace("QUERY", "SELECT * FROM likes")
    monkeypatch.delenv("LIKES_URL", raising=False)
    assert small.refused(likes) == (
        f"{place}the environment variable LIKES_URL is not set; set it to the address of the database, such as "
        "postgresql://USER:PASSWORD@HOST/NAME"
    )
    monkeypatch.setenv("LIKES_URL", postgres)
    message = small.refused(DATABASE.replace("QUERY", "SELECT persn FROM likes"))
    assert message.startswith(f'{place}the database of LIKES_URL refuses: column "persn" does not exist LINE 1: ')
    for query, reason in {
        "WITH gone AS (DELETE FROM likes RETURNING *) SELECT * FROM gone": "must not contain data-modifying statements",
        "SELECT nextval('counted')": "cannot execute nextval() in a read-only transaction",
    }.items():
        assert reason in small.refused(DATABASE.replace("QUERY", query))


@pytest.mark.parametrize("damage", ["password", "port", "form", "driver"])
def test_no_message_holds_the_address(
    small: Small, postgres: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = postgres.split(":")[2].partition("@")[0]
    broken = {
        "password": postgres.replace(secret, f"{secret}%2Fwrong"),
        "port": postgres.replace("127.0.0.1:", "127.0.0.1:1"),
        "form": postgres.replace("://", ":/"),
        "driver": postgres.replace("postgresql:", "postgrsql:"),
    }[damage]
    monkeypatch.setenv("LIKES_URL", broken)
    with pytest.raises(SourceError) as caught:
        small.load(DATABASE.replace("QUERY", "SELECT * FROM likes"))
    error: BaseException | None = caught.value
    while error is not None:
        assert secret not in str(error)
        error = error.__cause__
    assert "LIKES_URL" in str(caught.value)
