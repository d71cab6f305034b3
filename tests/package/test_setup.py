"""The front door: lock, installer, Makefile, CI."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """tools/install.py with its .venv in a folder of the test."""
    spec = spec_from_file_location("install", ROOT / "tools" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    for name, path in (("VENV", venv), ("PYTHON", venv / "bin" / "python"), ("STAMP", venv / "stamp.json")):
        monkeypatch.setattr(module, name, path)
    return module


#: Another engine in the place of one that is locked.
NOT_LOCKED = {"embedded-jvm"}


def lock_lines() -> list[str]:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()


def test_the_lock_names_versions_and_hashes_and_no_place() -> None:
    text = "\n".join(lock_lines())
    assert "://" not in text
    assert "index" not in text
    packages = re.findall(r"^([a-z0-9._-]+)==(\S+).* \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(packages) == sum("==" in line and not line.startswith((" ", "#")) for line in lock_lines()) > 50
    assert not [name for name, _ in packages if re.match(r"(torch|triton|nvidia-.*|cuda-.*)$", name)]


def test_every_dependency_is_locked_and_torch_apart() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name not in NOT_LOCKED}
    wanted = project["dependencies"] + [line for lines in extras.values() for line in lines]
    names = {re.split(r"[\[=><~ ]", line)[0].lower() for line in wanted} - {"graphrec"}
    locked = {line.partition("==")[0] for line in lock_lines() if "==" in line}
    assert names - locked == {"torch"}
    torch = (ROOT / "requirements-torch.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in torch if not line.startswith("#")] == ["torch"]


def test_a_second_install_does_nothing(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "run", lambda *words: pytest.fail(f"ran {words}"))
    stamp = {"digest": install.digest_of_inputs(), "root": str(install.ROOT)}
    install.STAMP.write_text(json.dumps(stamp))
    install.main()


def test_an_environment_copied_from_elsewhere_is_made_anew(install: ModuleType) -> None:
    install.STAMP.write_text(json.dumps({"digest": install.digest_of_inputs(), "root": "/elsewhere"}))
    assert not install.is_installed(install.digest_of_inputs())
    assert not install.VENV.exists()


def test_a_torn_stamp_means_install_again(install: ModuleType) -> None:
    install.STAMP.write_text("{")
    assert not install.is_installed(install.digest_of_inputs())
    assert install.VENV.exists()


@pytest.mark.parametrize(
    ("backend", "line"),
    [
        (None, "2.0 GB free on this disk, installing wants 8 GB; free some, or take the CPU build of torch: "),
        ("cpu", "2.0 GB free on this disk, installing wants 3 GB; free some"),
    ],
)
def test_too_little_disk_is_said_before_anything_is_fetched(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, backend: str | None, line: str
) -> None:
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000_000))
    monkeypatch.setattr(install.sys, "platform", "linux")
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    if backend:
        monkeypatch.setenv("UV_TORCH_BACKEND", backend)
    with pytest.raises(SystemExit, match=f"^error: {re.escape(line)}"):
        install.check_disk()


def test_an_old_python_goes_on_under_a_newer_one_or_says_so(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"^error: Python 3.9 is not supported; install Python 3.11 to 3.14, or"):
        install.use_fitting_python()
    monkeypatch.setattr(install.shutil, "which", lambda name: sys.executable if name == "python3.12" else None)
    started: list[str] = []
    monkeypatch.setattr(install.os, "execv", lambda path, words: started.append(path))
    with pytest.raises(SystemExit):  # the double returns, the real one does not
        install.use_fitting_python()
    assert started == [sys.executable]


@pytest.mark.parametrize(("value", "is_compiled"), [("1", True), ("", False)])
def test_bytecode_is_written_at_once_where_python_may_not_write_it_later(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, value: str, *, is_compiled: bool
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", value)
    monkeypatch.setattr(install, "run", lambda *words: ran.append(words))
    install.step("torch", "-r", "some.txt")
    assert ("--compile-bytecode" in ran[0]) is is_compiled


def test_a_failed_step_is_one_line_with_the_way_on(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "raise SystemExit(2)"]
    monkeypatch.setenv("UV_TORCH_BACKEND", "cpu")
    with pytest.raises(
        SystemExit, match=r"^error: uv: not installed, the lines above say why; run the same command ag"
    ):
        install.run("uv", *failing)
    with pytest.raises(SystemExit, match=r"run the same command again to go on, or without UV_TORCH_BACKEND=cpu$"):
        install.run("torch", *failing, "requirements-torch.txt")


def test_ci_runs_make_test_and_nothing_else() -> None:
    file = ROOT / ".ci" / "run"
    assert os.access(file, os.X_OK)
    words = [line for line in file.read_text().splitlines() if not line.startswith(("#", "set ", "cd "))]
    assert words == ["CI=true make test"]  # in CI a server that cannot be started is a failure, not a skip


def test_make_alone_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):(?!=)", text, re.MULTILINE))
    assert {"demo", "test", "lint", "bench", "docs", "build", "clean", "install"} <= targets
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z0-9-]+) ", listed, re.MULTILINE)) == targets


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
