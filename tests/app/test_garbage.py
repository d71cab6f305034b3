"""What a process that stays looks at for garbage, and when."""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from graphrec.app.models import opened


class Ring:
    """Garbage that only a look finds."""

    def __init__(self) -> None:
        self.own = self


class Later:
    """Stands for a timer: it is started here, and runs when the test wants."""

    asked: ClassVar[list[Callable[[], None]]] = []

    def __init__(self, seconds: float, then: "Callable[[], None]") -> None:
        assert seconds == opened.LATER
        self._then = then
        self.daemon = False

    def start(self) -> None:
        assert self.daemon
        self.asked.append(self._then)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    before = gc.get_threshold()
    monkeypatch.setattr(Later, "asked", [])
    monkeypatch.setattr("graphrec.app.models.opened.threading.Timer", Later)
    opened.collect_seldom()
    yield Later.asked
    opened._LEAVES_OUT.clear()
    gc.callbacks.remove(opened._leave_out)
    gc.set_threshold(*before)


def test_what_outlives_a_look_is_left_out_until_an_engine_is_replaced(seldom: list[Callable[[], None]]) -> None:
    assert gc.get_threshold()[0] == opened.SELDOM
    stays = Ring()
    gone = weakref.ref(stays)
    gc.collect(0)
    before = gc.get_freeze_count()
    kept = [[number] for number in range(1000)]
    gc.collect(0)
    # What was left out before may have gone meanwhile.
    assert gc.get_freeze_count() > before + len(kept) // 2
    del stays
    gc.collect()
    assert gone() is not None, "it was left out"
    opened._look_later()
    opened._look_later()
    (look,) = seldom
    gc.collect(0)
    assert gc.get_freeze_count() == 0, "all is looked at before it is left out again"
    look()
    assert gone() is None
    assert gc.get_freeze_count() > 0
    opened._look_later()
    assert len(seldom) == 2
