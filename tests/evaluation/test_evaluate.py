"""Evaluation against numbers counted by hand, the mask, the baselines, and what it refuses."""

import re
from math import log2
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import CheckpointMismatch, ModelError, UsageError
from graphrec.evaluation import evaluate as module
from graphrec.evaluation import hidden_part
from graphrec.evaluation.evaluate import EvaluatedSplit, baselines_there, evaluate
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.schema import SplitRule
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from tests.training import bank

#: Holders in what is fitted: p0 4, p1 3, p2 2, p3 1; u5 holds nothing.
HELD = [("u0", "p0"), ("u1", "p0"), ("u2", "p0"), ("u3", "p0"),
        ("u0", "p1"), ("u1", "p1"), ("u2", "p1"),
        ("u0", "p2"), ("u1", "p2"), ("u3", "p3")]  # fmt: skip
TEST = [("u2", "p2"), ("u3", "p4"), ("u4", "p1"), ("u4", "p4")]
VALID = [("u3", "p3")]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def make(tmp_path: Path, rule: SplitRule | None = None) -> Snapshot:
    return bank.make(tmp_path / "s", {"BOUGHT": HELD + TEST}, split={"test": TEST, "valid": VALID}, rule=rule)


def test_popularity_against_numbers_counted_by_hand(tmp_path: Path, home: Home) -> None:
    """Lists by holders: u2 [p2, p3], u3 [p1, p2], u4 [p0, p1]; to find: p2 | p4 | p1 and p4."""
    snapshot = make(tmp_path)
    folder = train(snapshot, home, TrainOptions("popularity")).path
    found = evaluate(snapshot, folder, ks=(2,), baselines=("popularity",))
    second = 1 / log2(3)
    expected = {
        "recall@2": (1 + 0 + 0.5) / 3,
        "precision@2": (0.5 + 0 + 0.5) / 3,
        "ndcg@2": (1 + 0 + second / (1 + second)) / 3,
        "hit_rate@2": 2 / 3,
        "mrr@2": (1 + 0 + 0.5) / 3,
        "coverage@2": 4 / 5,
        # shares of the 4 users who hold something: p0 1, p1 3/4, p2 1/2, p3 1/4
        "novelty@2": ((1 + 2) / 2 + (-log2(0.75) + 1) / 2 + (0 - log2(0.75)) / 2) / 3,
    }
    assert {name: interval.value for name, interval in found.metrics.items()} == pytest.approx(expected)
    assert all(interval.low <= interval.value <= interval.high for interval in found.metrics.values())
    assert found.baselines["popularity"] == found.metrics
    assert found.split == EvaluatedSplit("mapping", split_of(snapshot).hash, 3, 4, "train+valid", "train+valid", ())


def lists_of(snapshot: Snapshot, folder: Path) -> Any:
    """The lists that an evaluation counts (num_users, 5)."""
    lists = []
    original = hidden_part.ranked_lists

    def kept(*arguments: Any, **options: Any) -> Any:
        lists.append(original(*arguments, **options))
        return lists[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hidden_part, "ranked_lists", kept)
        evaluate(snapshot, folder, ks=(5,), baselines=())
    return lists[0]


def test_candidates_leave_out_what_the_model_was_fitted_on(tmp_path: Path, home: Home) -> None:
    """refit = false: p3 of u3 is unseen and a candidate; mask = train+valid takes it out again."""
    recalls = []
    for number, rule in enumerate((SplitRule(refit=False), SplitRule(refit=False, mask="train+valid"))):
        snapshot = make(tmp_path / str(number), rule)
        folder = train(snapshot, Home(tmp_path / f"home{number}").prepare(), TrainOptions("popularity")).path
        recalls.append(lists_of(snapshot, folder)[1].tolist())  # u3 holds p0
    assert recalls == [[1, 2, 3, 4, -1], [1, 2, 4, -1, -1]]


def test_a_test_user_about_whom_nothing_is_known_counts_as_nothing_found(tmp_path: Path, home: Home) -> None:
    snapshot = make(tmp_path)
    folder = train(snapshot, home, TrainOptions("kernel", fixed=True)).path
    found = evaluate(snapshot, folder, ks=(2,), baselines=())
    assert found.split.users == 3
    assert found.metrics["recall@2"].value == pytest.approx(1 / 3)  # u2 alone: p4 has no holder, u4 no history


def test_a_final_model_is_refused(tmp_path: Path, home: Home) -> None:
    snapshot = make(tmp_path)
    final = train(snapshot, home, TrainOptions("popularity", final=True)).path
    with pytest.raises(ModelError) as caught:
        evaluate(snapshot, final)
    assert str(caught.value) == (
        "model popularity-final is fitted on everything, the test part too, so nothing is hidden to evaluate it on; "
        "run: graphrec train --model popularity, then graphrec evaluate --model popularity"
    )


def test_another_split_is_refused(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [(f"u{n}", f"p{m}") for n in range(20) for m in range(6)]})
    folder = train(snapshot, home, TrainOptions("popularity")).path
    before = split_of(snapshot)
    other = split_of(snapshot, seed=1)
    monkeypatch.setattr(module, "split_of", lambda _: other)
    with pytest.raises(CheckpointMismatch) as caught:
        evaluate(snapshot, folder)
    assert str(caught.value) == (
        f"model popularity-test was trained with split {before.hash[:16]}, this graphrec makes split "
        f"{other.hash[:16]}; run: graphrec train --model popularity"
    )


def test_only_evaluation_reads_the_test_part() -> None:
    """Nobody else asks a split who has to find what in the test part; loading reads the statements of a mapping."""
    root = Path(module.__file__).parents[1]
    texts = {file.relative_to(root): file.read_text("utf-8") for file in root.rglob("*.py")}
    asking = {file for file, text in texts.items() if re.search(r'relevant\("test"\)|split\.test\b', text)}
    assert {file.parts[0] for file in asking - {Path("training/split.py")}} == {"evaluation", "loading"}


def test_nothing_to_find_is_said(tmp_path: Path, home: Home) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [("u0", "p0"), ("u1", "p1")]})
    folder = train(snapshot, home, TrainOptions("popularity")).path
    with pytest.raises(ModelError) as caught:
        evaluate(snapshot, folder)
    assert str(caught.value) == (
        f"the test part of snapshot {snapshot.hash[:16]} has no relevant edge to find; load more "
        "interactions, or give the mapping a [split] of its own"
    )


def test_wrong_arguments_are_refused(tmp_path: Path, home: Home) -> None:
    snapshot = make(tmp_path)
    folder = train(snapshot, home, TrainOptions("popularity")).path
    with pytest.raises(UsageError, match="k 0,5: every k is at least 1"):
        evaluate(snapshot, folder, ks=(0, 5))
    with pytest.raises(UsageError) as caught:
        evaluate(snapshot, folder, baselines=("svd",))
    assert str(caught.value) == f"there is no baseline 'svd'; there are {', '.join(baselines_there())}, and none"


def test_the_same_model_gets_the_same_numbers(tmp_path: Path, home: Home) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")
    folder = train(snapshot, home, TrainOptions("kernel", fixed=True)).path
    one, two = (evaluate(snapshot, folder) for _ in range(2))
    assert (one.metrics, one.baselines) == (two.metrics, two.baselines)
    assert set(one.baselines) == {"popularity", "itemknn"}
    assert one.metrics["recall@3"].value == 1.0 > one.baselines["popularity"]["recall@3"].value
