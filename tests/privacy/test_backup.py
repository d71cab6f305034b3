"""A backup that is made while the home answers restores to the same answers; a killed one leaves nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.errors import RecordError, SettingsError, SourceError, UsageError
from graphrec.privacy.age import IDENTITY
from graphrec.privacy.search import search
from graphrec.privacy.suppression import FILE
from graphrec.store import open_store
from graphrec.store.checks.check import check
from tests.privacy.people import name_of, write_people

USER, GONE = "KUNDE-010", "KUNDE-008"


def bank_of(home: Path) -> Bank:
    return Bank(Settings(home=home, policy="none"))


@pytest.fixture(scope="module")
def bank(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank that answered, and has an event."""
    folder = tmp_path_factory.mktemp("kept")
    bank = bank_of(shutil.copytree(people / "home", folder / "home"))
    bank.recommend(requests.Recommend(GONE, 3))
    bank.send_event(requests.SendEvent(USER, "viewed", "P01", id="seen"))
    return bank


@pytest.fixture(scope="module")
def backup(bank: Bank) -> Path:
    """Made while another thread asks and sends events."""
    is_over, file = threading.Event(), bank.home.path.parent / "home.tar"

    def ask() -> None:
        number = 0
        while not is_over.is_set():
            bank.recommend(requests.Recommend("KUNDE-011", 3))
            bank.send_event(requests.SendEvent("KUNDE-011", "viewed", "P02", id=f"more-{number}"))
            number += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        done = bank.backup(jobs.Backup(file))
    finally:
        is_over.set()
        asking.join()
    assert (done.path, done.bytes) == (file, file.stat().st_size)
    return file


@pytest.mark.slow
def test_the_restored_home_gives_the_same_answers(bank: Bank, backup: Path, tmp_path: Path) -> None:
    restored = bank_of(tmp_path / "home")
    done = restored.restore(jobs.Restore(backup, keys=bank.home.keys))
    assert (done.forgotten, done.notes) == (0, ())
    for number in range(12, 40):
        asked = requests.Recommend(f"KUNDE-{number:03}", 4, record=False)
        assert restored.recommend(asked).answer == bank.recommend(asked).answer
    with open_store(None, restored.home.store) as store:
        assert check(store, deep=True) == []
    assert restored.verify_record(jobs.VerifyRecord()).problems == []
    assert restored.replay(1).same
    count = len(restored.record_list(jobs.ListRecord(last=10_000)))
    assert 1 <= count <= len(bank.record_list(jobs.ListRecord(last=10_000)))
    assert restored.events.log.of_user(USER) == bank.events.log.of_user(USER)
    # It goes on: the next entry follows the chain.
    restored.recommend(requests.Recommend(USER, 3))
    assert restored.verify_record(jobs.VerifyRecord()).problems == []


def test_no_key_is_in_it(backup: Path, tmp_path: Path) -> None:
    with tarfile.open(backup) as archive:
        assert not [name for name in archive.getnames() if "keys" in Path(name).parts]
    bare = bank_of(tmp_path / "home")
    done = bare.restore(jobs.Restore(backup))
    assert "its keys are in no backup" in done.notes[0]
    assert bare.verify_record(jobs.VerifyRecord()).problems == []
    with pytest.raises(RecordError, match="the key of this home is gone"):
        bare.record_list(jobs.ListRecord())


@pytest.mark.slow
def test_who_was_forgotten_later_is_forgotten_again(bank: Bank, backup: Path, tmp_path: Path) -> None:
    home = shutil.copytree(bank.home.path, tmp_path / "home")
    later = bank_of(home)
    later.forget(jobs.Forget((GONE,)))
    done = bank_of(home).restore(jobs.Restore(backup, replace=True))
    assert done.forgotten == 1
    assert search(home, (GONE, name_of(8))).found == ()
    assert bank_of(home).recommend(requests.Recommend(USER, 3)).answer.items
    # Without the keys nobody can tell who was forgotten, and nothing is loaded.
    shutil.rmtree(home / "vault" / "keys")
    assert (home / "vault" / FILE).exists()
    with pytest.raises(RecordError, match=r"suppressed\.json cannot be read without the keys"):
        bank_of(home).load(jobs.Load(str(write_people(tmp_path / "data", products=13))))


