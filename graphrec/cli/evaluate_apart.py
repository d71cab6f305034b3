"""graphrec evaluate --cold and --rolling: questions that fit their own models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.cli.latest import latest_snapshot
from graphrec.cli.output import emit_json, progress, say, table
from graphrec.cli.state import state
from graphrec.cli.train import text_vectors
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.evaluation.cold.evaluate import ColdStart
    from graphrec.evaluation.cold.split import Side
    from graphrec.evaluation.rolling import Rolling

SHOWN = ("recall", "ndcg")
LOOKED_FOR = {
    "new": "new ones, ranked among the new ones",
    "all": "everything hidden, ranked among all products",
    "all: new": "of these lists: the new products",
    "all: known": "of these lists: the known products",
}


def judge_new(side: "Side", kind: str, ks: Sequence[int], *, json: bool) -> None:
    """Measure new products or new customers on the latest snapshot."""
    from graphrec.evaluation.cold.evaluate import evaluate_cold
    from graphrec.evaluation.report.words import people

    with progress(json=json) as report:
        snapshot = latest_snapshot(report)
        vectors = text_vectors(snapshot, report)
        done = evaluate_cold(
            snapshot, side, kind=kind, ks=ks, vectors=vectors, seed=state.settings.seed, progress=report
        )
    if json:
        emit_json(done)
    else:
        _print_cold(done, people(snapshot.schema.roles.user))


def _print_cold(done: "ColdStart", users: str) -> None:
    say(
        f"{done.held_out:,} {done.side} held out with all their interactions; {done.users:,} {users} have "
        f"{done.interactions:,} hidden products to find"
    )
    for candidates, models in done.metrics.items():
        names = [f"{metric}@{k}" for metric in SHOWN for k in done.k]
        rows = []
        for name in names:
            cells = [
                f"{found[name].value:.4f} ({found[name].low:.4f}-{found[name].high:.4f})" for found in models.values()
            ]
            rows.append([name, *cells])
        table(["", *models], rows, title=LOOKED_FOR[candidates], right=list(models))
    say("chosen on validation: " + ", ".join(f"{weight:g} x {name}" for name, weight in done.weights.items()))


def judge_dates(name: str, data: Path | None, kind: str, *, json: bool) -> None:
    """Run a protocol of rolling dates on the files of its mapping."""
    from graphrec.evaluation.rolling import Prices, check_protocol, evaluate_rolling
    from graphrec.graph.build import write_snapshot
    from graphrec.graph.memory import MemorySink
    from graphrec.loading import load_mapping, run_load
    from graphrec.loading.sources.database import scratch_folder

    check_protocol(name)
    if data is None:
        raise UsageError(f"--rolling {name} reads the files of the data set; name their folder with --data DIR")
    with progress(json=json) as report, scratch_folder(state.home.path) as folder:
        sink = MemorySink()
        run_load(load_mapping(name), data, sink, scratch=folder)
        snapshot = write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, {})
        prices = Prices.of(sink.series["price"], list(snapshot.nodes(sink.schema.roles.product).ids))
        vectors = text_vectors(snapshot, report)
        done = evaluate_rolling(
            snapshot, prices, name, kind=kind, vectors=vectors, seed=state.settings.seed, progress=report
        )
    if json:
        emit_json(done)
    else:
        _print_rolling(done)


def _print_rolling(done: "Rolling") -> None:
    def cells(values: Mapping[str, float]) -> list[str]:
        return [f"{values[model]:.4f}" if model in values else "" for model in done.roi]

    rows = [["nDCG@10", *cells(done.ndcg)], ["monthly ROI@10", *cells(done.roi)]]
    first, last = done.dates[0].date, done.dates[-1].date
    say(f"{done.protocol}: means over {len(done.dates)} dates, {first} to {last}")
    table(["", *done.roi], rows, right=list(done.roi))
    say("chosen before the first date: " + ", ".join(f"{weight:g} x {name}" for name, weight in done.weights.items()))
