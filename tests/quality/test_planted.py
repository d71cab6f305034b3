"""The reason that was planted is the first that is given."""

from pathlib import Path

import pytest

from tests.quality.planted import count_planted, planted_engine

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_the_planted_reason_comes_first(tmp_path: Path) -> None:
    engine, truth = planted_engine(tmp_path, seed=7)
    found = count_planted(engine, truth)
    pairs = sum(found.total.values())
    assert pairs >= 300
    assert set(found.total) == {"sector", "issuer", "holders", "text"}
    assert found.neighbours / pairs >= 0.95
    assert sum(found.right.values()) / pairs >= 0.90
    assert found.auc >= 0.95
