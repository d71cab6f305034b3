"""Files: every reader, packing and option, and what is said of files that cannot be read."""

import bz2
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.errors import RejectedRows, SourceError
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Source
from graphrec.loading import check, load_mapping, run_load
from graphrec.schema import GraphSchema, NodeSchema, Roles
from tests.loading.conftest import SMALL, Bank

LIKES = b"person,thing\nAda,tea\nBen,01\nBen,1E10\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    (data / "people.csv").write_text("person\nAda\nBen\n")
    (data / "things.csv").write_text("thing\ntea\n01\n1E10\n")
    (data / "likes.csv").write_bytes(LIKES)
    return data


@pytest.fixture
def pairs(folder: Path, tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """Loads with another spec for the file of likes; returns the pairs in their order."""

    def load(spec: str, **sql: str) -> list[tuple[str, str]]:
        text = SMALL.replace("FILES", f'people = "people.csv"\nthings = "things.csv"\nlikes = {spec}')
        text = text.replace("SELECT person, thing FROM likes", sql.get("sql", "SELECT person, thing FROM likes"))
        (tmp_path / "my.toml").write_text(text)
        sink = MemorySink()
        run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
        edges = sink.edges["LIKES"]
        return list(zip(edges["source"].to_pylist(), edges["target"].to_pylist(), strict=True))

    return load


EXPECTED = [("Ada", "tea"), ("Ben", "01"), ("Ben", "1E10")]


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("likes.csv", LIKES, {}),
        ("likes.csv.gz", gzip.compress(LIKES, mtime=0), {}),
        ("likes.csv.bz2", bz2.compress(LIKES), {}),
        ("likes.tsv", LIKES.replace(b",", b"\t"), {}),
        ("likes.tsv.gz", gzip.compress(LIKES.replace(b",", b"\t"), mtime=0), {}),
        ("guessed.csv", LIKES.replace(b",", b"|"), {}),
        ("crlf.csv", b"\xef\xbb\xbf" + LIKES.replace(b"\n", b"\r\n"), {}),
        ("likes.txt", LIKES.replace(b",", b"::"), {"reader": "csv", "delim": "::"}),
        ("bare.csv", LIKES.partition(b"\n")[2], {"header": False, "names": ["person", "thing"]}),
        ("above.csv", b"a comment\n" + LIKES, {"skip": 1}),
        ("wide.csv", LIKES.decode().encode("utf-16"), {"encoding": "utf-16"}),
        ("wide.csv.gz", gzip.compress(LIKES.decode().encode("utf-16"), mtime=0), {"encoding": "utf-16"}),
        (
            "likes.jsonl",
            b'{"person":"Ada","thing":"tea"}\n{"person":"Ben","thing":"01"}\n{"person":"Ben","thing":"1E10"}\n',
            {},
        ),
        (
            "likes.json.bz2",
            bz2.compress(
                b'[{"person":"Ada","thing":"tea"},{"person":"Ben","thing":"01"},{"person":"Ben","thing":"1E10"}]'
            ),
            {},
        ),
    ],
)
def test_readers(
    folder: Path, pairs: Callable[..., list[tuple[str, str]]], name: str, content: bytes, options: dict[str, Any]
) -> None:
    (folder / name).write_bytes(content)
    given = "".join(
        f", {key} = {str(value).lower() if isinstance(value, bool) else value!r}" for key, value in options.items()
    )
    assert pairs(f'{{ path = "{name}"{given} }}') == EXPECTED


