"""Log lines: form, level, file, and what a failure leaves."""

import json
import logging
import re
from pathlib import Path

import pytest

from graphrec import log


@pytest.fixture(autouse=True)
def _quiet_after() -> object:
    yield
    logging.getLogger("graphrec").handlers = [logging.NullHandler()]


def one_stage() -> None:
    with log.stage("snapshot", as_of="2024-01-01 00:00") as stage:
        stage.count(nodes=3, edges=1_000, is_new=True)


def test_a_stage_is_one_line_of_text_with_counts_and_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info")
    one_stage()
    line = capsys.readouterr().err
    assert re.fullmatch(
        r'INFO snapshot: as_of="2024-01-01 00:00" nodes=3 edges=1000 is_new=true seconds=0\.\d+\n', line
    ), line


def test_a_stage_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", form="json")
    one_stage()
    plain = json.loads(capsys.readouterr().err)
    assert (plain["level"], plain["stage"], plain["nodes"], plain["edges"]) == ("info", "snapshot", 3, 1_000)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", plain["at"])
    assert plain["seconds"] >= 0


def test_a_failure_is_logged_by_its_class_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info")
    with pytest.raises(ValueError, match="C0001"), log.stage("load") as stage:
        stage.count(read=7)
        raise ValueError("customer C0001 was born 1970-01-01")
    line = capsys.readouterr().err
    assert line.startswith("INFO load: read=7 failed=ValueError seconds=")
    assert "C0001" not in line


def test_the_file_gets_info_lines_whatever_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "logs" / "night.log"
    log.set_up("error", file=file)
    one_stage()
    one_stage()
    with log.stage("small", level=logging.DEBUG):
        pass
    assert capsys.readouterr().err == ""
    lines = file.read_text().splitlines()
    assert len(lines) == 2
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z INFO snapshot: ", lines[0])


def test_a_log_of_a_home_that_is_not_there_is_not_written(tmp_path: Path) -> None:
    log.set_up("error", file=tmp_path / "home" / "logs" / "a.log", only_below=tmp_path / "home" / "format.json")
    one_stage()
    assert not (tmp_path / "home").exists()


def test_a_file_that_cannot_be_written_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file")
    log.set_up("warning", file=tmp_path / "logs" / "a.log")
    one_stage()
    one_stage()
    err = capsys.readouterr().err
    assert err == (
        f"WARNING log file {tmp_path / 'logs' / 'a.log'} cannot be written: File exists; the work goes on without it\n"
    )
