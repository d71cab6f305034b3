"""A customer is forgotten: no byte of that one is left, and all others are answered as if that one had never been."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, UnknownId, UsageError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.privacy.search import search
from graphrec.privacy.suppression import FILE
from graphrec.store import open_store
from graphrec.store.checks.check import check
from graphrec.terms.folder import read_meta
from tests.privacy.people import name_of, write_people

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")
GONE, ALONE, OTHER = "KUNDE-008", "KUNDE-007", "KUNDE-010"
TEXTS = (GONE, ALONE, name_of(8), name_of(7), "q08@mail.example", "q07@mail.example", "T008-", "Lighthouse keeper 7")


def bank_of(home: Path) -> Bank:
    return Bank(Settings(home=home, policy="none"))


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a store, a tested and a final model, and traces of customers wherever there may be any."""
    folder = tmp_path_factory.mktemp("traces")
    bank = bank_of(shutil.copytree(people / "home", folder / "home"))
    for user in (GONE, ALONE, OTHER):
        bank.recommend(requests.Recommend(user, 3))
    bank.find(requests.Find(GONE))
    bank.export(jobs.Export(folder / "lists.csv", k=3))
    for user in (GONE, ALONE, OTHER):
        bank.send_event(requests.SendEvent(user, "viewed", "P01", id=f"event-of-{user}"))
    consumed = folder / "events.jsonl"
    consumed.write_text(json.dumps({"id": "e1", "user": GONE, "type": "no such type", "at": "2025-01-01"}) + "\n")
    bank.consume(jobs.Consume(str(consumed)))
    batch = {"batch": 1, "lists": {GONE: ["P01"], OTHER: ["P02"]}}
    journal = json.dumps({"format": 1, "key": "k"}) + "\n" + json.dumps(batch)
    (bank.home.vault / "exports" / "to-00.jsonl").write_text(journal)
    campaign = bank.home.vault / "campaigns" / "spring" / "plan.json"
    campaign.parent.mkdir(parents=True)
    campaign.write_text(json.dumps({"contacts": [{"user": GONE, "product": "P1"}], "control": [ALONE, OTHER]}))
    bank.home.rejected.write_text(f"shown\n{GONE}\n")
    bank.home.logs.mkdir(exist_ok=True)
    (bank.home.logs / "2025-12.log").write_text(f"2025-12-01 DEBUG about {GONE}\n2025-12-01 INFO load\n")
    return folder / "home"


@pytest.fixture(scope="module")
def forgotten(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bank, dict[str, object], Path]:
    """The same home after two customers were forgotten, what the command said, and the certificate of the persons."""
    folder = tmp_path_factory.mktemp("forgotten")
    shutil.copytree(trained, folder / "home")
    bank = bank_of(folder / "home")
    (folder / "gone.txt").write_text(f"{ALONE}\n\n")
    done = bank.forget(jobs.Forget((GONE,), folder / "gone.txt", "asked"))
    (folder / "certificate.json").write_text(done.document)
    return bank, {"removed": done.removed, "kept": done.kept, "notes": done.notes, "path": done.certificate}, folder


def test_no_byte_is_left(trained: Path, forgotten: tuple[Bank, dict[str, object], Path]) -> None:
    bank, said, _ = forgotten
    assert len(search(trained, TEXTS).found) > 10
    left = search(bank.home.path, TEXTS)
    # The item side of before, by which entries of others are replayed, is named in the certificate.
    kept = [one for one in left.found if one.startswith("records/kept/files/")]
    assert [one for one in left.found if one not in kept] == []
    assert not search(bank.home.path, [one for one in TEXTS if not one.startswith("Lighthouse")]).found
    assert any(one.place == "records/kept" and "Job" in one.why for one in said["kept"])  # type: ignore[attr-defined]


def test_the_answer_counts_every_place(forgotten: tuple[Bank, dict[str, object], Path]) -> None:
    removed = forgotten[1]["removed"]
    assert isinstance(removed, dict)
    counts = {"events": 2, "dead letters": 1, "rejected rows": 1, "log lines": 1, "series rows": 4}
    assert {name: removed[name] for name in counts} == counts
    assert (removed["store: Customer"], removed["store: Job"], removed["campaign contacts"]) == (2, 1, 2)
    assert removed["lists sent"] == 3  # two in the last export, one in the journal of a receiver
    assert (removed["record: keys"], removed["record: entries made unreadable"]) == (2, 4)
    assert removed["models, fitted again"] == 2


@pytest.mark.slow
def test_the_bank_is_as_if_they_had_never_been(forgotten: tuple[Bank, dict[str, object], Path], tmp_path: Path) -> None:
    """Snapshot, models and lists are those of a bank that never had them, byte for byte."""
    bank = forgotten[0]
    never = bank_of(tmp_path / "home")
    never.load(jobs.Load(str(write_people(tmp_path / "data", without=(7, 8)))))
    never.send_event(requests.SendEvent(OTHER, "viewed", "P01", id=f"event-of-{OTHER}"))
    never.train(jobs.Train("ease", fixed=True))
    never.train(jobs.Train("ease", fixed=True, final=True))
    hashes = [SnapshotShelf(one.home.snapshots).latest().hash for one in (bank, never)]
    assert hashes[0] == hashes[1]
    for name in ("ease-test", "ease-final"):
        assert read_meta(bank.home.models / name).hash == read_meta(never.home.models / name).hash
    for number in (3, 10, 27, 38):
        user = f"KUNDE-{number:03}"
        lists = [one.recommend(requests.Recommend(user, 5, record=False)).answer.items for one in (bank, never)]
        assert lists[0] == lists[1]
    with open_store(None, bank.home.store) as store:
        assert check(store, deep=True) == []