@pytest.mark.parametrize(("encoding", "thing"), [("cp1252", "Grüße – 5 €"), ("gb18030", "债券基金"), ("UTF8", "茶")])
def test_other_encodings(folder: Path, pairs: Callable[..., list[tuple[str, str]]], encoding: str, thing: str) -> None:
    (folder / "things.csv").write_text(f"thing\n{thing}\n", encoding="utf-8")
    (folder / "likes.csv").write_text(f"person,thing\nAda,{thing}\n", encoding=encoding)
    assert pairs(f'{{ path = "likes.csv", encoding = "{encoding}" }}') == [("Ada", thing)]


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("cp1252", "likes.csv line 3 is not cp1252; set another encoding"),
        ("utf-16", "likes.csv line 1 is not utf-16; set another encoding"),
        ("klingon", "likes.csv: unknown encoding: klingon; set another encoding"),
    ],
)
def test_the_wrong_encoding(
    folder: Path, pairs: Callable[..., list[tuple[str, str]]], encoding: str, message: str
) -> None:
    (folder / "likes.csv").write_bytes(b"person,thing\nAda,tea\nBen,\x81\n")
    with pytest.raises(SourceError) as caught:
        pairs(f'{{ path = "likes.csv", encoding = "{encoding}" }}')
    assert str(caught.value) == message


def test_parquet_and_globs(folder: Path, pairs: Callable[..., list[tuple[str, str]]]) -> None:
    (folder / "parts" / "deep").mkdir(parents=True)
    pq.write_table(pa.table({"person": ["Ada"], "thing": ["tea"]}), folder / "parts" / "1.parquet")
    pq.write_table(
        pa.table({"thing": ["01", "1E10"], "person": ["Ben", "Ben"]}), folder / "parts" / "deep" / "2.parquet"
    )
    assert pairs('"parts/**/*.parquet"', sql="SELECT person, thing FROM likes ORDER BY _file, _line") == EXPECTED
    assert pairs('"parts/*.parquet"') == EXPECTED[:1]


def test_files_of_a_glob_may_differ_in_their_columns(folder: Path, pairs: Callable[..., list[tuple[str, str]]]) -> None:
    (folder / "likes-1.csv").write_text("person,thing\nAda,tea\n")
    (folder / "likes-2.csv").write_text("thing,note,person\n01,x,Ben\n1E10,y,Ben\n")
    assert pairs('"likes-*.csv"') == EXPECTED


def test_lines(folder: Path, pairs: Callable[..., list[tuple[str, str]]]) -> None:
    (folder / "likes.txt").write_bytes(b"Ada tea\r\n\r\nBen 01 1E10")
    words = "split_part(line, ' ', 1) AS person, unnest(string_split(line, ' ')[2:]) AS thing"
    sql = f"SELECT {words} FROM likes WHERE line <> ''"
    assert pairs('{ path = "likes.txt", reader = "lines" }', sql=sql) == EXPECTED


def test_types_are_those_of_the_mapping(folder: Path, pairs: Callable[..., list[tuple[str, str]]]) -> None:
    (folder / "typed.csv").write_text("person,thing,n\nAda,tea,2\nBen,01,3\n")
    sql = "SELECT person, thing, n + 1 AS n FROM likes WHERE typeof(n) = 'INTEGER' AND typeof(thing) = 'VARCHAR'"
    assert pairs('{ path = "typed.csv", types = { n = "INTEGER" } }', sql=sql) == EXPECTED[:2]


