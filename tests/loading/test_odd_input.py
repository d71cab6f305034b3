"""Odd mappings and files end in one line and exit code 3, never in a traceback or in hours of work."""

import gzip
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from tests.loading.conftest import Bank

LONG = "A" * 5000


def load(bank: Bank, *words: object) -> str:
    """The line that a refused load ends with."""
    began = time.monotonic()
    command = ["--home", str(bank.folder / "home"), "load", *(str(word) for word in words or (bank.mapping, "--check"))]
    done = CliRunner().invoke(app, command)
    assert time.monotonic() - began < 20
    assert done.exit_code == 3, done.output
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "unexpected" not in line
    assert len(line) < 700
    return line.removeprefix("error: ")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("customers.csv.gz", b"customer_id\nC1\n", "zlib inflate failed: incorrect header check"),
        ("customers.csv.gz", gzip.compress(b"customer_id\n" * 9999, mtime=0)[:99], "Truncated compressed stream"),
        ("customers.csv.bz2", b"customer_id\nC1\n", "bz2 decompress failed: data is not bz2-compressed"),
        ("customers.csv.zst", b"customer_id\nC1\n", "ZSTD decompress failed: Unknown frame descriptor"),
    ],
)
@pytest.mark.parametrize("reader", ["csv", "lines"])
def test_a_packed_file_that_is_none(bank: Bank, name: str, content: bytes, message: str, reader: str) -> None:
    (bank.folder / name).write_bytes(content)
    bank.edit("bank.toml", '"customers.csv"', f'{{ path = "{name}", reader = "{reader}" }}')
    line = load(bank)
    if reader == "csv" and message.startswith("Truncated"):  # its first lines can be read: DuckDB finds the end missing
        assert line.startswith(f"{name}: IO Error: Unexpected end of GZIP stream")
    else:
        assert line.startswith(f"{name} cannot be read: {message}")
        assert line.endswith("; fetch the file again, or give it the suffix of what it is")


def test_a_packed_json_that_is_none(bank: Bank) -> None:
    (bank.folder / "views.jsonl.gz").write_bytes(b'{"customer":"C1","product":"P1"}\n')
    bank.edit("bank.toml", '"views/*.jsonl"', '"views.jsonl.gz"')
    assert load(bank).startswith("views.jsonl.gz: ")


def test_a_parquet_file_that_is_none(bank: Bank) -> None:
    (bank.folder / "customers.parquet").write_bytes(b"no magic here, but long enough")
    bank.edit("bank.toml", '"customers.csv"', '"customers.parquet"')
    assert load(bank).startswith("customers.parquet: ")


def test_toml_that_is_nested_deep(bank: Bank) -> None:
    bank.edit("bank.toml", "[roles]", "[roles]\nuser = " + "[" * 500 + "]" * 500)
    assert "nests more than" in load(bank)


def test_a_key_of_many_dots(bank: Bank) -> None:
    bank.append("bank.toml", ".".join(["a"] * 100_000) + " = 1")
    assert "nests more than" in load(bank)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "tiny-bank"', f'name = "{LONG}"'),
        ('name = "tiny-bank"', 'name = "' + "客" * 21 + '"'),
        ('name = "tiny-bank"', 'name = "a\\u001bb"'),
        ("[nodes.AgeBand]", f"[nodes.{LONG}]"),
        ("[edges.IN_BAND]", f"[edges.{LONG}]"),
        ("[series.price]", f"[series.{LONG}]"),
        ("prices ", f"{LONG} = 'prices.tsv'\nprices "),
    ],
)
def test_names_that_are_no_names(bank: Bank, old: str, new: str) -> None:
    bank.edit("bank.toml", old, new)
    assert "too long" in (line := load(bank)) or "is not a name" in line


def test_a_column_that_is_too_long(bank: Bank) -> None:
    bank.edit("customers.csv", "risk_tolerance", LONG)
    bank.edit("bank.toml", "CAST(risk_tolerance AS INTEGER) AS risk_tolerance", LONG)
    assert f"column '{LONG[:100]}' is no name for a property; rename it" in load(bank)


@pytest.mark.parametrize("path", [f"{LONG}.csv", "a\\u0000.csv", "", "../x.csv", "**.csv", "[.csv", "***/x.csv"])
def test_paths_that_no_file_has(bank: Bank, path: str) -> None:
    bank.edit("bank.toml", '"customers.csv"', f'"{path}"')
    assert "source.files.customers" in load(bank)


@pytest.mark.parametrize(
    "words",
    [
        (LONG,),
        ("no\nsuch",),
        ("demo", "--data", LONG),
        ("--new", LONG, "--data", "."),
        ("--new", "x.toml", "--data", LONG),
    ],
)
def test_arguments_that_are_too_long(bank: Bank, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bank.folder)
    load(bank, *words)
    assert not Path("x.toml").exists()


def test_a_file_without_the_right_to_read(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hashlib.file_digest", refuse)
    assert load(bank, bank.mapping) == (
        "customers.csv cannot be read: Permission denied; correct its rights, or fetch it again"
    )
