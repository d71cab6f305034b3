"""Answers in the record: what an entry says, what it does not say, and that it can be computed again."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphrec import __version__
from graphrec.delivery.export import export_lists
from graphrec.errors import RecordError
from graphrec.home import Home
from graphrec.records.blocks import canonical, segments
from graphrec.records.decision import Decisions, Request, versions
from graphrec.records.read import entry_of
from graphrec.records.replay import replay
from graphrec.records.verify import verify
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.sentences import Sentences

OPTIONS: dict[str, Any] = {"reasons": 3}


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own with the served snapshot and model."""
    shutil.copytree(served_home.path, tmp_path / "home", ignore=shutil.ignore_patterns("records"))
    return Home(tmp_path / "home")


@pytest.fixture
def recorded(home: Home) -> Home:
    """One list, one explanation and one export of all users."""
    engine = Engine.open(home)
    answer = engine.recommend("C003", 4, ListOptions(**OPTIONS))
    assert Decisions(home, engine, Request("recommend", 4, OPTIONS)).add([answer]) == range(1, 2)
    product = answer.items[0].product
    told = Decisions(home, engine, Request("explain", 4)).add([engine.explain("C003", product, 4)], product)
    assert told == range(2, 3)
    export = Decisions(home, engine, Request("export", 3, {"reasons": 1}))
    export_lists(engine, home.path / "lists.csv", 3, record=lambda answers: told_of(export.add(answers)))
    return home


def told_of(numbers: range) -> None:
    assert len(numbers) > 0


def test_an_entry_says_what_was_asked_on_what_and_what_was_shown(recorded: Home) -> None:
    engine = Engine.open(recorded)
    plain = entry_of(recorded.records, 1).to_json()
    answer = engine.recommend("C003", 4, ListOptions(**OPTIONS))
    assert plain["request"] == {"command": "recommend", "k": 4, "options": OPTIONS, "as_of": None}
    assert plain["snapshot"] == {"hash": engine.snapshot.hash, "as_of": None}
    assert plain["model"] == {"name": "blend-final", "hash": engine.model.hash}
    assert plain["policy"] == {"version": engine.policy.version, "hash": engine.policy.hash}
    assert plain["versions"] == versions()
    assert plain["versions"]["graphrec"] == __version__
    assert (plain["user"], plain["as_of"], plain["notes"]) == ("C003", answer.as_of, list(answer.notes))
    assert plain["refused"] == answer.refused
    assert plain["candidates"] == int(engine.eligibility.mask(engine.users.ids.find("C003")).sum())
    assert canonical(plain["answer"]["items"]) == canonical(answer.items)


def test_an_explanation_is_recorded_with_every_line(recorded: Home) -> None:
    found = entry_of(recorded.records, 2)
    (item,) = found.entry["answer"]["items"]
    assert found.entry["product"] == item["product"]
    assert sum(line["share"] for line in item["lines"]) + item["rest"] == pytest.approx(item["score"], abs=1e-9)
    assert found.entry["refused"] == entry_of(recorded.records, 1).entry["refused"]


def test_an_export_is_one_entry_per_user_with_what_was_delivered(recorded: Home) -> None:
    engine = Engine.open(recorded)
    assert verify(recorded.records).entries == 2 + len(engine.users)
    delivered = (recorded.path / "lists.csv").read_text("utf-8")
    for number, user in ((3, engine.users.ids[0]), (2 + len(engine.users), engine.users.ids[len(engine.users) - 1])):
        found = entry_of(recorded.records, number)
        assert found.entry["user"] == user
        for item in found.entry["answer"]["items"]:
            assert set(item) == {"rank", "product", "score", "lines", "rest"}
            assert all(line["text"] in delivered for line in item["lines"])
    assert entry_of(recorded.records, 2 + len(engine.users)).entry["answer"]["items"] == []


def test_nothing_personal_and_nobody_else_is_in_the_record(recorded: Home) -> None:
    users = set(Engine.open(recorded).users.ids)
    for number in (1, 2, 3, 20):
        found = entry_of(recorded.records, number)
        text = json.dumps(found.to_json())
        assert "Person" not in text
        assert {user for user in users if f'"{user}"' in text} == {found.entry["user"]}


