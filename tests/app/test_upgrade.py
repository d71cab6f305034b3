"""The home of an older graphrec becomes one of this graphrec, through kills too."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec import __version__
from graphrec.cli import app
from graphrec.home import FORMAT, Home
from graphrec.records.blocks import canonical
from graphrec.records.read import entries
from graphrec.records.recorder import Recorder
from graphrec.records.verify import Anchor, verify
from graphrec.serving.engine import Engine
from tests.served import copied

OLD = {
    "vault": ("store", "series", "rejected.csv", "vectors", "working", "tuning"),
    "serving": ("snapshots", "models", "secret", "in-force.json"),
}


@pytest.fixture
def old(served_home: Home, tmp_path: Path) -> Path:
    """A home as format 1 had it, with a date, open to others."""
    home = copied(served_home, tmp_path / "home")
    (home / "vault" / "store").mkdir(parents=True)
    (home / "vault" / "rejected.csv").write_text("x")
    dated = Home(home).at(datetime(2024, 6, 1, tzinfo=UTC))
    for folder in (dated.models, dated.working):
        folder.mkdir(parents=True)
    for part, names in OLD.items():
        for name in names:
            if (home / part / name).exists():
                (home / part / name).rename(home / name)
        for path in (home / part).glob("as-of/*/*"):
            (home / "as-of" / path.parent.name).mkdir(parents=True, exist_ok=True)
            path.rename(home / "as-of" / path.parent.name / path.name)
        shutil.rmtree(home / part)
    (home / "format.json").write_text('{"format": 1, "graphrec": "0.1.0"}')
    (home / ".store.lock").touch()
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return home


def old_record(folder: Path, counts: tuple[int, ...] = (1, 3)) -> str:
    """A record as format 1 wrote it, with torn bytes at its end; its anchor."""
    sha256 = lambda content: hashlib.sha256(content).hexdigest()  # noqa: E731
    (folder / "kept" / "files").mkdir(parents=True)
    (folder / "kept" / "files" / "f").write_text("copy")
    data, previous, first = b"", "0" * 64, 1
    for number, count in enumerate(counts, start=1):
        entries = [canonical({"user": f"C{n:03}", "said": "secret"}) for n in range(first, first + count)]
        payload = zlib.compress(b"\n".join(entries), 1)
        header = canonical(
            {
                "block": number, "bytes": len(payload), "entries": [sha256(one) for one in entries], "first": first,
                "payload": sha256(payload), "previous": previous, "set_aside": [],
                "shared": {"recorded_at": "2026-01-01", "request": {"command": "export"}},
            }
        )  # fmt: skip
        previous, first = sha256(header), first + count
        data += b"%s %s\n%s" % (previous.encode(), header, payload)
    head = {"block": len(counts), "entries": first - 1, "file": "0000000001.log", "hash": previous, "size": len(data)}
    (folder / "0000000001.log").write_bytes(data + b"torn")
    (folder / "head.json").write_bytes(canonical(head) + b"\n")
    (folder / "torn-0000000002-0123abcd").write_bytes(b"torn")
    return f"{len(counts)}:{previous}"


def check_record(home: Home, anchor: str) -> None:
    """All is readable with the keys alone, and the anchor of before fits."""
    assert verify(home.records, Anchor.parse(anchor)).problems == []
    found = verify(home.records, Anchor.parse("1:" + "0" * 64))
    assert (found.entries, found.blocks, len(found.problems)) == (4, 2, 1)
    assert [one.entry["user"] for one in entries(home.records)] == ["C004", "C003", "C002", "C001"]
    content = b"".join(
        path.read_bytes() for path in home.path.rglob("*") if path.is_file() and "serving" not in str(path)
    )
    assert b"secret" not in content
    assert b"C002" not in content
    assert (home.records / "kept" / "files" / "f").read_text() == "copy"
    assert Recorder(home.records).append({}, [{"user": "C002"}]) == range(5, 6)
    assert verify(home.records, Anchor.parse(anchor)).notes == []


def run(home: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--home", str(home), *words], prog_name="graphrec")
    return done.exit_code, done.stdout, done.stderr


def check(home: Path, before: str) -> None:
    """The home is whole: every part at its place, nothing for others, and the same answer."""
    assert json.loads((home / "format.json").read_text()) == {"format": FORMAT, "graphrec": __version__}
    names = {path.name for path in home.iterdir() if not path.name.startswith(".")}
    assert names <= {"format.json", "policy.toml", "vault", "serving", "records", "logs"}
    assert (home / "vault" / "rejected.csv").read_text() == "x"
    assert (home / "vault" / "store").is_dir()
    assert (home / "vault" / "as-of" / "2024-06-01" / "working").is_dir()
    assert (home / "serving" / "as-of" / "2024-06-01" / "models").is_dir()
    modes = {path: path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))}
    assert {path: mode for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}
    assert str(Engine.open(Home(home).check()).recommend("C003", 3)) == before


def test_an_older_home_is_refused_and_upgraded_once(old: Path, served_home: Home) -> None:
    before = str(Engine.open(served_home).recommend("C003", 3))
    code, out, err = run(old, "recommend", "C003", "--no-policy")
    assert (code, out) == (4, "")
    assert err.splitlines()[-1].endswith(f"which works with format {FORMAT}; run: graphrec upgrade")
    anchor = old_record(old / "records")
    code, out, _ = run(old, "upgrade")
    first, second = out.splitlines()
    assert (code, first) == (0, f"the home has format {FORMAT} now; it had format 1")
    check(old, before)
    now = verify(old / "records").anchor
    assert second == f"the decision record was written anew; its anchor, in the place of the old one: {now}"
    check_record(Home(old), anchor)
    assert run(old, "upgrade")[:2] == (0, f"nothing to do: the home has format {FORMAT}\n")
    assert run(old, "recommend", "C003", "--no-policy")[0] == 0


KILLED = """
import os, pathlib, sys
left, rename = int(sys.argv[2]), pathlib.Path.rename
def killed(path, target):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return rename(path, target)
pathlib.Path.rename = killed
from graphrec.cli import app
app(["--home", sys.argv[1], "upgrade"])
"""


@pytest.mark.slow
def test_an_upgrade_that_was_killed_is_gone_on_with(old: Path, served_home: Home, tmp_path: Path) -> None:
    before = str(Engine.open(served_home).recommend("C003", 3))
    anchor = old_record(old / "records")
    for moves in (0, 1, 3, 4, 5, 6):
        home = shutil.copytree(old, tmp_path / str(moves))
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(home), str(moves)], env={**os.environ}, capture_output=True, check=False
        )
        assert done.returncode == 9, done.stderr
        code, _, err = run(home, "recommend", "C003", "--no-policy")
        assert (code, "is half upgraded" in err) == (4, True), err
        assert run(home, "upgrade")[0] == 0
        check(home, before)
        check_record(Home(home), anchor)


def test_a_record_that_was_changed_is_not_written_anew(old: Path) -> None:
    old_record(old / "records")
    path = old / "records" / "0000000001.log"
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"first":2', b'"first":3'))
    code, _, err = run(old, "upgrade")
    assert code == 6
    assert re.fullmatch(
        r"error: the record in .*records is not as it was written: block 2 at byte \d+ of 0000000001.log cannot be "
        r"read; restore it from a backup, or move the folder away, then run graphrec upgrade again\n",
        err,
    )
    path.write_bytes(data)
    assert run(old, "upgrade")[0] == 0


def test_a_newer_home_and_no_home_are_one_line(tmp_path: Path) -> None:
    code, _, err = run(tmp_path / "none", "upgrade")
    assert (code, err) == (
        3, f"error: there is no home of graphrec in {tmp_path / 'none'}; name another one with --home\n"
    )  # fmt: skip
    (tmp_path / "format.json").write_text('{"format": 99, "graphrec": "7.0.0"}')
    code, _, err = run(tmp_path, "upgrade")
    assert (code, err.endswith("install a newer graphrec\n")) == (4, True)
