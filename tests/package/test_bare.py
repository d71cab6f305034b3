"""`pip install graphrec` without extras: small, and it serves what a full installation has trained, to the byte."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.banks.demo import cut_demo_bank
from tests.package.test_wheel import dist, run, wheel

__all__ = ["dist", "wheel"]  # fixtures

MOST_MB = 120
#: What a bare installation has not, and which extra brings it.
ABSENT = {"torch", "transformers", "duckdb", "arcadedb", "neo4j", "numba", "scipy", "pyarrow", "matplotlib", "pandas"}
NEEDS_EXTRA = [
    (["load", "demo", "--data", "demo-bank"], "load"),
    (["train"], "train"),
    (["embed"], "embedded"),
    (["query", "popular"], "embedded"),
    (["explain", "C000004", "PRODUCT", "--picture", "why.png"], "report"),
    (["export", "--out", "lists.parquet"], "fast"),
]


def needed(name: str) -> set[str]:
    """The distributions that a distribution needs without extras, itself included, at any depth."""
    found: set[str] = set()
    queue = [name]
    while queue:
        one = canonicalize_name(queue.pop())
        if one not in found:
            found.add(one)
            wanted = [Requirement(line) for line in metadata.requires(one) or []]
            queue += [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel and what it needs, and nothing else.

    What it needs is copied from this environment, where it is installed from the lock: no network is asked. What is
    compiled there is copied along, with the times of the sources by which it holds.
    """
    folder = tmp_path_factory.mktemp("bare")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    uv, python = Path(sys.executable).with_name("uv"), folder / "venv" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    for name in needed("graphrec") - {"graphrec"}:
        for file in metadata.files(name) or []:
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file():
                copy(source, site / file)
            if ".." not in file.parts and file.suffix == ".py":
                compiled = Path(cache_from_source(source))
                if compiled.is_file():
                    copy(compiled, Path(cache_from_source(site / file)))
    run(python, "-m", "compileall", "-q", site, cwd=folder)  # as pip does
    return python.parent


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a demo bank and the home of a full installation that serves it."""
    folder = tmp_path_factory.mktemp("trained")
    graphrec = Path(sys.executable).with_name("graphrec")
    run(graphrec, "demo", cwd=folder)
    cut_demo_bank(folder / "demo-bank")
    run(graphrec, "load", "demo", "--data", "demo-bank", cwd=folder)
    run(graphrec, "train", "--fixed", "--final", cwd=folder)
    run(graphrec, "policy", "init", cwd=folder)
    return folder


def answer(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHREC_")}
    return subprocess.run(
        [str(program), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_it_is_small(bare: Path) -> None:
    files = [file for file in bare.parent.rglob("*") if file.is_file() and not file.is_symlink()]
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"bare installation: {size:.0f} MB")
    assert size <= MOST_MB
    names = {file.name for file in (bare.parent / "lib").glob("python3.*/site-packages/*")}
    assert not names & ABSENT


@pytest.mark.slow
def test_it_answers_as_the_full_installation_does(bare: Path, trained: Path) -> None:
    full = Path(sys.executable).with_name("graphrec")
    product = json.loads(answer(full, trained, "recommend", "C000004", "--json", "--no-record").stdout)["items"][0][
        "product"
    ]
    for words in (
        ["recommend", "C000004", "--json", "--no-record"],
        ["recommend", "C000004", "--no-record", "--language", "zh"],
        ["explain", "C000004", product, "--json", "--no-record"],
        ["why-not", "C000004", "P00006", "--json", "--no-record"],
        ["policy", "check", "--json"],
        ["find", "energy", "--json"],
    ):
        one, other = answer(bare / "graphrec", trained, *words), answer(full, trained, *words)
        assert (one.returncode, one.stdout) == (0, other.stdout), f"{words}: {one.stderr}"
    (trained / "some.txt").write_text("".join(f"C{number:06}\n" for number in range(1, 121)), "utf-8")
    for name in ("lists.csv", "lists.jsonl"):
        for program in (bare / "graphrec", full):
            out = f"{program.parent.parent.parent.name}-{name}"
            done = answer(program, trained, "export", "--users", "some.txt", "--out", out, "--no-record")
            assert done.returncode == 0, done.stderr
        one, other = sorted(trained.glob(f"*-{name}"))
        assert one.read_bytes() == other.read_bytes()
    assert answer(bare / "graphrec", trained, "recommend", "C000004").returncode == 0
    listed = json.loads(answer(full, trained, "record", "list", "--last", "1", "--json").stdout)["entries"]
    assert (listed[0]["command"], listed[0]["user"]) == ("recommend", "C000004")
    assert answer(bare / "graphrec", trained, "replay", str(listed[0]["record"]), "--json").returncode == 0
    assert answer(bare / "graphrec", trained, "record", "verify").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "extra"), NEEDS_EXTRA, ids=[" ".join(words[:1]) + f" {extra}" for words, extra in NEEDS_EXTRA]
)
def test_a_command_names_the_extra_that_it_misses(bare: Path, trained: Path, words: list[str], extra: str) -> None:
    if "PRODUCT" in words:
        listed = json.loads(answer(bare / "graphrec", trained, "recommend", "C000004", "--json", "--no-record").stdout)
        words = [listed["items"][0]["product"] if word == "PRODUCT" else word for word in words]
    done = answer(bare / "graphrec", trained, *words)
    assert done.returncode == 2
    assert f"pip install 'graphrec[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
