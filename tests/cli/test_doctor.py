import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.maintenance import doctor
from graphrec.app.results import Check
from graphrec.cli import app


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> tuple[int, dict[str, dict[str, object]], str]:
    done = CliRunner().invoke(app, [*words, "doctor", "--json"])
    found = json.loads(done.stdout)
    assert list(found) == ["checks"]
    for check in found["checks"]:
        assert set(check) == {"name", "ok", "detail", "advice"}
    return done.exit_code, {check["name"]: check for check in found["checks"]}, done.stderr


def test_a_machine_in_order() -> None:
    code, found, err = run()
    assert (code, err) == (0, "")
    names = ["python", "packages", "settings", "home", "snapshots", "disk", "torch", "encoder", "store", "facts"]
    assert list(found) == names
    assert all(check["ok"] for check in found.values())
    assert found["home"]["detail"] == ".graphrec is not there yet"
    assert found["home"]["advice"] == "graphrec demo --run, or graphrec load"
    assert str(found["encoder"]["detail"]).startswith("all-MiniLM-L6-v2, 384 numbers a text, ")
    assert found["store"]["detail"] == "embedded, nothing loaded yet"
    assert not Path(".graphrec").exists()


def test_what_is_not_in_order_is_said_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("graphrec.toml").write_text("sed = 1")
    monkeypatch.setattr(doctor, "_torch", lambda *_: Check("torch", False, "not installed", "make install"))
    code, found, err = run()
    assert code == 1
    assert found["settings"]["ok"] is False
    assert found["settings"]["detail"] == "graphrec.toml line 1: unknown key sed"
    assert found["settings"]["advice"] == "the nearest known one is seed"
    assert err.startswith("error: not in order: settings, home, snapshots, disk, torch, encoder, store, facts; ")


def test_a_bare_installation_is_in_order_and_names_the_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> Check:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(doctor, "_torch", absent)
    code, found, _ = run()
    assert code == 0
    assert found["torch"]["ok"] is True
    assert found["torch"]["detail"] == "torch is not installed"
    assert found["torch"]["advice"] == "pip install 'graphrec[train]'"


def test_a_store_of_an_unknown_kind() -> None:
    code, found, _ = run("--store", "mysql://x")
    assert code == 1
    assert found["store"]["detail"] == "store mysql://x has a scheme that is not known"


def test_the_table_names_every_check() -> None:
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0
    for name in ("python", "packages", "settings", "home", "disk", "torch", "encoder", "store"):
        assert f" {name} " in done.stdout


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "de",
            ("in Ordnung", "Prüfung", "alle Pakete sind installiert", "eingebettet, noch nichts geladen", "GB frei"),
        ),
        ("zh", ("正常", "检查项", "所需软件包均已安装", "内嵌数据库，尚未导入数据", "可用")),
    ],
)
def test_it_speaks_the_language_of_the_home(monkeypatch: pytest.MonkeyPatch, code: str, said: tuple[str, ...]) -> None:
    monkeypatch.setenv("GRAPHREC_LANGUAGE", code)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0
    for text in said:
        assert text in done.stdout
    english = {"installed", "nothing", "loaded", "from", "found", "advice", "free", "yet", "none", "seed", "numbers"}
    assert not english.intersection(done.stdout.lower().split())
