"""Events from a topic of Kafka: a consumer group, offsets after the events are on the disk, a clean end."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from graphrec.config.settings import BrokerLogin
from graphrec.errors import SourceError, UsageError

#: How addresses of topics begin: in the clear, and by TLS.
SCHEMES = ("kafka", "kafka+s")
MECHANISM = "SCRAM-SHA-512"
#: Messages that go to the disk together, and seconds that the first of them waits for others.
BATCH, WAIT = 1_000, 0.2
#: Seconds in which a broker has to answer.
PATIENCE = 10.0
NO_LOGIN = BrokerLogin()
_REFUSED = (KafkaError._AUTHENTICATION, KafkaError._SSL)
_LOG = logging.getLogger("graphrec.events")


@dataclass(frozen=True)
class Topic:
    """A topic of a broker."""

    servers: str
    name: str
    is_encrypted: bool = False
    """By TLS."""

    @classmethod
    def parse(cls, address: str) -> "Topic":
        """The topic of kafka://HOST:PORT/TOPIC, or kafka+s:// for TLS; several brokers with commas between them.

        Raises:
            UsageError: it names none.
        """
        parts = urlsplit(address)
        name = parts.path.strip("/")
        if parts.scheme not in SCHEMES or not parts.netloc or not name or "/" in name or parts.query or parts.username:
            raise UsageError(f"{address} is no topic; want kafka://HOST:PORT/TOPIC, or kafka+s:// for TLS")
        return cls(parts.netloc, name, parts.scheme == SCHEMES[1])


def _security(topic: Topic, login: BrokerLogin) -> dict[str, str]:
    """How the broker is spoken to, as its client library expects it."""
    found = {}
    if topic.is_encrypted and login.ca is not None:
        found["ssl.ca.location"] = login.ca
    if login.username is not None:
        found |= {"sasl.mechanisms": login.mechanism or MECHANISM, "sasl.username": login.username}
        found["sasl.password"] = login.password or ""
    signs_in = "sasl_" if login.username is not None else ""
    return {**found, "security.protocol": signs_in + ("ssl" if topic.is_encrypted else "plaintext")}


class Stream:
    """Batches of a topic; what was taken is committed when the caller says so.

    Args:
        member: name of this consumer in its group, so that the broker knows it again; None: a new one each time.
        login: where the broker asks for one.

    Raises:
        SourceError: the broker does not answer, or there is no such topic.
    """

    def __init__(self, topic: Topic, group: str, member: str | None = None, login: BrokerLogin = NO_LOGIN) -> None:
        self._topic = topic
        self._refused = ""
        self._consumer = Consumer(
            {
                **_security(topic, login),
                "bootstrap.servers": topic.servers,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 10_000,
                "allow.auto.create.topics": False,
                **({} if member is None else {"group.instance.id": member}),
                "error_cb": self._said,
                "logger": _LOG,
            }
        )
        self._check()
        self._consumer.subscribe([topic.name])

    def _said(self, error: KafkaError) -> None:
        self._refused = error.str() if error.code() in _REFUSED else self._refused
        _LOG.warning("%s: %s", self._topic.servers, error.str())

    def _check(self) -> None:
        try:
            found = self._consumer.list_topics(self._topic.name, timeout=PATIENCE).topics[self._topic.name]
        except KafkaException as error:
            self._consumer.close()
            if self._refused:
                raise SourceError(
                    f"the broker {self._topic.servers} refuses: {self._refused}; set KAFKA_USERNAME, KAFKA_PASSWORD, "
                    "KAFKA_MECHANISM, or KAFKA_CA"
                ) from error
            raise SourceError(
                f"the broker {self._topic.servers} does not answer: {error.args[0].str()}; start it, or correct the "
                "address (kafka+s:// for TLS)"
            ) from error
        if found.error is not None:
            self._consumer.close()
            raise SourceError(f"topic {self._topic.name} of {self._topic.servers}: {found.error.str()}; make it first")

    def batches(self, stop: Callable[[], bool], idle: float | None) -> Iterator[list[tuple[str, bytes]]]:
        """What the topic brings, each with its partition and offset, until `stop` says so or nothing comes for `idle`.

        Nothing that comes for a moment is an empty batch.

        Raises:
            SourceError: the broker refuses.
        """
        last = time.monotonic()
        while not stop():
            messages = self._consumer.consume(BATCH, WAIT)
            found = [(_place(one), one.value() or b"") for one in messages if self._is_event(one)]
            if found or not self._consumer.assignment():
                # Before the group has given out its partitions, nothing can come.
                last = time.monotonic()
            yield found
            if idle is not None and time.monotonic() - last > idle:
                return

    def commit(self) -> None:
        """Say that all that was taken is on the disk."""
        # Another consumer of the group may have the partition by now: it takes the same again, which counts once.
        with contextlib.suppress(KafkaException):
            self._consumer.commit(asynchronous=False)

    def lag(self) -> int:
        """How many messages wait in the partitions that this consumer has."""
        total = 0
        with contextlib.suppress(KafkaException):
            parts: list[TopicPartition] = self._consumer.position(self._consumer.assignment())
            # A partition that brought nothing yet has no position: it stands where the group is.
            untouched = [part for part in parts if part.offset < 0]
            if untouched:
                parts = [part for part in parts if part.offset >= 0] + self._consumer.committed(untouched, timeout=1.0)
            for part in parts:
                low, high = self._consumer.get_watermark_offsets(part, timeout=1.0, cached=True)
                if high >= 0:
                    total += max(high - (part.offset if part.offset >= 0 else max(low, 0)), 0)
        return total

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_event(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal() or not error.retriable():
            if error.code() == KafkaError._PARTITION_EOF:
                return False
            raise SourceError(f"{self._topic.servers}: {error.str()}; see the log of the broker")
        return False


def _place(message: Message) -> str:
    return f"partition {message.partition()} offset {message.offset()}"
