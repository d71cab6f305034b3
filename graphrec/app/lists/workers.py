"""Worker processes of an export: each makes whole batches of lists, and the one that asks writes them in their order.

A worker opens the same model on the same facts, makes lists, rows and sealed entries of the users that it is given,
and writes nothing but the keys of new persons. What a killed worker had begun is done again by a new one: a batch
enters the record and the file when it has come back whole, and once. Workers are processes of this machine, or of a
Ray cluster (cluster.py).
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, Protocol, Self, TypeVar

from graphrec.app.bank import Bank
from graphrec.app.models.opened import collect_seldom
from graphrec.app.views import viewer
from graphrec.config.settings import Settings
from graphrec.delivery.rows import NUMBER, Batch, Rows, Run
from graphrec.delivery.sinks import Target, TextForm, sink_for
from graphrec.errors import GraphrecError, Unwritable
from graphrec.graph.edges.own import Own
from graphrec.home import Home
from graphrec.records.decision import Decisions, Request, Sealed
from graphrec.schema import EXACT, View
from graphrec.serving.answer import ListOptions
from graphrec.serving.drawn import drawn_lists
from graphrec.serving.engine import Engine

TRIES = 3
"""How often a batch is begun where workers die of it."""
_VARIABLE = "_GRAPHREC_WORKER"
_WORK = "from graphrec.app.lists.workers import Shards, work; work(Shards)"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerDied(GraphrecError):
    """Worker processes end before they have made their lists."""


@dataclass(frozen=True)
class Job:
    """What all batches of an export have in common."""

    settings: Settings
    home: Home
    """As of the date that the export names."""
    request: Request
    options: ListOptions
    model: str | None
    now: int
    owns: Mapping[str, Own]
    """What events say of customers over the facts."""
    hashes: tuple[str, str, str]
    """Of the model, the facts and the policy that the lists are made with."""
    run: Run
    view: View
    before: Mapping[str, Sequence[str]] | None
    """The lists of the last export, where changes are delivered."""
    sink: tuple[Path | None, str | None]
    """The file, and the address, that name the sink."""
    records: bool
    """Whether the lists get entries in the decision record."""
    text_form: TextForm


@dataclass(frozen=True)
class Made:
    """A batch that came back."""

    batch: Batch
    """Without numbers of the record."""
    sealed: Sealed | None
    """Its entries; None: nothing is recorded."""
    unwritten: str | None = None
    """Why there are none although there should be."""


@dataclass(frozen=True)
class Failed:
    """What a worker failed with."""

    kind: type[GraphrecError]
    line: str

    @property
    def error(self) -> GraphrecError:
        """The same error here."""
        error = self.kind.__new__(self.kind)
        error.args = (self.line,)
        return error


def hashes(engine: Engine) -> tuple[str, str, str]:
    """What tells one engine from another."""
    return engine.model.hash, engine.snapshot.hash, engine.policy.hash


Asked = TypeVar("Asked")
Asked_contra = TypeVar("Asked_contra", contravariant=True)
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)


def lists_of(users: Sequence[int]) -> str:
    """What workers died of, as a sentence goes on."""
    return f"made the lists of users {users[0]:,} to {users[-1]:,}"


class Worker(Protocol[Asked_contra, Answer_co]):
    """A process, here or on another machine, that makes batches one after another."""

    def ask(self, number: int, asked: Asked_contra, /) -> Answer_co | Failed:
        """What it makes of some users, or of what else it is asked, or what it fails with.

        Raises:
            EOFError, OSError: it has ended; its batch is to be made by another one.
        """
        ...

    def end(self) -> None:
        """End the process, whatever it does."""
        ...


class Workers(AbstractContextManager["Workers[Asked, Answer]"], Generic[Asked, Answer]):
    """Some workers; they end with the context.

    Args:
        begin: begins a worker.
        count: how many there are at a time.
        died: what they did when they died, as a sentence goes on.

    Raises (from `batches`):
        WorkerDied: workers end on the same batch again and again.
        GraphrecError: what a worker failed with.
    """

    def __init__(self, begin: Callable[[], Worker[Asked, Answer]], count: int, died: Callable[[Asked], str]) -> None:
        self._begin, self._count, self._died = begin, count, died
        self._pool = ThreadPoolExecutor(count, "export")
        self._idle: SimpleQueue[Worker[Asked, Answer]] = SimpleQueue()
        self._all: list[Worker[Asked, Answer]] = []
        self._is_over = False

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._idle.put(self._begun())
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over = True
        for worker in self._all:
            worker.end()
        self._pool.shutdown(cancel_futures=True)

    def batches(self, parts: Iterable[tuple[int, Asked]]) -> Iterator[Answer]:
        """The batches of numbered users in their order; a few are made ahead."""
        waiting: deque[Future[Answer]] = deque()
        for number, asked in parts:
            waiting.append(self._pool.submit(self._made, number, asked))
            if len(waiting) > 2 * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _made(self, number: int, asked: Asked) -> Answer:
        for _ in range(TRIES):
            worker = self._idle.get()
            try:
                made = worker.ask(number, asked)
            except (EOFError, OSError):
                worker.end()
                try:
                    if not self._is_over:
                        worker = self._begun()
                finally:
                    # Another thread may wait for it: a dead one fails there as it did here.
                    self._idle.put(worker)
                if self._is_over:
                    worker.end()
                    break
                continue
            self._idle.put(worker)
            if isinstance(made, Failed):
                raise made.error
            return made
        raise WorkerDied(
            f"{TRIES} worker processes died while they {self._died(asked)}; look for a lack of memory, or run again "
            "with --workers 1"
        )

    def _begun(self) -> Worker[Asked, Answer]:
        worker = self._begin()
        self._all.append(worker)
        return worker


ListWorkers = Workers[Sequence[int], Made]


def here(job: Job, count: int) -> ListWorkers:
    """Processes of this machine that make lists and share its processors."""
    return Workers(partial(Process, count, _WORK, job), count, lists_of)


class Process:
    """One process of this machine, and what leads to it.

    Args:
        count: of processes that share the processors.
        work: its Python, which reads what it is asked from `asked_pipe`.
        first: what it is sent before it is asked.
    """

    def __init__(self, count: int, work: str, first: object = None) -> None:
        self._pipe, theirs = Pipe()
        threads = max(1, (os.cpu_count() or 1) // count)
        limits = {name: os.environ.get(name, str(threads)) for name in THREADS}
        self.process = subprocess.Popen(
            [sys.executable, "-c", work],
            env={**os.environ, **limits, _VARIABLE: str(theirs.fileno()), "PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        # One that is dead already says so when it is asked.
        with suppress(OSError):
            self._pipe.send(first)

    def ask(self, number: int, asked: object) -> Any:
        """What it makes of some users, or of what else it is asked, or what it fails with."""
        self._pipe.send((number, asked))
        return self._pipe.recv()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._pipe.close()
        self.process.kill()
        self.process.wait()


def work(begin: "Callable[[Any], Makes]") -> None:
    """The life of a worker: it ends when nobody asks any more.

    Args:
        begin: gives what makes things from what the process is sent first.
    """
    pipe = Connection(int(os.environ[_VARIABLE]))
    try:
        makes = begin(pipe.recv())
        while True:
            pipe.send(makes.made(*pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return


class Makes(Protocol):
    """What a worker does in its process."""

    def made(self, number: int, asked: Any, /) -> Any:
        """What it makes of what it is asked, or what it fails with."""
        ...


class Shards:
    """The batches of one job in the process of a worker, which opens what it needs with the first of them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._maker: _Maker | None = None

    def made(self, number: int, users: Sequence[int]) -> Made | Failed:
        """The batch of some users, or what it fails with."""
        try:
            if self._maker is None:
                self._maker = _Maker(self._job)
                collect_seldom()
            return self._maker.made(number, users)
        except GraphrecError as error:
            return Failed(type(error), str(error))


