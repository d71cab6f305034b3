"""What reaches a terminal or a spreadsheet, how a command ends, and where a documented code belongs."""

import csv
import errno
import io
import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app, output
from graphrec.cli.data.query import _finite, _print_csv
from graphrec.cli.invocation import GlobalOptions, begin
from graphrec.home import Home
from graphrec.languages import language_of
from tests.served import copied

CLEAR = "\x1b[2J\x1b[31mGONE"


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own with the served snapshot and model."""
    copied(served_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    begin(GlobalOptions())


pytestmark = pytest.mark.usefixtures("no_policy")
NOTE = f"note: {language_of('en').say('notes.no_policy')}\n"


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_no_control_character_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"Fund {CLEAR}\t\r\n\x9b5m\u202egnp"
    output.say(name)
    output.note(name)
    output.table([name], [[name]], title=name)
    output.say_block(f"MATCH (n)\nRETURN '{CLEAR}'")
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
        assert "\\x1b[2J\\x1b[31mGONE\\t\\r\\n\\x9b5m\\u202egnp" in text.replace("\n", "")
    assert out.endswith("MATCH (n)\nRETURN '\\x1b[2J\\x1b[31mGONE'\n")


def test_error_lines_are_one_line_without_escapes_and_json_is_exact(home: Home) -> None:
    code, out, err = run("--home", str(home.path), "recommend", f"nobody{CLEAR}\nC003")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert "\\x1b[2J" in err
    assert json.loads(run("--home", str(home.path), "find", CLEAR, "--json")[1])["query"] == CLEAR
    assert "\x1b" not in run("--home", str(home.path), "find", CLEAR)[1]


def test_csv_of_a_query_is_harmless_for_spreadsheets(capsys: pytest.CaptureFixture[str]) -> None:
    _print_csv(("name", "x"), [("=1+1", -5.5), ("-5", 2), ("@SUM(A1)", None)])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["name", "x"], ["'=1+1", "-5.5"], ["-5", "2"], ["'@SUM(A1)", ""]]


def test_a_number_that_json_does_not_have_is_null() -> None:
    rows = [[float("nan"), [float("inf"), 1.5], {"a": float("-inf"), "b": "text"}]]
    assert [[_finite(value) for value in row] for row in rows] == [[None, [None, 1.5], {"a": None, "b": "text"}]]


def test_deep_nesting_and_long_names_are_one_line_and_a_documented_code(home: Home, tmp_path: Path) -> None:
    deep = "[" * 100_000
    code, out, err = run("--home", str(home.path), "query", "RETURN $x AS x", "--param", f"x={deep}")
    assert (code, out) == (2, "")
    assert err == "error: --param x is nested too deep; want a number, a text, or lists of them\n"
    long = "x" * 300
    for expected, words in (
        (3, ("--home", str(tmp_path / long), "recommend", "C003")),
        (3, ("--home", str(home.path), "export", "--out", str(tmp_path / f"{long}.csv"))),
        (2, ("--home", str(home.path), "recommend", "C003", "--model", long)),
    ):
        code, out, err = run(*words)
        assert (code, out) == (expected, ""), err
        assert err.count("\n") == 1
        assert "File name too long; " in err


def test_what_was_pruned_is_one_line_and_no_tampering(home: Home) -> None:
    words = ("--home", str(home.path))
    assert run(*words, "recommend", "C003")[2] == f"{NOTE}recorded as entry 1\n"
    assert run(*words, "replay", "1")[:2] == (0, "entry 1: same bytes\n")
    code, out, _ = run(*words, "record", "prune", "--before", "2999-01-01")
    assert code == 0
    assert re.match(
        r"3 snapshots, models and policies removed, \d+\.\d MB freed\n1 entries before 2999-01-01 stay", out
    )
    code, out, err = run(*words, "replay", "1")
    assert (code, out) == (6, "")
    assert re.match(r"error: entry 1 cannot be replayed: facts \w{16} was removed by graphrec record prune ", err)
    assert run(*words, "record", "verify")[0] == 0
    assert run(*words, "record", "prune")[0] == 2
    assert run(*words, "record", "prune", "--before", "then")[2] == (
        "error: --before then is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS\n"
    )


def test_an_empty_home_is_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--home", "", "recommend", "C003") == run("recommend", "C003")
    assert run("--home", "", "recommend", "C003")[0] == 3


def test_a_home_that_is_full_or_read_only_answers_and_names_the_folder(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run("--home", str(home.path), "recommend", "C003", "--no-record")[1]
    real = os.fsync
    for number in (errno.ENOSPC, errno.EROFS):

        def full(handle: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.fsync", full)
        code, out, err = run("--home", str(home.path), "recommend", "C003")
        monkeypatch.setattr("os.fsync", real)
        assert (code, out) == (0, expected)
        (line,) = [line for line in err.splitlines() if line.startswith("note: nothing is recorded")]
        assert str(home.records) in line
        assert os.strerror(number) in line
    code, out, err = run("--home", str(home.path), "recommend", "C003")
    assert (code, out, err) == (0, expected, f"{NOTE}recorded as entry 1\n")
