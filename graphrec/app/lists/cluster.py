"""Workers of an export on a Ray cluster (extra `graphrec[scale]`), behind the same seam as processes of this machine.

Each worker is an actor with one processor. It opens the model and the facts in the home, which every machine of the
cluster sees under the same path, and maps their arrays into memory: workers on one machine share one copy. What all
batches have in common goes once into Ray's object store. Lists come back to the process that asks, which alone appends
to the decision record and writes the file. An actor that ends takes its batch with it; another one makes that batch
again.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from graphrec import __version__
from graphrec.app.lists import workers
from graphrec.app.lists.workers import THREADS, Asked, Failed, Job, ListWorkers, Workers, lists_of
from graphrec.errors import UsageError
from graphrec.extras import needs_extra

LOCAL = "ray"
SCHEME = "ray://"
AUTO = "ray://auto"
"""The cluster that this machine is a part of."""
STORE_BYTES = 256 * 2**20
"""Shared memory of a cluster on this machine: what all batches have in common, and a few batches."""
PATIENCE = 600
"""Seconds that a worker may wait for a processor of the cluster."""


class Shards(workers.Shards):
    """The same on a machine of the cluster."""

    def __init__(self, job: Job) -> None:
        for name in THREADS:
            os.environ.setdefault(name, "1")
        super().__init__(job)

    def ready(self, version: str) -> Failed | None:
        """What hinders this machine from making lists."""
        home, node = self._job.home, os.uname().nodename
        if (other := other_version(version)) is not None:
            return other
        if not home.format_file.exists():
            line = (
                f"machine {node} of the cluster does not see the home {home.path}; put it into a folder that all share"
            )
            return Failed(UsageError, line)
        return None


def other_version(version: str) -> Failed | None:
    """That a machine of the cluster has another graphrec than the process that asks."""
    if version == __version__:
        return None
    node = os.uname().nodename
    line = f"machine {node} of the cluster has graphrec {__version__}, this one {version}; install the same"
    return Failed(UsageError, line)


@contextmanager
def ray_workers(on: str, job: Job, most: int) -> Iterator[ListWorkers]:
    """Workers on a cluster that make lists: as many as it has free processors, and no more than `most`.

    Raises:
        UsageError: as `ray_cluster` does, or its machines do not see the home.
        MissingExtra: Ray is not installed.
    """
    with ray_cluster(on, most) as count, ray_actors(on, count, Shards, job, lists_of) as found:
        yield found


@contextmanager
def ray_actors(
    on: str, count: int, makes: type, first: object, died: Callable[[Asked], str]
) -> Iterator[Workers[Asked, Any]]:
    """So many workers on the cluster that this process is connected to.

    Args:
        makes: the class of what works on a machine of the cluster, with `ready` and `made` as `Shards` has them.
        first: what it is made from.
        died: as `Workers` wants it.

    Raises:
        UsageError: the cluster has ended.
    """
    import ray

    shared = ray.put(first)
    actor: Any = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(makes)

    def begin() -> _RayWorker:
        try:
            return _RayWorker(on, actor.remote(shared))
        except ConnectionError as error:
            raise UsageError(f"--on {on}: the cluster does not answer any more ({error}); run this again") from error

    with Workers(begin, count, died) as found:
        yield found


class _RayWorker:
    """An actor, and what it is asked."""

    def __init__(self, on: str, actor: Any) -> None:
        self._on, self._actor = on, actor
        self._ready = actor.ready.remote(__version__)
        self._is_ready = False

    def ask(self, number: int, asked: object) -> Any:
        """What it makes of some users, or of what else it is asked, or what it fails with."""
        import ray
        from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayActorError

        try:
            if not self._is_ready:
                hindered: Any = ray.get(self._ready, timeout=PATIENCE)
                if hindered is not None:
                    return Failed(hindered.kind, f"--on {self._on}: {hindered.line}")
                self._is_ready = True
            reply: Any = ray.get(self._actor.made.remote(number, asked))
        except GetTimeoutError:
            line = (
                f"--on {self._on}: no processor of the cluster became free in {PATIENCE // 60} minutes; run this again"
            )
            return Failed(UsageError, line)
        except (RayActorError, OutOfMemoryError) as error:
            raise EOFError(str(error)) from error
        return reply

    def end(self) -> None:
        """End the actor, whatever it does."""
        import ray

        ray.kill(self._actor, no_restart=True)


@contextmanager
def ray_cluster(on: str, most: int) -> Iterator[int]:
    """A cluster that this process is connected to, as the number of workers that it takes.

    Args:
        on: `ray`, a cluster of this machine that ends with the context; `ray://HOST:PORT`; `ray://auto`.
        most: workers that are wanted at most.

    Raises:
        UsageError: no cluster answers, or it has no free processor.
        MissingExtra: Ray is not installed.
    """
    options = _options(on, most)
    # A cluster that we start reports nothing to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "address" in options:
        _show_token()
    with needs_extra("scale", f"--on {on}"):
        import ray
    is_ours = not ray.is_initialized()
    # Ray prints to stdout that a worker died, and warns of its own settings: the batch is made again, or one line of
    # ours says that it cannot be made.
    quiet = logging.getLogger("ray")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    try:
        with redirect_stdout(sys.stderr):
            if is_ours:
                _connect(on, options)
            free = int(ray.available_resources().get("CPU", 0))
            if not free:
                raise UsageError(f"--on {on}: the cluster has no free processor; wait for one, or leave out --on")
            yield min(most, free)
    finally:
        quiet.setLevel(level)
        if is_ours:
            ray.shutdown()


def _connect(on: str, options: Mapping[str, Any], tries: int = 2) -> None:
    import ray

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(log_to_driver=False, configure_logging=False, **options)
    except (OSError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        if tries > 1 and "Initialization failure" in first:
            # The server could not start the process of this client.
            return _connect(on, options, tries - 1)
        hint = "start one with: ray start --head; one that asks for a token wants RAY_AUTH_TOKEN"
        raise UsageError(f"--on {on}: no Ray cluster answers ({first}); {hint}") from error
    return None


def _show_token() -> None:
    """Have a client show its token where there is one, as a process that starts a cluster does by itself."""
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    if os.environ.get("RAY_AUTH_TOKEN") or file.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _options(on: str, most: int) -> Mapping[str, Any]:
    if on == LOCAL:
        return {"num_cpus": most, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    if not on.startswith(SCHEME) or on == SCHEME:
        raise UsageError(f"--on {on}: want ray, a cluster of this machine, or ray://HOST:10001, the address of one")
    return {"address": "auto" if on == AUTO else on}
