"""The default of `graphrec train` beside every single model and peer, tuned with as many trials, on several data sets.

    python benchmarks/defaults.py [--data ../shared/data] [--only demo,zimnat,ml-100k,shapes,slices,…] [--seeds 0 1 2]

Nothing is set: a bank takes the default. Each model is chosen on validation and fitted again as the default is; the
test part is read once, at the end. `implicit` and LightGBM join where they are installed (group `bench`). ml-100k is
split by the order of each user's ratings, citeulike-t at random, 80 : 20. `shapes` stands for the generated banks of
shapes.py, on which nothing was tuned; each seed draws other ones. Prints a table a data set, each row as soon as it is
there, then what the default lacks to the best single model or peer, and ends with 1 where one is better than the
default by more than the standard error of their difference. `slices` stands for the sets of slices.py, cut out of the
real data or drawn. Data that are not there are left out.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from quality_zimnat import boosted
from scipy.sparse import csr_matrix
from shapes import SHAPES, write_shape
from slices import NAMES as SLICES
from slices import write_slice

from graphrec.demo import write_bank
from graphrec.errors import GraphrecError
from graphrec.evaluation.evaluate import baseline
from graphrec.evaluation.hidden_part import HiddenPart, open_tested
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import holdings
from graphrec.models.registry import is_affordable, model
from graphrec.terms.forms.blend import Blend
from graphrec.training.fit import TrainOptions, train
from graphrec.training.lists import ranked_lists
from graphrec.training.split import split_of
from graphrec.training.validation import Validation

MODELS = (
    "popularity", "itemknn", "rp3beta", "kernel", "learned-kernel", "spectral", "chebyshev", "ease", "als", "softmax",
    "pairs", "lightgcn", "trend",
)  # fmt: skip
MOST_BOOSTED = 100
"""Products up to which LightGBM learns which of them a customer takes."""
KS = (1, 3, 10, 20)
SETS = {
    "demo": "demo", "zimnat": "zimnat", "ml-100k": "lightgcn-split", "citeulike-t": "lightgcn-split",
    "senate": "senate", "ml-1m": "lightgcn-split", "gowalla": "lightgcn-split",
}  # fmt: skip
Values = dict[str, NDArray[np.float64]]


def files_of(name: str, data: Path, folder: Path) -> Path:
    """The folder of a data set in the form that its mapping reads."""
    made = folder / "files"
    if name == "demo":
        write_bank(made)
    elif name == "ml-100k":
        rows = [line.split("\t") for line in (data / name / "ml-100k.inter").read_text("utf-8").splitlines()[1:]]
        histories: dict[str, list[str]] = {}
        for user, item, *_ in sorted(rows, key=lambda row: (row[0], float(row[3]), row[1])):
            histories.setdefault(user, []).append(item)
        write_split(made, histories)
    elif name == "citeulike-t":
        rng = np.random.default_rng(0)
        lines = (data / name / "users.dat").read_text("utf-8").splitlines()
        write_split(made, {str(n): rng.permutation(line.split()[1:]).tolist() for n, line in enumerate(lines)})
    else:
        # The mapping of senate reads several folders.
        return data if name == "senate" else data / name
    return made


def write_split(folder: Path, histories: dict[str, list[str]]) -> None:
    """train.txt and test.txt, the last fifth of each history."""
    folder.mkdir()
    for part, place in (("train", slice(None, -1)), ("test", slice(-1, None))):
        lines = []
        for user, items in histories.items():
            cut = len(items) - len(items) // 5
            own = items[:cut] if place.stop else items[cut:]
            lines += [" ".join((user, *own))] if own else []
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def snapshot_of(name: str, data: Path, folder: Path, seed: int) -> Snapshot:
    """The snapshot of a data set."""
    sink = MemorySink()
    if name in SHAPES:
        files, mapping = folder / "files", str(write_shape(SHAPES[name], folder / "files", seed))
    elif name in SLICES:
        files, mapping = folder / "files", str(write_slice(name, data, folder / "files", seed))
    else:
        files, mapping = files_of(name, data, folder), SETS[name]
    run_load(load_mapping(mapping), files, sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, split)


class Peer:
    """A model of `implicit` on the matrix of who holds what."""

    def __init__(self, made: Any, graph: Graph) -> None:
        self._made, self._held, self.num_products = (
            made,
            csr_matrix(holdings(graph).astype(np.float32)),
            graph.num_products,
        )
        made.fit(self._held, show_progress=False)

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        del out
        if hasattr(self._made, "item_factors"):
            return np.asarray(self._made.user_factors[users] @ self._made.item_factors.T)
        return np.asarray((self._held[users] @ self._made.similarity.T).toarray(), np.float32)


def peers(train_graph: Graph, visible: Graph, validation: Validation) -> dict[str, Peer]:
    """Models of `implicit`, the best of four settings each, fitted on what the test may know."""
    from implicit.als import AlternatingLeastSquares  # type: ignore[import-untyped]
    from implicit.bpr import BayesianPersonalizedRanking  # type: ignore[import-untyped]
    from implicit.nearest_neighbours import BM25Recommender  # type: ignore[import-untyped]

    settings = [(alpha, weight) for alpha in (1.0, 10.0) for weight in (1.0, 30.0)]
    makers: dict[str, list[Callable[[], object]]] = {
        "implicit als": [
            partial(AlternatingLeastSquares, 64, regularization=weight, alpha=alpha, random_state=0)
            for alpha, weight in settings
        ],
        "implicit bpr": [
            partial(BayesianPersonalizedRanking, 64, learning_rate=rate, regularization=weight, random_state=0)
            for rate in (0.01, 0.05)
            for weight in (0.001, 0.01)
        ],
        "implicit bm25": [partial(BM25Recommender, k) for k in (20, 50, 100, 200)],
    }
    found: dict[str, Peer] = {}
    for name, tries in makers.items():
        values = [float(validation.evaluate(Peer(make(), train_graph)).mean()) for make in tries]
        found[name] = Peer(tries[int(np.argmax(values))](), visible)
    return found


class Boosted:
    """Trees of LightGBM over holdings and attributes, which say what a customer takes next.

    The number of rounds is chosen on validation; it is fitted again on what the test may know.
    """

    def __init__(self, train_graph: Graph, visible: Graph, validation: Validation, users: NDArray[np.int32]) -> None:
        self._users, self.num_products = users, visible.num_products
        asked = np.repeat(validation.users, validation.relevant.degrees())
        rounds = boosted(train_graph, (asked, validation.relevant), False, None)[1]
        self._scores = boosted(visible, (users, validation.relevant), False, rounds)[0].astype(np.float32)

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        del out
        return self._scores[np.searchsorted(self._users, users)]


def measured(term: "Blend | Peer | Boosted", part: HiddenPart) -> Values:
    """The metrics of each test user."""
    lists = ranked_lists(term, part.users, part.masked, max(KS))  # type: ignore[arg-type]
    return evaluate_lists(lists, part.relevant.indptr, part.relevant.indices, KS)


def compare(name: str, data: Path, seed: int) -> list[float]:
    """What each single model and peer is ahead of the default, in standard errors of it; prints the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        snapshot = snapshot_of(name, data, folder, seed)
        began, used = time.monotonic(), processor()
        report = train(snapshot, Home(folder / "home").prepare(), TrainOptions(seed=seed))
        took, work = time.monotonic() - began, processor() - used
        split = split_of(snapshot)
        graph = visible_graph(snapshot, split.hidden(split.fitted))
        part = HiddenPart.of(snapshot, split, graph)
        train_graph = visible_graph(snapshot, split.hidden("train"))
        validation, inputs = Validation.of(split, train_graph, seed), Inputs(seed=seed)
        own = measured(open_tested(report.path, snapshot).blend, part)
        weights = ", ".join(f"{weight:g} x {term}" for term, weight in report.configuration.weights.items())
        print(f"{name}: {len(part.users):,} test users, {graph.num_products:,} products, {took:.0f} s ({work:.0f} s of")
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"  processor, {most:.1f} GiB at most so far), seed {seed}: {weights}")
        for note in report.notes:
            print(f"  note: {note}")
        columns = columns_of(validation.k)
        print("  " + " ".join(f"{column:>12}" for column in ("  ", *columns, "difference")))
        row("the default", own, own, columns)
        ahead = []
        for other in MODELS:
            if is_affordable(model(other), train_graph, inputs):
                try:
                    found = measured(baseline(other, snapshot, split, graph, inputs), part)
                except GraphrecError as error:
                    print(f"  {other}: {error}")
                else:
                    ahead.append(row(other, found, own, columns))
        if find_spec("implicit"):
            for peer, term in peers(train_graph, graph, validation).items():
                ahead.append(row(peer, measured(term, part), own, columns))
        if find_spec("lightgbm") and graph.num_products <= MOST_BOOSTED and len(validation):
            trees = Boosted(train_graph, graph, validation, part.users)
            ahead.append(row("lightgbm", measured(trees, part), own, columns))
    return ahead


