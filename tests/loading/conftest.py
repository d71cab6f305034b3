"""The tiny bank of tests/data, copied so that a test may spoil it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import LoadReport
from graphrec.loading import check, load_mapping, run_load

TINY_BANK = Path(__file__).parents[1] / "data" / "tiny_bank"


@dataclass
class Bank:
    """A copy of the tiny bank, its mapping and a sink."""

    folder: Path
    sink: MemorySink

    @property
    def mapping(self) -> Path:
        return self.folder / "bank.toml"

    @property
    def rejected(self) -> Path:
        return self.folder / "out" / "rejected.csv"

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def append(self, file: str, line: str) -> None:
        with (self.folder / file).open("a") as stream:
            stream.write(line + "\n")

    def load(self, *, incremental: bool = False, max_rejected: int | float = 0) -> LoadReport:
        return run_load(
            load_mapping(self.mapping),
            self.folder,
            self.sink,
            incremental=incremental,
            max_rejected=max_rejected,
            rejected_path=self.rejected,
        )

    def check(self, *, max_rejected: int | float = 0) -> LoadReport:
        return check(load_mapping(self.mapping), self.folder, max_rejected=max_rejected)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    shutil.copytree(TINY_BANK, tmp_path / "bank")
    return Bank(tmp_path / "bank", MemorySink())


@pytest.fixture
def small_mapping(tmp_path: Path) -> Callable[..., Path]:
    """Writes a mapping of people, things and one edge type, with more text after it."""

    def write(more: str = "", files: str = 'people = "people.csv"\nthings = "things.csv"\nlikes = "likes.csv"') -> Path:
        path = tmp_path / "small.toml"
        path.write_text(SMALL.replace("FILES", files) + more)
        return path

    return write


SMALL = """
[source]
name = "small"
[source.files]
FILES
[roles]
user = "Person"
product = "Thing"
interactions = ["LIKES"]
[nodes.Person]
key = "person"
sql = "SELECT person FROM people"
[nodes.Thing]
key = "thing"
sql = "SELECT thing FROM things"
[edges.LIKES]
from = "Person.person"
to = "Thing.thing"
sql = "SELECT person, thing FROM likes"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty folder for the files of a bank."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"
