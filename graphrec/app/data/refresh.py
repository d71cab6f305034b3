"""Refresh: everything from new files to new lists, step by step; a step does only what changed.

    load     the mappings' files into the store, and their facts
    facts    without a mapping: the facts of what the store holds, where it is newer
    market   where the home has market.toml: figures of prices as dated columns of products
    portrait where the home has portrait.toml: numbers, tags and bands of customers
    embed    texts that are new as vectors
    train    a model on the snapshot, tested and final, where the snapshot is another
    export   the lists, where facts, model, policy or the date are others

Each step leaves its result whole or not at all and is done at most once: a refresh that was killed is run again.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.data.facts import behind, has_new_events, publish
from graphrec.app.jobs import AskMarket, Embed, Export, Load, MakePortraits, Refresh, Train
from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.progress import Progress

DELIVERED = "delivered.json"
"""What the last lists of a refresh were made from, by where they went."""


@dataclass(frozen=True)
class Step:
    """One step of a refresh."""

    name: str
    did: bool
    """Whether anything had changed for it."""
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did."""

    steps: tuple[Step, ...]

    @property
    def unchanged(self) -> bool:
        """Whether no step had anything to do."""
        return not any(step.did for step in self.steps)


def refresh(bank: Bank, request: Refresh, progress: Progress) -> Refreshed:
    """All steps, in their order."""
    if request.data is not None and not request.mappings:
        raise UsageError(f"--data {request.data} goes with a mapping; name one, or leave it out")
    steps = []
    began = time.monotonic()
    with log.stage("refresh") as stage:
        from graphrec.app.privacy.escrow import destroy_due

        stage.count(keys_destroyed=len(destroy_due(bank).destroyed))
        for name, did, counts in _steps(bank, request, progress):
            steps.append(Step(name, did, counts, round(time.monotonic() - began, 3)))
            began = time.monotonic()
        stage.count(did=sum(step.did for step in steps))
    return Refreshed(tuple(steps))


def _steps(bank: Bank, request: Refresh, progress: Progress) -> Iterator[tuple[str, bool, dict[str, int]]]:
    for mapping in request.mappings:
        yield "load", *_load(bank, request, mapping, progress)
    if not request.mappings:
        yield "facts", _publish(bank, progress), {}
    yield from _computed(bank, progress)
    if any(SnapshotShelf(bank.home.snapshots).latest().meta.texts.values()):
        encoded = bank.embed(Embed(), progress=progress)
        yield "embed", encoded.encoded > 0, {"encoded": encoded.encoded, "cached": encoded.cached}
    if request.train:
        tested = bank.train(Train(request.model), progress=progress)
        final = bank.train(Train(request.model, final=True), progress=progress)
        counts = {"models": int(tested.is_new) + int(final.is_new)}
        yield "train", tested.is_new or final.is_new, {**counts, **({"not_live": 1} if final.unkept else {})}
    if request.to is not None:
        yield "export", *_export(bank, request, request.to, progress)


def _computed(bank: Bank, progress: Progress) -> Iterator[tuple[str, bool, dict[str, int]]]:
    """What is kept of products and customers as of the date of answers, where the home says what."""
    if (bank.home.path / "market.toml").exists():
        market = bank.market(AskMarket(keep=True, record=False), progress=progress)
        yield "market", market.is_new, {"products": len(market.products)}
    if (bank.home.path / "portrait.toml").exists():
        made = bank.make_portraits(MakePortraits(keep=True, record=False), progress=progress)
        yield "portrait", made.is_new, {"customers": made.customers}


def _load(bank: Bank, request: Refresh, mapping: str, progress: Progress) -> tuple[bool, dict[str, int]]:
    done = bank.load(
        Load(mapping, request.data, max_rejected=request.max_rejected, max_removed=request.max_removed),
        progress=progress,
    )
    counts = (*done.report.nodes.values(), *done.report.edges.values())
    names = ("read", "created", "changed", "removed", "rejected")
    totals = {name: sum(getattr(one, name) for one in counts) for name in names}
    if done.events is not None:
        totals |= {"events": done.events["written"], "superseded": done.events["superseded"]}
    return done.is_new or done.took_events, totals


def _publish(bank: Bank, progress: Progress) -> bool:
    """Whether facts were published, since the store is newer or there were none."""
    from graphrec.store import is_server, open_store

    home = bank.home.prepare()
    shelf = FactsShelf(home.facts)
    if not is_server(bank.settings.store) and not Path(bank.store).exists():
        return False
    if shelf.has_latest() and behind(home) is None and not is_server(bank.settings.store) and not has_new_events(home):
        return False
    before = shelf.latest().hash if shelf.has_latest() else None
    with open_store(bank.settings.store, home.store, bank.settings.login) as store:
        return publish(home, store, progress).hash != before


def _export(bank: Bank, request: Refresh, to: str, progress: Progress) -> tuple[bool, dict[str, int]]:
    home = bank.home
    engine = bank.opened.engine(home, None, bank.now())
    made_from = {
        "facts": engine.snapshot.hash, "model": engine.model.hash, "policy": engine.policy.hash, "now": engine.now,
        "k": request.k,
    }  # fmt: skip
    path = home.serving / DELIVERED
    before = _read(path)
    if before.get(to) == made_from and (Path(to).exists() or to == "store"):
        return False, {}
    done = bank.export(Export(to=to, k=request.k, record=request.record), progress=progress)
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps({**before, to: made_from}) + "\n", "utf-8")
    return True, {"users": done.report.users, "rows": done.report.rows, "without_list": done.report.without_list}


def _read(path: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
