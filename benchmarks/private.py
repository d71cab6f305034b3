"""What differential privacy costs, and what it keeps from an attacker who asks whether somebody is in the data.

    python benchmarks/private.py [--data ../shared/data] [--only demo,ml-100k] [--methods ease,kernel,…] [--seeds 3]

Price: nDCG@20 on the hidden part with the model `private` at epsilon 1, 3 and 8 (delta 1e-6, mean over noises), beside
the same table without noise and clipping, and popularity.

Membership: half of the customers are in the fit, half are not, and the attacker guesses which; AUC, .5 is a coin.

    folder       knows every other customer and reads the sums in the model folder
    alone        has the table and knows the customer's holdings, nobody else's
    lists        knows the holdings and may ask for lists: how high what is held comes from the rest

Without privacy the first attacker reads it from the sums exactly: AUC 1 without a computation, printed as measured.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.defaults import files_of, measured, snapshot_of
from graphrec.campaigns.additive import auc
from graphrec.evaluation.hidden_part import HiddenPart
from graphrec.graph.edges.adjacency import Adjacency, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.models.counted.network import Known, fit_network
from graphrec.models.counted.noise import from_seed, gaussian
from graphrec.models.counted.private import PrivateConfig, deviations, fit_private
from graphrec.models.counted.solve import Method, SolveConfig, table_of
from graphrec.models.counted.sums import clipped, sums_of
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.matrix import relevant_hops
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import Neighbours, TableTerm
from graphrec.training.split import split_of
from graphrec.training.validation import rows_of

METHODS = ("popularity", "itemknn", "ease", "kernel", "spectral", "chebyshev", "network")
GENRES = """
[nodes.Genre]
key = "genre"
sql = "SELECT DISTINCT genre FROM genres"
[edges.OF_GENRE]
from = "Item.item_id"
to = "Genre.genre"
sql = "SELECT DISTINCT CAST(item AS VARCHAR) AS item_id, genre FROM genres"
"""
EPSILONS = (1.0, 3.0, 8.0)
K = 20


def main() -> int:
    """Prints both tables of each data set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default="demo,ml-100k")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--membership", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--set", action="append", default=[], help="NAME=NUMBER of the configuration")
    asked = parser.parse_args()
    values = {name: float(value) for name, _, value in (one.partition("=") for one in asked.set)}
    for name in asked.only.split(","):
        with tempfile.TemporaryDirectory() as place:
            snapshot = with_genres(asked.data, Path(place)) if name == "ml-100k" else snapshot_of(
                name, asked.data, Path(place), 0
            )  # fmt: skip
            split = split_of(snapshot)
            graph = visible_graph(snapshot, split.hidden(split.fitted))
            part = HiddenPart.of(snapshot, split, graph)
            held = graph.held()
            print(
                f"{name}: {graph.num_users:,} customers, {graph.num_products:,} products, "
                f"{len(held.indices):,} holdings; nDCG@{K} on {len(part.users):,} customers"
            )
            popular = measured(Blend([fit_popularity(graph)], [1.0]), part)[f"ndcg@{K}"].mean()
            print(f"  {'popularity of min_group':24} {popular:.4f}")
            print(f"  {'':12} {'no privacy':>11} " + " ".join(f"{f'epsilon {one:g}':>11}" for one in EPSILONS))
            for method in asked.methods.split(","):
                config = PrivateConfig(method=method, **values)  # type: ignore[arg-type]
                cells = [ndcg(exact(graph, config), part)]
                for epsilon in EPSILONS:
                    drawn = [
                        ndcg(fit_private(graph, replace(config, epsilon=epsilon, test_seed=seed)), part)
                        for seed in range(asked.seeds)
                    ]
                    cells.append(float(np.mean(drawn)))
                print(f"  {method:12} " + " ".join(f"{one:11.4f}" for one in cells), flush=True)
            if asked.membership:
                membership(held, graph.num_products, PrivateConfig(**values))  # type: ignore[arg-type]
    return 0


def with_genres(data: Path, folder: Path) -> Snapshot:
    """ml-100k with its genres as attributes of products."""
    files = files_of("ml-100k", data, folder)
    lines = (data / "ml-100k" / "ml-100k.item").read_text("utf-8").splitlines()[1:]
    pairs = [
        f"{item},{genre}" for item, _, _, genres in (line.split("\t") for line in lines) for genre in genres.split()
    ]
    (files / "genres.csv").write_text("\n".join(["item,genre", *pairs]) + "\n", "utf-8")
    mapping = (Path(__file__).parents[1] / "loaders" / "lightgcn_split.toml").read_text("utf-8")
    mapping = mapping.replace("[source.files]\n", '[source.files]\ngenres = "genres.csv"\n') + GENRES
    (files / "mapping.toml").write_text(mapping, "utf-8")
    sink = MemorySink()
    run_load(load_mapping(str(files / "mapping.toml")), files, sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, split)


