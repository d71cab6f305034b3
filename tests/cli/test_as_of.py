"""--as-of by commands, and the record of what they answered: on the demo bank, with other commands in between."""

import errno
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graphrec.records.recorder import Recorder
from tests.banks.commands import Commands
from tests.banks.demo import CUSTOMERS, cut_demo_bank

pytestmark = pytest.mark.slow

DATE = "2025-07-01"


class Bank(Commands):
    """A home with the demo bank in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "home", "--policy", "none")
        self.folder = folder


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The demo bank with a final kernel of now and one of a date."""
    made = Bank(tmp_path_factory.mktemp("as-of"))
    made.run("demo", "--out", str(made.folder / "bank"))
    cut_demo_bank(made.folder / "bank")
    made.run("load", "demo", "--data", str(made.folder / "bank"))
    made.run("train", "--model", "kernel", "--fixed", "--final", "--no-text")
    made.run("train", "--model", "kernel", "--fixed", "--final", "--no-text", "--as-of", DATE)
    return made


def test_answers_of_a_date_come_from_what_was_known_before_it(bank: Bank) -> None:
    now, then = bank.json("recommend", "C000004"), bank.json("recommend", "C000004", "--as-of", DATE)
    assert (now["as_of"] > DATE, then["as_of"]) == (True, f"{DATE}T00:00:00+00:00")
    assert now["snapshot"] != then["snapshot"]
    (said,) = [text for text in then["notes"] if text.startswith("attributes are as last loaded")]
    assert said.startswith(f"attributes are as last loaded, not as of {DATE}, and so is what carries no time: ")
    assert not any("last loaded" in text for text in now["notes"])
    assert said in bank.run("recommend", "C000004", "--as-of", DATE).stderr
    dated = [line["parameters"]["as_of"] for item in then["items"] for line in item["lines"] if line["parameters"]]
    assert set(dated) == {f"{DATE}T00:00:00.000000Z"}


def test_every_command_takes_the_date(bank: Bank) -> None:
    then = bank.json("recommend", "C000004", "--as-of", DATE)
    product = then["items"][0]["product"]
    told = bank.json("explain", "C000004", product, "--as-of", DATE)
    assert (told["snapshot"], told["items"][0]["score"]) == (then["snapshot"], then["items"][0]["score"])
    out = bank.folder / "then.jsonl"
    written = bank.json("export", "--out", str(out), "-k", "2", "--as-of", DATE)
    assert any("last loaded" in text for text in written["notes"])
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {row["as_of"] for row in rows} == {then["as_of"]}
    assert {row["snapshot"] for row in rows} == {then["snapshot"]}
    assert [row["product"] for row in rows if row["user"] == "C000004"] == [
        item["product"] for item in then["items"][:2]
    ]
    measured = bank.json("evaluate", "--model", "kernel", "--baselines", "none", "--k", "10", "--as-of", DATE)
    assert any("last loaded" in text for text in measured["split"]["notes"])
    assert "note: attributes are as last loaded" in bank.run("policy", "check", "--as-of", DATE).stderr
    assert "note: attributes are as last loaded" in bank.run("why-not", "C000004", product, "--as-of", DATE).stderr


def test_a_date_without_a_model_or_that_is_none_is_one_line(bank: Bank) -> None:
    error = bank.run("recommend", "C000004", "--as-of", "2025-01-01", code=5).stderr
    folder = bank.home / "serving" / "as-of" / "2025-01-01" / "models"
    assert error == f"error: there is no model in {folder} yet; run: graphrec train --as-of 2025-01-01\n"
    error = bank.run("recommend", "C000004", "--as-of", "soon", code=2).stderr
    assert error == "error: --as-of soon is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS\n"


def test_training_of_a_date_again_has_nothing_to_do(bank: Bank) -> None:
    assert trained_then(bank)["is_new"] is False
    assert bank.json("recommend", "C000004")["as_of"] > DATE


