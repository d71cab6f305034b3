"""Writers that share no node: how rows are cut, batched and handed out."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from graphrec import queries
from graphrec.store.kinds import Kind
from graphrec.store.neo4j import parallel
from graphrec.store.neo4j.parallel import Cell, batches, cut, run_apart
from graphrec.store.neo4j.sink import NEW_EDGES, as_lists

BOUGHT = Kind("BOUGHT", "Customer", "Product")
KNOWS = Kind("KNOWS", "Customer", "Customer")


@pytest.fixture(autouse=True)
def _small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MAX_ROWS", 100)


def edges(count: int, sources: int, targets: int) -> pa.Table:
    rng = np.random.default_rng(0)
    source = [f"n{number}" for number in rng.integers(0, sources, count)]
    target = [f"n{number}" for number in rng.integers(0, targets, count)]
    return pa.table({"source": source, "target": target, "key": [str(number) for number in range(count)]})


def nodes_of(kind: Kind, rows: pa.Table, cell: Cell) -> set[tuple[str | None, str]]:
    found = rows.take(cell.positions)
    return {(kind.source, one) for one in found["source"].to_pylist()} | {
        (kind.target, one) for one in found["target"].to_pylist()
    }


@pytest.mark.parametrize("kind", [BOUGHT, KNOWS])
def test_cells_hold_every_edge_once_and_blocks_separate_their_nodes(kind: Kind) -> None:
    rows = edges(5_000, 60, 60)
    cells = cut(kind, rows)
    assert len(cells) == 9
    assert sorted(np.concatenate([cell.positions for cell in cells]).tolist()) == list(range(5_000))
    for one in cells:
        for other in cells:
            if not one.blocks & other.blocks:
                assert not nodes_of(kind, rows, one) & nodes_of(kind, rows, other)


def test_few_edges_are_one_cell() -> None:
    assert len(cut(BOUGHT, edges(300, 9, 9))) == 1


def test_nodes_are_cut_by_place() -> None:
    cells = cut(Kind("Customer"), pa.table({"id": [str(number) for number in range(250)]}))
    assert [len(cell.positions) for cell in cells] == [100, 100, 50]
    assert not cells[0].blocks & cells[1].blocks


def test_batches_keep_to_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pa.table({"id": [str(number) for number in range(250)]})
    assert [len(batch) for batch in batches(rows)] == [100, 100, 50]
    monkeypatch.setattr(parallel, "MAX_BYTES", 1_000)
    texts = pa.table({"text": ["x" * 400, "x" * 400, "x" * 5_000, "y", None]})
    assert [len(batch) for batch in batches(texts)] == [2, 1, 2]


def test_no_two_at_once_share_a_block() -> None:
    cells = cut(BOUGHT, edges(5_000, 60, 60))
    busy: list[tuple[str, int]] = []
    most, lock = [0], threading.Lock()

    def work(cell: Cell) -> None:
        with lock:
            assert not cell.blocks & set(busy)
            busy.extend(cell.blocks)
            most[0] = max(most[0], len(busy) // 2)
        time.sleep(0.005)
        with lock:
            for block in cell.blocks:
                busy.remove(block)

    run_apart(cells, work, 3)
    assert most == [3]


@pytest.mark.parametrize("writers", [1, 3])
def test_first_error_stops_the_rest(writers: int) -> None:
    begun: list[Cell] = []

    def work(cell: Cell) -> None:
        begun.append(cell)
        raise ValueError("no")

    cells: Sequence[Cell] = cut(BOUGHT, edges(5_000, 60, 60))
    with pytest.raises(ValueError, match="no"):
        run_apart(cells, work, writers)
    assert len(begun) <= 3


def test_edges_as_lists_follow_their_statement() -> None:
    rows = pa.table(
        {"source": ["a", "b"], "target": ["x", "y"], "key": ["1", ""], "at": ["t", None], "amount": [1.5, None]}
    )
    assert as_lists(rows) == [("a", "x", "1", "t", 1.5), ("b", "y", "", None, None)]
    labels = {"Source": "Customer", "EDGE": "BOUGHT", "Target": "Product"}
    text = queries.text(NEW_EDGES, labels, columns=["amount", "odd `name`"])
    assert text.endswith("sources: [$source], `amount`: row[6], `odd ``name```: row[7]}]->(t)")
    assert queries.text(NEW_EDGES, labels, columns=[]).endswith("sources: [$source]}]->(t)")
