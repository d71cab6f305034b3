"""Hashes of what decides a result: they change with it, and only with it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from graphrec import __version__
from graphrec.training import provenance
from graphrec.training.provenance import ROOMS, source_digest, vectors_digest, versions

ROOT = Path(provenance.__file__).parents[1]


def test_the_hash_of_the_source_changes_with_a_byte_of_its_rooms_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (*ROOMS, "cli"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "training/provenance.py"))
    begin = source_digest.__wrapped__()
    assert begin == source_digest()
    with (tmp_path / "cli/train.py").open("a") as file:
        file.write("#")
    assert source_digest.__wrapped__() == begin
    with (tmp_path / "terms/blend.py").open("a") as file:
        file.write("#")
    changed = source_digest.__wrapped__()
    assert changed != begin
    (tmp_path / "terms/blend.py").rename(tmp_path / "terms/blended.py")
    assert source_digest.__wrapped__() not in (begin, changed)


def test_the_hash_of_vectors_changes_with_label_and_value() -> None:
    values = np.ones((2, 3), np.float32)
    found = {vectors_digest({"A": values}), vectors_digest({"B": values}), vectors_digest({"A": 2 * values})}
    assert len(found) == 3
    assert vectors_digest({}) is None
    assert vectors_digest({"A": values, "B": values}) == vectors_digest({"B": values, "A": values})


def test_versions_are_of_what_is_installed() -> None:
    found = versions(("numpy", "no-such-package"))
    assert set(found) == {"graphrec", "python", "numpy"}
    assert (found["graphrec"], found["numpy"]) == (__version__, np.__version__)
