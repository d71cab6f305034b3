"""The bounds of [live]: what does not keep them is not made live, by nobody's promotion and by no training."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import CheckModel, Train
from graphrec.app.models.bounds import FILE, live_bounds
from graphrec.app.requests import AskModelCard, SwitchModel
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import NotApproved, SourceError, UsageError
from graphrec.evaluation.evaluate import evaluate
from graphrec.evaluation.fairness import fairness
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.schema import GraphSchema, LiveBounds
from graphrec.terms.folder import latest
from graphrec.terms.live import read_live
from tests.evaluation.test_fairness import write_bank
from tests.training.bank import schema

EASY = LiveBounds(min_ndcg_of_popularity=1.0, min_ndcg_of_live=0.5, max_exposure=0.9, max_group_gap=0.9)


def bank_of(folder: Path, live: LiveBounds) -> Bank:
    """A home whose mapping asks for bounds, without a model."""
    home = Home(folder).prepare()
    SnapshotShelf(home.snapshots).add(lambda path: write_bank(path, live))
    return Bank(Settings(home=folder, policy="none"))


def ask_more(bank: Bank, live: LiveBounds, seed: int = 4) -> None:
    """The bank, loaded again with other bounds and, by another seed, other purchases."""
    SnapshotShelf(bank.home.snapshots).add(lambda path: write_bank(path, live, seed))


def trained(bank: Bank, model: str = "kernel") -> str | None:
    """Tested and final; why the final one is not live."""
    bank.train(Train(model, fixed=True, blocks=()))
    return bank.train(Train(model, final=True, fixed=True, blocks=())).unkept


@pytest.mark.slow
def test_figures_are_those_of_the_commands(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, EASY)
    assert trained(bank) is None
    assert latest(bank.home).name.startswith("kernel-final@")
    ask_more(bank, LiveBounds(**{**EASY.asked, "min_overlap": 0.5, "max_damage": 1e6}))
    snapshot, folder = SnapshotShelf(bank.home.snapshots).latest(), bank.home.models / "kernel-test"
    trained(bank)
    found = {one.name: one.value for one in bank.check_model(CheckModel("kernel-final")).bounds}
    measured = evaluate(snapshot, folder, ks=(10,), baselines=("popularity",), home=bank.home)
    ratio = measured.metrics["ndcg@10"].value / measured.baselines["popularity"]["ndcg@10"].value
    assert found["min_ndcg_of_popularity"] == pytest.approx(ratio, rel=1e-12)
    fair = fairness(snapshot, folder)
    assert found["max_group_gap"] == -min(group.gap for group in fair.attributes[0].groups)
    assert found["max_exposure"] == max(
        one.exposure.value - one.merit for label in fair.providers for one in label.providers
    )
    assert found["min_ndcg_of_live"] is None
    assert 0.5 <= (found["min_overlap"] or 0) <= 1


def test_a_promotion_that_breaks_a_bound_is_one_line_and_can_be_forced(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, LiveBounds())
    trained(bank)
    ask_more(bank, LiveBounds(max_group_gap=0.05))
    first = latest(bank.home).name
    bank.train(Train("itemknn", fixed=True, blocks=()))
    assert bank.train(Train("itemknn", final=True, fixed=True, blocks=())).unkept is not None
    (bank.home.models / FILE).unlink()
    with pytest.raises(NotApproved, match="model itemknn-final is not measured yet; next: graphrec models check"):
        bank.switch_model(SwitchModel("promote", "itemknn-final"))
    asked = SwitchModel("promote", "itemknn-final", measure=True)
    with pytest.raises(
        NotApproved,
        match=r"^\[live\] of the mapping asks max_group_gap 0.05, and model itemknn-final has 0\.\d+ \(OF_SEX: m, p "
        r"0.000\); see graphrec fairness, or: graphrec models promote itemknn-final --force --reason TEXT$",
    ):
        bank.switch_model(asked)
    assert latest(bank.home).name.partition("@")[0] == first.partition("@")[0]
    with pytest.raises(UsageError, match="--force wants a reason"):
        bank.switch_model(SwitchModel("promote", "itemknn-final", force=True))
    forced = SwitchModel("promote", "itemknn-final", by="Ms A", force=True, reason="item 4 of 2 January")
    done = bank.switch_model(forced)
    last = read_live(bank.home).history[-1]
    assert (last.by, last.why) == ("Ms A", "item 4 of 2 January")
    assert last.unkept[0].startswith("max_group_gap 0.05: 0.")
    assert done.record is not None
    switch = bank.record_entry(done.record).entry["event"]["switch"]
    assert (switch["why"], len(switch["unkept"])) == ("item 4 of 2 January", 1)
    bank.switch_model(SwitchModel("rollback"))
    assert latest(bank.home).name.startswith("kernel-final@")
    card = bank.model_card(AskModelCard("itemknn-final")).markdown
    assert "| max_group_gap | 0.05 |" in card


@pytest.mark.slow
def test_a_training_that_breaks_a_bound_leaves_what_was_live(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, EASY)
    assert trained(bank) is None
    before = latest(bank.home).name
    ask_more(bank, LiveBounds(min_ndcg_of_popularity=50.0), 5)
    assert (why := trained(bank)) is not None
    assert why.startswith(f"{before} stays live: [live] of the mapping asks min_ndcg_of_popularity 50, and model ")
    assert latest(bank.home).name == before
    ask_more(bank, EASY, 5)
    assert trained(bank) is None
    assert latest(bank.home).name not in (before, "kernel-final")
    live = read_live(bank.home)
    assert live.is_gated
    assert latest(bank.home).name.startswith("kernel-final@")
    assert [one.is_gate for one in live.history] == [True] * len(live.history)
    # Nothing is measured twice.
    kept = (bank.home.models / FILE).read_bytes()
    assert bank.train(Train("kernel", final=True, fixed=True, blocks=())).unkept is None
    assert (bank.home.models / FILE).read_bytes() == kept


def test_the_first_model_answers_since_there_is_no_other(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, LiveBounds(min_ndcg_of_popularity=50.0))
    why = trained(bank)
    assert why is not None
    assert why.startswith("there is no other model, so kernel-final answers: [live] of the mapping asks")


def test_without_a_tested_model_nothing_can_be_measured(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, EASY)
    trained(bank)
    (bank.home.models / "kernel-test").rename(bank.home.path / "elsewhere")
    with pytest.raises(NotApproved, match="there is no tested model of the configuration and snapshot of kernel-final"):
        bank.switch_model(SwitchModel("promote", "kernel-final", measure=True))


def test_the_command(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, LiveBounds())
    words = ["--home", str(tmp_path), "models"]
    trained(bank)
    assert "nothing is asked" in CliRunner().invoke(app, [*words, "check", "kernel-final"]).stdout
    ask_more(bank, LiveBounds(max_group_gap=0.05))
    trained(bank)
    done = CliRunner().invoke(app, [*words, "check", "kernel-final"])
    assert (done.exit_code, "not kept" in done.stdout) == (7, True)
    assert "1 bounds of [live] are not kept, first max_group_gap 0.05: 0." in done.stderr
    plain = json.loads(CliRunner().invoke(app, [*words, "check", "kernel-final", "--json"]).stdout)
    assert (plain["bounds"][0]["name"], plain["bounds"][0]["kept"]) == ("max_group_gap", False)
    assert CliRunner().invoke(app, [*words, "promote", "kernel-final"]).exit_code == 3
    forced = [*words, "promote", "kernel-final", "--force", "--reason", "known"]
    assert CliRunner().invoke(app, forced).exit_code == 0
    for wrong in (["follow", "--force"], ["promote", "kernel-final", "--force"], ["promote", "x", "--reason", "y"]):
        assert CliRunner().invoke(app, [*words, *wrong]).exit_code == 2


def test_bounds_come_from_the_mapping_and_an_empty_table_changes_no_hash(tmp_path: Path) -> None:
    text = """[source]
name = "bank"
files = {}
[roles]
user = "User"
product = "Product"
interactions = ["BOUGHT"]
[live]
min_overlap = 0.9
"""
    assert parse_mapping(text, "x.toml").live == LiveBounds(min_overlap=0.9)
    with pytest.raises(SourceError, match=r"min_overlap"):
        parse_mapping(text.replace("0.9", "1.9"), "x.toml")
    with pytest.raises(SourceError, match=r"min_overlop"):
        parse_mapping(text.replace("min_overlap", "min_overlop"), "x.toml")
    plain = schema()
    assert "live" not in plain.to_json()
    asked = schema(live=LiveBounds(max_damage=0.5))
    assert GraphSchema.from_json(asked.to_json()) == asked
    assert plain.merge(asked).live == asked.merge(schema(live=LiveBounds())).live == LiveBounds(max_damage=0.5)
    assert live_bounds(Home(tmp_path)) == LiveBounds()
