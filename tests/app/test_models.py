"""Which model is live: promotions, rollbacks, their history, and answers while it changes."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.models.opened import pointer
from graphrec.app.requests import Recommend, SwitchModel
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import CheckpointMismatch, Damaged, NotTrained, RecordError, UnknownId, UsageError
from graphrec.home import Home
from graphrec.terms.folder import FORMAT
from graphrec.terms.forms.blend import Blend
from graphrec.terms.live import FILE, keep_replaced, read_live, versions_of
from tests.served import copied, write_model


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home whose policy refuses nothing."""
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    home.policy.write_text('version = "1"\n', "utf-8")
    return home


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path))


def answer(bank: Bank) -> list[tuple[str, float]]:
    """The list of one customer."""
    items = bank.recommend(Recommend("C003", 3, record=False)).answer.items
    return [(item.product, item.score) for item in items]


def trained_anew(bank: Bank, weight: float) -> None:
    """Another final model in the place of the one that is there, as a training leaves it."""
    home = bank.home
    engine = bank.opened.engine(home, "blend", bank.now())
    terms = engine.model.blend.terms
    keep_replaced(home, home.models / "blend-final", FORMAT)
    write_model(home, engine.snapshot, Blend(list(terms), [1.0, weight]), engine.model.graph)
    meta = home.models / "blend-final" / "meta.json"
    later = meta.stat().st_mtime_ns + int(weight * 1e9)
    os.utime(meta, ns=(later, later))


def test_a_rollback_gives_the_answers_of_before(bank: Bank) -> None:
    old = answer(bank)
    trained_anew(bank, 3.0)
    new = answer(bank)
    assert new != old
    done = bank.switch_model(SwitchModel("rollback"))
    assert (answer(bank), done.action) == (old, "rollback")
    assert done.live.startswith("blend-final@")
    with pytest.raises(UsageError, match="nothing to go back to"):
        bank.switch_model(SwitchModel("rollback"))
    bank.switch_model(SwitchModel("follow"))
    assert answer(bank) == new
    # What was live when the newest was followed is what a rollback goes back to.
    bank.switch_model(SwitchModel("rollback"))
    assert answer(bank) == old


def test_a_promoted_model_stays_live_whatever_is_trained(bank: Bank) -> None:
    old = answer(bank)
    bank.switch_model(SwitchModel("promote", "blend-final"))
    trained_anew(bank, 3.0)
    assert answer(bank) == old
    bank.switch_model(SwitchModel("promote", "blend-final", by="Ms A"))
    new = answer(bank)
    assert new != old
    live = next(one for one in bank.models() if one.state == "live")
    assert (live.by, live.since) == ("Ms A", bank.switches()[-1].at)
    assert [one.state for one in bank.models() if one.id != live.id] == ["final", "kept"]
    bank.switch_model(SwitchModel("rollback"))
    assert answer(bank) == old
    bank.switch_model(SwitchModel("rollback"))
    assert answer(bank) == old  # what was live before the first promotion, though a training replaced it
    assert [one.action for one in bank.switches()] == ["promote", "promote", "rollback", "rollback"]


def test_a_switch_is_an_entry_of_the_record(bank: Bank) -> None:
    done = bank.switch_model(SwitchModel("promote", "blend-final", by="Ms A"))
    assert done.record is not None
    entry = bank.record_entry(done.record).entry["event"]["switch"]
    assert (entry["model"], entry["by"], entry["action"]) == (done.live, "Ms A", "promote")
    strict = Bank(Settings(home=bank.home.path, record=False, require_record=True))
    with pytest.raises(RecordError):
        strict.switch_model(SwitchModel("rollback"))
    assert len(bank.switches()) == 1  # what cannot be recorded is not done


