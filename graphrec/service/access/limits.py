"""What keeps a service upright that is asked too much: a bounded queue, a rate for each key, and bounds."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, TypeVar

from graphrec.files import meanwhile

A = TypeVar("A")
T = TypeVar("T")
#: Requests that are computed together.
TOGETHER = 16
#: Requests under way of which those who wait are computed at once, as the processor is not what they wait for.
FEW = 8
#: Answers given together whose askers may ask again at once, as a proxy does that has many under way; seconds in which
#: they are waited for, and between looks: one that comes first would be computed alone, and all others after it.
MANY, AGAIN, BETWEEN = 4, 0.004, 0.0005
#: Seconds that the loop waits for a thread that computes, before both go on by turns.
HELD = 0.1
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
    """Requests of a kind that wait to be computed together; the loop alone reads and changes it."""

    compute: Callable[[Sequence[Any]], Sequence[Any]]
    waiting: "deque[tuple[Any, asyncio.Future[Any]]]" = field(default_factory=deque)
    is_looked_at: bool = False
    """Whether this turn of the loop, or one of the next, looks who waits."""
    is_computed: bool = False
    """Whether a thread computes: two would share one interpreter, and each have half as many at once."""
    writing: int = 0
    """Threads that wait for the disk, with answers of which the entries go there."""
    expected: int = 0
    """Requests that may come until a moment of the loop's clock."""
    until: float = 0.0

    def taken(self, threads: int, under_way: int) -> "list[tuple[Any, asyncio.Future[Any]]]":
        """Those who waited longest, who wait no more; none where it is not their turn.

        While entries go to the disk those who wait are computed if little is asked, or if they are as many as are
        computed at once: fewer would take more of the processor than the disk takes of the time.

        Args:
            threads: how many there are.
            under_way: requests that wait or are computed.
        """
        if self.is_computed or self.writing == threads:
            return []
        if self.writing and under_way > FEW and len(self.waiting) < TOGETHER:
            return []
        return [self.waiting.popleft() for _ in range(min(len(self.waiting), TOGETHER))]


class Runner:
    """Runs what computes in threads, and refuses what would wait behind a full queue."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, "answer")
        self._of_together = ThreadPoolExecutor(limits.threads, "answers")
        """Apart, as the loop waits for what these compute, and they must not wait for others."""
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
        together = self._together.get(compute)
        if together is None:
            together = self._together[compute] = _Together(compute)
        together.waiting.append((one, future))
        self._look_soon(together)
        async with asyncio.timeout(self._limits.seconds):
            return await future

    def _look_soon(self, together: _Together) -> None:
        if not together.is_looked_at:
            together.is_looked_at = True
            asyncio.get_running_loop().call_soon(self._look, together, -1)

    def _look(self, together: _Together, seen: int) -> None:
        """Compute those who wait once a turn of the loop brings no more of them.

        Args:
            seen: how many waited in the turn before.
        """
        loop, count = asyncio.get_running_loop(), len(together.waiting)
        if seen < count < TOGETHER or seen < 0:
            loop.call_soon(self._look, together, count)
            return
        if 0 < count < together.expected and loop.time() < together.until:
            loop.call_later(BETWEEN, self._look, together, count)
            return
        together.is_looked_at = False
        if not (taken := together.taken(self._limits.threads, self.waiting)):
            return
        together.is_computed, computed = True, Event()
        try:
            self._of_together.submit(self._take, together, taken, computed, loop)
        except RuntimeError as error:  # the service stops
            self._give(together, len(taken), [future for _, future in taken], [error] * len(taken), is_written=False)
            return
        if not together.writing:
            # Both threads would wait for the interpreter at every turn, and the loop would read one request at a time.
            computed.wait(HELD)

    def _take(
        self,
        together: _Together,
        taken: "Sequence[tuple[Any, asyncio.Future[Any]]]",
        computed: Event,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Compute some requests; the loop goes on while their entries go to the disk."""
        # Nobody waits for those that ran out of time.
        left = [(one, future) for one, future in taken if not future.cancelled()]
        is_written = False

        def write() -> None:
            nonlocal is_written
            is_written = True
            computed.set()
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._writes, together)

        try:
            with meanwhile(write):
                found: Sequence[Any] = together.compute([one for one, _ in left]) if left else ()
        except Exception as error:  # noqa: BLE001 - each of them gets it
            found = [error] * len(left)
        computed.set()
        with suppress(RuntimeError):
            futures = [future for _, future in left]
            give = partial(self._give, together, len(taken), futures, found, is_written=is_written)
            loop.call_soon_threadsafe(give)

    def _writes(self, together: _Together) -> None:
        """Let others be computed while a thread waits for the disk."""
        together.is_computed = False
        together.writing += 1
        self._look_soon(together)

    def _give(
        self,
        together: _Together,
        count: int,
        futures: Sequence["asyncio.Future[Any]"],
        found: Sequence[Any],
        *,
        is_written: bool,
    ) -> None:
        """Hand out what was computed for those who wait, of so many who were there."""
        self.waiting -= count
        together.expected = min(count, TOGETHER) if count >= MANY else 0
        together.until = asyncio.get_running_loop().time() + AGAIN
        if is_written:
            together.writing -= 1
        else:
            together.is_computed = False
        for future, one in zip(futures, found, strict=True):
            if future.done():
                continue
            if isinstance(one, Exception):
                future.set_exception(one)
            else:
                future.set_result(one)
        self._look_soon(together)

    def _done(self) -> None:
        self.waiting -= 1

    def close(self) -> None:
        """Wait for what is computed, and begin nothing new."""
        self._threads.shutdown(cancel_futures=True)
        self._of_together.shutdown(cancel_futures=True)


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