def test_a_changed_or_cut_file_is_refused_whole(bank: Bank, backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    for changed in (content[: len(content) // 2], content.replace(b"House 1", b"House 9", 1), b"nothing"):
        (tmp_path / "changed.tar").write_bytes(changed)
        with pytest.raises(SourceError, match="no whole backup"):
            bank_of(tmp_path / "home").restore(jobs.Restore(tmp_path / "changed.tar"))
        assert not (tmp_path / "home").exists()
    with pytest.raises(UsageError, match="is there already; name a new file"):
        bank.backup(jobs.Backup(backup))
    with pytest.raises(UsageError, match="lies in the home"):
        bank.backup(jobs.Backup(bank.home.path / "inside.tar"))
    with pytest.raises(UsageError, match="there is a home in .*; name another one with --home, or give --replace"):
        bank.restore(jobs.Restore(backup))


def lasting(folder: Path) -> list[Path]:
    """What is in a home for good: SQLite removes its own files beside the log when it is opened next."""
    passing = (".part", ".sqlite-shm", ".sqlite-wal")
    return sorted(path for path in folder.rglob("*") if not any(one in path.name for one in passing))


@pytest.mark.slow
def test_a_killed_backup_leaves_nothing_half(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "killed.tar"
    words = [
        str(Path(sys.executable).with_name("graphrec")),
        "--home",
        str(bank.home.path),
        "backup",
        "--to",
        str(file),
    ]
    environment = {**os.environ, "GRAPHREC_POLICY": "none"}
    subprocess.run(words, env=environment, check=True, capture_output=True)
    file.unlink()
    before = lasting(bank.home.path)
    for delay in (0.6, 1.0, 1.4):
        process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if file.exists():  # It was quicker: then it is whole.
            bank_of(tmp_path / f"home-{delay}").restore(jobs.Restore(file))
            file.unlink()
    bank.home.sweep()
    assert lasting(bank.home.path) == before
    assert bank.backup(jobs.Backup(file)).files > 20
    with tarfile.open(file) as archive, archive.extractfile("backup.json") or file.open("rb") as manifest:
        assert len(json.loads(manifest.read())["files"]) > 20


def test_an_encrypted_backup_opens_with_its_secret_key_alone(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyrage import x25519

    secret, other = x25519.Identity.generate(), x25519.Identity.generate()
    file, key = tmp_path / "home.tar.age", tmp_path / "backup.key"
    key.write_text(f"# created: now\n{secret}\n")
    done = bank.backup(jobs.Backup(file, (str(secret.to_public()), str(other.to_public()))))
    assert done.encrypted
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    for text in (USER, name_of(10), "backup.json", "vault"):
        assert text.encode() not in content
    for restored, identity in ((bank_of(tmp_path / "one"), key), (bank_of(tmp_path / "two"), None)):
        monkeypatch.setenv(IDENTITY, str(other))
        restored.restore(jobs.Restore(file, keys=bank.home.keys, identity=identity))
        asked = requests.Recommend("KUNDE-012", 4, record=False)
        assert restored.recommend(asked).answer == bank.recommend(asked).answer
        assert not list(restored.home.path.parent.rglob("plain.tar")), "no plain copy is left"
    assert not list(bank.home.path.rglob("plain.tar"))
    monkeypatch.setenv(IDENTITY, str(x25519.Identity.generate()))
    with pytest.raises(SourceError, match=f"home.tar.age is not opened by {IDENTITY}"):
        bank_of(tmp_path / "three").restore(jobs.Restore(file))
    changed = tmp_path / "changed.age"
    changed.write_bytes(content[:-9000] + bytes([content[-9000] ^ 1]) + content[-8999:])
    with pytest.raises(SourceError, match="is not opened by"):
        bank_of(tmp_path / "three").restore(jobs.Restore(changed, identity=key))
    monkeypatch.delenv(IDENTITY)
    with pytest.raises(SettingsError, match=f"is encrypted, and {IDENTITY} holds no secret key"):
        bank_of(tmp_path / "three").restore(jobs.Restore(file))
    assert not (tmp_path / "three").exists()
    with pytest.raises(UsageError, match="not a secret key, which belongs into no command"):
        bank.backup(jobs.Backup(tmp_path / "no.age", (str(secret),)))
    with pytest.raises(UsageError, match="wants a public key of age"):
        bank.backup(jobs.Backup(tmp_path / "no.age", ("nobody",)))
