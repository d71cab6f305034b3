"""CFExpRec's metrics on ml-1m: our ledgers beside LIME-RS-, SHAP- and PRINCE-like explainers and chance, one run.

    python benchmarks/explanations.py [--data ../shared/data] [--users 120] [--k 5] [--models ease-kernel chebyshev als]

Every explainer orders the edges of a user (films liked) for a film of the list, and for the whole list; as many edges
are deleted for each, degrees and spreads are counted anew, learned weights stay (terms/deletion.py).

    ledger      the share of the lines that rest on the edge
    contrast    that share minus the edge's share in the film behind the list, for films alone
    lime        a ridge over LIME deletions of 10 to 90 % of the edges, the nearer the more they count (LIME-RS)
    shap        Shapley values by the kernel over SHAP coalitions, in pairs with their complements, exact sum
    prince      personalised PageRank of the film from the edge minus that of the film behind the list (for a list: of
                its films, minus those behind it), whatever the model
    random      chance

Lime and shap ask the model for hundreds of lists a user, a ledger asks it once. All are of our own: theirs add films to
a history too (LIME-RS), or share a value among ten clusters of films (SHAP). Size: edges that have to go, of SEARCHED,
until a film is out (50 where it never is). PN: higher is better; POS-P and size: lower. There is no bar.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from quality_ml1m import LIKED, POWERED, POWERS, snapshot_of

from graphrec.evaluation.reasons.explanations import edge_weights
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.metrics.intervals import Interval, bootstrap
from graphrec.metrics.removal import deleted_at, kept_part, new_by_rank, new_part
from graphrec.models.factors.als import fit_als
from graphrec.models.factors.chebyshev import fit_chebyshev
from graphrec.models.matrix import holdings
from graphrec.models.tables.ease import fit_ease
from graphrec.models.walks.kernel import fit_kernel
from graphrec.terms.deletion import Evidence
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from graphrec.training.split import split_of

LIME, SHAP = 256, 1024
"""Cases that each asks the model for; the shap package asks 2,048 and two an edge by default."""
SIZES = (1, 3, 5, 10)
BEHIND = 5
"""Films behind the list that an explanation of the whole list is contrasted with."""
RESTART = 0.15
"""Of PageRank, as PRINCE has it."""
EXPLAINERS = ("ledger", "contrast", "lime", "shap", "prince", "random")
SEARCHED = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50)
"""Numbers of edges that are deleted until a film is out: what its explanation needs."""
Weights = NDArray[np.float64]


def blends(graph: Graph, names: list[str]) -> dict[str, Blend]:
    """The models that are explained."""
    made = {
        "ease-kernel": lambda: Blend(
            [fit_ease(graph, POWERED), fit_kernel(graph, [Walk((LIKED, LIKED.back(), LIKED), POWERS)])], [1.0, 0.3]
        ),
        "chebyshev": lambda: Blend([fit_chebyshev(graph)], [1.0]),
        "als": lambda: Blend([fit_als(graph)], [1.0]),
    }
    return {name: made[name]() for name in names}


def pagerank(graph: Graph) -> Weights:
    """The personalised PageRank of each film from each (num_products, num_products), in closed form.

    PRINCE leaves out the user's own edges, one of some thousand rows, and lets every node stay with itself: neither is
    done here.
    """
    held = csr_matrix(holdings(graph).astype(np.float64))
    users = diags(1 / np.maximum(np.diff(held.indptr), 1))
    products = diags(1 / np.maximum(np.asarray(held.sum(axis=0)).ravel(), 1))
    steps = (products @ held.T @ users @ held).toarray()
    return np.asarray(np.linalg.inv(np.eye(len(steps)) - (1 - RESTART) ** 2 * steps))


def asked(rng: np.random.Generator, count: int, *, paired: bool) -> NDArray[np.bool_]:
    """Which edges are there in each case that lime, or in pairs shap, asks the model for (num_cases, count)."""
    if not paired:
        parts = rng.uniform(0.1, 0.9, LIME)
        return rng.random((LIME, count)) > parts[:, None]
    sizes = np.arange(1, count)
    chance = 1 / (sizes * (count - sizes))
    drawn = rng.choice(sizes, SHAP // 2, p=chance / chance.sum())
    ranks = rng.random((SHAP // 2, count)).argsort(axis=1).argsort(axis=1)
    kept = ranks < drawn[:, None]
    return np.concatenate([kept, ~kept])


def lime(kept: NDArray[np.bool_], scores: Weights) -> Weights:
    """The weight of each edge (num_edges, num_targets) in a local ridge."""
    near = kept.mean(axis=1)
    features: Weights = kept - np.average(kept, axis=0, weights=near)
    values = scores - np.average(scores, axis=0, weights=near)
    gram = features.T @ (near[:, None] * features) + np.eye(kept.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ (near[:, None] * values)))


def shap(kept: NDArray[np.bool_], scores: Weights, empty: Weights, whole: Weights) -> Weights:
    """Shapley values (num_edges, num_targets), by least squares over coalitions drawn by the Shapley kernel.

    The values sum to what all edges together add; a small ridge decides where coalitions are fewer than edges.
    """
    count = kept.shape[1]
    gram = kept.T.astype(np.float64) @ kept + 1e-2 * len(kept) / count * np.eye(count)
    free = np.linalg.solve(gram, kept.T @ (scores - empty))
    ones = np.linalg.solve(gram, np.ones(count))
    return np.asarray(free + ones[:, None] * ((whole - empty - free.sum(axis=0)) / ones.sum()))


class Explained:
    """One user with a list: what every explainer says of its edges, and what deleting them does."""

    def __init__(self, blend: Blend, user: int, k: int, ranks: Weights, seed: int) -> None:
        self.evidence, self.k = Evidence(blend, user, "anew"), k
        self.edges = len(self.evidence.edges)
        self.free = np.setdiff1d(np.arange(blend.num_products), [via for _, via in self.evidence.edges])
        self.rng = np.random.default_rng([seed, user])
        every = np.ones((1, self.edges), np.bool_)
        self.whole, self.empty = self.evidence.scores(np.concatenate([every, ~every]))
        order = self.ranked(self.whole, k + BEHIND)
        self.listed, self.behind = order[:k], order[k:]
        self._blend, self._user, self._ranks = blend, user, ranks

    def ranked(self, scores: Weights, count: int) -> NDArray[np.int64]:
        """The first products of a list; none where nothing is scored."""
        own = scores[self.free]
        if not own.any():
            return np.zeros(0, np.int64)
        return np.asarray(self.free[np.lexsort((self.free, -own))[:count]])

    def orders(self, seconds: dict[str, float]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """By explainer: the order of the edges for each film (k, num_edges), and for the list (num_edges,)."""
        found = {}
        for name in EXPLAINERS:
            began = time.process_time()
            films, whole = getattr(self, f"_{name}")()
            seconds[name] += time.process_time() - began
            found[name] = np.argsort(-films, axis=0, kind="stable").T, np.argsort(-whole, kind="stable")
        return found

    def _shares(self) -> Weights:
        order = np.concatenate([self.listed, self.behind]).astype(np.int32)
        row = self._blend.row(self._user)
        ledger = self._blend.ledger(self._user, order, row.scales)
        return np.stack([edge_weights(ledger, [place], self.evidence) for place in range(len(order))], axis=1)

    def _ledger(self) -> tuple[Weights, Weights]:
        shares = self._shares()[:, : self.k]
        return shares, shares.sum(axis=1)

    def _contrast(self) -> tuple[Weights, Weights]:
        shares = self._shares()
        films, behind = shares[:, : self.k], shares[:, self.k :]
        return films - behind[:, :1], films.mean(axis=1) - behind.mean(axis=1)

    def _lime(self) -> tuple[Weights, Weights]:
        kept = asked(self.rng, self.edges, paired=False)
        films = lime(kept, self.evidence.scores(kept)[:, self.listed])
        return films, films.sum(axis=1)

    def _shap(self) -> tuple[Weights, Weights]:
        kept = asked(self.rng, self.edges, paired=True)
        scores = self.evidence.scores(kept)[:, self.listed]
        films = shap(kept, scores, self.empty[self.listed], self.whole[self.listed])
        return films, films.sum(axis=1)

    def _prince(self) -> tuple[Weights, Weights]:
        vias = np.array([via for _, via in self.evidence.edges])
        films, behind = self._ranks[np.ix_(vias, self.listed)], self._ranks[np.ix_(vias, self.behind)]
        return films - behind[:, :1], films.mean(axis=1) - behind.mean(axis=1)

    def _random(self) -> tuple[Weights, Weights]:
        films = self.rng.random((self.edges, self.k))
        return films, self.rng.random(self.edges)

    def deleted(self, order: NDArray[np.int64], counts: list[int]) -> list[NDArray[np.int64]]:
        """The list after each number of the first edges is deleted."""
        kept = np.ones((len(counts), self.edges), np.bool_)
        for case, count in enumerate(counts):
            kept[case, order[:count]] = False
        return [self.ranked(scores, self.k) for scores in self.evidence.scores(kept)]

    def measured(self, films: NDArray[np.int64], whole: NDArray[np.int64]) -> dict[str, float]:
        """The metrics of one explainer."""
        found: dict[str, float] = {f"PN-S item {size}": 0.0 for size in SIZES} | {"POS-P item": 0.0, "size": 0.0}
        steps, tried = deleted_at(self.edges), [min(size, self.edges) for size in SEARCHED]
        for product, order in zip(self.listed, films, strict=True):
            out = [product not in one for one in self.deleted(order, [*tried, *steps])]
            for size in SIZES:
                found[f"PN-S item {size}"] += out[SEARCHED.index(size)] / self.k
            found["POS-P item"] += float(1 - np.mean(out[len(tried) :])) / self.k
            found["size"] += tried[out.index(True)] / self.k if any(out[: len(tried)]) else SEARCHED[-1] / self.k
        lists = self.deleted(whole, [*(min(size, self.edges) for size in SIZES), *steps])
        for size, after in zip(SIZES, lists, strict=False):
            found[f"PN-S list {size}"] = new_part(self.listed, after)
            found[f"PN-R {size}"] = new_by_rank(self.listed, after)
        found["POS-P list"] = float(np.mean([kept_part(self.listed, after) for after in lists[len(SIZES) :]]))
        return found


def run(blend: Blend, users: list[int], k: int, ranks: Weights, seed: int) -> Mapping[str, Mapping[str, Weights]]:
    """By explainer and metric: the value of every user."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in EXPLAINERS}
    seconds = dict.fromkeys(EXPLAINERS, 0.0)
    sizes = []
    for user in users:
        one = Explained(blend, user, k, ranks, seed)
        sizes.append(one.edges)
        for name, (films, whole) in one.orders(seconds).items():
            rows[name].append(one.measured(films, whole))
    spent = ", ".join(f"{name} {1e3 * one / len(users):.1f}" for name, one in seconds.items())
    print(f"  {len(users)} users, {np.mean(sizes):.0f} edges each (median {np.median(sizes):.0f})")
    print(f"  ms of processor a user: {spent}", flush=True)
    return {
        name: {metric: np.array([row[metric] for row in found]) for metric in found[0]} for name, found in rows.items()
    }