def test_versions_that_nothing_goes_back_to_are_removed(bank: Bank) -> None:
    bank.switch_model(SwitchModel("promote", "blend-final"))
    promoted = read_live(bank.home).model
    for weight in (2.0, 3.0, 4.0, 5.0):
        trained_anew(bank, weight)
    names = [folder.name for folder in versions_of(bank.home, "blend-final")]
    assert len(names) == 3
    assert promoted in names


def test_what_cannot_answer_is_not_made_live(bank: Bank, home: Home) -> None:
    with pytest.raises(UnknownId, match=r"no model 'kernel-final'; there are blend-final"):
        bank.switch_model(SwitchModel("promote", "kernel-final"))
    shutil.copytree(home.models / "blend-final", home.models / "other-final")
    meta = home.models / "other-final" / "meta.json"
    meta.write_text(meta.read_text("utf-8").replace('"schema": "', '"schema": "0'), "utf-8")
    with pytest.raises((CheckpointMismatch, Damaged)):
        bank.switch_model(SwitchModel("promote", "other-final"))
    assert bank.switches() == ()


def test_the_pointer_sees_every_change_of_which_model_is_served(tmp_path: Path) -> None:
    home = Home(tmp_path)

    def made(name: str) -> Path:
        folder = home.models / name
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text("{}", "utf-8")
        return folder

    with pytest.raises(NotTrained):
        pointer(home, None)
    kernel = made("kernel-final")
    first = pointer(home, None)
    assert first == pointer(home, None)
    assert first[0] == kernel
    blend = made("blend-final")
    assert pointer(home, None)[0] == blend
    assert pointer(home, "kernel")[0] == kernel
    (blend / "meta.json").unlink()
    assert pointer(home, None) == first
    os.utime(kernel / "meta.json", ns=(1, 1))
    assert pointer(home, None)[0] == kernel
    assert pointer(home, None) != first
    shutil.rmtree(kernel)
    with pytest.raises(NotTrained):
        pointer(home, None)


def test_a_live_model_that_is_gone_is_said(bank: Bank, home: Home) -> None:
    name = bank.switch_model(SwitchModel("promote", "blend-final")).live
    shutil.rmtree(home.models / name)
    with pytest.raises(NotTrained, match="is live and is gone"):
        answer(bank)
    (home.models / FILE).write_text("{", "utf-8")
    with pytest.raises(Damaged, match="live.json is damaged"):
        answer(bank)


@pytest.mark.slow
def test_answers_while_the_model_changes_are_of_one_model(bank: Bank) -> None:
    answers = {"old": answer(bank)}
    bank.switch_model(SwitchModel("promote", "blend-final", record=False))
    trained_anew(bank, 3.0)
    bank.switch_model(SwitchModel("promote", "blend-final", record=False))
    answers["new"] = answer(bank)
    found: list[list[tuple[str, float]]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            found.append(answer(bank))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    took = []
    for _ in range(5):
        began = time.thread_time()
        bank.switch_model(SwitchModel("rollback", record=False))
        took.append(time.thread_time() - began)
        assert answer(bank) == answers["old"]
        bank.switch_model(SwitchModel("promote", "blend-final", record=False))
        assert answer(bank) == answers["new"]
    stop.set()
    for thread in asking:
        thread.join()
    assert len(found) > 5
    assert all(one in answers.values() for one in found)
    # The bar is a second; under load only processor time says what a rollback takes.
    assert min(took) < 1.0


def test_the_command_lists_promotes_and_rolls_back(home: Home) -> None:
    def run(*words: str) -> str:
        found = CliRunner().invoke(app, ["--home", str(home.path), "models", *words])
        assert found.exit_code == 0, found.output
        return found.stdout

    assert "blend-final" in run()
    assert "is live" in run("promote", "blend-final")
    plain = json.loads(run("--json"))
    assert {one["state"] for one in plain["models"]} == {"live", "final"}
    assert plain["history"][0]["action"] == "promote"
    refused = CliRunner().invoke(app, ["--home", str(home.path), "models", "promote"])
    assert isinstance(refused.exception, SystemExit | UsageError)
