"""What is in the wheel, and that it works outside the checkout."""

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from graphrec import __version__

ROOT = Path(__file__).resolve().parents[2]
CODE = {".py", ".pyi", ".cypher", ".toml", ".tsv", ".typed", ".sql", ".properties", ".txt", ".npz"}
#: The page and its licences.
PAGE = {".css", ".html", ".js", ".svg", ".txt"}


def run(*words: object, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def packaged() -> set[str]:
    """Every file that belongs into the wheel, by its name there."""
    code = {file.relative_to(ROOT).as_posix() for file in (ROOT / "graphrec").rglob("*") if file.is_file()}
    data = {file.relative_to(ROOT) for part in ("loaders", "cypher") for file in (ROOT / part).rglob("*.*")}
    names = code | {f"graphrec/{path.as_posix()}" for path in data}
    return {name for name in names if "__pycache__" not in name}


def test_the_wheel_holds_graphrec_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"graphrec-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"graphrec", info}
    assert {name for name in names if not name.startswith(info)} == packaged()
    own = {PurePosixPath(name) for name in names if not name.startswith(info)}
    rooms = ("graphrec/service/page", "graphrec/app/report/templates")
    pages = {one for one in own if any(one.is_relative_to(room) for room in rooms)}
    assert {one.suffix for one in own - pages} <= CODE
    assert {one.suffix for one in pages} <= CODE | PAGE
    assert f"{info}/licenses/LICENSE" in names
    assert "graphrec/py.typed" in names


def test_the_wheel_by_way_of_the_sdist_is_the_same(dist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / f"graphrec-{__version__}"
    assert {"cli.py", "loaders", "cypher", "graphrec", "tests", "LICENSE", "README.md"} <= {
        entry.name for entry in source.iterdir()
    }
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=source)
    again = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    assert sorted(again.namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


WHAT_IT_FINDS = (
    "import graphrec; from graphrec.loading import load_mapping, shipped_names; from graphrec import queries; "
    "print(graphrec.__file__, len(shipped_names()), load_mapping('demo').name, len(queries.names('analyst')), "
    "'MATCH' in queries.text('read/nodes', {'Node': 'A'}))"
)


def environment(folder: Path, *what: object) -> Path:
    """A Python of its own with graphrec installed from `what`; the packages it depends on are borrowed."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # Borrowed packages come after its own; the link file of the checkout that lies among them is not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    uv = Path(sys.executable).with_name("uv")
    assert uv.exists(), "uv is not beside this Python; make install puts it there"
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation", "--python", python)
    run(uv, "pip", "install", *options, *what, cwd=folder)
    return python


def what_it_finds(python: Path, cwd: Path) -> tuple[Path, list[str]]:
    """Where graphrec was imported from, and what it found of its data."""
    where, *found = run(python, "-c", WHAT_IT_FINDS, cwd=cwd).split()
    return Path(where).resolve().parent, found


def expected() -> list[str]:
    mappings, queries = (len(list((ROOT / part).glob("*.*"))) for part in ("loaders", "cypher/analyst"))
    return [str(mappings), "demo", str(queries), "True"]


def test_the_wheel_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path, wheel)
    script = python.with_name("graphrec")
    assert "doctor" in run(script, "--help", cwd=tmp_path)
    assert run(script, "--version", cwd=tmp_path) == f"graphrec {__version__}\n"
    where, found = what_it_finds(python, tmp_path)
    assert where.is_relative_to((tmp_path / "venv").resolve())
    assert found == expected()


@pytest.mark.slow
def test_an_editable_install_of_the_sdist_reads_the_data_beside_the_package(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / f"graphrec-{__version__}"
    python = environment(tmp_path, "--editable", source)
    assert what_it_finds(python, tmp_path) == ((source / "graphrec").resolve(), expected())
    (source / "loaders" / "one_more.toml").write_text((source / "loaders" / "demo.toml").read_text())
    assert what_it_finds(python, tmp_path)[1][0] == str(int(expected()[0]) + 1)


def test_nothing_in_the_checkout_is_a_link() -> None:
    parts = ("graphrec", "loaders", "cypher", "tests", "tools", "docs", "benchmarks")
    assert [path for part in parts for path in (ROOT / part).rglob("*") if path.is_symlink()] == []


@pytest.mark.parametrize(("folder", "suffix"), [("loaders", ".toml"), ("cypher", ".cypher")])
def test_the_data_folders_hold_data_alone(folder: str, suffix: str) -> None:
    found = {path.suffix for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert found == {suffix}


def test_the_version_is_the_newest_of_the_changelog() -> None:
    headings = re.findall(r"^## \[(.+?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == __version__
    assert re.fullmatch(r" - \d{4}-\d{2}-\d{2}", headings[1][1])


def test_importing_a_root_folder_by_its_bare_name_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import loaders\nfrom cypher import x\nimport cli\n")
    words = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
        "--select",
        "TID251",
    ]
    done = subprocess.run([*words, wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for line in ("import graphrec.loading", "use graphrec.queries", "import graphrec.cli"):
        assert line in done.stdout
