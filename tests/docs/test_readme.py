"""Every command of README.md and the pages that go on from it runs: blocks marked `sh`, in order, in one folder.

A comment before a block says what it needs besides: `<!-- needs: data -->` is run, with --check instead of loading,
where ../shared/data is.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer

import graphrec
from graphrec.cli import app
from graphrec.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
#: What a newcomer reads, in this order.
READ = ("README.md", "docs/tour.md", "docs/datasets.md", "docs/scripts.md")
README = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in READ)
BIN = Path(sys.executable).parent
#: What the installation of `make demo` leads to, on fewer customers; the tests run where that is done.
MADE = {
    "make demo": f"PYTHONPATH={shlex.quote(str(ROOT))} python -m tests.docs.small demo --run",
    ". .venv/bin/activate": "true",
    "cp -r docs/small-bank my-bank": f"cp -r {shlex.quote(str(ROOT / 'docs' / 'small-bank'))} my-bank",
}


@dataclass(frozen=True)
class Block:
    """Commands of one block, and what it needs besides the installation."""

    lines: tuple[str, ...]
    needs: str | None


def blocks() -> list[Block]:
    found = re.findall(r"(?:<!-- needs: (\w+) -->\n)?```sh\n(.+?)```", README, re.DOTALL)
    return [Block(tuple(body.splitlines()), needs or None) for needs, body in found]


BLOCKS = blocks()
RUN = [block for block in BLOCKS if block.needs is None]
COMMAND_LINES = [line for block in BLOCKS for line in block.lines if line.startswith("graphrec ")]
COMMAND_LINES += re.findall(r"^\$ (graphrec .+)$", README, re.MULTILINE)
PAGES = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]
PAGE_LINES = [line for page in PAGES for line in re.findall(r"^graphrec .+$", page, re.MULTILINE)]


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    script = "\n".join(MADE.get(line, line) for line in block.lines)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHREC_")}
    environment["PATH"] = f"{BIN}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a newcomer sits."""
    return tmp_path_factory.mktemp("newcomer")


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN, ids=[block.lines[0] for block in RUN])
def test_commands_run_in_order(block: Block, folder: Path) -> None:
    done = run(block, folder)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_they_leave(folder: Path) -> None:
    """Runs after the blocks: the files that README says there are."""
    left = {path.name for path in folder.iterdir()}
    assert {"demo-bank", ".graphrec", "why.png", "lists.csv", "my-home", "my-lists.parquet"} <= left
    assert {"answer.json", "metrics.json", "popular.csv", "lists.jsonl", "export.json"} <= left
    rows = pq.read_table(folder / "my-lists.parquet").to_pylist()
    assert [row["name"] for row in rows if row["user"] == "C07"] == ["Lab ETF"]
    head = (folder / "lists.csv").read_text(encoding="utf-8").splitlines()[0].replace('"', "")
    assert head.replace(",", ", ") in " ".join(README.split())


@pytest.mark.slow
def test_the_lines_for_a_notebook_run(folder: Path) -> None:
    """Runs after the blocks, on the home that they leave."""
    (script,) = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    assert len(script.splitlines()) <= 11
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[3].endswith(" lines add up to its score")
    assert re.fullmatch(r"\d+ is its entry in the decision record", lines[-1])


def test_demo_is_what_make_demo_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo: install .*\n\t@\$\(BIN\)/graphrec demo --run \$\(ARGS\)$", makefile, re.MULTILINE)


@pytest.mark.parametrize("line", [*COMMAND_LINES, *PAGE_LINES])
def test_every_command_line_is_understood(line: str) -> None:
    group = typer.main.get_command(app)
    words = shlex.split(line.partition(">")[0], comments=True)[1:]
    with group.make_context("graphrec", words) as context:
        name, command, rest = group.resolve_command(context, context._protected_args + context.args)  # type: ignore[attr-defined]
        command.make_context(name, rest, parent=context)


def test_every_command_is_shown() -> None:
    lines = [*COMMAND_LINES, *PAGE_LINES]
    shown = {name for name in COMMANDS if any(re.search(rf"\bgraphrec (.* )?{name}\b", line) for line in lines)}
    assert shown | set(re.findall(r"`graphrec (\w+)", README)) >= set(COMMANDS)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("line", [line for block in BLOCKS if block.needs == "data" for line in block.lines])
def test_loads_of_shipped_mappings_pass_a_check(line: str, tmp_path: Path) -> None:
    if not (ROOT.parent / "shared" / "data").is_dir():
        pytest.skip("skipped: ../shared/data is not there")
    checked = line.replace("../shared", str(ROOT.parent / "shared")) + " --check"
    done = run(Block((checked,), None), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "checked, nothing written" in done.stdout


def test_the_tree_names_every_room_and_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("## What is where")[2].partition("```text")[2].partition("```")[0]
    named = set(re.findall(r"^ *(\w+)/", tree, re.MULTILINE))
    folders = {path.name for path in (*ROOT.iterdir(), *(ROOT / "graphrec").iterdir()) if path.is_dir()}
    ours = {name for name in folders if not name.startswith((".", "_"))}
    assert ours - {"dist", "build", "site", "demo-bank", "out"} <= named


def test_outputs_are_shown() -> None:
    assert all(body.strip() for body in re.findall(r"```text\n(.*?)```", README, re.DOTALL))
    assert not re.search(r"\bTODO\b|\bTBD\b|\.\.\.$", README, re.MULTILINE)


def test_the_public_names_are_those_of_the_readme() -> None:
    sentence = README.partition("**From Python**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) - {"graphrec"} == set(graphrec.__all__)
