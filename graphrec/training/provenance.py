"""What a result came from, as hashes and versions: source, packages, vectors, plain values."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec import __version__
from graphrec.errors import ModelError

ROOMS = ("graph", "features", "terms", "models", "metrics", "training")
"""Where the source is that decides what a training gives."""


def digest(value: Any) -> str:
    """The first 16 digits of the sha256 of a plain value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def vectors_digest(vectors: Mapping[str, NDArray[np.float32]]) -> str | None:
    """The sha256 of text vectors by label; None without any."""
    whole = hashlib.sha256()
    for label, values in sorted(vectors.items()):
        whole.update(label.encode())
        whole.update(np.ascontiguousarray(values).tobytes())
    return whole.hexdigest() if vectors else None


def check_vectors(meta: Mapping[str, Any], vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Raise when a refit of a model would read other text vectors (num_nodes, dim) by label than its fit did.

    Raises:
        ModelError: with what to do.
    """
    if vectors_digest(vectors) != meta["request"]["vectors"]:
        raise ModelError(
            "the text vectors are not those that the model was fitted with, so that a refit would differ by them too; "
            f"run: graphrec train --model {meta['kind']}"
        )


@cache
def source_digest() -> str:
    """The sha256 of the source of ROOMS: another version of graphrec in which it is the same gives the same models."""
    root = Path(__file__).parents[1]
    whole = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()} {len(content)} ".encode())
        whole.update(content)
    return whole.hexdigest()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of graphrec, of Python and of those of the packages that are installed."""
    # Here, since whoever reads a model folder reads this module and needs none of it.
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"graphrec": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