class _Maker:
    """Makes the batches of one job."""

    def __init__(self, job: Job) -> None:
        bank, options = Bank(job.settings), job.options
        engine = bank.opened.engine(job.home, job.model, job.now).among(job.owns).asking(job.request.occasion)
        if hashes(engine) != job.hashes:
            raise WorkerDied("the model, the facts or the policy were replaced while lists were made; run this again")
        sentences = engine.reasons_in(options.language, options.voice).sentences
        self._job, self._engine = job, engine
        seen = None if job.view == EXACT else viewer(bank, job.view, sentences)
        self._rows = Rows(engine, job.run, seen, job.before)
        spec, file = sink_for(*job.sink)
        target = Target(engine, file, open_store=_not_here, texts=_not_here, **job.text_form)
        self._form = None if spec.form is None else spec.form(target)
        self._decisions = Decisions(bank.home, engine, job.request) if job.records else None

    def made(self, number: int, users: Sequence[int]) -> Made:
        """The batch of some users."""
        answers = list(drawn_lists(self._engine, users, self._job.request.k, self._job.options))
        mark = None if self._decisions is None else NUMBER
        batch = replace(self._rows.batch(answers, [mark] * len(answers)), number=number, answers=())
        if self._form is not None:
            batch = batch.formed(self._form)
        try:
            sealed = None if self._decisions is None else self._decisions.sealed(answers)
        except (Unwritable, OSError) as error:
            return Made(batch, None, str(error))
        return Made(batch, sealed)


def _not_here() -> Any:
    raise AssertionError("a worker makes rows alone")
