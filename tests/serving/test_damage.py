"""One flipped bit in what a policy reads: no list, but a line that names the file and what restores it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.errors import Damaged
from graphrec.home import Home
from graphrec.serving.answer import Answer
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from tests.served import copied

ASKED: list[Callable[[Engine], list[Answer]]] = [
    lambda engine: [engine.recommend(user, 5) for user in engine.users.ids],
    lambda engine: list(recommend_many(engine, range(len(engine.users)), 5)),
]


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own."""
    copied(served_home, tmp_path / "home")
    return Home(tmp_path / "home")


def flip(path: Path) -> None:
    """Turn one bit of the last byte of a file."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def files_of(home: Home) -> dict[str, Path]:
    """A file of the column `status`, and one of the events that say what is held."""
    (snapshot,) = (path for path in home.snapshots.iterdir() if (path / "meta.json").exists())
    engine = Engine.open(home)
    labels, types = engine.snapshot.labels, engine.snapshot.types
    product = snapshot / "nodes" / str(labels.index("Product"))
    bought = snapshot / "edges" / str(types.index("BOUGHT"))
    return {
        "column": product / f"{list(engine.snapshot.meta.columns['Product']).index('status')}.data.npy",
        "events": bought / "indices.npy",
    }


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED, ids=["one by one", "all at once"])
@pytest.mark.parametrize("what", ["column", "events"])
def test_no_list_rests_on_a_damaged_column_or_event(
    home: Home, what: str, asked: Callable[[Engine], list[Answer]]
) -> None:
    path = files_of(home)[what]
    assert asked(Engine.open(home))
    flip(path)
    with pytest.raises(Damaged) as caught:
        asked(Engine.open(home))
    assert path.name in str(caught.value)
    assert "graphrec snapshot" in str(caught.value)
    assert "\n" not in str(caught.value)
