"""What the decision record costs beside the lists that go into it: processor time in one run (bar: 20 %).

Demo bank S, kernel with its default walks, the lists of all users again and again until there are 100,000.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import sys
import tempfile
import time
from pathlib import Path

from graphrec.demo import write_bank
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.records.decision import Decisions, Request
from graphrec.records.verify import verify
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.training.fit import TrainOptions, train

LISTS, K, BAR = 100_000, 10, 0.20
CHUNK = 1_000


def main() -> int:
    """Print what lists and record take; 1 when the record takes more than the bar."""
    with tempfile.TemporaryDirectory() as folder:
        home = demo_home(Path(folder))
        engine = Engine.open(home, "kernel")
        decisions = Decisions(home, engine, Request("export", K, ListOptions(reasons=1)))
        users = len(engine.users)
        list(recommend_many(engine, range(64), K, ListOptions(reasons=1)))
        lists = record = 0.0
        for start in range(0, LISTS, CHUNK):
            positions = [position % users for position in range(start, start + CHUNK)]
            began = time.process_time()
            answers = list(recommend_many(engine, positions, K, ListOptions(reasons=1)))
            made = time.process_time()
            decisions.add(answers)
            lists, record = lists + made - began, record + time.process_time() - made
        began = time.process_time()
        found = verify(home.records)
        checked = time.process_time() - began
        size = sum(path.stat().st_size for path in home.records.glob("*.log"))
        assert (found.entries, found.problems) == (LISTS, [])
    print(f"{LISTS:,} lists of {K}, load {os.getloadavg()[0]:.1f}, processor time of one core")
    print(f"lists {lists:.1f} s ({LISTS * K / lists:,.0f} explained pairs/s), record {record:.1f} s: "
          f"{record / lists:.1%} of the lists (bar {BAR:.0%}), {1_000 * record / LISTS:.3f} ms a list")  # fmt: skip
    print(f"{size / LISTS:.0f} bytes a list; verify {checked:.1f} s, {LISTS / checked:,.0f} entries/s")
    return int(record / lists > BAR)


def demo_home(folder: Path) -> Home:
    """A home with the demo bank and a final kernel."""
    write_bank(folder / "bank", size="S")
    sink = MemorySink()
    run_load(load_mapping("demo"), folder / "bank", sink, rejected_path=folder / "rejected.csv")
    home = Home(folder / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series)
    )
    train(snapshot, home, TrainOptions("kernel", fixed=True, final=True))
    return home


if __name__ == "__main__":
    sys.exit(main())
