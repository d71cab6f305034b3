"""What a preferred path gains: LIR, SEP and ETD of default and preferred reasons, and the share kept (demo bank S).

The metrics are of the path that leads the reasons of each product (SIGIR 2022, rank-index variant). Lists and scores
are the same by construction, so nDCG is too. Bars: LIR +40 %, SEP or 1 - SEP +40 %, ETD +30 %, at least 90 % of the
share that is shown kept.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from graphrec.demo import write_bank
from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.metrics.paths import entity_popularity, mean_of_known, type_diversity
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.serving.answer import Answer, Line, ListOptions, Node, Preference
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.prefer import history
from graphrec.terms.folder import Model
from graphrec.terms.forms.blend import Blend

SEED, USERS, K = 21, 200, 10
BARS: Mapping[Preference, tuple[str, float]] = {
    "recent": ("LIR", 0.4), "popular": ("SEP", 0.4), "novel": ("1-SEP", 0.4), "diverse": ("ETD", 0.3),
}  # fmt: skip
KEPT = 0.9
EVER = np.iinfo(np.int64).max


def demo_engine(folder: Path) -> Engine:
    """An engine on a demo bank of size S: every walk with default powers and equal weights, and spectral."""
    write_bank(folder / "bank", seed=SEED)
    sink = MemorySink()
    run_load(load_mapping("demo"), folder / "bank", sink, rejected_path=folder / "rejected.csv")
    snapshot = write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series)
    graph = visible_graph(snapshot)
    walks = [fit_kernel(graph, [walk]) for walk in starting_walks(graph.schema)]
    terms = [*(term for term in walks if term.scorers), fit_spectral(graph)]
    meta = {"kind": "blend", "final": True, "hash": "0" * 64, "hidden": {"known_from": None, "pairs": 0}}
    return Engine(snapshot, Model(Blend(terms, [1.0] * len(terms)), graph, meta, folder))


class Measure:
    """LIR, SEP, 1-SEP and ETD of answers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.graph = engine.model.graph
        terms = [term for term in engine.model.blend.terms if term.on_paths]
        self.types = {scorer.walk.hops[-1] for term in terms for scorer in term.scorers}
        self.popularity = {hop: entity_popularity(self.graph.hops[hop].degrees()) for hop in self.types}

    def of(self, answer: Answer) -> dict[str, float]:
        """The metrics of one list, nan where there is nothing to measure."""
        recent = history(self.engine.positions, self.graph, self.engine.users.ids.find(answer.user), EVER)
        leading = [next((line for line in item.lines if line.path), None) for item in answer.items]
        lines = [line for line in leading if line is not None]
        recency, popularity = [], []
        for line in lines:
            recency.append(recent.get((self._hop(line, 0), self._node(line, 1)), np.nan))
            if len(line.nodes) > 2 and isinstance(line.nodes[-2], Node):
                popularity.append(float(self.popularity[self._hop(line, -1)][self._node(line, -2)]))
        sep = mean_of_known(popularity)
        diversity = type_diversity([self._hop(line, -1) for line in lines], len(self.types))
        return {"LIR": mean_of_known(recency), "SEP": sep, "1-SEP": 1 - sep, "ETD": diversity}

    def _hop(self, line: Line, place: int) -> Hop:
        step = line.steps[place]
        return Hop(step.type, step.direction == "in")

    def _node(self, line: Line, place: int) -> int:
        node = line.nodes[place]
        return self.engine.snapshot.nodes(node.label).ids.find(node.id) if isinstance(node, Node) else -1


def measured(
    engine: Engine, measure: Measure, users: list[str], prefer: Preference | None
) -> tuple[dict[str, float], float]:
    """The mean metrics over users, and the share that is shown."""
    answers = [engine.recommend(user, K, ListOptions(prefer=prefer)) for user in users]
    per_user = [measure.of(answer) for answer in answers]
    shown = sum(line.share for answer in answers for item in answer.items for line in item.lines)
    return {name: mean_of_known([one[name] for one in per_user]) for name in per_user[0]}, shown


def main(engine: Engine | None = None) -> int:
    """Print default and preferred order; 1 when a bar is missed."""
    if engine is None:
        with tempfile.TemporaryDirectory() as folder:
            return main(demo_engine(Path(folder)))
    rng = np.random.default_rng(SEED)
    able = [user for user in range(len(engine.users)) if engine.has_evidence(user)]
    users = [engine.users.ids[int(user)] for user in np.sort(rng.choice(able, USERS, replace=False))]
    measure = Measure(engine)
    default, whole = measured(engine, measure, users, None)
    print(
        f"{USERS} customers, lists of {K}, {len(measure.types)} path types, seed {SEED}; "
        f"default order: {_said(default)}"
    )
    reached = {}
    for prefer, (name, bar) in BARS.items():
        found, shown = measured(engine, measure, users, prefer)
        gain, kept = found[name] / default[name] - 1, shown / whole
        reached[prefer] = gain >= bar and kept >= KEPT
        print(f"{prefer:8} {_said(found)}; {name} {gain:+.0%} (bar {bar:+.0%}), share kept {kept:.1%}")
    return int(not (reached["recent"] and (reached["popular"] or reached["novel"]) and reached["diverse"]))


def _said(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())


if __name__ == "__main__":
    sys.exit(main())
