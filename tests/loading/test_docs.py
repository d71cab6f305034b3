"""docs/mappings.md names every key, option and shipped mapping."""

import dataclasses
from pathlib import Path

from graphrec.loading import shipped_names
from graphrec.loading.mapping.specs import READERS, EdgeSpec, NodeSpec, SeriesSpec, SplitSpec
from graphrec.schema import Roles

KEYS = {"source": "from", "target": "to", "label": "nodes", "type": "edges"}


def test_every_key_is_in_the_page(root: Path) -> None:
    page = (root / "docs" / "mappings.md").read_text()
    for kind in (NodeSpec, EdgeSpec, SeriesSpec, SplitSpec, Roles):
        for entry in dataclasses.fields(kind):
            assert f"`{KEYS.get(entry.name, entry.name)}" in page or f"[{KEYS.get(entry.name)}." in page, entry.name
    for name in (*READERS, *shipped_names()):
        assert f"`{name}`" in page
