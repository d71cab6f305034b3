"""Hashes of what decides a result: they change with it, and only with it."""

from pathlib import Path

import numpy as np
import pytest

from graphrec import __version__
from graphrec.features.blocks import Blocks
from graphrec.models import digests
from graphrec.models.digests import code_digest, versions

MODEL = '''"""A model."""

from modelfarm import formulas
from modelfarm.other.tables import WIDE

LIMIT = 3
"""At most so many."""


def fit(values: list[float]) -> float:
    """The sum."""
    # Added in order.
    from modelfarm.late import shift

    return sum(formulas.double(value) for value in values) + shift(WIDE)
'''


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution of a model, what it imports, and what it does not."""
    folder = tmp_path / "modelfarm"
    (folder / "other").mkdir(parents=True)
    for name in ("__init__", "other/__init__"):
        (folder / f"{name}.py").write_text("")
    (folder / "model.py").write_text(MODEL)
    (folder / "formulas.py").write_text("def double(value):\n    return 2 * value\n")
    (folder / "late.py").write_text("def shift(value):\n    return value + 1\n")
    (folder / "other" / "tables.py").write_text("WIDE = 8\n")
    (folder / "unused.py").write_text("NOTHING = 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for cached in (digests._root, digests._file_of, digests._read):
        cached.cache_clear()
    return folder


def edited(path: Path, old: str, new: str) -> str:
    """The digest of the model after an edit."""
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    return code_digest(["modelfarm.model"])


def test_comments_docstrings_and_layout_leave_the_digest(farm: Path) -> None:
    begin = code_digest(["modelfarm.model"])
    model = farm / "model.py"
    for old, new in (
        ("# Added in order.", "# In whatever order."),
        ('"""The sum."""', '"""The sum of all."""'),
        ('"""At most so many."""', '"""A limit."""'),
        ('"""A model."""', '"""The model."""\n# A comment.\n\n'),
        ("return sum(", "return sum(\n        "),
    ):  # fmt: skip
        assert edited(model, old, new) == begin, new
    assert edited(farm / "formulas.py", "    return", "    # twice\n    return") == begin
    assert edited(farm / "unused.py", "0", "1") == begin


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.py", "LIMIT = 3", "LIMIT = 4"),
        ("model.py", "+ shift(WIDE)", "- shift(WIDE)"),
        ("formulas.py", "2 * value", "3 * value"),
        ("late.py", "+ 1", "+ 2"),
        ("other/tables.py", "8", "9"),
    ],
)
def test_a_formula_of_the_model_or_of_what_it_imports_changes_the_digest(
    farm: Path, file: str, old: str, new: str
) -> None:
    begin = code_digest(["modelfarm.model"])
    assert edited(farm / file, old, new) != begin


def test_a_model_does_not_hang_on_the_others() -> None:
    """EASE's digest follows what EASE computes with, and neither torch networks nor the registry."""
    seen: list[str] = []
    original = digests._file_of

    def listing(name: str) -> Path | None:
        file = original(name)
        if file is not None:
            seen.append(name)
        return file

    digests._file_of = listing  # type: ignore[assignment]
    try:
        code_digest(["graphrec.models.tables.ease"])
    finally:
        digests._file_of = original
    assert {"graphrec.models.tables.ease", "graphrec.models.matrix", "graphrec.terms.forms.factors"} <= set(seen)
    others = (
        "graphrec.models.networks.lightgcn",
        "graphrec.models.tables.softmax",
        "graphrec.models.registry",
        "graphrec.cli",
    )
    assert not [name for name in seen if name.startswith(others) or name == "graphrec"]


def test_the_digest_of_blocks_changes_with_label_name_and_value() -> None:
    values = np.ones((2, 3), np.float32)
    found = [
        next(iter(blocks)).digest
        for blocks in (
            Blocks.of("text", {"A": values}), Blocks.of("text", {"B": values}), Blocks.of("series", {"A": values}),
            Blocks.of("text", {"A": 2 * values}),
        )
    ]  # fmt: skip
    assert len(set(found)) == 4
    assert Blocks().digests() == {}
    both = {"A": values, "B": 2 * values}
    assert Blocks.of("text", both).digests() == Blocks.of("text", dict(reversed(both.items()))).digests()


def test_versions_are_of_what_is_installed() -> None:
    found = versions(("numpy", "no-such-package"))
    assert set(found) == {"graphrec", "python", "numpy"}
    assert (found["graphrec"], found["numpy"]) == (__version__, np.__version__)
