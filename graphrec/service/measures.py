"""Counts and times of the service for Prometheus, summed over its workers."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from graphrec.events.log import LAG, ONWARD, SEEN, EventLog
from graphrec.service.turns import SHARED

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Measures:
    """What one worker counts."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        here = self._registry
        self._requests = Counter("graphrec_requests", "Requests.", ["operation", "status"], registry=here)
        self._seconds = Histogram(
            "graphrec_seconds", "Seconds of an answer.", ["operation"], buckets=_BOUNDS, registry=here
        )
        self._waiting = Gauge(
            "graphrec_waiting", "Requests that wait or are computed.", multiprocess_mode="livesum", registry=here
        )

    def add(self, operation: str, status: int, seconds: float, waiting: int) -> None:
        """Count one request."""
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)
        self._waiting.set(waiting)

    def text(self, log: EventLog) -> bytes:
        """The counts in Prometheus' text format, of all workers where there are several, and what the log says."""
        of_log = generate_latest(_of_log(log))
        if not os.environ.get(SHARED):
            return generate_latest(self._registry) + of_log
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared) + of_log


def _of_log(log: EventLog) -> CollectorRegistry:
    """What is kept of events, and how much waits in topics."""
    here = CollectorRegistry()
    events, dead = log.counts()
    Gauge("graphrec_events", "Events of the log.", registry=here).set(events)
    Gauge("graphrec_dead_letters", "Dead letters of the log.", registry=here).set(dead)
    lag = Gauge("graphrec_consumer_lag", "Messages that wait in a topic.", ["source"], registry=here)
    for source, waiting in log.notes(LAG).items():
        lag.labels(source).set(int(waiting))
    seen = Gauge("graphrec_consumer_seen", "When a consumer was last at work (Unix time).", ["source"], registry=here)
    for source, moment in log.notes(SEEN).items():
        seen.labels(source).set(int(moment))
    behind = Gauge("graphrec_store_lag", "Events that a server does not have yet.", ["store"], registry=here)
    for store, number in log.notes(ONWARD).items():
        behind.labels(store).set(max(log.last() - int(number), 0))
    return here
