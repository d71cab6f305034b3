"""Work side by side without sharing nodes: rows cut into cells of a grid, cells run so that no two share a block."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.store.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows and bytes of one transaction: large enough to spare round trips, small enough for a server with a small heap.
MAX_ROWS = 5_000
MAX_BYTES = 8_000_000
#: Blocks that the nodes of one label are cut into: one more than writers, so that one is free when a cell is done.
MAX_BLOCKS = 3


@dataclass(frozen=True)
class Cell:
    """Rows whose nodes are all in these blocks; a block is (label, number)."""

    blocks: frozenset[tuple[str, int]]
    positions: NDArray[np.int64]


def cut(kind: Kind, rows: "pa.Table") -> list[Cell]:
    """The rows in cells: edges by the blocks of both ends, nodes by their place, which no two rows share."""
    if kind.source is None or kind.target is None:
        starts = range(0, len(rows), MAX_ROWS)
        places = [np.arange(start, min(start + MAX_ROWS, len(rows))) for start in starts]
        return [Cell(frozenset({(kind.name, number)}), place) for number, place in enumerate(places)]
    number = min(MAX_BLOCKS, max(1, isqrt(len(rows) // MAX_ROWS)))
    sources, targets = _codes(rows, is_same=kind.source == kind.target)
    source_blocks, target_blocks = sources % number, targets % number
    order = np.argsort(source_blocks * number + target_blocks, kind="stable")
    bounds = np.searchsorted((source_blocks * number + target_blocks)[order], np.arange(number * number + 1))
    cells = []
    for shift in range(number):  # cells that follow each other share no block, so all writers have work from the start
        for block in range(number):
            other = (block + shift) % number
            found = order[bounds[block * number + other] : bounds[block * number + other + 1]]
            if len(found):
                cells.append(Cell(frozenset({(kind.source, block), (kind.target, other)}), found))
    return cells


def batches(rows: "pa.Table") -> Iterator["pa.Table"]:
    """The rows in order, in tables of at most MAX_ROWS and about MAX_BYTES."""
    ends = np.cumsum(_sizes(rows))
    start = 0
    while start < len(rows):
        before = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, before + MAX_BYTES, side="right"))
        stop = min(max(stop, start + 1), start + MAX_ROWS, len(rows))
        yield rows.slice(start, stop - start)
        start = stop


def run_apart(cells: Sequence[Cell], work: Callable[[Cell], None], writers: int) -> None:
    """Do the work of every cell, by several threads, never two at once whose cells share a block.

    Raises:
        BaseException: the first error of any of them; cells not begun by then are left.
    """
    if writers < 2 or len(cells) < 2:
        for cell in cells:
            work(cell)
        return
    board = _Board(list(cells))
    threads = [
        threading.Thread(target=_write, args=(board, work), daemon=True) for _ in range(min(writers, len(cells)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException as error:  # noqa: BLE001 - Ctrl-C too waits for the writers
        board.fail(error)
        for thread in threads:
            thread.join()
    if board.error is not None:
        raise board.error


class _Board:
    """The cells that wait and the blocks that are being worked on."""

    def __init__(self, waiting: list[Cell]) -> None:
        self._waiting = waiting
        self._busy: set[tuple[str, int]] = set()
        self._changed = threading.Condition()
        self.error: BaseException | None = None

    def take(self) -> Cell | None:
        """A cell that shares no block with those being worked on; None when there are no more."""
        with self._changed:
            while self._waiting and self.error is None:
                free = next((cell for cell in self._waiting if not cell.blocks & self._busy), None)
                if free is not None:
                    self._waiting.remove(free)
                    self._busy |= free.blocks
                    return free
                self._changed.wait()
            return None

    def done(self, cell: Cell) -> None:
        with self._changed:
            self._busy -= cell.blocks
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()


def _write(board: _Board, work: Callable[[Cell], None]) -> None:
    while (cell := board.take()) is not None:
        try:
            work(cell)
        except BaseException as error:  # noqa: BLE001 - it goes on in the thread that waits
            board.fail(error)
        board.done(cell)


def _codes(rows: "pa.Table", *, is_same: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number per end of each edge, the same for the same node."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = [rows["source"], rows["target"]]
    if not is_same:
        sources, targets = (_flat(pc.dictionary_encode(end)) for end in ends)
        return sources, targets
    both = _flat(pc.dictionary_encode(pa.chunked_array([chunk for end in ends for chunk in end.chunks], pa.string())))
    return both[: len(rows)], both[len(rows) :]


def _flat(encoded: "pa.ChunkedArray") -> NDArray[np.int64]:
    chunks = [np.asarray(chunk.indices, np.int64) for chunk in encoded.unify_dictionaries().chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)


def _sizes(rows: "pa.Table") -> NDArray[np.int64]:
    """About how many bytes each row is on the wire."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = np.full(len(rows), sum(len(name) + 9 for name in rows.column_names), np.int64)
    for column in rows.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            sizes += np.asarray(pc.binary_length(column).fill_null(0), np.int64)
    return sizes
