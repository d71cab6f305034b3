"""A champion and a challenger on the same day's customers; and which model was live on a date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.jobs import CompareModels
from graphrec.app.models.standing import check_there
from graphrec.app.moments import parse_moment
from graphrec.app.recording import record_event
from graphrec.errors import UsageError
from graphrec.evaluation.hidden_part import HiddenPart, measure, open_tested
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.metrics.intervals import Interval, bootstrap_all, paired_test
from graphrec.metrics.overlap import overlap
from graphrec.outcomes.impressions import is_list, shown_at
from graphrec.progress import Progress
from graphrec.records.read import entries
from graphrec.serving.answer import Answer, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.terms.folder import latest, read_meta
from graphrec.terms.live import VERSION, read_live
from graphrec.terms.meta import ModelMeta
from graphrec.training.split import split_of

TESTED = ("hit_rate", "ndcg", "recall")
DAY = 86_400_000_000


@dataclass(frozen=True)
class Gained:
    """A product that one of two models lists for more customers."""

    product: str
    name: str | None
    champion: int
    """Customers in whose list it is."""
    challenger: int


@dataclass(frozen=True)
class Difference:
    """One metric of both models for the same test customers."""

    metric: str
    champion: Interval
    challenger: Interval
    p: float
    """That both are equally good (sign flips of the same customers' differences)."""


@dataclass(frozen=True)
class Compared:
    """Two models on the same customers."""

    champion: str
    challenger: str
    k: int
    customers: int
    overlap: Interval
    """Rank-biased, 1: the same lists."""
    same: float
    """Share of customers whose lists are the same, place by place."""
    empty: tuple[int, int]
    """Customers without a list, by model."""
    confidence: tuple[float | None, float | None]
    """Mean of what is listed, by model."""
    gained: tuple[Gained, ...]
    """Products, the largest difference first; none of fewer customers than `min_group`."""
    differences: tuple[Difference, ...]
    """On the hidden part; none where both are not tested on one split."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LiveThen:
    """What was live at the end of a day."""

    on: str
    model: str | None
    """None: the newest one answered, and none of them is there any more."""
    since: str | None
    by: str | None
    how: str
    """promoted, rolled back to, or the newest."""
    answered: Mapping[str, int]
    """Lists of that day in the record, by the hash of the model that made them."""


def compare_models(bank: Bank, request: CompareModels, progress: Progress) -> Compared:
    """Lists of both for all customers or a sample, what each of them shows more, and metrics where both have them."""
    if request.k < 1 or request.customers < 0:
        raise UsageError(f"-k {request.k}, --customers {request.customers}: want at least 1, and at least 0 (all)")
    home = bank.home
    champion = request.champion or latest(home).name
    for name in (champion, request.challenger):
        check_there(home, name)
    if champion == request.challenger:
        raise UsageError(f"{champion} is both champion and challenger; name two models")
    engines = [
        Engine.open(home, None, bank.now(), folder=home.models / name) for name in (champion, request.challenger)
    ]
    users = _sample(engines[0], request.customers, bank.settings.seed)
    if not len(users):
        raise UsageError("there is no customer with a list to compare")
    made = [_lists(engine, users, request.k, bank.settings.min_confidence, name, progress)
            for engine, name in zip(engines, (champion, request.challenger), strict=True)]  # fmt: skip
    one, other = (found[0] for found in made)
    least = engines[0].roles.min_group
    notes: list[str] = []
    differences = _tested(bank, champion, request.challenger, request.k, notes)
    found = Compared(
        champion, request.challenger, request.k, len(users),
        bootstrap_all({"rbo": overlap(one, other)}, seed=bank.settings.seed)["rbo"],
        float((one == other).all(axis=1).mean()),
        (int((one < 0).all(axis=1).sum()), int((other < 0).all(axis=1).sum())),
        (made[0][1], made[1][1]), _gained(engines[0], one, other, least), differences, None, (),
    )  # fmt: skip
    content = {"did": "compare", "champion": champion, "challenger": request.challenger, "k": request.k,
               "customers": len(users), "overlap": found.overlap.value}  # fmt: skip
    number, more = record_event(bank, "models", content, wanted=request.record)
    return replace(found, record=number, notes=(*notes, *more))


def _sample(engine: Engine, customers: int, seed: int) -> NDArray[np.int64]:
    """Positions of customers in the facts: all of them, or some drawn at random."""
    count = len(engine.users.ids)
    if not customers or customers >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, customers, replace=False))


def _lists(
    engine: Engine, users: NDArray[np.int64], k: int, least: float, name: str, progress: Progress
) -> tuple[NDArray[np.int32], float | None]:
    """Products of each list by position in the facts, padded with -1, and the mean confidence of what is listed."""
    found, sure = np.full((len(users), k), -1, np.int32), []
    answers = recommend_many(engine, [int(user) for user in users], k, ListOptions(min_confidence=least))
    for row, answer in enumerate(answers):
        _fill(engine, found[row], answer)
        sure += [item.confidence for item in answer.items]
        if not row % 200:
            progress(name, row, len(users))
    return found, float(np.mean(sure)) if sure else None


def _fill(engine: Engine, row: NDArray[np.int32], answer: Answer) -> None:
    for place, item in enumerate(answer.items):
        row[place] = engine.products.ids.find(item.product)


def _gained(engine: Engine, one: NDArray[np.int32], other: NDArray[np.int32], least: int) -> tuple[Gained, ...]:
    count = len(engine.products.ids)
    before, after = (np.bincount(lists[lists >= 0], minlength=count) for lists in (one, other))
    order = np.lexsort((np.arange(count), -np.abs(after - before)))
    told = [
        place
        for place in order.tolist()
        if before[place] != after[place] and abs(after[place] - before[place]) >= least
    ]
    return tuple(
        Gained(
            engine.products.ids[place],
            engine.snapshot.name(engine.roles.product, place),
            int(before[place]), int(after[place]),
        )
        for place in told[:20]
    )  # fmt: skip


def _tested(bank: Bank, champion: str, challenger: str, k: int, notes: list[str]) -> tuple[Difference, ...]:
    """Metrics of both on the test part of their common snapshot; else why there are none, as a note."""
    home = bank.home
    metas: Sequence[ModelMeta] = [read_meta(home.models / name) for name in (champion, challenger)]
    final = [name for name, meta in zip((champion, challenger), metas, strict=True) if meta.final]
    if final:
        notes.append(
            f"no metrics: {' and '.join(final)} saw everything, the hidden part too; compare the tested ones, or what "
            "customers took by model: graphrec outcomes --by model"
        )
        return ()
    if metas[0].snapshot != metas[1].snapshot or metas[0].split.hash != metas[1].split.hash:
        notes.append("no metrics: the models were tested on other data; train both on the latest snapshot")
        return ()
    snapshot = SnapshotShelf(home.snapshots).of_hash(metas[0].snapshot)
    split = split_of(snapshot)
    part = HiddenPart.of(snapshot, split, visible_graph(snapshot, split.hidden(split.fitted)))
    if not len(part.users):
        notes.append("no metrics: nothing is hidden")
        return ()
    seed = bank.settings.seed
    k = min(k, part.num_products)
    found = [measure(open_tested(home.models / name, snapshot).blend, part, [k], seed=seed)
             for name in (champion, challenger)]  # fmt: skip
    one, other = found
    return tuple(
        Difference(
            name, one.metrics[name], other.metrics[name],
            paired_test(other.per_user[name], one.per_user[name], seed),
        )
        for name in (f"{metric}@{k}" for metric in TESTED)
    )  # fmt: skip


def live_then(bank: Bank, date: str) -> LiveThen:
    """Which model was live at the end of a day, by the history of promotions, and which answered, by the record."""
    home = bank.home
    day = parse_moment(date, "DATE").astimezone(UTC)
    start = round(day.timestamp() * 1_000_000)
    end = start + DAY
    last = None
    for one in read_live(home).history:
        if datetime.fromisoformat(one.at).timestamp() * 1_000_000 < end:
            last = one
    answered = Counter[str]()
    for entry in entries(home.records):
        if is_list(entry) and start <= shown_at(entry) < end:
            answered[entry.shared["model"]["hash"]] += 1
    told = dict(answered.most_common())
    if last is not None and last.model is not None:
        how = {"promote": "promoted", "rollback": "rolled back to"}[last.action]
        return LiveThen(f"{day:%Y-%m-%d}", last.model, last.at, last.by, how, told)
    return LiveThen(f"{day:%Y-%m-%d}", *_newest(bank, end, last.at if last else None), None, "the newest", told)


def _newest(bank: Bank, end: int, since: str | None) -> tuple[str | None, str | None]:
    """The model that was the newest before a moment, of those that are still there."""
    folder = bank.home.models
    written = sorted(
        (meta.stat().st_mtime_ns // 1000, VERSION in meta.parent.name, meta.parent.name)
        for meta in folder.glob("*/meta.json")
        if not meta.parent.name.startswith(".") and meta.stat().st_mtime_ns // 1000 < end
    )
    final = [one for one in written if read_meta(folder / one[2]).final]
    if not (chosen := final or written):
        return None, since
    at, _, name = chosen[-1]
    text = datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="seconds")
    return name, max(text, since or text)
