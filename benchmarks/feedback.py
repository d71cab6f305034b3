"""A simulated month: lists to customers whose acceptance is known, and whether the reports on them are true.

Demo bank S. Every customer gets lists on three days of January: a holdout with even lists, half of the others in an
experiment (lists of 5 against lists of 2), the rest with one drawn place. A customer accepts a product with a planted
probability by its kind and its place. Outcomes, the experiment and the estimate of another model are computed from
record and events: once by the commands, and then for many worlds in which the same lists meet other luck. Intervals of
95 % have to hold the planted truth in at least 88 % of the worlds (bar).
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.campaigns.arms import assigned, experiments
from graphrec.app.campaigns.off_policy import choices_of, estimate
from graphrec.app.data.events import accept
from graphrec.app.jobs import AskOffPolicy, AskOutcomes, EvaluateExperiments, Export
from graphrec.app.requests import Recommend
from graphrec.config.settings import Settings
from graphrec.demo import write_bank
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.outcomes.evaluate import evaluated
from graphrec.outcomes.impressions import Exposure, Happened, Impression, exposures, impressions, joined
from graphrec.outcomes.tables import Question, outcomes
from graphrec.policy.facts import DAY
from graphrec.progress import silent
from graphrec.records.read import Entry, entries
from graphrec.training.fit import TrainOptions, train

K, DAYS, ROUNDS, WORLDS, BAR = 5, 10, 3, 60, 0.88
SERVED, OTHER = "kernel", "ease"
FIRST, WINDOW = date(2026, 1, 2), timedelta(days=5)
PLACE = (1.0, 0.8, 0.65, 0.55, 0.5)
"""What a place does to the acceptance of any product."""
KINDS = (0.30, 0.22, 0.16, 0.10, 0.05)
"""Acceptance at the first place by kind of product, the kinds in the order of their names, again and again."""
FILE = """
[holdout]
share = 0.15

[explore]
share = 1.0
pool = 20

[[experiment]]
name = "length"
share = 0.5
window_days = 5

[[experiment.arm]]
name = "five"

