"""Changed models in the registry, for a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.registry import models


def change(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    """Change what a model says about itself."""
    monkeypatch.setitem(models(), name, replace(models()[name], **changes))


def try_only(monkeypatch: pytest.MonkeyPatch, name: str, trials: Sequence[Mapping[str, Any]]) -> None:
    """Let every training try these configurations of a model alone."""

    def usual(_graph: Graph) -> Iterator[Mapping[str, Any]]:
        return iter(trials)

    change(monkeypatch, name, trials=usual)


def blend_of(monkeypatch: pytest.MonkeyPatch, names: Sequence[str]) -> None:
    """Let a blend try these models alone."""
    for name in list(models()):
        change(monkeypatch, name, in_blend=name in names)
