"""docs/security.md: the test that each threat names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_threat_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| threat")]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row) for row in rows]
    assert len(rows) > 20
    assert None not in named
    missing = [
        found[0]
        for found in named
        if found is not None and f"def {found[2]}(" not in (ROOT / found[1]).read_text("utf-8")
    ]
    assert missing == []
