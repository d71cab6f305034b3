"""A test that pytest never collects passes for ever: every file of tests below tests/ is one of those that run."""

from pathlib import Path

import pytest


def is_ignored(path: Path, config: pytest.Config) -> bool:
    """Whether the configuration keeps pytest out of this file or folder."""
    return bool(config.hook.pytest_ignore_collect(collection_path=path, config=config))


def test_every_test_file_is_collected(root: Path, pytestconfig: pytest.Config) -> None:
    assert "tests" in pytestconfig.getini("testpaths")
    found = sorted((root / "tests").rglob("test_*.py"))
    assert len({file.parent for file in found}) > 15
    way = {
        file: [file, *(folder for folder in file.parents if (root / "tests") in (folder, *folder.parents))]
        for file in found
    }
    left_out = [
        str(file.relative_to(root)) for file in found if any(is_ignored(path, pytestconfig) for path in way[file])
    ]
    assert left_out == []
