"""Answers in the record: what an entry says, what it does not say, and that it can be computed again."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from graphrec import __version__
from graphrec.errors import RecordError
from graphrec.home import Home
from graphrec.records.blocks import canonical, segments
from graphrec.records.decision import Decisions, Request, platform_name, unpacked, versions
from graphrec.records.keep import Pruned, prune
from graphrec.records.read import entry_of
from graphrec.records.replay import Replayer, replay
from graphrec.records.verify import verify
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.sentences import Sentences
from tests.records.conftest import OPTIONS
from tests.served import rewrite_meta


def test_an_entry_says_what_was_asked_on_what_and_what_was_shown(recorded: Home) -> None:
    engine = Engine.open(recorded)
    plain = entry_of(recorded.records, 1).to_json()
    answer = engine.recommend("C003", 4, ListOptions(**OPTIONS))
    nothing = {"as_of": None, "amount": None, "channel": None, "purpose": None}
    assert plain["request"] == {"command": "recommend", "k": 4, "options": vars(ListOptions(**OPTIONS)), **nothing}
    assert plain["snapshot"] == answer.snapshot
    assert plain["facts"]["hash"] == answer.facts == engine.snapshot.hash
    assert (plain["facts"]["as_of"], plain["facts"]["until"], plain["now"]) == (None, answer.facts_as_of, None)
    assert plain["known"]["user"] == "C003"
    assert plain["known"]["rows"]["BOUGHT"]["to"]
    assert plain["model"] == {"name": "blend-final", "hash": engine.model.hash}
    assert plain["policy"] == {
        "version": engine.policy.version,
        "hash": engine.policy.hash,
        "rules": ["held", "offered"],
    }
    user = engine.users.ids.find("C003")
    assert unpacked(plain["left"], len(engine.products)).tolist() == engine.eligibility.mask(user).tolist()
    assert (plain["read"], len(plain["judged"])) == ({}, len(answer.items))
    assert plain["judged"][0] == {"outcomes": "mm", "values": {"product.status": "open"}}
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
            assert set(item) == {
                "rank",
                "product",
                "name",
                "score",
                "confidence",
                "warnings",
                "reasons",
                "lines",
                "rest",
            }
            assert item["reasons"][0]["text"] in delivered
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


@pytest.mark.slow
def test_every_entry_replays_to_the_same_bytes(recorded: Home) -> None:
    with Replayer(recorded) as replayer:
        again = [replayer.replay(entry_of(recorded.records, number)) for number in everything(recorded)]
    for number, done in enumerate(again, start=1):
        assert (done.entry, done.same, done.differences, done.versions) == (number, True, (), ())


def test_a_replay_does_not_need_what_the_home_serves_now(recorded: Home) -> None:
    shutil.rmtree(recorded.snapshots)
    shutil.rmtree(recorded.models)
    assert replay(recorded, entry_of(recorded.records, 1)).same


def test_kept_copies_are_copies_and_a_file_is_kept_once(recorded: Home) -> None:
    kept = list((recorded.records / "kept" / "files").iterdir())
    assert kept
    assert all(file.stat().st_nlink == 1 and not file.is_symlink() for file in kept)
    assert all(hashlib.sha256(file.read_bytes()).hexdigest() == file.name for file in kept)
    # Damage in the home does not reach what replays read.
    for arrays in (*recorded.models.rglob("*.safetensors"), *recorded.snapshots.rglob("*.npy")):
        with arrays.open("r+b") as file:
            file.write(b"damage" * 20)
    assert replay(recorded, entry_of(recorded.records, 1)).same


def test_versions_share_the_files_that_are_equal(recorded: Home) -> None:
    before = {file.name for file in (recorded.records / "kept" / "files").iterdir()}
    folder = recorded.models / "blend-final"
    rewrite_meta(folder, seconds=1.5)
    shutil.rmtree(recorded.records / "kept" / "models")
    engine = Engine.open(recorded)
    Decisions(recorded, engine, Request("recommend", 4, ListOptions())).add([engine.recommend("C003", 4)])
    after = {file.name for file in (recorded.records / "kept" / "files").iterdir()}
    assert before < after
    assert len(after - before) == 1


def test_prune_frees_what_only_old_entries_need_and_says_so(recorded: Home) -> None:
    entries = verify(recorded.records).entries
    assert prune(recorded.records, datetime(2020, 1, 1, tzinfo=UTC)) == Pruned(0, 0, 0)
    held = sum(file.stat().st_size for file in (recorded.records / "kept").rglob("*") if file.is_file())
    done = prune(recorded.records, datetime.now(UTC) + timedelta(days=1))
    assert (done.removed, done.entries) == (3, entries)
    assert done.freed_bytes == held
    assert not list((recorded.records / "kept" / "files").iterdir())
    assert (verify(recorded.records).entries, verify(recorded.records).problems) == (entries, [])
    assert_differs(recorded, r"facts \w{16} was removed by graphrec record prune --before 20\d\d-\d\d-\d\d; entries ")
    engine = Engine.open(recorded)
    decisions = Decisions(recorded, engine, Request("recommend", 4, ListOptions()))
    (number,) = decisions.add([engine.recommend("C003", 4)])
    assert replay(recorded, entry_of(recorded.records, number)).same


def test_another_platform_is_named_and_is_no_tampering(recorded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found = entry_of(recorded.records, 1)
    assert found.shared["platform"] == platform_name()
    monkeypatch.setattr("graphrec.records.replay.platform_name", lambda: "Linux other")
    assert replay(recorded, found).other_platform is None
    monkeypatch.setattr(Sentences, "say", lambda self, key, **values: f"other {key}")
    done = replay(recorded, entry_of(recorded.records, 2))
    assert not done.same
    assert done.other_platform is not None
    assert done.other_platform.startswith(f"entry 2 was computed on {platform_name()}, this is Linux other; ")


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
    policy.write_text(text, "utf-8")
    (model,) = (kept / "models").iterdir()
    arrays = kept / "files" / json.loads(model.read_bytes())["files"]["model.safetensors"]
    content = arrays.read_bytes()
    arrays.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert_differs(recorded, r"model blend-final \w{16} was changed: ")
    arrays.unlink()
    assert_differs(recorded, r".*/kept/files/\w{64}, which blend-final-.*\.json names, is gone; restore it")
    arrays.write_bytes(content)
    text = model.read_text("utf-8")
    model.write_text(text.replace("model.safetensors", "model.safetensorr"), "utf-8")
    assert_differs(recorded, r".*/models/blend-final-.*\.json is damaged: it names no model\.safetensors; restore it")
    (facts,) = (kept / "facts").iterdir()
    facts.rename(facts.with_name("elsewhere"))
    assert_differs(recorded, rf"facts {found.shared['facts']['hash'][:16]} is gone: there is no ")


def assert_differs(home: Home, what: str) -> None:
    done = replay(home, entry_of(home.records, 1))
    assert not done.same
    (told,) = done.differences
    assert re.match(what, told), told


def test_a_replay_names_the_lines_that_differ(recorded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Sentences.path
    monkeypatch.setattr(Sentences, "path", lambda *given, **named: f"it is said that {said(*given, **named)}")
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
    folder = engine.model.folder
    rewrite_meta(folder, hash="1" * 64)
    answer = engine.recommend("C003", 4)
    with pytest.raises(RecordError, match="model blend-final was trained anew while it answered; run this again"):
        Decisions(home, engine, Request("recommend", 4, ListOptions(**OPTIONS))).add([answer])
    assert segments(home.records) == []
    assert list((home.records / "kept" / "models").glob("*")) == []


def test_a_list_that_the_policy_shortens_replays(home: Home) -> None:
    """The sentence why depends on whether the rules are the built-in ones, and the record keeps no file's name."""
    home.policy.write_text('version = "1"\n[[rule]]\nid = "none"\nsentence = "not now"\nrequire = "False"\n', "utf-8")
    for k in (4, 100):
        engine = Engine.open(home)
        answer = engine.recommend("C003", k)
        assert answer.abstained is not None
        Decisions(home, engine, Request("recommend", k, ListOptions())).add([answer])
        home.policy.unlink(missing_ok=True)
    for number in (1, 2):
        done = replay(home, entry_of(home.records, number))
        assert (done.same, done.differences) == (True, ())
