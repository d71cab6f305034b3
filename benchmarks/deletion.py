"""Does the ledger say what a deletion does? Edges of customers deleted in truth, degrees counted anew (demo bank S).

    predicted   minus the shares of the lines that start with the edge (deltas of the score), or minus their contrasts
                (deltas of the margin over the 20 products behind the list)
    actual      the score, or the margin, on the graph without the edge; W of learned terms held fixed, or fitted anew

Controls: number of paths by way of the neighbour, and chance. Bars: walks to 1e-9 relative, margin r .99.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from graphrec.demo import write_bank
from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.tables.ease import fit_ease
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.terms.base import graph_without
from graphrec.terms.deletion import blend_without_edges
from graphrec.terms.forms.blend import Blend

SEED, USERS, REFITTED = 21, 30, 20
LISTED, BEHIND = 3, 20
MOST_ERROR, LEAST_R = 1e-9, 0.99
#: Part of a spread below which an effect is nothing: what is left there is rounding of the score.
NOTHING = 1e-4
BOUGHT = Hop("BOUGHT")

Row = tuple[float, ...]


def demo_graph(folder: Path) -> Graph:
    """The graph of a demo bank of size S."""
    write_bank(folder / "bank", seed=SEED)
    sink = MemorySink()
    run_load(load_mapping("demo"), folder / "bank", sink, rejected_path=folder / "rejected.csv")
    return visible_graph(write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series))


def learned(graph: Graph) -> Blend:
    """The parts with learned weights: spectral and EASE."""
    return Blend([fit_spectral(graph), fit_ease(graph)], [1.0, 1.0])


def deletions(graph: Graph, blend: Blend, user: int, rng: np.random.Generator) -> list[Row]:
    """Per first product of a user and holding: what is said of the deletion, and what it does.

    (predicted walks, actual walks, share, effect, contrast, margin, paths, chance)
    """
    held = graph.held().row(user)
    row = blend.row(user)
    free = np.setdiff1d(np.arange(graph.num_products), held).astype(np.int32)
    best = free[np.argsort(-row.scores[free], kind="stable")][: LISTED + BEHIND]
    ledger = blend.ledger(user, best, row.scales)
    walks = np.array([term.on_paths for term in blend.terms])
    rows = []
    for via in held.tolist():
        after = blend_without_edges(blend, BOUGHT, user, [via]).ledger(user, best, row.scales)
        starts = np.array([group.hop == BOUGHT for group in ledger.groups])[ledger.group] & (ledger.via == via)
        said = -ledger.values[starts].sum(axis=0)
        said_walks = -ledger.values[starts & walks[ledger.term]].sum(axis=0)
        done = after.totals() - ledger.totals()
        lost = after.values[walks[after.term]].sum(axis=0) - ledger.values[walks[ledger.term]].sum(axis=0)
        viewed = graph.hops[Hop("VIEWED")].row(user)
        for place in np.flatnonzero(~np.isin(best[:LISTED], viewed)):
            others = np.isin(graph.hops[BOUGHT.back()].row(via), graph.hops[BOUGHT.back()].row(int(best[place])))
            margins = [delta[place] - delta[LISTED:].mean() for delta in (said, done)]
            shown = (said_walks[place], lost[place], said[place], done[place], *margins, -others.sum(), rng.random())
            rows.append(tuple(float(value) for value in shown))
    return rows


def refitted(graph: Graph, blend: Blend, users: Sequence[int]) -> NDArray[np.float64]:
    """One deletion per user with W fitted anew: the effect with W held fixed, and in truth (len(users), 2)."""
    rows = []
    for user in users:
        via = int(graph.held().row(user)[0])
        row = blend.row(user)
        free = np.setdiff1d(np.arange(graph.num_products), graph.held().row(user)).astype(np.int32)
        wanted = free[[int(row.scores[free].argmax())]]
        before = blend.ledger(user, wanted, row.scales).totals()[0]
        fixed = blend_without_edges(blend, BOUGHT, user, [via]).ledger(user, wanted, row.scales).totals()[0]
        anew = learned(graph_without(graph, user, [(BOUGHT, via)])).ledger(user, wanted, row.scales).totals()[0]
        rows.append((fixed - before, anew - before))
    return np.array(rows)


def main() -> int:
    """Print what was measured; 1 when a bar is missed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        graph = demo_graph(Path(folder))
    parts = learned(graph)
    kernel = fit_kernel(graph, starting_walks(graph.schema))
    blend = Blend([kernel, *parts.terms], [1.0, 0.5, 0.5])
    rng = np.random.default_rng(SEED)
    able = np.flatnonzero(graph.held().degrees() >= 3)
    users = np.sort(rng.choice(able, USERS, replace=False)).tolist()
    found = np.array([row for user in users for row in deletions(graph, blend, user, rng)])
    walks, lost, share, effect, contrast, margin, paths, chance = found.T
    error = float((np.abs(walks - lost) / np.maximum(np.abs(lost), NOTHING)).max())
    print(f"{len(found):,} deletions of {USERS} customers, {len(kernel.scorers)} walks, spectral and EASE, seed {SEED}")
    print(f"walks: largest relative error {error:.1e}; bar {MOST_ERROR:.0e}")
    print(f"score, W held fixed: share r {_r(share, effect):.5f}; paths {_r(paths, effect):.3f}")
    said = {"contrast": contrast, "share": share, "paths": paths, "chance": chance}
    print("margin, W held fixed: " + ", ".join(f"{name} r {_r(values, margin):.4f}" for name, values in said.items()))
    fixed, anew = refitted(graph, parts, users[:REFITTED]).T
    off = float(np.abs(fixed - anew).mean() / np.abs(anew).mean())
    print(
        f"learned, W fitted anew: r {_r(fixed, anew):.4f}, mean error {off:.1%} of the effect ({len(fixed)} deletions)"
    )
    print(f"{time.monotonic() - began:.0f} s")
    return int(error > MOST_ERROR or _r(contrast, margin) < LEAST_R)


def _r(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.corrcoef(left, right)[0, 1])


if __name__ == "__main__":
    sys.exit(main())
