"""The cache of text vectors: only new texts are encoded, whole files only, a killed run goes on."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError, SchemaOutdated
from graphrec.features.sources.text import cache as module
from graphrec.features.sources.text import shards
from graphrec.features.sources.text.cache import StoredVectors, VectorCache, text_keys
from graphrec.progress import Progress, silent


class HashEncoder:
    """Vectors from a hash of the text; remembers what it was asked."""

    name = "hash"
    slug = "hash-1"
    dim = 4

    def __init__(self, identity: str = "one", *, stop_after: int | None = None) -> None:
        self.identity = identity
        self.asked: list[str] = []
        self._stop_after = stop_after

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> np.ndarray:
        if self._stop_after is not None and len(self.asked) >= self._stop_after:
            raise KeyboardInterrupt
        self.asked += texts
        progress("encoding texts", len(texts), len(texts))
        return np.array([self.vector(text) for text in texts], np.float32)

    def vector(self, text: str) -> list[float]:
        digest = hashlib.sha256(f"{self.identity} {text}".encode()).digest()
        return [byte / 255 for byte in digest[:4]]


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD", 10)
    monkeypatch.setattr(shards, "ROWS", 10)


def numbered(count: int) -> list[str]:
    return [f"text {number}" for number in range(count)]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.npy")}


def test_every_text_gets_its_vector_and_only_new_ones_are_encoded(tmp_path: Path) -> None:
    encoder = HashEncoder()
    texts = ["b", "", "a", "b", " \n", "c"]
    report, found = VectorCache(tmp_path, encoder).vectors(texts)
    expected = [encoder.vector(text) if text.strip() else [0.0] * 4 for text in texts]
    assert found.dtype == np.float32
    assert (found == np.array(expected, np.float32)).all()
    assert sorted(encoder.asked) == ["a", "b", "c"]  # the empty ones and the second b are not encoded
    assert (report.encoder, report.texts, report.encoded, report.cached, report.dim) == ("hash", 4, 3, 1, 4)

    again = HashEncoder()
    report, found = VectorCache(tmp_path, again).vectors(["c", "d", "b"])
    assert (found == np.array([encoder.vector(text) for text in "cdb"], np.float32)).all()
    assert again.asked == ["d"]
    assert (report.texts, report.encoded, report.cached) == (3, 1, 2)


def test_a_second_run_encodes_nothing_and_changes_no_file(tmp_path: Path, small_shards: None) -> None:
    VectorCache(tmp_path, HashEncoder()).fill(numbered(35))
    before = content(tmp_path / "hash-1")
    encoder = HashEncoder()
    report = VectorCache(tmp_path, encoder).fill(numbered(35)[::-1])
    assert (report.encoded, report.cached, encoder.asked) == (0, 35, [])
    assert content(tmp_path / "hash-1") == before


def test_nothing_to_encode_is_no_error(tmp_path: Path) -> None:
    report, found = VectorCache(tmp_path, HashEncoder()).vectors(["", " "])
    assert (report.texts, report.encoded, report.cached, found.tolist()) == (0, 0, 0, [[0.0] * 4] * 2)
    report, found = VectorCache(tmp_path, HashEncoder()).vectors([])
    assert (report.texts, found.shape) == (0, (0, 4))


def test_another_identity_shares_no_vector(tmp_path: Path) -> None:
    VectorCache(tmp_path, HashEncoder("one")).fill(["a"])
    assert (text_keys("one", ["a"])[0] != text_keys("two", ["a"])[0]).any()
    stored = StoredVectors.open(tmp_path / "hash-1")
    assert stored.contains(text_keys("one", ["a"])[0]).tolist() == [True]
    assert stored.contains(text_keys("two", ["a"])[0]).tolist() == [False]


def test_lookup_says_what_is_missing(tmp_path: Path, small_shards: None) -> None:
    encoder = HashEncoder()
    VectorCache(tmp_path, encoder).fill(numbered(25))
    stored = StoredVectors.open(tmp_path / "hash-1")
    found, there = stored.lookup(["text 7", "new", "", "text 24"])
    assert there.tolist() == [True, False, True, True]
    assert (found == np.array([encoder.vector("text 7"), [0] * 4, [0] * 4, encoder.vector("text 24")], "f4")).all()
    assert (stored.encoder, stored.identity, stored.dim) == ("hash", "one", 4)


def test_an_interrupted_run_keeps_its_shards_and_the_next_ends_as_an_undisturbed_one(
    tmp_path: Path, small_shards: None
) -> None:
    cut = HashEncoder(stop_after=20)
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path / "cut", cut).fill(numbered(45))
    assert len(cut.asked) == 20
    rest = HashEncoder()
    report, found = VectorCache(tmp_path / "cut", rest).vectors(numbered(45))
    assert (report.encoded, report.cached) == (25, 20)
    assert sorted(cut.asked + rest.asked) == sorted(numbered(45))

    whole = HashEncoder()
    _, undisturbed = VectorCache(tmp_path / "whole", whole).vectors(numbered(45))
    assert (found == undisturbed).all()
    assert content(tmp_path / "cut" / "hash-1") == content(tmp_path / "whole" / "hash-1")


@pytest.mark.slow
def test_shards_are_merged_and_stay_few(tmp_path: Path, small_shards: None) -> None:
    for upto in range(5, 400, 5):
        VectorCache(tmp_path, HashEncoder()).fill(numbered(upto))
    names = {path.name.partition(".")[0] for path in (tmp_path / "hash-1").glob("*.npy")}
    assert len(names) <= 4  # of 79 runs
    stored = StoredVectors.open(tmp_path / "hash-1")
    assert sum(len(shard.keys) for shard in stored.shards) == 395
    assert all((np.diff(shards.sortable(one.keys).astype(object)) > 0).all() for one in stored.shards)
    found, there = stored.lookup(numbered(395))
    assert there.all()
    assert (found == np.array([HashEncoder().vector(text) for text in numbered(395)], "f4")).all()


def test_a_long_run_merges_on_its_way(tmp_path: Path, small_shards: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path, HashEncoder(stop_after=330)).fill(numbered(900))
    assert len(list((tmp_path / "hash-1").glob("*.keys.npy"))) == 2  # 32 shards of 10 in one or two, and the last
    assert StoredVectors.open(tmp_path / "hash-1").lookup(numbered(900))[1].sum() == 330


def test_progress_runs_over_all_new_texts(tmp_path: Path, small_shards: None) -> None:
    VectorCache(tmp_path, HashEncoder()).fill(numbered(3))
    told: list[tuple[str, int, int | None]] = []
    VectorCache(tmp_path, HashEncoder()).fill(numbered(28), lambda *step: told.append(step))
    assert told == [("encoding texts", 10, 25), ("encoding texts", 20, 25), ("encoding texts", 25, 25)]


def test_a_reader_goes_on_while_shards_are_merged(tmp_path: Path, small_shards: None) -> None:
    VectorCache(tmp_path, HashEncoder()).fill(numbered(10))
    reader = StoredVectors.open(tmp_path / "hash-1")
    VectorCache(tmp_path, HashEncoder()).fill(numbered(40))
    assert reader.lookup(numbered(10))[1].all()
    assert reader.lookup(numbered(11))[1].sum() == 10


SLOW_RUN = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_vectors import HashEncoder, module, numbered
module.SHARD = 10
class Slow(HashEncoder):
    def encode(self, texts, progress):
        time.sleep(0.2)
        return super().encode(texts, progress)
module.VectorCache(Path({folder!r}), Slow()).fill(numbered(100))
"""


