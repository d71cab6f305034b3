import io
import json
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from graphrec import log
from graphrec.cli import output
from graphrec.cli.invocation import GlobalOptions, begin


@pytest.fixture(autouse=True)
def _fresh_state() -> None:
    begin(GlobalOptions())


@dataclass(frozen=True)
class Counts:
    read: int
    when: date


def test_emit_json_is_one_utf8_object(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    value = {"name": "Zürich\ud800", "n": np.int64(3), "x": np.float64(0.5), "counts": Counts(1, date(2026, 1, 2))}
    output.emit_json({**value, "path": Path("a/b"), "labels": {"B", "A"}, "row": np.arange(2)})
    text = capsysbinary.readouterr().out.decode("utf-8")
    assert text.count("\n") == 1
    assert "Zürich" in text
    assert json.loads(text) == {
        "name": "Zürich\ud800",
        "n": 3,
        "x": 0.5,
        "counts": {"read": 1, "when": "2026-01-02"},
        "path": "a/b",
        "labels": ["A", "B"],
        "row": [0, 1],
    }


def test_emit_json_refuses_what_is_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        output.emit_json({"x": float("nan")})
    with pytest.raises(TypeError, match="object has no JSON form"):
        output.emit_json({"x": object()})
    assert capsys.readouterr().out == ""


def test_a_table_shows_brackets_and_whole_cells(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["id", "score"], [["[red]fund[/red]", 1.5], [None, 10]], right=["score"], title="[a]")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "[a]"
    assert lines[1].split() == ["id", "score"]
    assert lines[3].split() == ["[red]fund[/red]", "1.5"]
    assert lines[4].split() == ["10"]


def test_optional_columns_are_shown_where_a_cell_is_filled(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["id", "name", "kind"], [["P1", "", "fund"], ["P2", None, ""]], optional=["name", "kind"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert (lines[0], lines[2:]) == (["id", "kind"], [["P1", "fund"], ["P2"]])


def test_notes_go_to_stderr_and_are_silent_with_q(capsys: pytest.CaptureFixture[str]) -> None:
    output.note("one")
    begin(GlobalOptions(quiet=True))
    output.note("two")
    output.say("answer")
    out, err = capsys.readouterr()
    assert (out, err) == ("answer\n", "one\n")


def test_progress_is_an_occasional_line_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(now))
    with output.progress() as report:
        for done in (10, 2_000, 3_000):
            report("rows", done, 4_000)
        report("texts", 7, None)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "rows: 2,000 of 4,000\ntexts: 7\n")


def test_progress_is_silent_with_q(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", -1.0)
    begin(GlobalOptions(quiet=True))
    with output.progress() as report:
        report("rows", 1, 2)
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with output.progress() as report:
        report("rows [1]", 1, 2)
        report("rows [1]", 2, 2)
    assert "rows [1]" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_log_lines_go_to_stderr_by_level_and_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "hush")
    log.set_up("info")
    logger = logging.getLogger("graphrec.store")
    logger.debug("too small")
    logger.info("signed in to bolt://ann:other@host with %s", "hush")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "INFO signed in to bolt://***@host with ***\n")


def test_a_table_in_a_pipe_keeps_to_columns_and_has_no_padding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["C1", "a name of several words that goes on and on and on"], ["C2", ""]]
    monkeypatch.setenv("COLUMNS", "40")
    output.table(["id", "name"], rows)
    narrow = capsys.readouterr().out.splitlines()
    assert max(map(len, narrow)) <= 40
    monkeypatch.setenv("COLUMNS", "200")
    output.table(["id", "name"], rows)
    wide = capsys.readouterr().out.splitlines()
    assert len(wide) < len(narrow)
    assert all(line == line.rstrip() for line in narrow + wide)
