"""graphrec.frozen: what is made quickly behaves as what the standard decorator makes."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import pytest

from graphrec import frozen

Make = Callable[..., Any]


def made(make: Make) -> Any:
    """A class with every sort of field."""

    @make(frozen=True)
    class Thing:
        """A thing."""

        form: ClassVar[str] = "thing"
        name: str
        size: float = 1.5
        parts: list[int] = field(default_factory=list, hash=False)
        quiet: str = field(default="q", repr=False, compare=False)
        _: dataclasses.KW_ONLY
        last: int
        counted: dict[str, int] = field(default_factory=dict, init=False, compare=False)

        def __post_init__(self) -> None:
            self.counted["made"] = len(self.name)

        @property
        def twice(self) -> float:
            return 2 * self.size

    return Thing


@frozen.dataclass(frozen=True)
class Kept:
    """One that a pickle finds again."""

    name: str
    sizes: tuple[float, ...] = ()


@frozen.dataclass(frozen=True, eq=False)
class Alone:
    """One that is equal to itself alone."""

    name: str


@frozen.dataclass(frozen=True)
class Empty:
    """Nothing."""


@frozen.dataclass(frozen=True)
class Below(Kept):
    """One that inherits."""

    more: int = 3


BOTH = pytest.mark.parametrize("make", [dataclasses.dataclass, frozen.dataclass])


@BOTH
def test_values_equality_text_and_refusals(make: Make) -> None:
    thing = made(make)
    one, other = thing("a", last=1), thing("a", 1.5, [], "other", last=1)
    assert repr(one) == "made.<locals>.Thing(name='a', size=1.5, parts=[], last=1, counted={'made': 1})".replace(
        "made.<locals>", f"{made.__qualname__}.<locals>"
    )
    assert (one == other, hash(one) == hash(other), one == thing("b", last=1), one == "a") == (True, True, False, False)
    assert one.parts is not other.parts
    assert (thing.form, one.twice, thing.__match_args__) == ("thing", 3.0, ("name", "size", "parts", "quiet"))
    changes: list[Callable[[], None]] = [
        lambda: setattr(one, "size", 2), lambda: setattr(one, "new", 2), lambda: delattr(one, "size")
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot (assign to|delete) field"):
            change()
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'last'"):
        thing("a")
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        thing("a", last=1, wrong=2)
    match one:
        case thing(name, size):
            assert (name, size) == ("a", 1.5)


@BOTH
def test_the_functions_of_dataclasses_read_it(make: Make) -> None:
    thing = made(make)
    one = thing("a", 2.0, [1], last=4)
    assert dataclasses.asdict(one) == {
        "name": "a", "size": 2.0, "parts": [1], "quiet": "q", "last": 4, "counted": {"made": 1}
    }  # fmt: skip
    assert dataclasses.replace(one, last=5) == thing("a", 2.0, [1], last=5)
    assert [one.name for one in dataclasses.fields(thing)] == ["name", "size", "parts", "quiet", "last", "counted"]
    assert list(inspect.signature(thing).parameters) == ["name", "size", "parts", "quiet", "last"]
    params = thing.__dataclass_params__
    assert (params.frozen, params.eq, params.init, params.repr) == (True, True, True, True)
    assert copy.deepcopy(one) == one


def test_it_is_pickled_inherited_and_empty() -> None:
    one = Kept("a", (1.0,))
    assert pickle.loads(pickle.dumps(one)) == one
    assert Below("a", (1.0,)) != one
    assert repr(Below("a")) == "Below(name='a', sizes=(), more=3)"
    assert (Empty() == Empty(), repr(Empty()), hash(Empty()) == hash(Empty())) == (True, "Empty()", True)
    alone = Alone("a")
    assert (alone == alone, alone == Alone("a"), len({alone, Alone("a")})) == (True, False, 2)


def test_what_is_not_frozen_or_writes_its_own_is_made_by_the_standard_one() -> None:
    @frozen.dataclass
    class Open:
        size: int = 1

    @frozen.dataclass(frozen=True)
    class Own:
        size: int

        def __repr__(self) -> str:
            return "own"

    some = Open()
    some.size = 2
    assert (repr(some).endswith("Open(size=2)"), repr(Own(1)), Own(1) == Own(1)) == (True, "own", True)


def test_a_cold_list_compiles_few_classes_by_the_standard_decorator() -> None:
    """What `recommend` imports: each class by the standard decorator would take half a millisecond."""
    text = (
        "import dataclasses, sys\n"
        "import numpy, typer, rich\n"
        "made, before = [], dataclasses._process_class\n"
        "def noted(cls, init, *others):\n"
        "    if init:\n        made.append(f'{cls.__module__}.{cls.__qualname__}')\n"
        "    return before(cls, init, *others)\n"
        "dataclasses._process_class = noted\n"
        "import graphrec.cli, graphrec.app.lists.serve, graphrec.terms.forms.blend\n"
        "print(len([one for one in made if one.startswith('graphrec')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
