"""Checked arrays: what was written, or an error that names the file."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from graphrec.errors import Damaged, SchemaOutdated
from graphrec.files import replace_folder
from graphrec.graph.folders.arrays import CHECKSUMS, PAGE, CheckedArray, CheckedFolder, read_sealed, seal, write_sealed

REMEDY = "run: graphrec snapshot"
NUMBERS = np.arange(100_000, dtype=np.int64)
TABLE = np.arange(60_000, dtype=np.float32).reshape(600, 100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "arrays"
    (path / "deep").mkdir(parents=True)
    np.save(path / "numbers.npy", NUMBERS)
    np.save(path / "deep" / "table.npy", TABLE)
    np.save(path / "none.npy", np.zeros(0, np.int32))
    save_file({"table": TABLE, "numbers": NUMBERS, "flags": np.array([True, False])}, path / "model.safetensors")
    return path


def sealed(folder: Path) -> None:
    seal(folder, {"format": 2, "name": "é"})


def again(folder: Path, *, hold: bool = False) -> CheckedFolder:
    return CheckedFolder.open(folder, 2, REMEDY, hold=hold)


def opened(folder: Path) -> CheckedFolder:
    sealed(folder)
    return again(folder)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


KEYS = [
    slice(None), slice(10, 20), slice(20, 10), slice(-5, None), slice(500, 10, -7), 5, -1, np.int32(7),
    np.array([5, 3, -1]), [1, 2], np.zeros(0, np.int64), np.arange(600),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_rows_are_those_of_the_array(folder: Path, key: object) -> None:
    files = opened(folder)
    tensors = files.tensors("model.safetensors")
    pairs = (
        (files.array("numbers.npy"), NUMBERS),
        (files.array("deep/table.npy"), TABLE),
        (tensors["numbers"], NUMBERS),
        (tensors["table"], TABLE),
    )
    for checked, array in pairs:
        assert np.array_equal(checked[key], array[key])  # type: ignore[index]
        assert np.array_equal(checked[key], array[key]), "again, after the check"  # type: ignore[index]


def test_an_array_says_what_it_is(folder: Path) -> None:
    table = opened(folder).array("deep/table.npy")
    assert (len(table), table.shape, table.ndim, table.dtype, table.size) == (600, (600, 100), 2, np.float32, 60_000)
    assert np.array_equal(table, TABLE)
    assert np.array_equal(table[np.array([3, 5])[:, None], np.array([1, 2])], TABLE[3:6:2, 1:3])
    assert not table.whole().flags.writeable
    assert np.asarray(table, np.float64).dtype == np.float64
    assert len(opened(folder).array("none.npy").whole()) == 0
    assert opened(folder).tensors("model.safetensors")["flags"].whole().tolist() == [True, False]


def test_a_row_that_is_not_there_is_an_index_error(folder: Path) -> None:
    for key in (100_000, -100_001, np.array([100_000])):
        with pytest.raises(IndexError):
            opened(folder).array("numbers.npy")[key]


def test_a_flipped_bit_is_found_by_those_who_read_its_page_alone(folder: Path) -> None:
    files = opened(folder)
    flip(folder / "numbers.npy", 3 * PAGE + 5)
    numbers, per_page = files.array("numbers.npy"), PAGE // 8
    assert numbers[0] == 0
    assert numbers[: 2 * per_page][-1] == 2 * per_page - 1
    assert numbers[5 * per_page :][0] == 5 * per_page
    assert numbers[np.array([1, 6 * per_page])].tolist() == [1, 6 * per_page]
    place = 3 * per_page
    readers: list[Callable[[CheckedArray], object]] = [
        lambda array: array[place],
        lambda array: array[place - 20 : place + 5],
        lambda array: array[place + 5 : place - 40 : -3],
        lambda array: array[np.array([0, place])],
        lambda array: array[np.arange(len(array)) == 3],
        lambda array: array.whole(),
        np.asarray,
        list,
        np.sum,
    ]
    for read in readers:
        with pytest.raises(Damaged, match=r"numbers.npy is damaged: its bytes 196,608 to 262,144 are not what was"):
            read(again(folder).array("numbers.npy"))
    with pytest.raises(Damaged, match=f"{REMEDY}$"):
        again(folder).verify()


def test_a_wide_row_is_checked_to_its_end(tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((40, 50_000), np.float32))
    sealed(tmp_path)
    flip(tmp_path / "wide.npy", 128 + 7 * 200_000 - 1)
    wide = again(tmp_path).array("wide.npy")
    assert not wide[np.array([5, 9])].any()
    for key in (6, np.array([6]), np.array([2, 6])):
        with pytest.raises(Damaged):
            wide[key]


@pytest.mark.parametrize("name", ["numbers.npy", "deep/table.npy", "none.npy", "model.safetensors", CHECKSUMS])
def test_a_cut_lengthened_or_missing_file_is_named(folder: Path, name: str, tmp_path: Path) -> None:
    sealed(folder)
    content = (folder / name).read_bytes()
    for damaged in (content[:-1], content[: len(content) // 2], b"", content + b"\0", None):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        if damaged is None:
            (copy / name).unlink()
        else:
            (copy / name).write_bytes(damaged)
        with pytest.raises(Damaged, match=rf"copy/{name} .*; {REMEDY}$"):
            again(copy).verify()


@pytest.mark.parametrize("name", ["numbers.npy", "deep/table.npy", "none.npy", "model.safetensors", CHECKSUMS])
def test_every_flipped_bit_is_found(folder: Path, name: str) -> None:
    sealed(folder)
    size = (folder / name).stat().st_size
    for position in sorted({0, 1, 9, 40, size // 3, size // 2, size - 33, size - 32, size - 2, size - 1} - {-33, -32}):
        flip(folder / name, position)
        with pytest.raises(Damaged):
            again(folder).verify()
        flip(folder / name, position)
    again(folder).verify()


def test_checksums_of_another_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    sealed(folder)
    other = tmp_path / "other"
    other.mkdir()
    np.save(other / "numbers.npy", NUMBERS + 1)
    sealed(other)
    shutil.copy(other / CHECKSUMS, folder / CHECKSUMS)
    with pytest.raises(Damaged, match="it holds the checksums of other files"):
        again(folder)


def test_a_folder_that_is_replaced_is_read_to_its_end(folder: Path, tmp_path: Path) -> None:
    files = opened(folder)
    folder.rename(tmp_path / "old")
    folder.mkdir()
    np.save(folder / "numbers.npy", NUMBERS + 1)
    assert files.array("numbers.npy")[5] == 5


def test_a_folder_held_open_is_read_to_its_end_when_it_is_removed(folder: Path) -> None:
    sealed(folder)
    files, lazy = again(folder, hold=True), again(folder)
    assert files.meta["name"] == "é"
    shutil.rmtree(folder)
    files.verify()
    assert files.tensors("model.safetensors")["numbers"][7] == 7
    with pytest.raises(Damaged, match=r"numbers.npy cannot be read: No such file or directory; run: graphrec snapshot"):
        lazy.array("numbers.npy")


@pytest.mark.slow
def test_readers_of_a_folder_that_is_replaced_all_the_time_see_one_or_the_other(tmp_path: Path) -> None:
    path, stop = tmp_path / "arrays", threading.Event()

    def write(value: int) -> None:
        with replace_folder(path) as fresh:
            for name in ("one.npy", "two.npy"):
                np.save(fresh / name, np.full(50_000, value))
            seal(fresh, {"format": 2, "value": value})

    def write_always() -> None:
        value = 1
        while not stop.is_set():
            write(value)
            value += 1

    write(0)
    writer = threading.Thread(target=write_always)
    writer.start()
    try:
        seen: set[int] = set()
        while len(seen) < 20:
            files = again(path, hold=True)
            values = {int(files.array(name)[20_000]) for name in ("one.npy", "two.npy")}
            assert values == {files.meta["value"]}
            seen |= values
    finally:
        stop.set()
        writer.join()


def test_threads_share_an_array(folder: Path) -> None:
    numbers = opened(folder).array("numbers.npy")
    found: list[int] = []

    def read() -> None:
        rng = np.random.default_rng(0)
        found.extend(int(numbers[int(row)]) - int(row) for row in rng.integers(0, len(numbers), 2000))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 8000


def test_sealed_json_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    content = {"format": 2, "name": "é", "numbers": [1, 2.5, None, True], "deep": {"a": {"b": "c"}}}
    write_sealed(path, content)
    assert read_sealed(path, 2, REMEDY) == content
    whole = path.read_bytes()
    found = []
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        try:
            found.append(read_sealed(path, 2, REMEDY) == content)
        except (Damaged, SchemaOutdated):
            continue
    assert all(found), "white space alone may change"
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(Damaged, match=r"meta.json is damaged.*run: graphrec snapshot$"):
            read_sealed(path, 2, REMEDY)
    path.write_text(json.dumps({"format": 1, "name": "e"}))
    with pytest.raises(SchemaOutdated, match=f"has format 1, this graphrec reads 2; {REMEDY}$"):
        read_sealed(path, 2, REMEDY)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_sealed(path, 2, REMEDY)
