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
ALLOWED = {".py", ".pyi", ".cypher", ".toml", ".typed", ".sql"}


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
    ours = {file: file.relative_to(ROOT) for file in (ROOT / "graphrec").rglob("*") if file.is_file()}
    linked = {file: file.relative_to(ROOT) for part in ("loaders", "cypher") for file in (ROOT / part).rglob("*")}
    names = {path.as_posix() for file, path in ours.items() if path.parts[1] not in ("loaders", "cypher")}
    names |= {f"graphrec/{path.as_posix()}" for file, path in linked.items() if file.is_file()}
    return {name for name in names if "__pycache__" not in name}


def test_the_wheel_holds_graphrec_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"graphrec-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"graphrec", info}
    assert {name for name in names if not name.startswith(info)} == packaged()
    assert {PurePosixPath(name).suffix for name in names if not name.startswith(info)} <= ALLOWED
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


def test_the_wheel_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("skipped: uv is not beside this Python; make install puts it there")
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel, cwd=tmp_path)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # What graphrec depends on is borrowed, after its own folder; the checkout's link file there is not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = tmp_path / "venv" / "bin" / "graphrec"
    assert "doctor" in run(script, "--help", cwd=tmp_path)
    assert run(script, "--version", cwd=tmp_path) == f"graphrec {__version__}\n"
    code = (
        "import graphrec, graphrec.loaders, graphrec.queries; from importlib.resources import files; "
        "print(graphrec.__file__); print((files('graphrec') / 'cypher' / 'read' / 'nodes.cypher').read_text())"
    )
    out = run(python, "-c", code, cwd=tmp_path)
    assert Path(out.splitlines()[0]).resolve().is_relative_to(site.resolve())
    assert "MATCH" in out


def test_the_links_of_the_checkout() -> None:
    assert (ROOT / "graphrec" / "loaders").readlink() == Path("../loaders")
    assert (ROOT / "graphrec" / "cypher").readlink() == Path("../cypher")


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
    for line in ("import graphrec.loaders", "use graphrec.queries", "import graphrec.cli"):
        assert line in done.stdout
