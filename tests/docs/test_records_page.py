"""docs/records.md: the script for auditors is run as it stands, and its tables are true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec.records.blocks import HEAD, Head, blocks, segments
from graphrec.records.keys import HOME_KEY, PERSONS, Keys
from graphrec.records.recorder import Recorder

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "records.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of two blocks."""
    recorder = Recorder(tmp_path / "records")
    recorder.append({"model": "m"}, [{"user": "C1"}, {"user": "C2"}])
    recorder.append({"model": "m"}, [{"user": "C3"}])
    return recorder.folder


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    (script,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    assert len(script.splitlines()) <= 20
    line = [sys.executable, "-I", "-c", script, str(folder)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_script_prints_the_anchor(folder: Path) -> None:
    head = Head.read(folder)
    assert head is not None
    assert audit(folder).stdout == f"3 entries in 2 blocks; anchor {head.anchor}\n"


def test_the_script_finds_what_was_changed_taken_out_or_cut_off(folder: Path) -> None:
    Keys.beside(folder).destroy("C1")
    assert audit(folder).returncode == 0, "a destroyed key leaves the chain"
    (path,) = segments(folder)
    data = path.read_bytes()
    one, two = blocks([path])
    for changed, said in (
        (data[:100] + bytes([data[100] ^ 1]) + data[101:], "block 1: its header was changed"),
        (
            data[: one.end - 9] + bytes([data[one.end - 9] ^ 1]) + data[one.end - 8 :],
            "block 1: its entries were changed",
        ),
        (data[two.offset :], "block 1 is missing"),
        (data[: two.offset], "the end was cut off"),
    ):
        path.write_bytes(changed)
        done = audit(folder)
        assert done.returncode == 1
        assert done.stderr.endswith(f"AssertionError: {said}\n")


def test_the_tables_name_every_key_and_file(folder: Path) -> None:
    (path,) = segments(folder)
    block = next(blocks([path]))
    named = set(re.findall(r"`([\w<> .\-/]+)`", PAGE))
    assert set(block.header) <= named
    assert {"<first entry>.log", HEAD, "torn-<entry>-<hash>", "kept/", "lock", HOME_KEY, PERSONS} <= named
    assert "was" in named
