"""Columns that are gone, new or there twice, marks of encodings, times since 1970: seen, or refused by name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from tests.loading.conftest import SMALL

FILES = 'people = "people.csv"\nthings = "things.csv"\nlikes = LIKES'


class Likes:
    """Two people, one thing, and what they like in a file of some kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mapping = folder / "small.toml"
        (folder / "people.csv").write_text("person\na\nb\n")
        (folder / "things.csv").write_text("thing\nt\n")

    def load(self, content: bytes | pa.Table, entry: str, sql: str, more: str = "") -> list[dict[str, Any]]:
        file = self.folder / entry.split('"')[1]
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            pq.write_table(content, file)
        text = SMALL.replace("FILES", FILES.replace("LIKES", entry)).replace("SELECT person, thing FROM likes", sql)
        self.mapping.write_text(text + more)
        sink = MemorySink()
        run_load(load_mapping(self.mapping), self.folder, sink)
        return sorted(sink.edges["LIKES"].to_pylist(), key=lambda row: row["source"])

    def refused(self, content: bytes | pa.Table, entry: str, sql: str) -> str:
        with pytest.raises(SourceError) as caught:
            self.load(content, entry, sql)
        return str(caught.value).replace(str(self.mapping), "small.toml")


@pytest.fixture
def likes(tmp_path: Path) -> Likes:
    return Likes(tmp_path)


NEXT = (
    "; write the name of now in small.toml line 21: edges.LIKES.sql, or have it delivered as before; then: "
    "graphrec load small.toml --check"
)
CSV = "person,thing,ERÖFFNET_AM\na,t,x\n".encode()
TABLE = pa.table({"person": ["a"], "thing": ["t"], "ERÖFFNET_AM": ["x"]})


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (CSV, '"KONTEN.csv"'),
        (b'{"person": "a", "thing": "t", "ER\xc3\x96FFNET_AM": "x"}', '"KONTEN.jsonl"'),
        (TABLE, '"KONTEN.parquet"'),
    ],
)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person, thing, EROEFFNUNGSDATUM FROM likes",
        "SELECT l.person, l.thing, l.EROEFFNUNGSDATUM FROM likes AS l JOIN people ON people.person = l.person",
        "WITH k AS (SELECT person, thing, EROEFFNUNGSDATUM FROM likes) SELECT * FROM k",
    ],
)
def test_a_renamed_column_is_named_with_what_is_new_there(
    likes: Likes, content: bytes | pa.Table, entry: str, sql: str
) -> None:
    file = entry.strip('"')
    assert likes.refused(content, entry, sql) == (
        f"{file} has no column EROEFFNUNGSDATUM; new there: ERÖFFNET_AM{NEXT}"
    )


def test_a_missing_column_names_the_nearest_and_every_file_that_could_have_it(likes: Likes) -> None:
    content = b"person,thing,day\na,t,x\n"
    sql = "SELECT person, thing, dey, day FROM likes JOIN people USING (person)"
    assert likes.refused(content, '"likes.csv"', sql) == (
        f"likes.csv and people.csv have no column dey; did you mean 'day'?{NEXT}"
    )


@pytest.mark.parametrize(
    ("content", "entry", "message"),
    [
        (
            b"person,thing,Person\na,t,b\n",
            '"likes.csv"',
            "likes.csv line 1: column 'Person' is there twice; rename one, ",
        ),
        (
            b'{"person": "a", "thing": "t", "Person": "b"}\n',
            '"likes.jsonl"',
            "likes.jsonl: column 'person' is there twice, whatever its case; rename one",
        ),
        (
            b'{"person": "a", "thing": "t", "person": "b"}\n',
            '"likes.jsonl"',
            "likes.jsonl: line 1: key 'person' is there twice; correct the file",
        ),
        (
            pa.table([["a"], ["t"], ["b"]], names=["person", "thing", "Thing"]),
            '"likes.parquet"',
            "likes.parquet: column 'thing' is there twice, whatever its case; rename one",
        ),
        (
            pa.table([["a"], ["t"], ["b"]], names=["person", "thing", "thing"]),
            '"likes.parquet"',
            "likes.parquet: column 'thing' is there twice, whatever its case; rename one",
        ),
    ],
)
def test_a_column_that_is_there_twice(likes: Likes, content: bytes | pa.Table, entry: str, message: str) -> None:
    assert likes.refused(content, entry, "SELECT * FROM likes").startswith(message)


def test_numbered_columns_that_are_no_doubles_are_read(likes: Likes) -> None:
    (row,) = likes.load(b'{"person": "a", "thing": "t", "thing_1": "b"}\n', '"likes.jsonl"', "SELECT * FROM likes")
    assert row["thing_1"] == "b"
    nested = pa.table({"person": ["a"], "thing": ["t"], "at_home": [{"thing": 1, "more": {"person": [2]}}]})
    (row,) = likes.load(nested, '"likes.parquet"', "SELECT person, thing FROM likes")
    assert row["source"] == "a"


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (b"\xef\xbb\xbfperson,thing\na,t\n", '"likes.csv"'),
        (b'\xef\xbb\xbf{"person": "a", "thing": "t"}\n', '"likes.jsonl"'),
        ("\ufeffperson,thing\na,t\n".encode("utf-16-le"), '{ path = "likes.csv", encoding = "utf-16" }'),
        ("\ufeffperson,thing\na,t\n".encode("utf-16-be"), '{ path = "likes.csv", encoding = "utf-16" }'),
    ],
)
def test_byte_order_marks_are_no_part_of_a_name(likes: Likes, content: bytes, entry: str) -> None:
    assert [row["source"] for row in likes.load(content, entry, "SELECT person, thing FROM likes")] == ["a"]


@pytest.mark.parametrize("file", ["likes.csv", "likes.txt"])
def test_utf_16_that_nobody_announced(likes: Likes, file: str) -> None:
    entry = f'{{ path = "{file}", reader = "{"csv" if file.endswith("csv") else "lines"}" }}'
    message = likes.refused("\ufeffperson,thing\na,t\n".encode("utf-16-le"), entry, "SELECT person, thing FROM likes")
    assert message == (
        f'{file} begins with the byte order mark of utf-16; set encoding = "utf-16" in small.toml line 7: '
        "source.files.likes"
    )


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("seconds", "1709282096"),
        ("milliseconds", "1709282096000"),
        ("microseconds", "1709282096000000"),
    ],
)
def test_times_since_1970(likes: Likes, form: str, value: str) -> None:
    parse = f'at = "day"\n[edges.LIKES.parse]\nday = {{ type = "time", format = "{form}" }}\n'
    sql = "SELECT person, thing, day FROM likes"
    (row,) = likes.load(f"person,thing,day\na,t,{value}\n".encode(), '"likes.csv"', sql, parse)
    assert row["at"].isoformat() == "2024-03-01T08:34:56+00:00"