def start_slow_run(folder: Path) -> subprocess.Popen[bytes]:
    code = SLOW_RUN.format(tests=str(Path(__file__).parent), folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(Path.cwd())})


def wait_for_keys(folder: Path, count: int) -> None:
    for _ in range(600):
        if len(list(folder.glob("*.keys.npy"))) >= count:
            return
        time.sleep(0.05)
    pytest.fail(f"no {count} shards in {folder} within 30 s")


def test_kill_9_leaves_whole_shards_and_the_next_run_goes_on(tmp_path: Path, small_shards: None) -> None:
    run = start_slow_run(tmp_path)
    wait_for_keys(tmp_path / "hash-1", 2)
    run.send_signal(signal.SIGKILL)
    run.wait()
    kept = int(StoredVectors.open(tmp_path / "hash-1").lookup(numbered(100))[1].sum())
    assert 20 <= kept < 100
    assert kept % 10 == 0
    report, found = VectorCache(tmp_path, HashEncoder()).vectors(numbered(100))
    assert (report.encoded, report.cached) == (100 - kept, kept)
    assert (found == np.array([HashEncoder().vector(text) for text in numbered(100)], "f4")).all()


def test_a_second_process_waits_and_encodes_nothing_twice(tmp_path: Path, small_shards: None) -> None:
    run = start_slow_run(tmp_path)
    wait_for_keys(tmp_path / "hash-1", 1)
    told: list[str] = []
    encoder = HashEncoder()
    report = VectorCache(tmp_path, encoder).fill(numbered(100), lambda what, *_: told.append(what))
    assert run.wait() == 0
    assert (report.encoded, report.cached, encoder.asked) == (0, 100, [])
    assert told == ["waiting for another process that encodes texts"]


