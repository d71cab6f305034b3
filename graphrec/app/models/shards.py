"""Processes that work for a training: of this machine, or of a Ray cluster.

They get the rows of a shard of customers and give back its sums, or a part of a network's step and give back its
gradient; the process that trains adds them in their order. What a process had begun when it died is begun again by
another one, and added once. Workers are of one kind at a time: those of one fit end when another kind is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from graphrec.app.lists.cluster import LOCAL, other_version, ray_actors, ray_cluster
from graphrec.app.lists.workers import Failed, Process, Workers
from graphrec.models.handed_out import handing_out
from graphrec.models.sharded import product

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

    from graphrec.models.fitting.parts import Gradient, Learning, Part, Recipe

    Shard = tuple[csr_array, csr_array]
    Opens = Callable[[type["Trains"], object, Callable[[Any], str]], AbstractContextManager[Workers[Any, Any]]]

_WORK = "from graphrec.app.lists.workers import work; from graphrec.app.models.shards import {0}; work({0})"


class Trains:
    """What a process does for a training."""

    def ready(self, version: str) -> Failed | None:
        """What hinders a machine of a cluster."""
        return other_version(version)


class Sums(Trains):
    """Sums of shards."""

    def __init__(self, _first: object = None) -> None:
        """It needs nothing."""

    def made(self, _number: int, shard: Shard) -> csc_array:
        """The sums of one shard."""
        return product(*shard)


class Gradients(Trains):
    """Gradients of parts; the network is made with the first of them."""

    def __init__(self, recipe: Recipe[Any]) -> None:
        self._recipe = recipe
        self._learning: Learning[Any] | None = None

    def made(self, _number: int, part: Part) -> Gradient:
        """The gradient of one part."""
        from graphrec.models.fitting.parts import part_gradient

        if self._learning is None:
            self._learning = self._recipe.learning("cpu")
        return part_gradient(self._learning, part)


class Others:
    """Workers as the models ask them."""

    def __init__(self, opens: Opens) -> None:
        self._opens = opens
        self._open = ExitStack()
        self._now: tuple[type[Trains], object, Workers[Any, Any]] | None = None

    def products(self, shards: Iterable[Shard]) -> Iterator[csc_array]:
        """The sums of each shard, in their order."""
        return self._of(Sums, None, _summed).batches(enumerate(shards))

    def gradients(self, recipe: Recipe[Any], parts: Iterable[Part]) -> Iterator[Gradient]:
        """Those of each part, in their order."""
        return self._of(Gradients, recipe, _learned).batches(enumerate(parts))

    def end(self) -> None:
        """End all workers."""
        self._open.close()

    def _of(self, makes: type[Trains], first: object, died: Callable[[Any], str]) -> Workers[Any, Any]:
        if self._now is None or self._now[0] is not makes or self._now[1] is not first:
            self._open.close()
            self._now = makes, first, self._open.enter_context(self._opens(makes, first, died))
        return self._now[2]


@contextmanager
def working(on: str | None, workers: int | None) -> Iterator[None]:
    """Let workers make the sums and gradients of what is trained meanwhile.

    Args:
        on: a Ray cluster as `graphrec export --on` names it; None: processes of this machine.
        workers: how many at most; None: as many as the cluster has, or none of this machine.

    Raises:
        UsageError: no cluster answers.
        WorkerDied: workers end on the same shard again and again.
        MissingExtra: Ray is not installed.
    """
    if on is None and (workers or 1) == 1:
        yield
        return
    with ExitStack() as stack:
        opens: Opens
        if on is None:
            opens = partial(_here, workers or 1)
        else:
            opens = partial(ray_actors, on, stack.enter_context(ray_cluster(on, workers or _most(on))))
        others = Others(opens)
        stack.callback(others.end)
        with handing_out(others):
            yield


def _here(
    count: int, makes: type[Trains], first: object, died: Callable[[Any], str]
) -> AbstractContextManager[Workers[Any, Any]]:
    return Workers(partial(Process, count, _WORK.format(makes.__name__), first), count, died)


def _most(on: str) -> int:
    return (os.cpu_count() or 1) if on == LOCAL else 1024


def _summed(shard: Shard) -> str:
    rows, _ = shard
    return f"summed what {len(rows.indptr) - 1:,} customers hold"


def _learned(part: Part) -> str:
    return f"learned from {len(part.users):,} customers"
