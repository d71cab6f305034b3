"""The default of `graphrec train` beside every single model and peer, tuned with as many trials, on several data sets.

    python benchmarks/defaults.py [--data ../shared/data] [--only demo,zimnat,ml-100k,…] [--seed 0]

Nothing is set: a bank takes the default. Each model is chosen on validation and fitted again as the default is; the
test part is read once, at the end. `implicit` joins where it is installed (group `bench`). ml-100k is split by the
order of each user's ratings, citeulike-t at random, 80 : 20. Prints a table a data set, each row as soon as it is
there, and ends with 1 where a single model is better than the default by more than the standard error of their
difference. Data that are not there are left out.
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
from graphrec.terms.blend import Blend
from graphrec.training.fit import TrainOptions, train
from graphrec.training.lists import ranked_lists
from graphrec.training.split import split_of
from graphrec.training.validation import Validation

MODELS = ("popularity", "itemknn", "rp3beta", "kernel", "spectral", "chebyshev", "ease", "als", "softmax")
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


def snapshot_of(name: str, data: Path, folder: Path) -> Snapshot:
    """The snapshot of a data set."""
    sink = MemorySink()
    run_load(load_mapping(SETS[name]), files_of(name, data, folder), sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, split)


class Peer:
    """A model of `implicit` on the matrix of who holds what."""

    def __init__(self, made: Any, graph: Graph) -> None:
        self._made, self._held, self.num_products = made, holdings(graph).astype(np.float32), graph.num_products
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
    from implicit.nearest_neighbours import BM25Recommender  # type: ignore[import-untyped]

    settings = [(alpha, weight) for alpha in (1.0, 10.0) for weight in (1.0, 30.0)]
    makers: dict[str, list[Callable[[], object]]] = {
        "implicit als": [
            partial(AlternatingLeastSquares, 64, regularization=weight, alpha=alpha, random_state=0)
            for alpha, weight in settings
        ],
        "implicit bm25": [partial(BM25Recommender, k) for k in (20, 50, 100, 200)],
    }
    found: dict[str, Peer] = {}
    for name, tries in makers.items():
        values = [float(validation.evaluate(Peer(make(), train_graph)).mean()) for make in tries]
        found[name] = Peer(tries[int(np.argmax(values))](), visible)
    return found


def measured(term: "Blend | Peer", part: HiddenPart) -> Values:
    """The metrics of each test user."""
    lists = ranked_lists(term, part.users, part.masked, max(KS))  # type: ignore[arg-type]
    return evaluate_lists(lists, part.relevant.indptr, part.relevant.indices, KS)


def compare(name: str, data: Path, seed: int) -> bool:
    """Whether no single model is better than the default; prints the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        snapshot = snapshot_of(name, data, folder)
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
        print(f"  processor), seed {seed}: {weights}")
        for note in report.notes:
            print(f"  note: {note}")
        columns = columns_of(validation.k)
        print("  " + " ".join(f"{column:>12}" for column in ("", *columns, "difference")))
        held = row("the default", own, own, columns)
        for other in MODELS:
            if is_affordable(model(other), train_graph, inputs):
                try:
                    found = measured(baseline(other, snapshot, split, graph, inputs), part)
                except GraphrecError as error:
                    print(f"  {other}: {error}")
                else:
                    held &= row(other, found, own, columns)
        if find_spec("implicit"):
            for peer, term in peers(train_graph, graph, validation).items():
                held &= row(peer, measured(term, part), own, columns)
    return held


def columns_of(k: int) -> list[str]:
    """The metrics of a table, the one that the default is chosen by among them, as the last."""
    nearest = min((one for one in KS), key=lambda one: abs(one - k))
    return list(dict.fromkeys(("hit_rate@1", "hit_rate@3", "recall@20", "ndcg@20", f"ndcg@{nearest}")))


def row(name: str, values: Values, own: Values, columns: Sequence[str]) -> bool:
    """Prints a model; whether it is not better than the default by more than a standard error, by the last column."""
    gap = own[columns[-1]] - values[columns[-1]]
    error = float(gap.std() / np.sqrt(len(gap)))
    cells = [f"{values[column].mean():12.4f}" for column in columns]
    print(f"  {name:>12} {' '.join(cells)} {gap.mean():+8.4f} +-{error:.4f}", flush=True)
    return float(gap.mean()) >= -error


def processor() -> float:
    """Processor seconds used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the default leads everywhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    held = True
    for name in given.only.split(","):
        if name != "demo" and not (given.data / name).exists():
            print(f"defaults: {name} skipped, there is no {given.data / name}")
            continue
        held &= compare(name, given.data, given.seed)
    print(f"the default is at least as good as every single model, within a standard error: {'yes' if held else 'no'}")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
