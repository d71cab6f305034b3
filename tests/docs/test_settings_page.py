"""docs/settings.md names every setting, variable, folder and error, with its code."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

from graphrec import errors
from graphrec.config.settings import BrokerLogin, RoleOverrides, Settings, read_settings
from graphrec.home import Home

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
NOT_KEYS = {"login", "file", "roles"}


def test_every_key_and_variable_is_there() -> None:
    for key in {field.name for field in fields(Settings)} - NOT_KEYS:
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{key}` |"))
        assert f"`GRAPHREC_{key.upper()}`" in row
        default = getattr(Settings(), key)
        default = str(default).lower() if isinstance(default, bool) else default
        assert default is None or f"`{default}`" in row
    assert all(f"`{field.name}`" in PAGE for field in fields(RoleOverrides))
    assert all(f"`NEO4J_{name}`" in PAGE for name in ("USERNAME", "PASSWORD", "DATABASE"))
    assert all(f"`KAFKA_{field.name.upper()}`" in PAGE for field in fields(BrokerLogin))


def test_every_folder_of_the_home_is_there() -> None:
    names = [name for name, value in vars(Home).items() if isinstance(value, property) and name != "format_file"]
    assert names
    assert all(f"`{name}`" in PAGE for name in names)


def test_every_error_is_there_with_its_code() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__]
    for error in classes:
        code = re.search(rf"^\| (\d+) \|.*`{error.__name__}`", PAGE, re.MULTILINE)
        assert code is not None, f"{error.__name__} is not in docs/settings.md"
        assert int(code[1]) == error.exit_code


def test_the_example_is_read(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.+?)```", PAGE, re.DOTALL)
    assert example is not None
    (tmp_path / "graphrec.toml").write_text(example[1])
    settings = read_settings(tmp_path, {})
    assert (settings.home, settings.seed, settings.roles.min_group) == (tmp_path / "bank", 7, 10)


def test_every_variable_that_the_code_reads_is_there() -> None:
    folders = ("graphrec", "tests", "tools")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    read = {
        name for file in files for name in re.findall(r"\bGRAPHREC_[A-Z]\w*[A-Z]\b", file.read_text(encoding="utf-8"))
    }
    assert {name for name in read if f"`{name}`" not in PAGE} == set()
