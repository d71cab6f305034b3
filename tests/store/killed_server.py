"""A process to kill: `python -m tests.store.killed_server URI FOLDER LOAD` loads a bank in many small transactions."""

import sys
from pathlib import Path
from unittest import mock

from graphrec.config.settings import StoreLogin
from graphrec.store.neo4j import driver as neo4j
from graphrec.store.neo4j import parallel
from graphrec.store.neo4j.driver import Neo4jStore

from .killed import feed_bank


def load(store: Neo4jStore, name: str) -> None:
    """Load `first` or `second` in batches of 50 rows."""
    with mock.patch.object(parallel, "MAX_ROWS", 50):
        feed_bank(store, name)


if __name__ == "__main__":
    neo4j.RETRY_SECONDS = 1.0
    with Neo4jStore(sys.argv[1], Path(sys.argv[2]), StoreLogin.from_environment()) as opened:
        load(opened, sys.argv[3])
