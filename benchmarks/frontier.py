"""What reasons on real paths cost: nDCG@10 against the share of the scores on paths, for four data sets.

    python benchmarks/frontier.py [--data ../shared/data] [--only demo,zimnat,ml-1m,gowalla] [--out frontier]

Each default model as it is trained (gowalla: defaults fixed beforehand), the weight of its paths swept from 0 to 1; its
necessity and sufficiency on a few users. Writes OUT.html and OUT.json and prints a table; nothing is chosen by it.
Data sets that are not there are left out with a word.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from graphrec.demo import write_bank
from graphrec.evaluation.details import Details, Wanted
from graphrec.evaluation.evaluate import evaluate
from graphrec.evaluation.reasons.frontier import TOLERATED_COST, WANTED_SHARE, Frontier
from graphrec.evaluation.report.charts import Series, Spot, curves
from graphrec.evaluation.report.page import page, paragraph, section, table
from graphrec.features.registry import sources_of
from graphrec.files import whole_file
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.training.fit import TrainOptions, train


@dataclass(frozen=True)
class Case:
    """One data set: its mapping, where its files are below the data folder, and how much is judged."""

    mapping: str
    files: str
    fixed: bool = False
    explain_users: int = 100
    texts: bool = False


CASES = {
    "demo": Case("demo", "", texts=True, explain_users=200),
    "zimnat": Case("zimnat", "zimnat", explain_users=300),
    "ml-1m": Case("lightgcn-split", "ml-1m", explain_users=30),
    "gowalla": Case("lightgcn-split", "gowalla", fixed=True, explain_users=30),
}


def measured(name: str, case: Case, data: Path, folder: Path) -> Details:
    """Load, train, evaluate."""
    files = data / case.files
    if name == "demo":
        files = folder / "bank"
        write_bank(files)
    sink = MemorySink()
    run_load(load_mapping(case.mapping), files, sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    snapshot = write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, split)
    home = Home(folder / "home").prepare()
    sources = sources_of(["text"] if case.texts else [], home)
    report = train(snapshot, home, TrainOptions(fixed=case.fixed), sources=sources)
    done = evaluate(snapshot, report.path, ks=(1, 3, 10), baselines=(), wanted=Wanted(case.explain_users))
    weights = ", ".join(f"{weight:g} x {term}" for term, weight in report.configuration.weights.items())
    print(f"{name}: {done.split.users:,} users, split {done.split.hash[:16]}, {weights}; {done.seconds:.0f} s")
    assert done.details is not None, "details were wanted"
    return done.details


def line(name: str, found: Frontier, details: Details) -> list[str]:
    """One row: the model as it is, and what at least WANTED_SHARE on paths costs."""
    best = max(point.ndcg.value for point in (*found.points, found.chosen))
    cost = "not reached" if found.cost is None else f"{found.cost:.1%}"
    own = found.chosen
    row = [name, f"{found.k}", f"{found.users:,}", f"{own.ndcg.value:.4f}", f"{own.path_share.value:.0%}"]
    row += [f"{best:.4f}", cost]
    reasons = details.explanations
    if reasons is None:
        return [*row, "", "", ""]
    return [
        *row,
        f"{reasons.necessity['reasons'].value:.0%}", f"{reasons.necessity['random'].value:.0%}",
        f"{reasons.sufficiency['reasons'].value:.0%}",
    ]  # fmt: skip


COLUMNS = ("data", "k", "users", "nDCG", "on paths", "best nDCG", "cost", "leave", "random", "stay")


def drawn(name: str, found: Frontier) -> str:
    """The curve of one data set."""
    points = sorted(found.points, key=lambda point: point.path_share.value)
    series = Series(
        name, [(point.path_share.value, point.ndcg.value) for point in points],
        [(point.ndcg.low, point.ndcg.high) for point in points],
    )  # fmt: skip
    spot = Spot("the default", (found.chosen.path_share.value, found.chosen.ndcg.value))
    return curves(
        [series], title=f"{name}: nDCG against share on real paths", x_name="share of the scores on real paths",
        y_name=f"nDCG@{found.k}", spots=[spot], x_percent=True,
    )  # fmt: skip


def write(out: Path, found: Mapping[str, Details], rows: list[list[str]]) -> None:
    """OUT.html and OUT.json, each whole or not at all."""
    said = paragraph(
        f"Cost: what the best weight with at least {WANTED_SHARE:.0%} of the scores on real paths gives up of the "
        f"best nDCG; up to {TOLERATED_COST:.0%} is what one would pay. Leave, random, stay: necessity of five reasons, "
        "of as many edges at random, and sufficiency of three."
    )
    parts = [section("What do reasons on real paths cost?", said, table(COLUMNS, rows))]
    parts += [section(name, drawn(name, one.frontier)) for name, one in found.items() if one.frontier]
    plain = {name: {"frontier": asdict(one.frontier), "explanations": one.explanations and asdict(one.explanations)}
             for name, one in found.items() if one.frontier}  # fmt: skip
    writers: list[tuple[str, Callable[[], str]]] = [
        (".html", lambda: page("Accuracy against share on real paths", parts)),
        (".json", lambda: json.dumps(plain, indent=1)),
    ]
    for suffix, text in writers:
        with whole_file(out.with_suffix(suffix)) as path:
            path.write_text(text(), "utf-8")


def main() -> int:
    """0; the figures are no bar of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--out", type=Path, default=Path("frontier"))
    given = parser.parse_args()
    found: dict[str, Details] = {}
    rows: list[list[str]] = []
    for name in given.only.split(","):
        case = CASES[name]
        if case.files and not (given.data / case.files).exists():
            print(f"frontier: {name} skipped, there is no {given.data / case.files}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measured(name, case, given.data, Path(folder))
        if found[name].frontier is not None:
            rows.append(line(name, found[name].frontier, found[name]))  # type: ignore[arg-type]
        write(given.out, found, rows)
    print(" | ".join(COLUMNS))
    for row in rows:
        print(" | ".join(row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
