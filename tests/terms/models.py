"""A small model of every form of term, in a home of its own."""

import json
from pathlib import Path

import numpy as np

from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.terms.base import Term
from graphrec.terms.folder import write_model
from graphrec.terms.forms.als import AlsTerm
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.compound import SumTerm
from graphrec.terms.forms.factors import FactorTerm, Neighbours, SparseRows, TableTerm
from graphrec.terms.forms.pairs import Pairs, PairTerm
from graphrec.terms.sage.network import SageLayer, SageNetwork
from graphrec.terms.sage.term import SageTerm
from tests.banks import bank_snapshot
from tests.served import META, random_factors

KINDS = ("walks", "factors", "table", "sparse table", "sum", "pairs", "everyone", "als", "sage")
BOUGHT, BAND = Hop("BOUGHT"), Hop("IN_AGE_BAND")


def term_of(kind: str, graph: Graph, seed: int = 0) -> Term:
    """A small term of one form; its weights are random."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    count = graph.num_products
    if kind == "walks":
        return fit_kernel(graph, starting_walks(graph.schema)[seed:])
    if kind == "factors":
        return random_factors(graph)
    if kind == "table":
        return TableTerm("ease", graph, [Neighbours(BOUGHT, normal(count, count))])
    if kind == "sparse table":
        indices = np.concatenate([np.sort(rng.choice(count, 3, replace=False)) for _ in range(count)])
        rows = SparseRows(np.arange(0, 3 * count + 1, 3), indices.astype(np.int32), normal(3 * count), count)
        return TableTerm("itemknn", graph, [Neighbours(BOUGHT, rows)])
    if kind == "sum":
        parts = (
            FactorTerm("sum", graph, [Neighbours(BOUGHT, normal(count, 3))], normal(count, 3)),
            term_of("sparse table", graph, seed),
        )
        assert isinstance(parts[1], TableTerm)
        return SumTerm("sum", graph, (parts[0], parts[1]))
    if kind == "pairs":
        nodes = np.arange(count - 1, dtype=np.int32)
        bands = np.arange(count, dtype=np.int32) % graph.counts[graph.target(BAND)]
        first, second = np.concatenate((nodes, np.arange(count))), np.concatenate((nodes + 1, bands))
        kinds = np.repeat([0, 1], [count - 1, count]).astype(np.int32)
        pairs = Pairs(((BOUGHT, BOUGHT), (BOUGHT, BAND)), kinds, first.astype(np.int32), second.astype(np.int32),
                      normal(2 * count - 1, count))  # fmt: skip
        sources = [Neighbours(BOUGHT, normal(count, count)), Neighbours(BAND, normal(graph.counts["AgeBand"], count))]
        return PairTerm("pairs", graph, TableTerm("pairs", graph, sources), pairs)
    if kind == "everyone":
        return fit_popularity(graph)
    if kind == "als":
        return AlsTerm(graph, normal(count, 4), 10.0, 1.0)
    sampled = {Hop("IN_SECTOR"): graph.hops[Hop("IN_SECTOR")]}
    order = {hop: rng.permutation(graph.counts[graph.target(hop)]).astype(np.int32) for hop in (BOUGHT, BAND)}
    user = graph.schema.roles.user
    inputs = {label: normal(1 if label == user else graph.counts[label], 5) for label in graph.counts}
    layers = [
        SageLayer(
            {label: normal(5, 5) for label in graph.counts},
            {label: normal(5) for label in graph.counts},
            {hop: normal(5, 5) for hop in (*sampled, *order)},
        )
        for _ in range(2)
    ]
    return SageTerm(graph, SageNetwork(inputs, sampled, *layers, order, 3), normal(count, 5))


def served(folder: Path, kind: str, seed: int = 0) -> Home:
    """A home with the snapshot of the small bank and one term of that form as its final blend."""
    home = Home(folder).prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    with replace_folder(home.models / "blend-final") as made:
        write_model(made, Blend([term_of(kind, graph, seed)], [1.0]), graph, snapshot, META)
    return home


def answers(engine: Engine, users: tuple[str, ...] = ("C003", "C008", "C021", "C030")) -> str:
    """Lists and a whole ledger for some users, one after another and all at once, as one text."""
    options = ListOptions(reasons=None)
    found = [engine.recommend(user, 4, options).to_json() for user in users]
    found += [engine.explain(user, "P05", 4).to_json() for user in users]
    positions = [engine.users.ids.find(user) for user in users]
    found += [answer.to_json() for answer in recommend_many(engine, positions, 4, options)]
    return json.dumps(found, sort_keys=True)
