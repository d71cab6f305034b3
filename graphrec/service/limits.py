"""What keeps a service upright that is asked too much: a bounded queue, a rate for each key, and bounds."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
#: Keys of which the rate is remembered; those that were silent the longest are forgotten first.
REMEMBERED = 10_000


@dataclass(frozen=True)
class Limits:
    """The bounds of one worker."""

    threads: int = 2
    """Requests that are computed at the same time."""
    queue: int = 64
    """Requests that wait; another one gets 503."""
    seconds: float = 10.0
    """For one answer, waiting included."""
    rate: float = 200.0
    """Requests a second of one key, over some seconds."""
    body: int = 1_000_000
    """Bytes of a request."""


class Busy(Exception):
    """The queue is full."""


class Runner:
    """Runs what computes in threads, and refuses what would wait behind a full queue."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, "answer")
        self.waiting = 0
        """Requests that wait or are computed."""

    async def run(self, compute: Callable[[], T]) -> T:
        """The result of `compute`.

        Raises:
            Busy: the queue is full.
            TimeoutError: it took longer than the limit; what was begun ends, and its result is dropped.
        """
        if self.waiting >= self._limits.threads + self._limits.queue:
            raise Busy
        self.waiting += 1
        loop = asyncio.get_running_loop()
        future = self._threads.submit(compute)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.seconds)
        except asyncio.CancelledError:
            future.cancel()
            raise

    def _done(self) -> None:
        self.waiting -= 1

    def close(self) -> None:
        """Wait for what is computed, and begin nothing new."""
        self._threads.shutdown(cancel_futures=True)


class Rates:
    """A token bucket for each key: `rate` requests a second, and as many seconds' worth at once as `BURST`."""

    BURST = 2.0

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until the key may ask again; 0: now, and this request is counted."""
        now, full = self._clock(), max(1.0, self._rate * self.BURST)
        tokens, seen = self._buckets.pop(key, (full, now))
        tokens = min(full, tokens + (now - seen) * self._rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets[key] = (tokens if wait else tokens - 1, now)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return wait
