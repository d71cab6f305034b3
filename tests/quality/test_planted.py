"""The reason that was planted is the first that is given."""

from pathlib import Path

import pytest

from tests.quality.planted import count_planted, planted_engine


@pytest.mark.slow
def test_the_planted_reason_comes_first(tmp_path: Path) -> None:
    engine, truth = planted_engine(tmp_path, seed=7)
    right, total, neighbours = count_planted(engine, truth)
    assert sum(total.values()) >= 300
    assert set(total) == {"sector", "issuer", "holders", "text"}
    assert neighbours / sum(total.values()) >= 0.95
    assert sum(right.values()) / sum(total.values()) >= 0.90
