"""Dumps of databases as tables: the rows of INSERT and COPY as MySQL, PostgreSQL, SQL Server and Oracle write them."""

from pathlib import Path

import duckdb
import pytest

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.dumps import dump_tables, read_dump
from tests.loading.delivered import loaded, write

MYSQL = r"""-- MySQL dump 10.13
CREATE TABLE `people` (
  `id` int NOT NULL,
  `name` varchar(60) DEFAULT 'a,b',
  PRIMARY KEY (`id`), KEY `k` (`name`)
);
INSERT INTO `people` VALUES (1,'O\'Brien; (x)'),(2,NULL),
(3,'two\nlines');
INSERT INTO `flags` VALUES (b'1');
"""
POSTGRES = r"""CREATE TABLE core.people (
    id integer,
    name text
);
COPY core.people (id, name) FROM stdin;
1	x\ty
2	\N
\.
INSERT INTO core.people VALUES (3, 'it''s
two lines \n'), (4, E'a\'\\b');
"""
OTHERS = """INSERT [dbo].[People] ([id], [full name]) VALUES (1, N'Ann')
GO
INSERT [dbo].[People] ([id], [full name]) VALUES (2, CAST(N'2020-01-01' AS Date))
Insert into HR.PEOPLE_2 (ID,BORN) values (-1,to_date('31-12-25','DD-MM-RR'));
INSERT INTO people SELECT * FROM old;
"""


def rows(folder: Path, text: str, **options: str) -> list[tuple[object, ...]]:
    path = folder / "dump.sql"
    path.write_text(text, encoding="utf-8")
    database = duckdb.connect()
    read_dump(database, FileSpec("people", "dump.sql", "dump", options=options), [(path, "dump.sql")], "here")
    return database.execute("SELECT * EXCLUDE (_file) FROM people ORDER BY _line").fetchall()


def test_mysql(tmp_path: Path) -> None:
    found = rows(tmp_path, MYSQL, table="people")
    assert found == [("1", "O'Brien; (x)", 7), ("2", None, 7), ("3", "two\nlines", 8)]
    assert rows(tmp_path, MYSQL, table="flags") == [("1", 9)]


def test_postgres(tmp_path: Path) -> None:
    found = rows(tmp_path, POSTGRES)
    assert found == [("1", "x\ty", 6), ("2", None, 7), ("3", "it's\ntwo lines \\n", 9), ("4", "a'\\b", 9)]


def test_sql_server_and_oracle(tmp_path: Path) -> None:
    assert rows(tmp_path, OTHERS, table="People") == [("1", "Ann", 1), ("2", "2020-01-01", 3)]
    assert rows(tmp_path, OTHERS, table="PEOPLE_2") == [("-1", "31-12-25", 4)]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (MYSQL, {}, 'here: dump.sql has rows of people, flags; say which table is read: table = "…"'),
        (MYSQL, {"table": "peopel"}, "here: dump.sql has rows of people, flags; say which table is read"),
        ("DROP TABLE x;\n", {}, "here: dump.sql has no rows"),
        ("INSERT INTO t (a, b) VALUES (1);\n", {}, "dump.sql line 1: 1 values for 2 columns of t"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(SourceError) as caught:
        rows(tmp_path, text, **options)
    assert str(caught.value).startswith(said)


def test_a_dump_that_breaks_off_gives_its_whole_rows(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_text("INSERT INTO t VALUES (1, 'a'), (2, 'b")
    assert dump_tables(path, "dump.sql") == ["t"]


def test_a_draft_of_a_dump(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    people = (f"INSERT INTO customer (id, city) VALUES ({i}, 'Ulm');" for i in range(9))
    things = (f"INSERT INTO product (code, title) VALUES ('P{i}', 'Fund {i}');" for i in range(5))
    deals = (
        f"INSERT INTO purchase (customer_id, product_code, day) VALUES ({i}, 'P{i % 5}', '2025-01-0{1 + i}');"
        for i in range(9)
    )
    write(data, "dump.sql", *people, *things, *deals)
    _, sink, text = loaded(data)
    assert 'path = "dump.sql"' in text
    assert 'table = "purchase"' in text
    assert sink.edges["BOUGHT"].num_rows == 9