def trained_then(bank: Bank) -> dict[str, Any]:
    return bank.json("train", "--model", "kernel", "--fixed", "--final", "--no-text", "--as-of", DATE)


def test_answers_replay_to_the_same_bytes_after_other_commands(bank: Bank) -> None:
    first = bank.json("recommend", "C000016", "-k", "4", "--all-lines")
    then = bank.json("recommend", "C000016", "--as-of", DATE)
    told = bank.json("explain", "C000016", first["items"][0]["product"])
    numbers = [one["record"] for one in (first, then, told)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    exported = bank.json("export", "--out", str(bank.folder / "lists.csv"), "-k", "3")
    assert exported["recorded"] == exported["users"] == CUSTOMERS
    # Other data give another snapshot, and another model takes the place of this one.
    shutil.copytree(bank.folder / "bank", bank.folder / "later", dirs_exist_ok=True)
    events = bank.folder / "later" / "interactions.parquet"
    rows = pq.read_table(events)
    pq.write_table(rows.slice(0, len(rows) - 50), events)
    bank.run("load", "demo", "--data", str(bank.folder / "later"))
    bank.run("train", "--model", "kernel", "--fixed", "--no-text")
    bank.run("train", "--model", "kernel", "--fixed", "--final", "--no-text")
    assert bank.json("recommend", "C000016", "-k", "4")["snapshot"] != first["snapshot"]
    # What changed lies after the date.
    assert (trained_then(bank)["is_new"], trained_then(bank)["snapshot"]) == (False, then["snapshot"])
    shutil.rmtree(bank.home / "serving" / "as-of")
    for number in (*numbers, numbers[-1] + 1, numbers[-1] + CUSTOMERS):
        assert bank.run("replay", str(number)).stdout == f"entry {number}: same bytes\n"
    shown = bank.json("record", "show", str(numbers[0]))
    assert shown["answer"]["items"] == json.loads(json.dumps(first["items"]))
    listed = bank.json("record", "list", "--user", "C000016")["entries"]
    assert [one["record"] for one in listed if one["command"] != "export"][-4:-1] == numbers
    assert bank.run("record", "verify").stdout.endswith(f"now: {bank.json('record', 'head')['anchor']}\n")


def test_no_record_is_kept_where_none_is_wanted(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bank.json("record", "head")["entries"]
    assert bank.json("recommend", "C000016", "--no-record")["record"] is None
    monkeypatch.setenv("GRAPHREC_RECORD", "false")
    assert bank.json("recommend", "C000016")["record"] is None
    assert bank.json("record", "head")["entries"] == before


def test_tampering_is_one_line_and_named(bank: Bank) -> None:
    anchor = bank.json("record", "head")["anchor"]
    assert bank.run("record", "verify", "--anchor", anchor).stdout.endswith("are as they were recorded\n")
    path = min((bank.home / "records").glob("*.log"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = bank.run("record", "verify", code=6)
    assert re.match(r"entr(y|ies) \d+", done.stdout)
    assert done.stderr.startswith(f"error: the record in {bank.home / 'records'} is not as it was written: ")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert bank.run("record", "show", code=2).stderr == "error: graphrec record show wants the number of an entry\n"
    error = bank.run("record", "verify", "3", code=2).stderr
    assert error == "error: graphrec record verify takes no number; want graphrec record show 3\n"
    last = bank.json("record", "head")["entries"]
    error = bank.run("replay", str(last + 1), code=3).stderr
    assert f"has no entry {last + 1}, it ends with entry {last}; list them with: graphrec record list\n" in error


def test_a_home_that_cannot_be_written_answers_with_one_note(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_given: object) -> range:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Recorder, "commit", refused)
    done = bank.run("recommend", "C000016")
    assert "C000016 · kernel-final" in done.stdout
    said = f"note: nothing is recorded: {bank.home / 'records'} cannot be written (Read-only file system)"
    assert [line for line in done.stderr.splitlines() if "recorded" in line] == [said]
