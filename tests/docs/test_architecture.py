"""docs/architecture.md speaks of code that is there, and of every room."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMES = sorted(
    set(re.findall(r"`(graphrec(?:\.\w+)+)`", PAGE)) - {"graphrec.models", "graphrec.features", "graphrec.sinks"}
)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_code(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return
    pytest.fail(f"{name} is not there")


def test_every_file_it_names_is_there() -> None:
    for path in re.findall(r"`(tests/[\w/]+(?:\.py|/))`", PAGE):
        assert (ROOT / path).exists(), path


def test_every_room_has_a_line() -> None:
    rooms = {path.name for path in (ROOT / "graphrec").iterdir() if (path / "__init__.py").exists()}
    named = set(re.findall(r"`(\w+)/`", PAGE))
    assert rooms <= named, rooms - named
