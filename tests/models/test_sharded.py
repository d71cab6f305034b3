"""Sums over customers in shards: the same bytes whoever makes them, through a process that dies of its shard."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from graphrec.app.lists import workers as seam
from graphrec.app.lists.workers import Process, WorkerDied, Workers
from graphrec.app.models import shards
from graphrec.app.models.shards import Others, Sums, working
from graphrec.errors import UsageError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models import sharded
from graphrec.models.counted.sums import sums_of
from graphrec.models.factors.spectral import normal_matrix
from graphrec.models.handed_out import handing_out
from graphrec.models.sharded import crossed
from graphrec.models.support import supported_pairs_of
from graphrec.models.tables.ease import EaseConfig, fit_ease
from tests.models.boards import random_board
from tests.quality.synthetic import graph_of, holdings

USERS, PRODUCTS = 300, 40
DYING = "from graphrec.app.lists.workers import work; from tests.models.test_sharded import Dying; work(Dying)"


class Dying(Sums):
    """Dies once of the third shard, when its sums are made."""

    def __init__(self, begun: str) -> None:
        super().__init__()
        self._begun = Path(begun)

    def made(self, number: int, shard: "shards.Shard") -> object:
        made = super().made(number, shard)
        with self._begun.open("a") as file:
            file.write(f"{number}\n")
        if number == 2 and self._begun.read_text().split().count("2") == 1:
            os._exit(9)
        return made


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.setattr(sharded, "SHARD", 64)
    return graph_of(holdings(USERS, PRODUCTS, 3_000, 5), PRODUCTS)


def matrices() -> tuple[csr_array, csr_array]:
    rng = np.random.default_rng(2)
    held = rng.random((USERS, PRODUCTS)) < 0.2
    return (csr_array(np.where(held, rng.random(held.shape), 0).astype(np.float32)), csr_array(held.astype(np.float32)))


def same(left: csr_array, right: csr_array) -> bool:
    return bool(left.toarray().tobytes() == right.toarray().tobytes())


def test_one_shard_is_the_plain_product() -> None:
    left, right = matrices()
    assert same(crossed(left, right), left.T @ right)


@pytest.mark.parametrize("size", [1, 64, 299, 300])
def test_shards_are_added_in_their_order(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharded, "SHARD", size)
    left, right = matrices()
    expected = np.zeros((PRODUCTS, PRODUCTS), np.float32)
    for start in range(0, USERS, size):
        expected += (left[start : start + size].T @ right[start : start + size]).toarray()
    assert crossed(left, right).toarray().tobytes() == expected.tobytes()
    assert crossed(left, right).toarray() == pytest.approx(left.toarray().T @ right.toarray(), rel=1e-4)


def test_a_process_dies_of_its_shard_and_all_are_added_once(board: Graph, tmp_path: Path) -> None:
    left, right = matrices()
    alone = crossed(left, right)
    begun = tmp_path / "begun"
    others = Others(lambda _makes, _first, died: Workers(partial(Process, 2, DYING, str(begun)), 2, died))
    with handing_out(others):
        assert same(crossed(left, right), alone)
    others.end()
    assert sorted(begun.read_text().split()) == ["0", "1", "2", "2", "3", "4"]


def test_models_are_the_same_with_processes_and_without(board: Graph) -> None:
    def made() -> Iterator[bytes]:
        table = fit_ease(board, EaseConfig(user_power=0.5, holdings_power=0.3)).neighbours[0].left
        yield np.asarray(table).tobytes()
        yield normal_matrix(board).toarray().tobytes()
        sums = sums_of(board.held(), PRODUCTS, 0.5)
        yield sums.together.tobytes() + sums.weighted.tobytes()

    alone = list(made())
    with working(None, 2):
        assert list(made()) == alone


def test_pairs_of_enough_customers_are_those_of_one_count(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_board(1, min_group=3)
    back = graph.held().transposed(graph.num_products)
    plain, gram = supported_pairs_of(graph, back), normal_matrix(graph)
    monkeypatch.setattr(sharded, "SHARD", 7)
    found = supported_pairs_of(graph, back)
    assert 0 < len(found.indices) < graph.num_products**2
    assert found.indptr.tolist() == plain.indptr.tolist()
    assert found.indices.tolist() == plain.indices.tolist()
    again = normal_matrix(graph)
    assert again.indices.tolist() == gram.indices.tolist()
    assert again.data == pytest.approx(gram.data, rel=1e-6)


def test_a_shard_that_every_process_dies_of_is_one_line(board: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "TRIES", 2)
    monkeypatch.setattr(shards, "_WORK", "import os; os._exit(9)  # {0}")
    with (
        pytest.raises(WorkerDied, match=r"^2 worker processes died while they summed what 64 customers hold; look for"),
        working(None, 2),
    ):
        crossed(*matrices())


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(UsageError, match="--on spark: want ray, a cluster of this machine"), working("spark", 2):
        raise AssertionError("no cluster")
