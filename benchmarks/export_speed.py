"""`graphrec export` beside that of ed08b33: demo bank M, record, policy, k 10, all reasons, .csv (bar: 10 times).

Both sides read one bank, fit the walk kernel with the same fixed weights and write first policies of the same rules.
Ways through fewer than `min_group` people speak for nothing now, on purpose: with `min_group = 1` on the new side, as
the old one had none, lists, scores and ledgers are the same. Each side exports two samples of customers; the difference
of both is what a customer costs, without what starting costs, by the clock and in time of all processors. The old
export delivers one line a product and makes no other; `old, all lines` has it make five lines a product, as the new one
has five reasons.

    git worktree add --detach /tmp/old ed08b33      # and an environment for it, where its packages are not those of now
    python benchmarks/export_speed.py --old /tmp/old --old-python /tmp/old/.venv/bin/python
"""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
BAR, K, EXACT = 10.0, 10, 1e-9
TODAY = "2026-01-01"
"""Of the demo bank."""
#: The old export has no --users: it is told that there are so many users, and makes the lists of the first ones.
OLD = """
import builtins, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from graphrec.delivery import export
from graphrec.home import Home
from graphrec.records.decision import Decisions, Request
from graphrec.serving.engine import Engine
engine = Engine.open(Home(Path({home!r})), None)
options = {{"language": "en", "min_confidence": 0.0, "reasons": {reasons}}}
for count in {counts}:
    export.len = lambda value, count=count: count if value is engine.users else builtins.len(value)
    record = Decisions(Home(Path({home!r})), engine, Request("export", {k}, options, None)).add
    began, spent = time.perf_counter(), time.process_time()
    export.export_lists(engine, Path({out!r}), {k}, record=record, options=options)
    print(time.perf_counter() - began, time.process_time() - spent, flush=True)
"""


class Side:
    """One version of the code with a home of its own."""

    def __init__(self, root: Path, python: str, home: Path) -> None:
        self.root, self.python, self.home = root, python, home

    def run(self, *words: str) -> str:
        """What a command printed."""
        command = [self.python, str(self.root / "cli.py"), "--home", str(self.home), *words]
        # The old code counts windows of the policy from the end of the data, the new one from today.
        told = {**os.environ, "GRAPHREC_TODAY": TODAY}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=self.home.parent, env=told)
        return done.stdout

    def prepare(self, bank: Path, mapping: str) -> None:
        """A home with a model and a policy, unless it is there."""
        if not (self.home / "policy.toml").exists():
            self.run("snapshot", "--from", mapping, "--data", str(bank))
            self.run("train", "--fixed", "--final", "--model", "kernel")
            self.run("policy", "init")

    def records(self) -> int:
        """Bytes of the decision record."""
        return sum(file.stat().st_size for file in self.home.rglob("records/*.log"))