def everything(recorded: Home) -> Iterator[int]:
    yield from range(1, verify(recorded.records).entries + 1)


def test_every_entry_replays_to_the_same_bytes(recorded: Home) -> None:
    for number in everything(recorded):
        done = replay(recorded, entry_of(recorded.records, number))
        assert (done.entry, done.same, done.differences, done.versions) == (number, True, (), ())


def test_a_replay_does_not_need_what_the_home_serves_now(recorded: Home) -> None:
    shutil.rmtree(recorded.snapshots)
    shutil.rmtree(recorded.models)
    assert replay(recorded, entry_of(recorded.records, 1)).same


def test_a_replay_says_what_is_gone_or_changed(recorded: Home) -> None:
    found = entry_of(recorded.records, 1)
    kept = recorded.records / "kept"
    (policy,) = (kept / "policies").iterdir()
    text = policy.read_text("utf-8")
    for broken, what in (
        (text.replace('"held"', '"hold"'), r"policy \w{16} was changed: .* has hash \w{16}; restore it from a backup"),
        ("{", r"policy \w{16} cannot be read from "),
        (None, r"policy \w{16} is gone: there is no "),
    ):
        policy.unlink()
        if broken is not None:
            policy.write_text(broken, "utf-8")
        assert_differs(recorded, what)
    (model,) = (kept / "models").iterdir()
    arrays = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").write_bytes(arrays[:-1] + bytes([arrays[-1] ^ 1]))
    assert_differs(recorded, r"model blend-final \w{16} was changed: ")
    (snapshot,) = (kept / "snapshots").iterdir()
    snapshot.rename(snapshot.with_name("elsewhere"))
    assert_differs(recorded, rf"snapshot {found.shared['snapshot']['hash'][:16]} is gone: there is no ")


def assert_differs(home: Home, what: str) -> None:
    done = replay(home, entry_of(home.records, 1))
    assert not done.same
    (told,) = done.differences
    assert re.match(what, told), told


def test_a_replay_names_the_lines_that_differ(recorded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Sentences.path
    monkeypatch.setattr(Sentences, "path", lambda *given: f"it is said that {said(*given)}")
    monkeypatch.setattr("graphrec.records.replay.versions", lambda: {"graphrec": "9.0", "numpy": "2"})
    done = replay(recorded, entry_of(recorded.records, 2))
    assert not done.same
    assert done.versions[0] == f"graphrec was {__version__}, is 9.0"
    product = entry_of(recorded.records, 2).entry["product"]
    *told, last = done.differences
    assert re.fullmatch(r"and \d+ more", last)
    assert all(one.startswith(f"answer items {product} lines ") for one in told)
    assert any(" lines it is said that " in one and one.endswith("was not there") for one in told)


def test_a_model_that_changed_under_the_answer_is_not_recorded(home: Home) -> None:
    engine = Engine.open(home)
    meta = engine.model.folder / "meta.json"
    meta.write_text(meta.read_text("utf-8").replace(engine.model.hash, "1" * 64), "utf-8")
    answer = engine.recommend("C003", 4)
    with pytest.raises(RecordError, match="model blend-final was trained anew while it answered; run this again"):
        Decisions(home, engine, Request("recommend", 4, OPTIONS)).add([answer])
    assert segments(home.records) == []
    assert list((home.records / "kept" / "models").iterdir()) == []


def test_a_list_that_the_policy_shortens_replays(home: Home) -> None:
    """The sentence why depends on whether the rules are the built-in ones, and the record keeps no file's name."""
    home.policy.write_text('version = "1"\n[[rule]]\nid = "none"\nsentence = "not now"\nrequire = "False"\n', "utf-8")
    for k in (4, 100):
        engine = Engine.open(home)
        answer = engine.recommend("C003", k)
        assert answer.abstained is not None
        Decisions(home, engine, Request("recommend", k)).add([answer])
        home.policy.unlink(missing_ok=True)
    for number in (1, 2):
        done = replay(home, entry_of(home.records, number))
        assert (done.same, done.differences) == (True, ())
