"""Processes that make the sums of a training in shards of customers: of this machine, or of a Ray cluster.

They get the rows of a shard and give back its sums, which the process that trains adds in the order of the shards. What
a process had begun when it died is begun again by another one, and added once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from graphrec import __version__
from graphrec.app.lists.cluster import LOCAL, other_version, ray_pool
from graphrec.app.lists.workers import Failed, Process, Workers
from graphrec.models.sharded import multiplying_with, product

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

    Shard = tuple[csr_array, csr_array]

_WORK = "from graphrec.app.lists.workers import work; from graphrec.app.models.shards import Sums; work(Sums)"


class Sums:
    """What a process does with a shard."""

    def __init__(self, _first: object = None) -> None:
        self.version = __version__

    def ready(self, version: str) -> Failed | None:
        """What hinders a machine of a cluster."""
        return other_version(version)

    def made(self, _number: int, shard: Shard) -> csc_array:
        """The sums of one shard."""
        return product(*shard)


class Multiplying:
    """Workers as the models ask them."""

    def __init__(self, workers: Workers[Shard, csc_array]) -> None:
        self._workers = workers

    def products(self, shards: Iterable[Shard]) -> Iterator[csc_array]:
        """The sums of each shard, in their order."""
        return self._workers.batches(enumerate(shards))


@contextmanager
def summing(on: str | None, workers: int | None) -> Iterator[None]:
    """Let workers make the sums of what is trained meanwhile.

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
    opened: AbstractContextManager[Workers[Shard, csc_array]]
    if on is None:
        opened = Workers(partial(Process, workers or 1, _WORK), workers or 1, _died)
    else:
        opened = ray_pool(on, workers or _most(on), Sums, None, _died)
    with opened as found, multiplying_with(Multiplying(found)):
        yield


def _most(on: str) -> int:
    return (os.cpu_count() or 1) if on == LOCAL else 1024


def _died(shard: Shard) -> str:
    rows, _ = shard
    return f"summed what {len(rows.indptr) - 1:,} customers hold"
