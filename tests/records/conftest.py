"""A home with a record."""

from pathlib import Path
from typing import Any

import pytest

from graphrec.home import Home
from graphrec.records.decision import Decisions, Request
from graphrec.serving.answer import ExplainOptions, ListOptions
from graphrec.serving.engine import Engine
from tests.served import LISTED, copied, export_lists

OPTIONS: dict[str, Any] = {"reasons": 3}


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own with the served snapshot and model."""
    copied(served_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def recorded(home: Home) -> Home:
    """One list, one explanation and one export of all users."""
    engine = Engine.open(home)
    answer = engine.recommend("C003", 4, ListOptions(**OPTIONS))
    assert Decisions(home, engine, Request("recommend", 4, ListOptions(**OPTIONS))).add([answer]) == range(1, 2)
    product = answer.items[0].product
    told = Decisions(home, engine, Request("explain", 4, ExplainOptions())).add(
        [engine.explain("C003", product, 4)], product
    )
    assert told == range(2, 3)
    export = Decisions(home, engine, Request("export", 3, LISTED))
    export_lists(engine, home.path / "lists.csv", 3, record=lambda answers: told_of(export.add(answers)))
    return home


def told_of(numbers: range) -> None:
    assert len(numbers) > 0
