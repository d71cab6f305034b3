"""A training on a Ray cluster: the bytes of one process, through workers that die, of whichever kind they are."""

from pathlib import Path

import pytest

from graphrec.app.models import shards
from graphrec.app.models.shards import working
from graphrec.models import sharded
from graphrec.models.networks.lightgcn.network import fit_lightgcn
from graphrec.models.sharded import crossed
from tests.models import test_parts, test_sharded
from tests.models.boards import random_board

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]


def test_a_ray_cluster_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra graphrec[scale] is not installed")
    monkeypatch.setattr(sharded, "SHARD", 64)
    graph, (left, right) = random_board(6), test_sharded.matrices()
    summed, learned = crossed(left, right), test_parts.scores(fit_lightgcn(graph, test_parts.CONFIG).term, graph)
    sums, gradients = tmp_path / "sums", tmp_path / "gradients"

    class DyingSums(test_sharded.Dying):
        def __init__(self, _first: object) -> None:
            super().__init__(str(sums))

    class DyingGradients(test_parts.Dying):
        def __init__(self, recipe: object) -> None:
            super().__init__((recipe, str(gradients)))

    monkeypatch.setattr(shards, "Sums", DyingSums)
    monkeypatch.setattr(shards, "Gradients", DyingGradients)
    with working("ray", 2):
        assert test_sharded.same(crossed(left, right), summed)
        assert test_parts.scores(fit_lightgcn(graph, test_parts.CONFIG).term, graph) == learned
        assert test_sharded.same(crossed(left, right), summed)
    assert sorted(sums.read_text().split()) == sorted("01223401234")
    begun = gradients.read_text().split()
    assert begun.count("1") == begun.count("0") + 1