def test_reading_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, graphrec.features.sources.text.cache; "
        "print(sorted({'torch', 'transformers', 'scipy', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "[]\n"


def test_no_vectors_yet(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"no text vectors in {tmp_path}/none; run: graphrec embed"):
        StoredVectors.open(tmp_path / "none")


@pytest.mark.parametrize("place", [0.5, 0.8, 0.99])
def test_a_vector_that_was_changed_by_a_bit_is_not_read(tmp_path: Path, place: float) -> None:
    """Neither by who asks for it nor where shards are merged; those beside it are, and so are files without sums."""
    texts = [f"text {number}" for number in range(3)]
    cache = VectorCache(tmp_path, HashEncoder())
    _, whole = cache.vectors(texts)
    (keys,) = (tmp_path / "hash-1").glob("*.keys.npy")
    (stored,) = (tmp_path / "hash-1").glob("*.vectors.npy")
    content = stored.read_bytes()
    at = 128 + int(place * (len(content) - 128))
    stored.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
    found = [_is_read(cache, text) for text in texts]
    assert sorted(found) == [False, True, True]
    with pytest.raises(ModelError, match=r"vectors.npy are damaged \(a checksum is wrong\); delete the folder and run"):
        cache.vectors([*texts, "another", "and another"])
    stored.write_bytes(content)
    np.save(keys, np.load(keys)[:, :32])
    assert np.array_equal(cache.vectors(texts)[1], whole)


def _is_read(cache: VectorCache, text: str) -> bool:
    try:
        cache.vectors([text])
    except ModelError:
        return False
    return True


def test_a_newer_format_and_damage_are_named(tmp_path: Path) -> None:
    VectorCache(tmp_path, HashEncoder()).fill(["a"])
    folder = tmp_path / "hash-1"
    (keys,) = folder.glob("*.keys.npy")
    (stored,) = folder.glob("*.vectors.npy")
    whole = stored.read_bytes()
    stored.write_bytes(whole[:-3])
    with pytest.raises(ModelError, match=r"are damaged \(.*\); delete the folder and run: graphrec embed"):
        StoredVectors.open(folder)
    np.save(stored, np.zeros((2, 4), "f4"))
    with pytest.raises(ModelError, match=r"do not fit together \(keys \(1, 36\), vectors \(2, 4\), dim 4\); delete"):
        StoredVectors.open(folder)
    stored.unlink()
    with pytest.raises(ModelError, match=rf"text vectors in {folder} have keys without vectors; delete the folder"):
        StoredVectors.open(folder)
    (folder / "meta.json").write_text('{"format": 2}')
    with pytest.raises(SchemaOutdated, match=rf"text vectors {folder} have format 2, this graphrec reads 1; install"):
        StoredVectors.open(folder)
    (folder / "meta.json").write_text("{")
    with pytest.raises(ModelError, match=r"meta.json is damaged \(.*\); delete the folder and run: graphrec embed"):
        StoredVectors.open(folder)
    assert keys.exists()
