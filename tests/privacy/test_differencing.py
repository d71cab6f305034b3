"""Comparing all that a view shows before and after one person's purchase tells little of it; exact counts tell all."""

import numpy as np
import pytest

from tests.privacy.differencing import BEFORE, advantage, banded, exact, tells, world

TRIALS = 120


@pytest.mark.slow
def test_an_event_of_one_person_is_not_told_by_what_views_show() -> None:
    """The measured advantage is printed in docs/log.md; a sample of it here has the bar within its interval."""
    rng = np.random.default_rng(3)
    found: dict[str, list[tuple[bool, bool]]] = {"exact": [], "before": [], "now": []}
    for _ in range(TRIALS):
        one, state = world(rng), int(rng.integers(2**32))
        for name, shown in {
            "exact": exact, "before": banded(np.random.default_rng(state), BEFORE),
            "now": banded(np.random.default_rng(state)),
        }.items():  # fmt: skip
            found[name].append(tells(one, shown))
    whole, before, now = (advantage(found[name]) for name in ("exact", "before", "now"))
    assert whole.value == 1.0, "the attack succeeds where nothing is protected"
    assert not any(false for hits in found.values() for _, false in hits), "nothing differs where nothing happens"
    assert now.value < before.value < whole.value
    assert now.low <= 0.05
    assert now.value <= 0.1
