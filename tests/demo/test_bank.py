"""The folder: the same bytes for the same seed, whole or not there, and never over something else."""

import json
from pathlib import Path

import pytest

from graphrec.demo import BankReport, write_bank
from graphrec.demo import bank as bank_module
from graphrec.errors import UsageError


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_of_a_bank(bank: BankReport) -> None:
    assert sorted(contents(bank.path)) == [
        "categories.csv",
        "countries.csv",
        "customers.csv",
        "demo-bank.json",
        "holdings/contracts.csv",
        "holdings/orders.csv",
        "interactions.parquet",
        "issuers.csv",
        *sorted(
            f"money/{name}"
            for name in (
                *(
                    "accounts.csv",
                    "assessments.csv",
                    "covers.csv",
                    "entities.csv",
                    "levels.csv",
                    "means.csv",
                    "news.csv",
                ),
                *("positions.csv", "terms.csv", "transfers.parquet"),
                *("contacts.csv", "device_users.csv", "devices.csv", "logins.parquet"),
            )
        ),
        "prices.parquet",
        "products.csv",
        "sectors.csv",
        "truth/alerts.csv",
        "truth/duplicates.csv",
        "truth/planted.csv",
        "truth/signals.csv",
    ]
    assert bank.changed
    assert bank.bytes == sum(len(data) for name, data in contents(bank.path).items() if name != "demo-bank.json")


def test_the_same_seed_is_the_same_bytes(bank: BankReport, tmp_path: Path) -> None:
    again = write_bank(tmp_path / "again")
    assert contents(again.path) == contents(bank.path)
    assert (again.counts, again.planted, again.test_cut) == (bank.counts, bank.planted, bank.test_cut)


def test_another_seed_is_another_bank(bank: BankReport, tmp_path: Path) -> None:
    other = contents(write_bank(tmp_path / "other", seed=8).path)
    mine = contents(bank.path)
    same = {name for name in mine if mine[name] == other[name]}
    assert same == {"categories.csv", "countries.csv", "sectors.csv", "money/accounts.csv", "money/entities.csv"}


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    first = write_bank(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    second = write_bank(folder)
    assert (first.changed, second.changed) == (True, False)
    assert second.counts == first.counts
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps


@pytest.mark.slow
def test_a_bank_that_was_spoilt_or_is_another_is_written_anew(bank: BankReport, tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    write_bank(folder, seed=8)
    assert write_bank(folder).changed
    assert contents(folder) == contents(bank.path)
    products = folder / "products.csv"
    products.write_bytes(products.read_bytes().replace(b"open", b"shut"))
    assert write_bank(folder).changed
    (folder / "sectors.csv").unlink()
    assert write_bank(folder).changed
    assert contents(folder) == contents(bank.path)


def test_nothing_is_left_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bank_module, "draw_prices", stop)
    with pytest.raises(KeyboardInterrupt):
        write_bank(tmp_path / "bank")
    assert list(tmp_path.iterdir()) == []


def test_refuses_what_is_no_demo_bank(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("dear bank")
    with pytest.raises(UsageError) as caught:
        write_bank(tmp_path / "letters")
    assert str(caught.value) == (
        f"{tmp_path}/letters is not empty and no demo bank (mine.txt is there); choose another --out"
    )
    with pytest.raises(UsageError) as caught:
        write_bank(tmp_path / "letters" / "mine.txt")
    assert str(caught.value) == (
        f"{tmp_path}/letters/mine.txt is a file; the demo bank is a folder: choose another --out"
    )
    assert (tmp_path / "letters" / "mine.txt").read_text() == "dear bank"


def test_refuses_to_replace_a_bank_with_a_foreign_file(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    write_bank(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as caught:
        write_bank(folder, seed=8)
    assert str(caught.value) == (
        f"{folder} holds notes.txt, which is not of the demo bank; move it or choose another --out"
    )


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"files": 3}'])
def test_a_marker_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo-bank.json").write_text(text)
    with pytest.raises(UsageError, match=r"is not empty and no demo bank \(demo-bank\.json is there\)"):
        write_bank(tmp_path)


def test_unknown_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write_bank(tmp_path / "bank", size="XL")
    assert str(caught.value) == "size 'XL' is unknown; want one of S, M, L"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    assert write_bank(tmp_path / "bank").changed


def test_progress_is_reported(tmp_path: Path) -> None:
    said: list[tuple[str, int, int | None]] = []
    write_bank(tmp_path / "bank", progress=lambda *words: said.append(words))
    assert said[0] == ("demo bank", 0, 5)
    assert ("purchases", 14, 14) in said


def test_the_marker_counts_what_the_files_hold(bank: BankReport) -> None:
    marker = json.loads((bank.path / "demo-bank.json").read_text())
    assert (marker["size"], marker["seed"], marker["format"]) == ("S", 7, 4)
    assert marker["counts"] == bank.counts
    events = sum(bank.counts[kind] for kind in ("holds", "buys", "views", "rejects"))
    assert events == bank.counts["interactions"]