[[experiment.arm]]
name = "two"
k = 2
"""


def main() -> int:
    """Print how often each interval holds the truth; 1 where one does so too seldom."""
    with tempfile.TemporaryDirectory() as folder:
        bank = demo_bank(Path(folder))
        month = Month(bank, Path(folder))
        month.serve()
        end = Bank(replace(bank.settings, today=FIRST + timedelta(days=DAYS * ROUNDS + 6)))
        month.read(end)
        month.tell(end)
        held = month.worlds(end)
    print(f"{len(month.shown):,} impressions of {len(month.users):,} customers, {WORLDS} worlds")
    for name, (count, of) in held.items():
        print(f"{name:<34} holds the truth in {count / of:.1%} of {of}")
    worst = min(count / of for count, of in held.values())
    print(f"bar: {BAR:.0%}")
    return int(worst < BAR)


class Month:
    """Lists of a month, and the planted acceptance of what they show."""

    def __init__(self, bank: Bank, folder: Path) -> None:
        self.bank, self.folder = bank, folder
        self.engine = bank.opened.engine(bank.home, None, bank.now())
        self.users = tuple(self.engine.users.ids)
        label = self.engine.roles.product
        column = self.engine.schema.nodes[label].show.get("kind", "kind")
        kinds = [str(self.engine.snapshot.value(label, column, place)) for place in range(len(self.engine.products))]
        order = {kind: place for place, kind in enumerate(sorted(set(kinds)))}
        self.kinds = dict(zip(self.engine.products.ids, kinds, strict=True))
        self.base = {product: KINDS[order[kind] % len(KINDS)] for product, kind in self.kinds.items()}
        self.shown: list[Impression] = []
        self.exposed: list[Exposure] = []
        self.drawn: list[Entry] = []

    def chance(self, product: str, rank: int) -> float:
        """The planted probability that a customer accepts a product at a place."""
        return self.base[product] * PLACE[rank - 1]

    def serve(self) -> None:
        """A part of the customers gets lists each day, by an export with their ids."""
        for day in range(DAYS * ROUNDS):
            today = Bank(replace(self.bank.settings, today=FIRST + timedelta(days=day)))
            names = self.folder / "users.txt"
            names.write_text("\n".join(self.users[day % DAYS :: DAYS]) + "\n", "utf-8")
            today.export(Export(self.folder / f"lists-{day}.csv", k=K, users=names))

    def read(self, end: Bank) -> None:
        """What the record holds of it."""
        for one in entries(end.home.records):
            mine = list(impressions([one]))
            self.shown += mine
            self.exposed += exposures([one])
            if mine and mine[0].way is not None:
                self.drawn.append(replace(one))

    def happened(self, rng: np.random.Generator) -> Iterator[Happened]:
        """The events of one world."""
        luck = rng.random(len(self.shown))
        for one, drawn in zip(self.shown, luck, strict=True):
            if drawn < self.chance(one.product, one.rank):
                yield Happened(one.user, "accepted", one.at + DAY, one.product)

    def tell(self, end: Bank) -> None:
        """The first world through the log of events, as the commands tell it."""
        sent = [
            {
                "id": f"{one.user}-{one.product}-{one.at}", "user": one.user, "type": "accepted",
                "product": one.product, "at": f"{date(1970, 1, 1) + timedelta(days=one.at // DAY)}T12:00:00Z",
            }
            for one in self.happened(np.random.default_rng(0))
        ]  # fmt: skip
        for start in range(0, len(sent), 1000):
            accept(end, sent[start : start + 1000])
        found = end.outcomes(AskOutcomes("rank", window_days=5))
        for one in (*found.by, *([found.control] if found.control else [])):
            print(f"{one.group} {one.value}: {one.rate:.3f} ({one.low:.3f} to {one.high:.3f}) of {one.shown}")
        print(f"drift: {found.drift.text}\nplace: {found.position.text}")
        print(end.evaluate_experiments(EvaluateExperiments()).experiments[0].verdict)
        told = end.off_policy(AskOffPolicy(OTHER, window_days=5)).estimate
        print(f"{OTHER} would earn {told.snips.value:.3f} ({told.snips.low:.3f} to {told.snips.high:.3f})")

    def worlds(self, end: Bank) -> dict[str, tuple[int, int]]:
        """How often each interval holds what was planted, and in how many cases."""
        held: dict[str, list[bool]] = defaultdict(list)
        question = Question("rank", ("accepted",), 5, self.kinds, {})
        by_kind = replace(question, by="kind")
        until, today = end.now() + DAY, FIRST + timedelta(days=DAYS * ROUNDS + 6)
        known = experiments(end)
        assert known is not None, "there is a file"
        (experiment,) = known.experiments
        choices, _ = choices_of(end, OTHER, self.drawn, {(one.entry, one.product): one for one in self.shown}, silent)
        planted = float(np.mean([self.chance(one.own, one.shown.rank) for one in choices]))
        difference = self.difference(end)
        for world in range(1, WORLDS + 1):
            events = list(self.happened(np.random.default_rng(world)))
            found = joined(self.shown, events, WINDOW)
            for asked in (question, by_kind):
                made = outcomes(found, asked)
                truth = self.truth(asked.value)
                held[f"outcomes by {asked.by}"] += [one.low <= truth[one.value] <= one.high for one in made.by]
                if made.control is not None and asked is question:
                    held["control"].append(made.control.low <= truth["control"] <= made.control.high)
            result = evaluated(experiment, self.exposed, self.shown, events, until=until, today=today)
            apart = result.arms[1].difference
            assert apart is not None, "the second arm is compared"
            held["difference of the experiment"].append(apart.low <= difference <= apart.high)
            happened = {(one.user, one.product, one.at - DAY) for one in events}
            rewards = [float((c.shown.user, c.shown.product, c.shown.at) in happened) for c in choices]
            told = estimate(choices, rewards)
            for name in ("ips", "snips", "dr"):
                interval = getattr(told, name)
                held[f"{name} of another model"].append(interval.low <= planted <= interval.high)
        return {name: (sum(one), len(one)) for name, one in held.items()}

    def truth(self, value: Callable[[Impression], str]) -> dict[str, float]:
        """The planted acceptance of what each group shows, and of the control."""
        members: dict[str, list[float]] = defaultdict(list)
        for one in self.shown:
            key = "control" if one.experiment == "holdout" else value(one)
            members[key].append(self.chance(one.product, one.rank))
        return {key: float(np.mean(chances)) for key, chances in members.items()}

    def difference(self, end: Bank) -> float:
        """The planted difference of the arms: all customers of the experiment, with a list of two and of five."""
        found = []
        for user in self.users:
            plan = assigned(end, user, model=None, as_of=None, record=True)
            if plan is not None and plan.experiment == "length":
                items = self.bank.recommend(Recommend(user, K, record=False)).answer.items
                chances = [self.chance(item.product, rank) for rank, item in enumerate(items, start=1)]
                found.append(float(np.prod([1 - one for one in chances]) - np.prod([1 - one for one in chances[:2]])))
        return float(np.mean(found))


def demo_bank(folder: Path) -> Bank:
    """The demo bank with two models and a policy that refuses nothing."""
    write_bank(folder / "bank", size="S")
    sink = MemorySink()
    run_load(load_mapping("demo"), folder / "bank", sink, rejected_path=folder / "rejected.csv")
    home = Home(folder / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series)
    )
    for kind in (OTHER, SERVED):
        train(snapshot, home, TrainOptions(kind, fixed=True, final=True))
    home.policy.write_text('version = "1"\n', "utf-8")
    (home.path / "experiments.toml").write_text(FILE, "utf-8")
    return Bank(Settings(home=home.path, today=FIRST))


if __name__ == "__main__":
    sys.exit(main())
