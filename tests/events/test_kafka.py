"""Events from a broker of Apache Kafka: each once through kills, dead letters, lag, a clean end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from graphrec.app.bank import Bank
from graphrec.app.jobs import Consume
from graphrec.app.requests import Recommend
from graphrec.errors import SourceError, UsageError
from graphrec.events import stream
from graphrec.events.log import LAG, SEEN, EventLog
from graphrec.events.stream import Topic
from graphrec.service.measures import Measures
from tests.kafka.server import PASSWORD, Broker

Topics = Callable[[str, list[bytes]], str]


@pytest.fixture
def topic(kafka_broker: Broker) -> Topics:
    """A function that makes a topic with some messages, and gives its address."""

    def make(name: str, messages: list[bytes]) -> str:
        admin = AdminClient({"bootstrap.servers": kafka_broker.servers})
        for future in admin.create_topics([NewTopic(name, 2, 1)]).values():
            future.result()
        producer = Producer({"bootstrap.servers": kafka_broker.servers, "linger.ms": 5})
        for number, message in enumerate(messages):
            producer.produce(name, message, partition=number % 2)
        assert producer.flush(30) == 0
        return f"kafka://{kafka_broker.servers}/{name}"

    return make


def message(number: int, **other: object) -> bytes:
    whole = {"id": f"k{number}", "user": f"c{number % 30:02}", "type": "viewed", "product": f"p{number % 12}"}
    return json.dumps({**whole, "at": "2025-05-31T10:00:00Z", **other}).encode()


def committed(broker: Broker, name: str, group: str) -> int:
    consumer = Consumer({"bootstrap.servers": broker.servers, "group.id": group})
    parts = consumer.committed([TopicPartition(name, part) for part in (0, 1)], timeout=10)
    consumer.close()
    return sum(max(part.offset, 0) for part in parts)


def test_what_a_topic_brings_is_in_the_next_answer(bank: Bank, topic: Topics, kafka_broker: Broker) -> None:
    product = bank.recommend(Recommend("c00", 1, "kernel")).answer.items[0].product
    sent = [
        message(1),
        message(2, user="nobody"),
        b"{",
        message(1),
        message(3, user="c00", type="bought", product=product),
    ]
    source = topic("answers", sent)
    done = bank.consume(Consume(source, "one", idle=1.0))
    assert (done.read, done.accepted, done.duplicates, done.dead) == (5, 2, 1, 2)
    assert committed(kafka_broker, "answers", "one") == 5
    assert bank.events.log.noted(f"{LAG}{source}") == "0"
    told = Measures().text(bank.events.log).decode()
    assert f'graphrec_consumer_lag{{source="{source}"}} 0.0' in told
    assert f'graphrec_consumer_seen{{source="{source}"}} ' in told
    dead = {one.kind: (one.place, one.content) for one in bank.events.log.dead()}
    assert dead == {"unknown-user": ("partition 1 offset 0", sent[1]), "malformed": ("partition 0 offset 1", b"{")}
    answer = bank.recommend(Recommend("c00", 1, "kernel")).answer
    assert answer.last_event == "k3"
    assert product not in [item.product for item in answer.items]


@pytest.mark.slow
def test_kills_of_the_consumer_lose_and_double_nothing(
    shop: Path, topic: Topics, kafka_broker: Broker, root: Path
) -> None:
    numbers = [*range(1500), *range(1500)]
    random.Random(3).shuffle(numbers)
    source = topic("kills", [message(number) for number in numbers])
    environment = {
        **os.environ, "GRAPHREC_HOME": str(shop / "home"), "GRAPHREC_TODAY": "2025-06-01", "PYTHONPATH": str(root),
    }  # fmt: skip
    options = ["--group", "killed", "--member", "one"]
    command = [sys.executable, "-c", "from graphrec.cli import app; app()", "consume", source, *options]
    log, draw = EventLog(Bank.open(shop / "home").home), random.Random(4)

    def begun() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    for _ in range(2):
        before, process = log.last(), begun()
        until = time.monotonic() + 60
        while log.last() == before and time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)
        time.sleep(draw.random() * 0.02)
        process.kill()
        process.communicate()
    process = begun()
    until = time.monotonic() + 60
    while committed(kafka_broker, "kills", "killed") < 3000 and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, b"")
    assert b"0 dead letters" in out
    assert sorted(int(one.event.id[1:]) for one in log.since()) == list(range(1500))
    assert log.noted(f"{LAG}{source}") == "0"
    assert time.time() - int(log.noted(f"{SEEN}{source}") or 0) < 60


def test_a_broker_with_tls_and_a_login(
    bank: Bank, topic: Topics, kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic("closed", [message(1), message(2)])
    source = f"kafka+s://127.0.0.1:{kafka_broker.closed}/closed"
    for name, value in {"USERNAME": "bank", "MECHANISM": "PLAIN", "CA": str(kafka_broker.certificate)}.items():
        monkeypatch.setenv(f"KAFKA_{name}", value)
    monkeypatch.setattr(stream, "PATIENCE", 2.0)
    monkeypatch.setenv("KAFKA_PASSWORD", "wrong")
    with pytest.raises(SourceError, match=r"refuses: .*; set KAFKA_USERNAME") as refused:
        bank.consume(Consume(source, idle=0.5))
    assert "wrong" not in str(refused.value)
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    assert bank.consume(Consume(source, idle=0.5)).accepted == 2


def test_an_address_that_is_none_and_a_topic_that_is_not_there(bank: Bank, kafka_broker: Broker) -> None:
    with pytest.raises(UsageError, match="is no topic; want kafka://HOST:PORT/TOPIC"):
        Topic.parse("kafka://127.0.0.1:9")
    with pytest.raises(SourceError, match="make it first"):
        bank.consume(Consume(f"kafka://{kafka_broker.servers}/nothing", idle=0.1))
