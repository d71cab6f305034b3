"""Training on a small bank: choosing, refitting, the folder, doing nothing twice."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from graphrec.errors import CheckpointMismatch, ModelError, NotTrained, UsageError
from graphrec.evaluation.hidden_part import open_tested
from graphrec.features.blocks import Blocks, Sources
from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders.arrays import SEAL, write_sealed
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.registry import kinds
from graphrec.schema import SplitRule
from graphrec.terms.folder import latest, model_folder, read_meta
from graphrec.terms.meta import HiddenParts
from graphrec.training import fit, job
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from tests.training import bank


def test_what_was_trained_is_what_the_folder_gives(snapshot: Snapshot, home: Home) -> None:
    report = train(snapshot, home, TrainOptions("kernel"))
    assert (report.is_new, report.model, report.path) == (True, "kernel", home.models / "kernel-test")
    model = open_tested(report.path, snapshot)
    again = open_tested(report.path, snapshot)
    users = np.arange(10, dtype=np.int32)
    assert model.hash == report.hash
    np.testing.assert_array_equal(model.blend.batch(users), again.blend.batch(users))
    np.testing.assert_allclose(model.blend.batch(users)[3], model.blend.row(3).scores, rtol=1e-5, atol=1e-6)


def test_what_is_written_scores_as_what_was_fitted(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = []
    write = fit.write_model
    monkeypatch.setattr(fit, "write_model", lambda *given: (fitted.append(given[1]), write(*given))[1])
    report = train(snapshot, home, TrainOptions(fixed=True))
    model = open_tested(report.path, snapshot)
    for user in range(5):
        np.testing.assert_array_equal(model.blend.row(user).scores, fitted[0].row(user).scores)


def test_validation_metrics_have_intervals_and_tell_the_two_tastes_apart(snapshot: Snapshot, home: Home) -> None:
    report = train(snapshot, home, TrainOptions("kernel"))
    recall = report.metrics["recall@3"]
    assert recall.low <= recall.value == 1.0  # only hidden products are left in the half a user buys from
    assert report.validation.metric == "ndcg@3"
    assert report.validation.users == 60


def test_the_served_model_is_refitted_on_train_and_validation(snapshot: Snapshot, home: Home) -> None:
    split = split_of(snapshot)
    model = open_tested(train(snapshot, home, TrainOptions("popularity")).path, snapshot)
    num_edges = len(snapshot.edges("BOUGHT"))
    assert len(model.graph.hops[Hop("BOUGHT")].indices) == num_edges - len(split.test)
    final = open_tested(train(snapshot, home, TrainOptions("popularity", final=True)).path, snapshot)
    assert len(final.graph.hops[Hop("BOUGHT")].indices) == num_edges
    assert final.is_final


def test_refit_false_leaves_validation_unseen(tmp_path: Path, home: Home) -> None:
    pairs = [(f"u{n}", f"p{m}") for n in range(8) for m in range(6)]
    parts = {"test": [("u0", "p0")], "valid": [("u1", "p1"), ("u2", "p2")]}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": pairs}, split=parts, rule=SplitRule(refit=False))
    model = open_tested(train(snapshot, home, TrainOptions("popularity")).path, snapshot)
    assert len(model.graph.hops[Hop("BOUGHT")].indices) == len(pairs) - 3
    assert model.meta.fitted == "train"


def test_a_second_identical_training_does_nothing(snapshot: Snapshot, home: Home) -> None:
    first = train(snapshot, home, TrainOptions("popularity"))
    stamp = (first.path / "model.safetensors").stat().st_mtime_ns
    second = train(snapshot, home, TrainOptions("popularity"))
    assert (second.is_new, second.hash) == (False, first.hash)
    assert (first.path / "model.safetensors").stat().st_mtime_ns == stamp
    assert train(snapshot, home, TrainOptions("popularity", seed=1)).is_new


def test_another_source_trains_again(snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    train(snapshot, home, TrainOptions("popularity"))
    monkeypatch.setattr(job, "code_digest", lambda _: "0" * 64)
    assert train(snapshot, home, TrainOptions("popularity")).is_new
    assert not train(snapshot, home, TrainOptions("popularity")).is_new


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["kernel", "learned-kernel", "spectral", "ease", "softmax", "itemknn", "popularity", "lightgcn", "blend"]
)
def test_the_same_data_and_seed_give_the_same_arrays(snapshot: Snapshot, tmp_path: Path, kind: str) -> None:
    found = []
    for name in ("one", "two"):
        report = train(snapshot, Home(tmp_path / name).prepare(), TrainOptions(kind))
        found.append((report.hash, report.configuration, load_file(report.path / "model.safetensors")))
    assert found[0][:2] == found[1][:2]
    assert found[0][2].keys() == found[1][2].keys()
    for name, array in found[0][2].items():
        np.testing.assert_array_equal(array, found[1][2][name])


def test_fixed_is_the_filter_and_a_fifth_of_kernel_and_says_so(snapshot: Snapshot, home: Home) -> None:
    report = train(snapshot, home, TrainOptions(fixed=True))
    assert report.configuration.weights == {"kernel": 0.25, "chebyshev": 1.0}
    assert report.metrics == {}
    assert "defaults fixed beforehand: nothing was tuned, validation was not looked at" in report.notes


@pytest.mark.slow
def test_terms_that_do_not_help_are_not_served(snapshot: Snapshot, home: Home) -> None:
    report = train(snapshot, home)
    weights = report.configuration.weights
    assert "popularity" not in weights
    assert any(note.startswith("weights are the mean over 5 validation parts") for note in report.notes)
    assert sorted(term.name for term in read_meta(report.path).description.terms) == sorted(weights)
    assert set(report.validation.alone) >= {"kernel", "spectral", "ease", "itemknn", "popularity"}


def test_final_takes_over_what_was_chosen(snapshot: Snapshot, home: Home) -> None:
    tested = train(snapshot, home, TrainOptions("spectral", seed=3))
    final = train(snapshot, home, TrainOptions("spectral", final=True))
    assert final.path == home.models / "spectral-final"
    assert final.configuration == tested.configuration
    assert final.is_final
    assert (read_meta(final.path).seed, read_meta(final.path).fitted) == (3, "all")
    assert not train(snapshot, home, TrainOptions("spectral", final=True)).is_new


@pytest.mark.slow
def test_final_reads_the_texts_that_the_tested_model_read(snapshot: Snapshot, home: Home) -> None:
    rng = np.random.default_rng(0)
    vectors, others = (
        Sources.of(Blocks.of("text", {"Product": rng.standard_normal((12, 6)).astype(np.float32)})) for _ in range(2)
    )
    train(snapshot, home, TrainOptions("lightgcn", fixed=True))
    final = train(snapshot, home, TrainOptions("lightgcn", final=True), sources=vectors)
    assert read_meta(final.path).request.blocks == {}
    assert open_tested(final.path, snapshot).blend.terms[0].text_dim == 0  # type: ignore[attr-defined]
    train(snapshot, home, TrainOptions("text"), sources=vectors)
    assert train(snapshot, home, TrainOptions("text", final=True), sources=vectors).is_new
    for given in (others, None):
        with pytest.raises(ModelError) as caught:
            train(snapshot, home, TrainOptions("text", final=True), sources=given)
        assert str(caught.value) == (
            "the feature blocks text/Product are not those that the model was fitted with, so that a refit would "
            "differ by them too; run: graphrec train --model text"
        )


def test_final_refuses_options_that_the_tested_model_was_not_trained_with(snapshot: Snapshot, home: Home) -> None:
    train(snapshot, home, TrainOptions("ease", overrides={"ease": {"user_power": 0.5}}))
    for change, said in (
        ({"use_protected": True}, "use_protected is False, not True"),
        (
            {"overrides": {"ease": {"user_power": 0.7}}},
            "overrides is {'ease': {'user_power': 0.5}}, not {'ease': {'user_power': 0.7}}",
        ),
        ({"fixed": True}, "fixed is False, not True"),
    ):
        with pytest.raises(UsageError) as caught:
            train(snapshot, home, TrainOptions("ease", final=True, **change))
        assert str(caught.value) == (
            f"--final refits the model that was tested, whose {said}; leave the option out, or run: graphrec train "
            "with it, then graphrec train --final"
        )
    assert train(snapshot, home, TrainOptions("ease", final=True, overrides={"ease": {"user_power": 0.5}})).is_new
    assert not train(snapshot, home, TrainOptions("ease", final=True)).is_new


def test_final_trains_anew_what_an_older_graphrec_was_asked_for(snapshot: Snapshot, home: Home) -> None:
    path = train(snapshot, home, TrainOptions("popularity", seed=4)).path / "meta.json"
    meta = json.loads(path.read_text("utf-8"))
    del meta["request"]["overrides"]
    write_sealed(path, {key: value for key, value in meta.items() if key != SEAL})
    assert read_meta(train(snapshot, home, TrainOptions("popularity", final=True)).path).seed == 0
    assert "overrides" in json.loads(path.read_text("utf-8"))["request"]


def test_final_chooses_first_where_nothing_was_chosen(snapshot: Snapshot, home: Home) -> None:
    train(snapshot, home, TrainOptions("popularity", final=True))
    assert sorted(path.name for path in home.models.iterdir()) == ["popularity-final", "popularity-test"]


def test_another_snapshot_is_refused_with_both_hashes(snapshot: Snapshot, home: Home, tmp_path: Path) -> None:
    report = train(snapshot, home, TrainOptions("popularity"))
    other = bank.taste_bank(tmp_path / "other", users=40)
    with pytest.raises(CheckpointMismatch) as caught:
        open_tested(report.path, other)
    assert str(caught.value) == (
        f"model popularity-test was trained on snapshot {snapshot.hash[:16]}, this is snapshot {other.hash[:16]}; "
        "run: graphrec train --model popularity"
    )


def test_no_model_yet_names_the_next_command(snapshot: Snapshot, home: Home) -> None:
    with pytest.raises(NotTrained) as caught:
        latest(home)
    assert str(caught.value) == f"there is no model in {home.models} yet; run: graphrec train"
    with pytest.raises(NotTrained) as caught:
        latest(home, "ease")
    assert str(caught.value) == f"there is no model of kind ease in {home.models} yet; run: graphrec train --model ease"
    folder = model_folder(home, "ease", final=True)
    with pytest.raises(NotTrained) as caught:
        open_tested(folder, snapshot)
    assert str(caught.value) == f"there is no model in {folder}; run: graphrec train --model ease --final"


def test_latest_prefers_the_blend_and_what_is_final(snapshot: Snapshot, home: Home) -> None:
    train(snapshot, home, TrainOptions("popularity"))
    assert latest(home).name == "popularity-test"
    train(snapshot, home, TrainOptions("popularity", final=True))
    assert latest(home).name == "popularity-final"
    assert latest(home, prefer_final=False).name == "popularity-test"
    train(snapshot, home, TrainOptions("spectral", fixed=True))
    assert latest(home).name == "spectral-test"
    train(snapshot, home, TrainOptions(fixed=True))
    assert latest(home).name == "blend-test"
    assert latest(home, "popularity").name == "popularity-final"
    shutil.rmtree(model_folder(home, "popularity", final=False))
    assert latest(home, "popularity", prefer_final=False).name == "popularity-final"  # for evaluate to refuse


def test_a_final_model_of_an_older_snapshot_is_not_preferred(snapshot: Snapshot, home: Home, tmp_path: Path) -> None:
    train(snapshot, home, TrainOptions("popularity", final=True))
    newer = bank.taste_bank(tmp_path / "newer", users=40)
    train(newer, home, TrainOptions("popularity"))
    assert latest(home).name == "popularity-test"


def test_a_failure_while_writing_leaves_the_model_before(
    snapshot: Snapshot, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(snapshot, home, TrainOptions("popularity"))
    monkeypatch.setattr(fit, "versions", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(snapshot, home, TrainOptions("popularity", seed=1))
    assert [path.name for path in home.models.iterdir()] == ["popularity-test"]
    assert json.loads((first.path / "meta.json").read_text())["hash"] == first.hash


def test_the_meta_names_everything_that_decided(snapshot: Snapshot, home: Home) -> None:
    meta = read_meta(train(snapshot, home, TrainOptions("spectral", seed=5)).path)
    assert meta.snapshot == snapshot.hash
    assert meta.split.hash == split_of(snapshot).hash
    assert (meta.kind, meta.seed, meta.final, meta.fixed) == ("spectral", 5, False, False)
    assert {"graphrec", "python", "numpy"} <= meta.versions.keys()
    assert meta.hidden == HiddenParts(None, 60)
    assert meta.device.name == "cpu"


def test_an_unknown_kind_is_refused(snapshot: Snapshot, home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        train(snapshot, home, TrainOptions("svd"))
    assert str(caught.value) == f"there is no model 'svd'; there are {', '.join(kinds())}"
    with pytest.raises(UsageError, match=r"^--path-share 1: want a part from 0 to below 1$"):
        TrainOptions(path_share=1.0)
    assert {"blend", "kernel", "lightgcn", "lightgcn-id", "graphsage", "als", "rp3beta", "popularity"} <= set(kinds())


@pytest.mark.slow
@pytest.mark.parametrize("fixed", [False, True])
def test_a_kernel_without_a_path_is_refused(tmp_path: Path, home: Home, fixed: bool) -> None:
    bought = [(f"u{n}", f"p{n}{m}") for n in range(4) for m in range(10)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought})
    with pytest.raises(ModelError) as caught:
        train(snapshot, home, TrainOptions("kernel", fixed=fixed))
    assert str(caught.value) == (
        "no walk of up to 3 hops leads a user to a product by the edges that may be seen, so a kernel has no score to "
        "give; load more edges, or run: graphrec train --model popularity"
    )
    assert not home.models.exists()
    assert train(snapshot, home, TrainOptions("blend")).is_new


def test_text_without_vectors_is_refused(snapshot: Snapshot, home: Home) -> None:
    with pytest.raises(ModelError, match="the text term needs text vectors of Product, none were given"):
        train(snapshot, home, TrainOptions("text"))


def test_an_empty_validation_part_is_said(tmp_path: Path, home: Home) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [("u0", "p0", 1), ("u1", "p0", 9), ("u1", "p1", 9)]})
    report = train(snapshot, home, TrainOptions("popularity"))
    assert "the validation part is empty, so nothing could be chosen: defaults fixed beforehand" in report.notes
    assert report.metrics == {}


def test_what_is_known_after_the_cut_changes_no_score(tmp_path: Path) -> None:
    """Views, bought products and towns of the test time, planted between nodes that were there before."""
    events = [(f"u{n % 20}", f"p{(n * 7 + n // 20) % 9}", n) for n in range(100)]
    views = [(f"u{n % 20}", f"p{(n * 5) % 9}", n) for n in range(60)]
    towns = [(f"u{n}", f"t{n % 3}", 0) for n in range(20)]
    clean = {"BOUGHT": events, "VIEWED": views, "LIVES_IN": towns}
    leaks = {
        "VIEWED": [*views, *((f"u{n}", f"p{n % 9}", 95) for n in range(20))],
        "LIVES_IN": [*towns, ("u3", "t1", 90)],
    }
    rows = []
    for name, found in (("clean", clean), ("leaky", {**clean, **leaks})):
        snapshot = bank.make(tmp_path / name, found)
        report = train(snapshot, Home(tmp_path / f"{name}-home").prepare(), TrainOptions("blend"))
        assert read_meta(report.path).hidden.known_from == bank.day(80)
        opened = open_tested(report.path, snapshot)
        rows.append((report.configuration, opened.blend.batch(np.arange(20, dtype=np.int32))))
    assert rows[0][0] == rows[1][0]
    np.testing.assert_array_equal(rows[0][1], rows[1][1])
