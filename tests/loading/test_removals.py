"""A full load stops before it removes much of what it brought earlier, and always where a file came without rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphrec.errors import TooManyRemoved, UsageError
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import LoadReport, Sink
from graphrec.loading import load_mapping, parse_limit, run_load
from graphrec.loading.run.removals import MAX_REMOVED
from graphrec.store.embedded.store import EmbeddedStore
from tests.loading.conftest import SMALL

FILES = 'people = "people.csv"\nthings = "things.csv"\nlikes = { path = "likes.csv"OPTIONAL }'
NUMBERED = 'key = "number"\nsql = "SELECT person, thing, number FROM likes"'
MAPPING = SMALL.replace("FILES", FILES).replace('sql = "SELECT person, thing FROM likes"', NUMBERED)


class Feed:
    """Likes of ten people, delivered again and again into one sink."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self._folder, self._sink = folder, sink

    def deliver(
        self, likes: int, limit: float = MAX_REMOVED, *, optional: bool = False, full: bool = True
    ) -> LoadReport:
        (self._folder / "people.csv").write_text("person\n" + "".join(f"p{i}\n" for i in range(10)))
        (self._folder / "things.csv").write_text("thing\n" + "".join(f"t{i}\n" for i in range(4)))
        rows = "".join(f"p{i % 10},t{i % 4},{i}\n" for i in range(likes))
        (self._folder / "likes.csv").write_text("person,thing,number\n" + rows)
        mapping = self._folder / "small.toml"
        mapping.write_text(MAPPING.replace("OPTIONAL", ", optional = true" if optional else ""))
        return run_load(load_mapping(mapping), self._folder, self._sink, max_removed=limit, incremental=not full)


@pytest.fixture(params=["memory", "embedded"])
def feed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Feed]:
    if request.param == "memory":
        yield Feed(tmp_path, MemorySink())
        return
    with EmbeddedStore(tmp_path / "store", tmp_path / "series") as store:
        yield Feed(tmp_path, store.sink())


@pytest.mark.slow
@pytest.mark.parametrize(("before", "allowed", "stopped"), [(100, 90, 89), (50, 45, 44), (49, 44, 43), (6, 1, None)])
def test_a_tenth_may_go_and_five_of_a_few(feed: Feed, before: int, allowed: int, stopped: int | None) -> None:
    feed.deliver(before)
    if stopped is not None:
        with pytest.raises(TooManyRemoved) as caught:
            feed.deliver(stopped)
        assert str(caught.value) == (
            f"this load of small would remove {before - stopped} of {before} LIKES, more than --max-removed 10% "
            "allows; nothing was written; see that its files are whole, or rerun with --max-removed 100%"
        )
        assert caught.value.exit_code == 3
    report = feed.deliver(allowed)
    assert (report.edges["LIKES"].removed, report.edges["LIKES"].unchanged) == (before - allowed, allowed)


@pytest.mark.slow
def test_what_may_go_can_be_said(feed: Feed) -> None:
    feed.deliver(100)
    with pytest.raises(TooManyRemoved):
        feed.deliver(30, limit=69)
    assert feed.deliver(30, limit=70).edges["LIKES"].removed == 70
    assert feed.deliver(1, limit=1.0).edges["LIKES"].removed == 29


@pytest.mark.slow
def test_a_file_without_rows_stops_a_load_unless_it_is_optional(feed: Feed) -> None:
    feed.deliver(4)
    for limit in (MAX_REMOVED, 1.0):
        with pytest.raises(TooManyRemoved) as caught:
            feed.deliver(0, limit=limit)
        assert str(caught.value).startswith(
            "likes.csv has no rows, and this load would remove 4 of 4 LIKES; nothing was "
        )
    assert feed.deliver(4).edges["LIKES"].unchanged == 0
    assert feed.deliver(0, optional=True).edges["LIKES"].removed == 4


@pytest.mark.slow
def test_a_first_load_and_an_increment_remove_nothing(feed: Feed) -> None:
    assert feed.deliver(0).edges["LIKES"].created == 0
    feed.deliver(60)
    assert feed.deliver(1, full=False).edges["LIKES"].removed == 0


def test_the_words_of_the_option() -> None:
    assert parse_limit("100%", "--max-removed", 100) == 1.0
    assert parse_limit("12", "--max-removed", 100) == 12
    with pytest.raises(UsageError) as caught:
        parse_limit("101%", "--max-removed", 100)
    assert str(caught.value).startswith("--max-removed '101%' is no limit; ")
    with pytest.raises(UsageError):
        parse_limit("100%")
