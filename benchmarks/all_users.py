"""The top 20 of all Gowalla users beside `recommend` of implicit with as many factors and threads (bar: 1.5 times).

uv pip install --group bench   # implicit, the peer
THREADS=2 .venv/bin/python benchmarks/all_users.py
"""

import os

os.environ.update({f"{name}_NUM_THREADS": os.environ.get("THREADS", "1") for name in ("OMP", "OPENBLAS", "NUMBA")})

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.sparse import csr_matrix

from graphrec.graph.edges.adjacency import Adjacency
from graphrec.models.matrix import csr
from graphrec.models.walks.kernel import default_powers, fit_kernel
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from graphrec.training.lists import ranked_lists
from tests.quality.synthetic import BOUGHT, SCHEMA, factors, graph_of

THREADS = os.environ["OMP_NUM_THREADS"]
TRAIN = Path(__file__).resolve().parents[2] / "shared/data/gowalla/train.txt"
DIM, K, RUNS, BAR, SEED = 64, 20, 3, 1.5, 7


def main() -> int:
    """Print the medians of interleaved runs; 1 when graphrec is below the bar."""
    if not TRAIN.exists():
        print(f"skipped: {TRAIN} is not there")
        return 0
    held, products = read_train(TRAIN)
    graph = graph_of(held, products)
    users = np.arange(graph.num_users, dtype=np.int32)
    linear = factors(graph, DIM, SEED)
    kernel = fit_kernel(
        graph, [Walk((BOUGHT, BOUGHT.back(), BOUGHT), default_powers(SCHEMA, (BOUGHT, BOUGHT.back(), BOUGHT)))]
    )
    ours = {
        f"graphrec, linear {DIM}": Blend([linear], [1.0]),
        f"graphrec, linear {DIM} + kernel (paths)": Blend([linear, kernel], [1.0, 1.0]),
    }
    calls: dict[str, Callable[[], object]] = {
        name: partial(ranked_lists, blend, users, held, K) for name, blend in ours.items()
    }
    calls |= peers(held, products, users)
    took: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(RUNS + 1):
        for name, call in calls.items():
            began = time.perf_counter(), time.process_time()
            call()
            if run:
                took[name].append(time.process_time() - began[1] if THREADS == "1" else time.perf_counter() - began[0])
    print(
        f"{graph.num_users:,} x {products:,}, top {K} without what is held, {THREADS} threads, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    for name, seconds in medians.items():
        print(f"{name:45} {seconds:7.2f} s ({', '.join(f'{one:.2f}' for one in took[name])})")
    first, *_ = medians.values()
    theirs = [seconds for name, seconds in medians.items() if name.startswith("implicit ALS")]
    if not theirs:
        return 0
    print(
        f"graphrec's linear term is {theirs[0] / first:.2f} times as fast as implicit's ALS with as many factors; "
        f"bar {BAR}"
    )
    return int(theirs[0] / first < BAR)


def read_train(path: Path) -> tuple[Adjacency, int]:
    """The holdings of a file of the LightGCN split (a user and their products a line), and the number of products."""
    rows = [np.array(line.split(), np.int32) for line in path.read_text("ascii").splitlines()]
    items = {int(row[0]): np.unique(row[1:]) for row in rows}
    users = max(items) + 1
    lists = [items.get(user, rows[0][:0]) for user in range(users)]
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in lists])))
    indices = np.concatenate(lists)
    return Adjacency(indptr, indices), int(indices.max()) + 1


def peers(held: Adjacency, products: int, users: np.ndarray) -> dict[str, Callable[[], object]]:
    """What implicit offers; nothing where it is not installed."""
    try:
        from implicit.als import AlternatingLeastSquares  # type: ignore[import-not-found]
        from implicit.nearest_neighbours import CosineRecommender  # type: ignore[import-not-found]
    except ImportError:
        print("implicit is not installed; nothing to compare with")
        return {}
    matrix = csr_matrix(csr(held, products, np.float32))
    found: dict[str, Callable[[], object]] = {}
    for name, model in {
        f"implicit ALS, {DIM} factors": AlternatingLeastSquares(
            factors=DIM, iterations=1, num_threads=int(THREADS), use_gpu=False, random_state=SEED
        ),
        "implicit CosineRecommender, K = 20": CosineRecommender(K=20, num_threads=int(THREADS)),
    }.items():
        model.fit(matrix, show_progress=False)
        found[name] = partial(model.recommend, users, matrix, N=K, filter_already_liked_items=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
