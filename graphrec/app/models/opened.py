"""The opened models of a bank: opened once, swapped in one step when the home has another one."""

from __future__ import annotations

import gc
import os
import threading
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import log
from graphrec.errors import PolicyError
from graphrec.files import state_of
from graphrec.frozen import dataclass

if TYPE_CHECKING:
    from graphrec.home import Home
    from graphrec.serving.engine import Engine

#: Objects that are made and kept before cycles among them are looked for: an answer keeps some hundred, and no cycle.
#: A look at so many takes some ms; at ten times as many an answer would wait 60.
SELDOM = 10_000
#: Seconds after which those who use an engine that was replaced are done with it.
LATER = 5.0
#: Models of other kinds and dates that stay opened besides.
KEPT = 4

Pointer = tuple[object, ...]


@dataclass(frozen=True)
class _Held:
    pointer: Pointer
    engine: Engine


class Opened:
    """The engines of a home by kind and date; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[Home, str | None, int], _Held] = {}
        self.is_compiled = False
        """Whether engines make single lists by compiled loops too."""

    def engine(self, home: Home, kind: str | None, now: int) -> Engine:
        """The engine that the home points to now; one that is in use elsewhere goes on there.

        Args:
            now: the date of its answers, in microseconds since 1970.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.serving.engine import Engine

        key = (home, kind, now)
        with self._lock:
            held = self._held.get(key)
            # Taken before the model is opened: what changes meanwhile is seen by the next request.
            found = pointer(home, kind)
            if held is not None and held.pointer == found:
                return held.engine
            with log.stage("open model", level=10, kind=kind or "default"):
                engine = Engine.open(home, kind, now)
            engine.is_compiled = self.is_compiled
            _look_later()
            self._held.pop(key, None)
            self._held[key] = _Held(found, engine)
            while len(self._held) > KEPT:
                del self._held[next(iter(self._held))]
            return engine

    def compile(self, engine: Engine) -> None:
        """Load the compiled loops and make single lists by them from now on; without them all stays as it is.

        All pages of the facts and of the model are checked then, so that no answer looks which of them are.

        Args:
            engine: one that was opened here.

        Raises:
            Damaged: a file of them is not what was written; answers that do not read it go on.
        """
        import numpy as np

        from graphrec.serving.lists import scored_block
        from graphrec.terms import compiled

        if not compiled.is_there():
            return
        users = (user for user in range(engine.model.graph.num_users) if engine.has_evidence(user))
        # Rules read columns as a whole where they are asked of several.
        for some in (first := list(islice(users, 2)), first[:1]):
            scored_block(engine, np.array(some, np.int32), 1)
        with self._lock:
            self.is_compiled = engine.is_compiled = True
        engine.snapshot.verify()
        engine.model.verify()


def pointer(home: Home, kind: str | None) -> Pointer:
    """What decides which engine a home serves: the model, the facts, the policy.

    Raises:
        NotTrained: there is no model.
    """
    from graphrec.terms.folder import latest
    from graphrec.terms.live import FILE

    models = home.models
    try:
        there = tuple(sorted(os.listdir(models)))  # noqa: PTH208 - names alone
    except OSError:
        there = ()
    seen = (there, state_of(models), state_of(models / FILE), state_of(home.snapshots / "latest"))
    folder = _latest_of(home, kind, seen)
    meta = state_of(folder / "meta.json")
    if meta is None:
        folder = latest(home, kind)
        meta = state_of(folder / "meta.json")
    facts = home.facts / "latest"
    newest = facts if facts.exists() else home.snapshots / "latest"
    state = state_of(home.policy)
    try:
        lists = _lists_beside(home.policy, state)
    except PolicyError:
        # It is read again, and refused, where the engine is opened.
        lists = ()
    return (folder, meta, state_of(newest), state, *map(state_of, lists))


@lru_cache(maxsize=64)
def _latest_of(home: Home, kind: str | None, seen: tuple[object, ...]) -> Path:  # noqa: ARG001 - tells when to look anew
    """The folder of the model that is served; which one that is takes longer to find than whether it may be another."""
    from graphrec.terms.folder import latest

    return latest(home, kind)


@lru_cache(maxsize=64)
def _lists_beside(policy: Path, state: tuple[int, ...] | None) -> tuple[Path, ...]:
    """The lists in files that a policy names, read once until it is written anew."""
    from graphrec.policy.read import read_policy

    if state is None or b"file(" not in policy.read_bytes():
        return ()
    return tuple(policy.parent / name.partition("#")[0] for name in read_policy(policy).lists)


def collect_seldom() -> None:
    """Look for garbage seldom from now on: of a process that makes many answers it takes a quarter of the time.

    What is there by now, and what outlives a look, is not looked at until another engine is opened: an answer would
    wait 100 ms longer.
    """
    gc.set_threshold(SELDOM, 20, 20)
    if _leave_out not in gc.callbacks:
        gc.callbacks.append(_leave_out)
    _LEAVES_OUT.set()
    gc.freeze()


_LEAVES_OUT = threading.Event()
"""Set while what outlives a look for garbage is left out of the next ones."""


def _leave_out(phase: str, _: object) -> None:
    if phase == "stop" and _LEAVES_OUT.is_set():
        gc.freeze()


def _look_later() -> None:
    """Look at all there is in a while: what an engine held that was replaced may be garbage then."""
    if _LEAVES_OUT.is_set():
        _LEAVES_OUT.clear()
        gc.unfreeze()
        later = threading.Timer(LATER, _look_at_all)
        later.daemon = True
        later.start()


def _look_at_all() -> None:
    gc.collect()
    _LEAVES_OUT.set()
    gc.freeze()
