"""One broker for the tests of a session."""

import os
from collections.abc import Iterator

import pytest

from tests.kafka.server import Broker, Unavailable, start


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker of this session's own; where there can be none, a skip with the reason, in CI a failure."""
    try:
        broker = start(tmp_path_factory.mktemp("kafka"))
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no broker of Kafka in CI: {reason}")
        pytest.skip(f"skipped: no broker of Kafka: {reason}")
    yield broker
    broker.stop()
