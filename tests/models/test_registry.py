"""The registry: one list of models, quick to read, extended by other distributions; a wrong one is one line."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from graphrec.errors import MissingExtra, ModelError
from graphrec.extras import needs_extra
from graphrec.models import registry
from graphrec.models.registry import OWN, kinds, models, parts_of_kind, tunable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Plug-ins are read once a process: again for the test, and again after it."""
    models.cache_clear()
    yield
    models.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Let a distribution name this object as a model."""
    points = EntryPoints([EntryPoint("mine", value, registry.GROUP)])
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def test_reading_the_registry_imports_nothing_heavy() -> None:
    code = (
        "import sys; from graphrec.models.registry import kinds; from graphrec.features.registry import makers; "
        "kinds(), makers(); print(sorted({'torch', 'numba', 'scipy', 'optuna', 'pyarrow', 'transformers', "
        "'torch_geometric', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_model_says_what_it_is() -> None:
    assert len({spec.name for spec in OWN}) == len(OWN)
    for spec in OWN:
        assert spec.sentence.endswith("."), spec.name
        assert spec.replaces is None or spec.replaces in models()
    assert kinds()[0] == "blend"
    assert "new" not in kinds()
    assert set(tunable()) <= set(kinds())
    assert [spec.name for spec in parts_of_kind("blend")][:3] == ["kernel", "learned-kernel", "spectral"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nowhere.at_all:SPEC", "cannot be imported (No module named 'nowhere')"),
        ("graphrec.models.tables.ease:EaseConfig", "it is no graphrec.models.spec.ModelSpec"),
        ("graphrec.models.tables.ease:SPEC", "there is a model 'ease' already"),
    ],
)
def test_a_wrong_plug_in_is_one_line(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    install(monkeypatch, value)
    with pytest.raises(ModelError) as caught:
        kinds()
    assert str(caught.value).startswith(f"model plug-in mine ({value}): {said}")
    assert "\n" not in str(caught.value)


def test_a_plug_in_is_a_model_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.models.tables.ease.MINE", replace(models()["ease"], name="mine"), raising=False)
    models.cache_clear()
    install(monkeypatch, "graphrec.models.tables.ease:MINE")
    assert "mine" in kinds()
    assert "mine" in tunable()
    assert "mine" in [spec.name for spec in parts_of_kind("blend")]


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingExtra) as caught, needs_extra("train", "ease"):
        import no_such_package_at_all  # type: ignore[import-not-found]  # noqa: F401
    assert str(caught.value) == (
        "ease needs the Python package no_such_package_at_all, which is not installed; "
        "run: pip install 'graphrec[train]'"
    )
    assert caught.value.exit_code == 2
    with pytest.raises(ModuleNotFoundError), needs_extra("train"):
        import graphrec.no_such_module  # type: ignore[import-not-found]  # noqa: F401