def columns_of(k: int) -> list[str]:
    """The metrics of a table, the one that the default is chosen by among them, as the last."""
    nearest = min((one for one in KS), key=lambda one: abs(one - k))
    return list(dict.fromkeys(("hit_rate@1", "hit_rate@3", "recall@20", "ndcg@10", "ndcg@20", f"ndcg@{nearest}")))


def row(name: str, values: Values, own: Values, columns: Sequence[str]) -> float:
    """Prints a model; by how much it is ahead of the default in the last column, in standard errors."""
    gap = own[columns[-1]] - values[columns[-1]]
    error = float(gap.std() / np.sqrt(len(gap)))
    cells = [f"{values[column].mean():12.4f}" for column in columns]
    print(f"  {name:>14} {' '.join(cells)} {gap.mean():+8.4f} +-{error:.4f}", flush=True)
    return -float(gap.mean()) / error if error else 0.0


def processor() -> float:
    """Processor seconds used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the default leads everywhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args(arguments)
    whole = {"shapes": tuple(SHAPES), "slices": SLICES}
    names = [one for name in given.only.split(",") for one in whole.get(name, (name,))]
    behind = []
    for name in names:
        if name in SLICES and not given.data.exists():
            print(f"defaults: {name} skipped, there is no {given.data}")
            continue
        if name in SETS and name != "demo" and not (given.data / name).exists():
            print(f"defaults: {name} skipped, there is no {given.data / name}")
            continue
        for seed in given.seeds:
            lead = max(compare(name, given.data, seed), default=0.0)
            behind += [f"{name}, seed {seed}: {lead:.1f} standard errors"] if lead > 1 else []
    print(
        "\n".join(
            ("the default is behind a single model or peer by more than a standard error:", *(behind or ["nowhere"]))
        )
    )
    return int(bool(behind))


if __name__ == "__main__":
    raise SystemExit(main())
