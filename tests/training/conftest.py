"""A small bank and an empty home, as most tests of this room start."""

from pathlib import Path

import pytest

from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from tests.training import bank


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The bank of tastes."""
    return bank.taste_bank(tmp_path_factory.mktemp("bank") / "s")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home").prepare()