def test_the_record_verifies_and_others_replay(forgotten: tuple[Bank, dict[str, object], Path]) -> None:
    bank = forgotten[0]
    assert bank.verify_record(jobs.VerifyRecord()).problems == []
    entries = bank.record_list(jobs.ListRecord(last=1000))
    erased = [one for one in entries if one.is_erased]
    assert len(erased) == 4
    others = [one.record for one in entries if one.command in ("recommend", "export") and one.user is not None]
    assert len(others) == 39
    assert [one.differences for one in bank.replays(others) if not one.same] == []
    assert entries[-1].command == "forget"


def test_the_certificate_is_checked_without_graphrec(forgotten: tuple[Bank, dict[str, object], Path]) -> None:
    """By the script of docs/privacy.md; another signature, another person and another record are told."""
    bank, said, folder = forgotten
    script = re.search(r"```python\n(import hashlib.+?)```", PAGE, re.DOTALL)
    assert script is not None
    assert len(script[1].splitlines()) <= 60
    (folder / "check.py").write_text(script[1])

    def checked(certificate: Path, *more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(folder / "check.py"), str(certificate), *more],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code, text = checked(folder / "certificate.json", str(bank.home.path))
    assert (code, GONE in text, "0 files hold" in text) == (0, True, True), text
    path = said["path"]
    assert isinstance(path, Path)
    assert checked(path)[0] == 0
    assert GONE not in path.read_text()
    content = json.loads((folder / "certificate.json").read_text())
    for name, change in (
        ("removed", {}),
        ("opens", [{"user": OTHER, "nonce": content["opens"][0]["nonce"]}]),
        ("record", {"entry": 1, "anchor": content["record"]["anchor"][:-1] + "0"}),
    ):
        (folder / "changed.json").write_text(json.dumps({**content, name: change}))
        assert checked(folder / "changed.json", str(bank.home.path))[0] == 1


@pytest.mark.slow
def test_they_do_not_come_back(forgotten: tuple[Bank, dict[str, object], Path], tmp_path: Path) -> None:
    home = Home(shutil.copytree(forgotten[0].home.path, tmp_path / "home"))
    bank = bank_of(home.path)
    before = SnapshotShelf(home.snapshots).latest().hash
    mapping = write_people(tmp_path / "data")
    trades = tmp_path / "data" / "trades.csv"
    trades.write_text(trades.read_text() + f"T9,{OTHER},P02,2025-12-24\nT9,{GONE},P02,2025-12-24\n")
    loaded = bank.load(jobs.Load(str(mapping)))
    assert loaded.report.nodes["Customer"].suppressed == 2
    assert loaded.report.edges["BOUGHT"].suppressed > 4
    assert loaded.rejected == 0
    assert SnapshotShelf(home.snapshots).latest().hash != before
    feed = tmp_path / "feed.jsonl"
    event = {"id": "e9", "user": GONE, "type": "viewed", "product": "P01", "at": "2025-01-01"}
    feed.write_text(json.dumps(event) + "\n")
    consumed = bank.consume(jobs.Consume(str(feed)))
    assert (consumed.accepted, consumed.dead, consumed.suppressed) == (0, 0, 1)
    found = search(home.path, [one for one in TEXTS if not one.startswith("Lighthouse")]).found
    assert found == ()
    again = bank.forget(jobs.Forget((GONE,)))
    assert again.certificate is None or "store: Customer" not in again.removed


@pytest.mark.slow
def test_one_that_was_killed_while_the_store_was_read_keeps_the_models(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = shutil.copytree(trained, tmp_path / "home")
    models = {path.name for path in (home / "serving" / "models").glob("[!.]*")}

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("graphrec.store.read.snapshot_inputs", killed)
        bank_of(home).forget(jobs.Forget((GONE,), reason="asked"))
    done = bank_of(home).forget(jobs.Forget((GONE,), reason="asked"))
    assert not [note for note in done.notes if "mapping" in note]
    assert models == {path.name for path in (home / "serving" / "models").glob("[!.]*")}
    assert bank_of(home).recommend(requests.Recommend(OTHER, 3, record=False)).answer.items


def test_a_second_time_nothing_is_done(forgotten: tuple[Bank, dict[str, object], Path], tmp_path: Path) -> None:
    home = Home(shutil.copytree(forgotten[0].home.path, tmp_path / "home"))
    done = bank_of(home.path).forget(jobs.Forget((GONE,)))
    assert (done.certificate, done.removed) == (None, {})
    assert done.notes == ("nothing to do: forgotten before, and nothing of them is left",)


def test_who_is_nowhere_is_refused(forgotten: tuple[Bank, dict[str, object], Path], tmp_path: Path) -> None:
    bank = forgotten[0]
    with pytest.raises(UnknownId, match="no user 'KUNDE-999' in the store, the events or the record; nothing was"):
        bank.forget(jobs.Forget((OTHER, "KUNDE-999")))
    with pytest.raises(UsageError, match="who\\? graphrec forget USER"):
        bank.forget(jobs.Forget())
    home = Home(shutil.copytree(bank.home.path, tmp_path / "home"))
    (home.vault / FILE).write_text("[]")
    with pytest.raises(Damaged, match=r"suppressed\.json is damaged .* restore it from a backup before anything is"):
        bank_of(home.path).load(jobs.Load(str(write_people(tmp_path / "data"))))
