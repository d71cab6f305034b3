"""A graph that shows what the split hides is refused before anything is fitted on it."""

from pathlib import Path

import pytest

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph, Hidden, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.training import stages
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import check_hidden, split_of
from graphrec.training.tune import TuneOptions, tune
from tests.training import bank

MESSAGE = r"^leak: a fit of stage {} would see {} of the {} pairs that the split hides from it, the first of them user "


def test_a_planted_test_pair_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")

    def leaky(shown: Snapshot, hidden: Hidden) -> Graph:
        assert hidden.pairs is not None
        return visible_graph(shown, Hidden(pairs=hidden.pairs[1:]))

    monkeypatch.setattr(stages, "visible_graph", leaky)
    home = Home(tmp_path / "home").prepare()
    with pytest.raises(ModelError, match=MESSAGE.format("train", 1, 120) + "0 and product 3 of the snapshot"):
        train(snapshot, home, TrainOptions("popularity"))
    assert not home.models.exists()


def test_a_planted_test_pair_ends_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.training.stages.visible_graph", lambda snapshot, hidden: visible_graph(snapshot))
    with pytest.raises(ModelError, match=MESSAGE.format("train", 120, 120)):
        tune(bank.taste_bank(tmp_path / "s"), Home(tmp_path / "home").prepare(), TuneOptions("ease", trials=1))


def test_a_cut_in_time_hides_purchases_and_not_an_earlier_look(tmp_path: Path) -> None:
    bought = [("u0", f"p{n}", n) for n in range(10)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought, "VIEWED": [("u0", "p9", 0)]})
    split = split_of(snapshot)
    for stage in ("train", "train+valid", "all"):
        check_hidden(split, visible_graph(snapshot, split.hidden(stage)), stage)
    with pytest.raises(ModelError, match=MESSAGE.format(r"train\+valid", 2, 2) + "0 and product 8 "):
        check_hidden(split, visible_graph(snapshot), "train+valid")
    check_hidden(split, visible_graph(snapshot), "all")


def test_a_hidden_pair_may_not_come_back_as_a_look(tmp_path: Path) -> None:
    pairs = [(f"u{n}", f"p{m}") for n in range(4) for m in range(4)]
    events = {"BOUGHT": pairs, "VIEWED": [("u0", "p0")]}
    snapshot = bank.make(tmp_path / "s", events, split={"test": [("u0", "p0")], "valid": [("u1", "p1")]})
    split = split_of(snapshot)
    shown = visible_graph(snapshot, split.hidden("train"))
    check_hidden(split, shown, "train")
    whole = visible_graph(snapshot)
    views = [hop for hop in shown.hops if hop.type == "VIEWED"]
    leaky = Graph(shown.schema, shown.counts, {**shown.hops, **{hop: whole.hops[hop] for hop in views}})
    with pytest.raises(ModelError, match=MESSAGE.format("train", 1, 2) + "0 and product 0 "):
        check_hidden(split, leaky, "train")
