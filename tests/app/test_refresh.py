"""Refresh: only what changed is done, and what was killed goes on."""

import configparser
import inspect
import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from graphrec.app.data.refresh import Refreshed
from graphrec.app.jobs import AskQuery, Refresh
from graphrec.app.requests import Recommend
from graphrec.cli.commands import COMMANDS
from graphrec.errors import UsageError
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from tests.app.test_facts import bank_in, purchases, write_files

NIGHTLY = Path(__file__).resolve().parents[2] / "docs" / "nightly"


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, and a home that was refreshed from them."""
    folder = tmp_path_factory.mktemp("refresh")
    write_files(folder / "files", purchases())
    done = run(folder)
    assert [(step.name, step.did) for step in done.steps] == [("load", True), ("train", True), ("export", True)]
    assert not done.unchanged
    assert done.steps[0].counts["created"] == 25 + 8 + len(purchases())
    assert done.steps[1].counts == {"models": 2}
    assert done.steps[2].counts["users"] == 25
    return folder


@pytest.fixture
def shop(refreshed: Path, tmp_path: Path) -> Path:
    shutil.copytree(refreshed, tmp_path / "shop")
    run(tmp_path / "shop")
    return tmp_path / "shop"


def run(folder: Path, *, train: bool = True) -> Refreshed:
    mapping = str(folder / "files" / "shop.toml")
    request = Refresh((mapping,), model="popularity", train=train, to=str(folder / "lists.csv"))
    return bank_in(folder).refresh(request)


def did(done: Refreshed) -> dict[str, bool]:
    return {step.name: step.did for step in done.steps}


def test_a_second_refresh_has_nothing_to_do(shop: Path) -> None:
    before = (shop / "lists.csv").read_bytes()
    done = run(shop)
    assert done.unchanged
    assert not any(did(done).values())
    assert (shop / "lists.csv").read_bytes() == before


@pytest.mark.slow
def test_a_purchase_changes_facts_model_and_lists(shop: Path) -> None:
    write_files(shop / "files", [*purchases(), ("c00", "p1", "2025-05-30")])
    assert did(run(shop)) == {"load": True, "train": True, "export": True}
    assert run(shop).unchanged


def test_without_training_the_rows_of_now_count(shop: Path) -> None:
    model = bank_in(shop).recommend(Recommend("c00", 1)).answer.snapshot
    write_files(shop / "files", [*purchases(), ("c00", "p1", "2025-05-30")])
    assert did(run(shop, train=False)) == {"load": True, "export": True}
    answer = bank_in(shop).recommend(Recommend("c00", 8)).answer
    assert answer.snapshot == model
    assert "p1" not in {item.product for item in answer.items}


def test_a_list_that_is_gone_is_made_again(shop: Path) -> None:
    (shop / "lists.csv").unlink()
    assert did(run(shop)) == {"load": False, "train": False, "export": True}


@pytest.mark.slow
def test_a_killed_refresh_is_run_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(shop / "files", [*purchases(), ("c00", "p1", "2025-05-30")])

    def killed(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    for step in (
        "graphrec.app.data.prepare.publish",
        "graphrec.app.models.fit.train",
        "graphrec.app.lists.deliver.export",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(step, killed)
            with pytest.raises(KeyboardInterrupt):
                run(shop)
    assert did(run(shop)) == {"load": False, "train": False, "export": True}
    assert run(shop).unchanged


@pytest.mark.slow
def test_portraits_are_computed_between_load_and_train(shop: Path) -> None:
    (shop / "home" / "portrait.toml").write_text("[[tag]]\nid = 'buyer'\nwhen = \"count('BOUGHT') >= 1\"\n", "utf-8")
    done = run(shop)
    assert did(done) == {"load": False, "portrait": True, "train": True, "export": True}
    assert done.steps[1].counts == {"customers": 25}
    assert run(shop).unchanged
    snapshot = SnapshotShelf(bank_in(shop).home.snapshots).latest()
    assert "portrait_holdings" in snapshot.nodes(snapshot.schema.roles.user).columns


def test_without_a_mapping_the_facts_of_a_changed_store_are_published(shop: Path) -> None:
    bank = bank_in(shop)
    assert did(bank.refresh(Refresh(train=False))) == {"facts": False}
    before = FactsShelf(bank.home.facts).latest().hash
    bank.query(AskQuery("MATCH (p:Product {id: 'p1'}) SET p.name = 'other'", write=True))
    assert did(bank.refresh(Refresh(train=False))) == {"facts": True}
    assert FactsShelf(bank.home.facts).latest().hash != before
    with pytest.raises(UsageError, match="--data x goes with a mapping"):
        bank.refresh(Refresh(data=Path("x")))


def test_the_files_of_the_nightly_page_run_the_command() -> None:
    (line,) = [one for one in (NIGHTLY / "crontab").read_text("utf-8").splitlines() if "graphrec" in one]
    assert re.match(r"\d+ \d+ \* \* \*  cd \S+ && flock --nonblock ", line)
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(NIGHTLY / "graphrec-refresh.service")
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(NIGHTLY / "graphrec-refresh.timer")
    assert (timer["Timer"]["OnCalendar"], unit["Service"]["Type"]) == ("*-*-* 02:30:00", "oneshot")
    page = (NIGHTLY.parent / "nightly.md").read_text("utf-8")
    assert line in page
    for said in (
        line.partition("graphrec ")[2].partition(" >>")[0],
        unit["Service"]["ExecStart"].partition("graphrec ")[2],
    ):
        name, *options = shlex.split(said)
        assert name in COMMANDS

        known = inspect.signature(import_module(COMMANDS[name][0]).command).parameters
        assert all(option[2:].replace("-", "_") in known for option in options if option.startswith("--"))