def old_seconds(side: Side, counts: Sequence[int], reasons: int, out: Path) -> NDArray[np.float64]:
    """Seconds (num_counts, 2) of the old export by clock and processor; the first count warms it up."""
    code = OLD.format(root=str(side.root), home=str(side.home), counts=list(counts), reasons=reasons, out=str(out), k=K)
    found = subprocess.run([side.python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout
    return np.array([line.split() for line in found.splitlines()], np.float64)


def new_seconds(side: Side, users: Sequence[str], workers: int, out: Path) -> NDArray[np.float64]:
    """Seconds (2,) of the new export of some customers by clock and processors."""
    file = out.with_suffix(".txt")
    file.write_text("\n".join(users) + "\n", "utf-8")
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    side.run("--quiet", "export", "--to", str(out), "--users", str(file), "-k", str(K), "--workers", str(workers))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return np.array([time.perf_counter() - began, spent])


def lists(path: Path) -> dict[str, list[tuple[str, float]]]:
    """Products and scores of each customer in their order."""
    found: dict[str, list[tuple[str, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["user"], []).append((row["product"], float(row["score"])))
    return found


def ledger(side: Side, user: str, product: str) -> tuple[list[float], float]:
    """The shares of the lines of one score, and the rest, into which the old code put those of few people."""
    (item,) = json.loads(side.run("explain", user, product, "--json", "--no-record"))["items"]
    return [line["share"] for line in item["lines"]], item["rest"]


def gap_of(then: tuple[list[float], float], now: tuple[list[float], float]) -> float:
    """By how much two ledgers of one score differ at most: line by line, and what only one of them has by its sum."""
    left = sorted(now[0])
    gaps = [0.0]
    for share in then[0]:
        nearest = min(left, key=lambda one: abs(one - share))
        gaps.append(abs(nearest - share))
        left.remove(nearest)
    return max(*gaps, abs(sum(left) + now[1] - then[1]))


def compare(old: Side, new: Side, before: Path, after: Path) -> bool:
    """Print whether lists and ledgers of both sides are the same."""
    then, now = lists(before), lists(after)
    both = [user for user in then if user in now]
    same = [user for user in both if [one for one, _ in then[user]] == [one for one, _ in now[user]]]
    scores = {(user, product): score for user in both for product, score in then[user]}
    gaps = [
        abs(score - scores[user, product]) / max(1.0, abs(score))
        for user in both
        for product, score in now[user]
        if (user, product) in scores
    ]
    print(f"lists: {len(then):,} then, {len(now):,} now, {len(same):,} the same; scores differ by {max(gaps):.1e}")
    if other := [user for user in both if user not in same][:3]:
        print("other lists, for example:", *(f"{user} {then[user]} {now[user]}" for user in other), sep="\n")
    worst = 0.0
    for user in same[:3]:
        first, second = (ledger(side, user, now[user][0][0]) for side in (old, new))
        worst = max(worst, gap_of(first, second))
    print(f"ledgers of three customers differ by {worst:.1e}")
    return len(same) == len(both) == len(then) and max(gaps) <= EXACT and worst <= EXACT


def main() -> int:
    """Print what a customer costs on both sides; 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, required=True, help="a checkout of ed08b33")
    parser.add_argument("--old-python", default=sys.executable)
    parser.add_argument("--folder", type=Path, help="bank and homes are kept here, and used again")
    parser.add_argument(
        "--customers", type=int, default=2_000, help="of the smaller sample; the larger has twice as many"
    )
    parser.add_argument("--size", default="M")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        bank = folder / "bank"
        new = Side(ROOT, sys.executable, folder / "home")
        old = Side(asked.old.resolve(), asked.old_python, folder / "basehome")
        if not bank.exists():
            new.run("demo", "--size", asked.size, "--out", str(bank))
        mapping = folder / "demo.toml"
        text = (ROOT / "loaders" / "demo.toml").read_text("utf-8")
        mapping.write_text(re.sub(r"^min_group .*$", "min_group = 1", text, flags=re.MULTILINE), "utf-8")
        new.prepare(bank, str(mapping))
        old.prepare(bank, "demo")
        return measured(asked, folder, old, new)


def measured(asked: argparse.Namespace, folder: Path, old: Side, new: Side) -> int:
    """Both sides in turn."""
    few, many = asked.customers, 2 * asked.customers
    with (folder / "bank" / "customers.csv").open(encoding="utf-8", newline="") as file:
        users = [row["customer_id"] for row in islice(csv.DictReader(file), many)]
    before, after = folder / "old.csv", folder / "new.csv"
    costs: dict[str, list[NDArray[np.float64]]] = {"old": [], "old, all lines": [], "new": []}
    for _ in range(asked.rounds):
        for name, reasons in (("old, all lines", 5), ("old", 1)):
            _, first, second = old_seconds(old, (200, few, many), reasons, before)
            costs[name].append((second - first) / (many - few))
        written = new.records()
        first = new_seconds(new, users[:few], asked.workers, after)
        second = new_seconds(new, users, asked.workers, after)
        costs["new"].append((second - first) / (many - few))
        print(
            f"bytes a customer: {after.stat().st_size / many:,.0f} in the file, "
            f"{(new.records() - written) / (few + many):,.0f} in the record; then {before.stat().st_size / many:,.0f}"
        )
    found = {name: np.median(np.stack(values), axis=0) for name, values in costs.items()}
    print(
        f"load {os.getloadavg()[0]:.1f}, {asked.workers} workers, {few:,} and {many:,} customers, {asked.rounds} rounds"
    )
    for name, (clock, spent) in found.items():
        print(f"{name:15} {1000 * clock:7.3f} ms a customer by the clock, {1000 * spent:7.3f} of processors")
    is_same = compare(old, new, before, after)
    (ratio, of_time), (all_lines, all_of_time) = (found[name] / found["new"] for name in ("old", "old, all lines"))
    print(f"{ratio:.2f} times as fast as the old export; bar {BAR:g}: {'held' if ratio >= BAR else 'missed'}")
    print(f"{all_lines:.2f} times as fast as the old export with all lines")
    print(f"processor time: {of_time:.2f} and {all_of_time:.2f} times less")
    return int(not is_same or ratio < BAR)


if __name__ == "__main__":
    sys.exit(main())
