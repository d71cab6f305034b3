"""What a training would take: by the last one of its kind, and by the tables that a fit holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Train
from graphrec.config.settings import Settings
from graphrec.errors import NotTrained, UsageError
from graphrec.home import Home
from graphrec.models.factors import chebyshev
from graphrec.models.inputs import Inputs
from graphrec.models.tables import ease
from tests.quality.synthetic import graph_of, holdings
from tests.served import copied, listed, rewrite_meta


@pytest.fixture
def bank(served_home: Home, tmp_path: Path) -> Bank:
    return Bank(Settings(home=copied(served_home, tmp_path / "home"), policy="none"))


def test_time_is_that_of_the_last_training_of_the_kind(bank: Bank) -> None:
    before = listed(bank.home.path)
    found = bank.estimate_training(Train("blend", final=True))
    assert (found.like, found.seconds) == (None, None)
    assert "how long it takes is not known" in found.lines()[1]
    assert listed(bank.home.path) == before
    rewrite_meta(bank.home.models / "blend-final", seconds=75.0)
    found = bank.estimate_training(Train("blend", final=True))
    assert (found.like, found.seconds) == ("blend-final", 75.0)
    assert found.lines()[1] == "  about 75 s, as blend-final took, by the number of edges"
    assert bank.estimate_training(Train("blend")).seconds is None
    assert bank.estimate_training(Train("kernel", final=True)).seconds is None


def test_tables_are_those_of_what_would_be_tried(bank: Bank) -> None:
    found = bank.estimate_training(Train("ease"))
    assert found.users == 60
    assert set(found.peaks) == {"ease"}
    assert found.peaks["ease"] >= 70 * found.products**2
    assert bank.estimate_training(Train("ease", overrides=("ease.max_columns=1",))).peaks == {}
    assert set(bank.estimate_training(Train("blend")).peaks) == {"ease", "chebyshev"}
    assert bank.estimate_training(Train("popularity")).peaks == {}


def test_bytes_grow_as_pairs_do_until_a_model_keeps_no_table() -> None:
    graph = graph_of(holdings(50, 400, 500, 1), 400)
    config = ease.SPEC.configure({}, Inputs())
    assert ease.peak(graph, config) == 70 * 400**2
    assert ease.peak(graph, replace(config, max_columns=399)) == 0
    filter_ = chebyshev.SPEC.configure({}, Inputs())
    sizes = [{}, {"most_whole": 399}, {"most_whole": 1, "most_dense": 399}]
    assert [chebyshev.peak(graph, replace(filter_, **one)) for one in sizes] == [27 * 160_000, 12 * 160_000, 0]


def test_what_is_not_there_is_one_line(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no model 'nothing'"):
        bank.estimate_training(Train("nothing"))
    with pytest.raises(NotTrained):
        Bank(Settings(home=tmp_path / "empty")).estimate_training(Train())