def ndcg(term: TableTerm, part: HiddenPart) -> float:
    """On the hidden part."""
    return float(measured(Blend([term], [1.0]), part)[f"ndcg@{K}"].mean())


def exact(graph, config: PrivateConfig) -> TableTerm:  # type: ignore[no-untyped-def]
    """The same table from the sums of all holdings, without noise."""
    sums = sums_of(graph.held(), graph.num_products, 1.0)
    holders = sums.holders.astype(np.float64)
    method: Method = "ease" if config.method == "network" else config.method
    table = table_of(sums.weights, holders, replace(SolveConfig(), method=method))
    if config.method == "network":
        known = Known(table, holders, float(np.trace(sums.weights)))
        table, _ = fit_network(graph, graph.held(), known, np.inf, from_seed(0))
    hops = [None] if config.method == "popularity" else relevant_hops(graph)
    return TableTerm("exact", graph, [Neighbours(hop, table.astype(np.float32)) for hop in hops])


def membership(held: Adjacency, num_products: int, config: PrivateConfig) -> None:
    """Half of the customers in the fit, half not."""
    rng = np.random.default_rng(0)
    able = np.flatnonzero(held.degrees() >= 2)
    order = rng.permutation(able)
    inside, outside = order[: len(order) // 2], order[len(order) // 2 :]
    rows = clipped(held, num_products, config.clip)
    sums = sums_of(rows_of(rows, inside), num_products, 1.0)
    matrix, holders = sums.weights, sums.holders.astype(np.float64)
    print(f"  membership, {len(inside):,} in and {len(outside):,} out (AUC)")
    print(f"  {'':12} {'folder':>8} {'alone':>8} {'lists':>8}")
    for epsilon in (None, *EPSILONS):
        noisy, counts, ridge = matrix, holders, 0.0
        if epsilon is not None:
            pairs, singles, _ = deviations(replace(config, epsilon=epsilon))
            uniform = from_seed(7)
            upper = np.triu(gaussian(num_products**2, pairs * 2**20, uniform).reshape(matrix.shape) / 2**20)
            upper[np.diag_indices(num_products)] *= np.sqrt(2)
            noise = upper + np.triu(upper, 1).T
            noisy = matrix + noise
            counts = holders + gaussian(num_products, singles * 2**20, uniform) / 2**20
            ridge = config.ridge * 2 * pairs * np.sqrt(num_products)
        table = table_of(noisy, counts, config, ridge=ridge)
        guesses = {
            "folder": [
                [folder_attack(noisy - matrix, rows.row(int(user)), is_in) for user in users]
                for users, is_in in ((inside, True), (outside, False))
            ],
            "alone": [[noisy_pairs(noisy, rows.row(int(user))) for user in users] for users in (inside, outside)],
            "lists": [[own_ranks(table, held.row(int(user))) for user in users] for users in (inside, outside)],
        }
        cells = [
            auc(np.array([*one, *other]), np.arange(len(one) + len(other)) < len(one))
            for one, other in guesses.values()
        ]
        named = "no privacy" if epsilon is None else f"epsilon {epsilon:g}"
        print(f"  {named:12} " + " ".join(f"{one:8.3f}" for one in cells), flush=True)


def folder_attack(noise: NDArray[np.float64], row: NDArray[np.int32], is_in: bool) -> float:
    """How much of a customer is in the sums that the sums of all the others leave."""
    own = np.triu(np.full((len(row), len(row)), 1 / len(row)))
    left = np.triu(noise[np.ix_(row, row)]) + (own if is_in else 0)
    return float((left * own).sum() / np.linalg.norm(own))


def noisy_pairs(matrix: NDArray[np.float64], row: NDArray[np.int32]) -> float:
    """How common the pairs of a customer are, beside how common each product of a pair is."""
    inner = matrix[np.ix_(row, row)]
    scale = np.sqrt(np.maximum(np.diagonal(inner), 1e-3))
    return float(np.triu(inner / scale[:, None] / scale[None, :], 1).sum() / max(len(row) * (len(row) - 1) / 2, 1))


def own_ranks(table: NDArray[np.float64], row: NDArray[np.int32]) -> float:
    """How high a list of all but one of the customer's products has that one, on average."""
    if len(table) == 1:
        return 0.0
    total = table[row].sum(axis=0)
    found = []
    for product in row[:20]:
        scores = total - table[product]
        scores[row[row != product]] = -np.inf
        found.append(-np.log1p((scores > scores[product]).sum()))
    return float(np.mean(found))


if __name__ == "__main__":
    sys.exit(main())
