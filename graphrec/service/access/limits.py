"""What keeps a service upright that is asked too much: a bounded queue, a rate for each key, and bounds."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from graphrec.files import meanwhile

A = TypeVar("A")
T = TypeVar("T")
#: Requests that are computed together.
TOGETHER = 16
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


@dataclass
class _Together:
    """Requests of a kind that wait to be computed together."""

    waiting: "deque[tuple[Any, asyncio.Future[Any]]]" = field(default_factory=deque)
    turn: Lock = field(default_factory=Lock)
    """Held by the thread that computes: two would share one interpreter, and each have half as many at once."""

    def taken(self) -> "list[tuple[Any, asyncio.Future[Any]]]":
        """Those who waited longest, who wait no more."""
        found: list[tuple[Any, asyncio.Future[Any]]] = []
        with suppress(IndexError):
            while len(found) < TOGETHER:
                found.append(self.waiting.popleft())
        return found


class Runner:
    """Runs what computes in threads, and refuses what would wait behind a full queue."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, "answer")
        self.waiting = 0
        """Requests that wait or are computed."""
        self._together: dict[object, _Together] = {}

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

    async def run_together(self, one: A, compute: Callable[[Sequence[A]], Sequence[T | Exception]]) -> T:
        """The result of `compute` for one request, which gets all requests that wait for it by then, at most TOGETHER.

        Args:
            compute: a result or an error for each; what it raises itself each of them gets. The same for all requests
                of a kind.

        Raises:
            Busy: the queue is full.
            TimeoutError: it took longer than the limit; what was begun ends, and its result is dropped.
        """
        if self.waiting >= self._limits.threads + self._limits.queue:
            raise Busy
        self.waiting += 1
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        together = self._together.setdefault(compute, _Together())
        together.waiting.append((one, future))
        self._threads.submit(self._take, together, compute)
        return await asyncio.wait_for(future, self._limits.seconds)

    def _take(self, together: "_Together", compute: Callable[..., Any]) -> None:
        """Compute those that wait, unless another thread does, which then comes back for them.

        While the entries of their answers go to the disk another thread computes those who wait then, if they are as
        many as are computed at once: fewer would take more of the processor than the disk takes of the time.
        """
        if not (together.waiting and together.turn.acquire(blocking=False)):
            return
        has_turn = True

        def pass_on() -> None:
            nonlocal has_turn
            if not has_turn:
                return
            has_turn = False
            together.turn.release()
            if together.waiting:
                with suppress(RuntimeError):  # the service stops
                    self._threads.submit(self._take, together, compute)

        def let_go() -> None:
            if len(together.waiting) >= TOGETHER:
                pass_on()

        try:
            taken = together.taken()
            # Nobody waits for those that ran out of time.
            left = [(one, future) for one, future in taken if not future.cancelled()]
            try:
                with meanwhile(let_go):
                    found: Sequence[Any] = compute([one for one, _ in left]) if left else ()
            except Exception as error:  # noqa: BLE001 - each of them gets it
                found = [error] * len(left)
        finally:
            pass_on()
        if taken:
            futures = [future for _, future in left]
            taken[0][1].get_loop().call_soon_threadsafe(self._give, len(taken), futures, found)

    def _give(self, count: int, futures: Sequence["asyncio.Future[Any]"], found: Sequence[Any]) -> None:
        """Hand out what was computed for those who wait, of so many who were there."""
        self.waiting -= count
        for future, one in zip(futures, found, strict=True):
            if future.done():
                continue
            if isinstance(one, Exception):
                future.set_exception(one)
            else:
                future.set_result(one)

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