def said(found: Interval) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def main() -> int:
    """Print the metrics of every explainer, and how far the ledger is from the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--users", type=int, default=120)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", nargs="+", default=["ease-kernel", "chebyshev", "als"])
    given = parser.parse_args()
    if not (given.data / "ml-1m").exists():
        print(f"explanations: skipped, there is no {given.data / 'ml-1m'}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        snapshot = snapshot_of(given.data, Path(folder, "snapshot"))
        split = split_of(snapshot)
        graph = visible_graph(snapshot, split.hidden("train"))
    tested, _ = split.relevant("test")
    able = tested[graph.held().degrees()[tested] > 1]
    users = np.sort(np.random.default_rng(given.seed).choice(able, min(given.users, len(able)), replace=False)).tolist()
    ranks = pagerank(graph)
    for model, blend in blends(graph, given.models).items():
        print(f"{model}: lists of {given.k}, seed {given.seed}, {LIME} questions for lime, {SHAP} for shap", flush=True)
        found = run(blend, users, given.k, ranks, given.seed)
        for metric in found["ledger"]:
            line = ", ".join(f"{name} {said(bootstrap(one[metric], seed=given.seed))}" for name, one in found.items())
            print(f"  {metric}: {line}", flush=True)
        for size in SIZES:
            metric = f"PN-S item {size}"
            for name in EXPLAINERS[2:]:
                gap = bootstrap(found["ledger"][metric] - found[name][metric], seed=given.seed)
                print(f"  {metric}, ledger - {name}: {said(gap)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
