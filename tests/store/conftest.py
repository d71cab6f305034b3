"""The stores that the contract is tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphrec.store import open_store
from graphrec.store.base import Store


@pytest.fixture(params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "neo4j":
        yield request.getfixturevalue("neo4j_store")()
        return
    with open_store(None, tmp_path / "store") as opened:
        yield opened
