"""How fast scores are taken apart on 100,000 nodes and 1.5 million edges, linear + kernel, one core (bars: G7)."""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from graphrec.graph.folders.build import write_snapshot
from graphrec.models.walks.kernel import default_powers, fit_kernel
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.terms.folder import FORMAT, Model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Description, ModelMeta
from graphrec.terms.walks import Walk
from tests.quality.synthetic import BOUGHT, SCHEMA, factors, graph_of, holdings, tables

USERS, PRODUCTS, EDGES, DIM, SEED = 80_000, 20_000, 1_500_000, 64, 7
K = 10


def main() -> int:
    """Print what each operation takes beside its bar; 1 when one is missed."""
    engine = synthetic_engine()
    rng = np.random.default_rng(SEED)
    blend, held = engine.model.blend, engine.model.graph.hops[BOUGHT]
    users = np.sort(rng.choice(np.flatnonzero(held.degrees()), 1_000, replace=False)).astype(np.int32)
    answers = list(recommend_many(engine, users.tolist(), K, ListOptions(reasons=1)))
    top = [engine.products.ids.find(answer.items[rng.integers(len(answer.items))].product) for answer in answers]
    ids = [engine.users.ids[int(user)] for user in users]
    rows = {int(user): blend.row(int(user)) for user in users}
    heavy = np.argsort(-held.degrees(), kind="stable")[:200]
    popular = np.argsort(-engine.model.graph.hops[BOUGHT.back()].degrees(), kind="stable")[:100]
    heavy_rows = {int(user): blend.row(int(user)) for user in heavy}
    hard = [(int(user), int(product)) for user in heavy for product in popular]

    def pair(user: int, product: int, known: dict[int, Any]) -> None:
        blend.ledger(user, np.array([product], np.int32), known[user].scales)

    def compiled(user: int, product: int) -> None:
        blend.ledgers(np.array([user], np.int32), [np.array([product], np.int32)], rows[user].scales[None])

    print(
        f"{USERS + PRODUCTS:,} nodes, {len(held.indices):,} edges, dim {DIM}, load {os.getloadavg()[0]:.1f}, one core"
    )
    pairs = list(zip(users.tolist(), top, strict=True))
    best = [(user, answer.items[0].product) for user, answer in zip(ids, answers, strict=True)]
    missed = [
        report("ledger of one pair, row at hand", lambda u, p: pair(u, p, rows), pairs, 1, 25),
        report("  of it within DESIGN.md's budget", lambda u, p: pair(u, p, rows), pairs, 0.1, 5),
        report("  by compiled loops, as a process that stays", compiled, pairs, 0.1, None),
        report("200 heaviest users x 100 most popular", lambda u, p: pair(u, p, heavy_rows), hard, None, 50),
        report("recommend: top 10, 3 reasons each", engine.recommend, [(user, K) for user in ids], None, 50),
        report("explain: every line of one product", lambda u, p: engine.explain(u, p, K), best, None, None),
        batch(engine, users.tolist()),
    ]
    return int(any(missed))


def batch(engine: Engine, users: list[int]) -> bool:
    """Print explained pairs a second in batches: shares and paths, as G7 counts, and whole answers; misses the bar?"""
    answers, whole = timed(lambda: list(recommend_many(engine, users, K, ListOptions(reasons=1))))
    pairs = sum(len(answer.items) for answer in answers)
    products = [
        np.array([engine.products.ids.find(item.product) for item in answer.items], np.int32) for answer in answers
    ]
    many = np.array(users, np.int32)
    scales = np.stack([row.scales for row in engine.model.blend.rows(many)])
    step = 256
    _, apart = timed(
        lambda: [
            engine.model.blend.ledgers(many[at : at + step], products[at : at + step], scales[at : at + step])
            for at in range(0, len(many), step)
        ]
    )
    print(f"batches, shares and paths of the lists: {pairs / apart:,.0f} explained pairs a second (bar 3,000)")
    print(f"batches from scores to sentences: {pairs / whole:,.0f} explained pairs a second")
    return pairs / apart < 3_000


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and the seconds of processor it takes."""
    began = time.process_time()
    return call(), time.process_time() - began


def report(
    what: str, call: Callable[..., object], cases: Sequence[tuple[Any, ...]], p50: float | None, p99: float | None
) -> bool:
    """Print the percentiles of processor time of these calls; whether they miss their bars (ms)."""
    took = []
    for case in cases:
        began = time.process_time()
        call(*case)
        took.append(1_000 * (time.process_time() - began))
    found = np.percentile(took, [50, 99])
    print(
        f"{what:40} p50 {found[0]:8.3f} ms (bar {p50 or '-'}), p99 {found[1]:8.3f} ms (bar {p99 or '-'}), "
        f"max {max(took):.1f}"
    )
    return bool((p50 and found[0] > p50) or (p99 and found[1] > p99))


def synthetic_engine() -> Engine:
    """An engine on a snapshot of random holdings."""
    held = holdings(USERS, PRODUCTS, EDGES, SEED)
    with tempfile.TemporaryDirectory() as folder:
        snapshot = write_snapshot(Path(folder) / "snapshot", SCHEMA, *tables(held, PRODUCTS))
        graph = graph_of(held, PRODUCTS)
        hops = (BOUGHT, BOUGHT.back(), BOUGHT)
        kernel = fit_kernel(graph, [Walk(hops, default_powers(SCHEMA, hops))])
        meta = ModelMeta(
            kind="blend", final=True, format=FORMAT, hash="", snapshot=snapshot.hash, as_of=None, labels=(),
            types=tuple(snapshot.types), schema="", platform="", description=Description((), (), {}),
        )  # fmt: skip
        engine = Engine(
            snapshot, Model(Blend([factors(graph, DIM, SEED), kernel], [0.5, 1.0]), graph, meta, Path(folder))
        )
        list(recommend_many(engine, [0, 1], K))
        engine.recommend(engine.users.ids[0], K)
    return engine


if __name__ == "__main__":
    sys.exit(main())