def test_an_absent_optional_file_is_an_empty_table(folder: Path, pairs: Callable[..., list[tuple[str, str]]]) -> None:
    assert pairs('{ path = "no.csv", optional = true }') == []
    sql = "SELECT p.person, n.thing FROM people AS p JOIN likes AS n ON n.who = p.person"
    assert pairs('{ path = "no/*.jsonl", optional = true }', sql=sql) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "likes.csv",
            b"person,thing\nAda,tea\nBen\n",
            "likes.csv: line 3: Expected Number of Columns: 2 Found: 1; correct",
        ),
        ("likes.csv", b'person,thing\nAda,"tea\n', "likes.csv: line 2: Value with unterminated quote found; correct"),
        (
            "likes.csv",
            b"person,thing\nAda,\xff\n",
            "likes.csv: line 2: Invalid unicode (byte sequence mismatch) detected; it is not UTF-8; set encoding = ",
        ),
        ("likes.csv", b"", "likes.csv line 1: the file is empty; want a header line"),
        (
            "likes.csv",
            b"person,person\n",
            "likes.csv line 1: column 'person' is there twice; rename one, or give names",
        ),
        (
            "likes.csv",
            b"person,_line\n",
            "likes.csv line 1: column '_line' is graphrec's own; rename it, or give names",
        ),
        ("likes.csv.bz2", b"not packed", "likes.csv.bz2 cannot be read: bz2 decompress failed: "),
        ("likes.parquet", b"not parquet", "likes.parquet: Invalid Input Error: "),
    ],
)
def test_unreadable_files(
    folder: Path, pairs: Callable[..., list[tuple[str, str]]], name: str, content: bytes, message: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        pairs(f'"{name}"')
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            '{ path = "likes.csv", delimeter = ";" }',
            "source.files.likes.delimeter is no key or option of csv; did you mean 'delimiter'?",
        ),
        (
            '{ path = "likes.csv", optoinal = true }',
            "source.files.likes.optoinal is no key or option of csv; did you mean 'optional'?",
        ),
        (
            '{ path = "likes.csv", ignore_errors = true }',
            "source.files.likes.ignore_errors would drop rows in silence; correct the file instead",
        ),
        (
            '{ path = "likes.csv", types = { thng = "INTEGER" } }',
            "likes.csv line 1: types names 'thng', which is no column; did you mean 'thing'?",
        ),
        (
            '"absent.csv"',
            "give another --data, or mark the file optional = true",
        ),
    ],
)
def test_wrong_options(pairs: Callable[..., list[tuple[str, str]]], spec: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        pairs(spec)
    assert str(caught.value).endswith(message)


def test_an_absent_folder(bank: Bank) -> None:
    with pytest.raises(SourceError) as caught:
        check(load_mapping(bank.mapping), bank.folder / "no")
    assert (
        str(caught.value)
        == f"--data {bank.folder / 'no'}: no such folder; name the folder that holds the files of tiny-bank"
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT person, thin(thing) AS thing FROM likes",
            "edges.LIKES.sql: Catalog Error: Scalar Function with name thin does not exist!",
        ),
        (
            "SELECT person FROM likes",
            "edges.LIKES.to names 'thing', which is no column of its sql; there is person",
        ),
        (
            "SELECT person, thing, 'x' AS run FROM likes",
            "edges.LIKES.sql: column 'run' is graphrec's own name; rename it",
        ),
        (
            'SELECT person, thing, 1 AS "a b" FROM likes',
            "edges.LIKES.sql: column 'a b' is no name for a property; rename it",
        ),
        (
            "SELECT person, thing, [1] AS l FROM likes",
            "edges.LIKES.sql: column 'l' is INTEGER[], which no property can be; cast",
        ),
        ("SELECT * FROM read_csv('people.csv')", "edges.LIKES.sql reads read_csv(…), and SQL sees the files of "),
        (
            "SELECT person, thing FROM 'people.csv'",
            "edges.LIKES.sql reads 'people.csv', which is no table of [source.files]",
        ),
        ("DROP TABLE likes", "edges.LIKES.sql holds a DROP; want one SELECT, which reads and changes nothing"),
    ],
)
def test_wrong_statements(pairs: Callable[..., list[tuple[str, str]]], tmp_path: Path, sql: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        pairs('"likes.csv"', sql=sql.replace('"', '\\"'))
    place, _, said = str(caught.value).partition(": ")
    assert re.fullmatch(rf"{tmp_path / 'my.toml'} line \d+", place)
    assert said.startswith(message)


def test_a_statement_with_a_column_that_its_file_lacks(
    pairs: Callable[..., list[tuple[str, str]]], tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        pairs('"likes.csv"', sql="SELECT person, thin AS thing FROM likes")
    mapping = tmp_path / "my.toml"
    assert str(caught.value) == (
        "likes.csv has no column thin; did you mean 'thing'?; write the name of now in "
        f"{mapping} line 21: edges.LIKES.sql, or have it delivered as before; then: graphrec load {mapping} --check"
    )


def test_file_and_line_of_every_reader(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jsonl").write_text('{"person":"Ada","thing":"tea"}\n\n{"person":"Eve","thing":"tea"}\n')
    pq.write_table(pa.table({"person": ["Ben", "Joe"], "thing": ["tea", "tea"]}), folder / "b.parquet")
    (folder / "c.csv.bz2").write_bytes(bz2.compress(b'person,thing\n"Ada","01"\n\n"Kim\n",tea\n'))
    (folder / "d.txt").write_text("Ben 01\nZoe tea\n")
    files = (
        'people = "people.csv"\nthings = "things.csv"\na = "a.jsonl"\nb = "b.parquet"\nc = "c.csv.bz2"\n'
        'd = { path = "d.txt", reader = "lines" }'
    )
    union = (
        "SELECT person, thing, _file, _line FROM a UNION ALL SELECT person, thing, _file, _line FROM b UNION ALL "
        "SELECT person, thing, _file, _line FROM c UNION ALL "
        "SELECT split_part(line, ' ', 1), split_part(line, ' ', 2), _file, _line FROM d"
    )
    text = SMALL.replace("FILES", files).replace("SELECT person, thing FROM likes", union)
    (tmp_path / "my.toml").write_text(text)
    rejected = tmp_path / "rejected.csv"
    with pytest.raises(RejectedRows, match="^a.jsonl line 3: person 'Eve' names no Person; 4 rows rejected"):
        check(load_mapping(tmp_path / "my.toml"), folder, rejected_path=rejected)
    lines = [",".join(row.split(",")[-3:]) for row in rejected.read_text().replace("Kim\n", "Kim").splitlines()]
    assert lines == [
        '"file","line","row"',
        '"a.jsonl",3,',
        '"b.parquet",2,',
        '"c.csv.bz2",4,',
        '"d.txt",2,',
    ]


def test_a_label_that_nobody_brings(folder: Path, tmp_path: Path) -> None:
    text = SMALL.replace("FILES", 'people = "people.csv"\nlikes = "likes.csv"')
    text = text.replace('[nodes.Thing]\nkey = "thing"\nsql = "SELECT thing FROM things"\n', "")
    (tmp_path / "my.toml").write_text(text)
    with pytest.raises(SourceError) as caught:
        check(load_mapping(tmp_path / "my.toml"), folder)
    assert str(caught.value) == (
        f"{tmp_path / 'my.toml'} line 9: roles.product names 'Thing': neither this mapping nor the home has such "
        "nodes; there is Person"
    )
    sink = MemorySink()
    things = GraphSchema(Roles("Person", "Thing", ("LIKES",), relevant=("LIKES",)), {"Thing": NodeSchema("Thing")}, {})
    sink.begin(Source("things", "r", True, things, "f"))
    ids = pa.array(["tea", "01", "1E10"])
    sink.add_nodes("Thing", pa.table({"id": ids, "known_at": pa.nulls(3, pa.timestamp("us", tz="UTC"))}))
    sink.finish(None)
    report = check(load_mapping(tmp_path / "my.toml"), folder, sink)
    assert (report.edges["LIKES"].read, report.edges["LIKES"].rejected) == (3, 0)


def test_a_number_that_no_property_can_hold(pairs: Callable[..., list[tuple[str, str]]], tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        pairs('"likes.csv"', sql="SELECT person, thing, 2::HUGEINT ** 100 AS big, 2::HUGEINT << 90 AS n FROM likes")
    assert str(caught.value).startswith(f"{tmp_path / 'my.toml'}: Conversion Error: ")
    assert str(caught.value).endswith("; correct its SQL")


@pytest.mark.parametrize("name", ["likes[1].csv", "likes [1].csv.bz2", "li?es.parquet", "likes*.jsonl"])
def test_names_that_look_like_patterns(folder: Path, pairs: Callable[..., list[tuple[str, str]]], name: str) -> None:
    if name.endswith("parquet"):
        pq.write_table(pa.table({"person": ["Ada", "Ben", "Ben"], "thing": ["tea", "01", "1E10"]}), folder / name)
    elif name.endswith("jsonl"):
        rows = [f'{{"person":"{person}","thing":"{thing}"}}' for person, thing in EXPECTED]
        (folder / name).write_text("\n".join(rows) + "\n")
    else:
        (folder / name).write_bytes(bz2.compress(LIKES) if name.endswith("bz2") else LIKES)
    assert pairs(f'"{name}"') == EXPECTED
