"""Files that nobody could have meant end in one line with the documented exit code, quickly."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app

HOSTILE = {
    "500 brackets": "a = " + "[" * 500 + "]" * 500,
    "100,000 dots": ".".join("a" * 100_000) + " = 1",
    "400 digits": "seed = " + "1" * 400,
    "2 MiB": "#" * (2 << 20),
    "no UTF-8": "seed = '\xff'",
    "no TOML": "seed = = 1",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["settings", "mapping"])
def test_one_line_and_exit_code_3(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(HOSTILE[name].encode("latin-1"))
    if kind == "settings":
        monkeypatch.setenv("GRAPHREC_CONFIG", str(file))
    command = {
        "settings": ["recommend", "C1"],
        "mapping": ["load", str(file), "--data", str(tmp_path)],
    }[kind]
    begin = time.process_time()
    result = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *command])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"error: {file} ")
    assert result.stderr.count("\n") == 1
    assert time.process_time() - begin < 10


def test_an_empty_home_is_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["--home", "", "recommend", "C1"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: there is no home .graphrec; ")
    assert list(tmp_path.iterdir()) == []
