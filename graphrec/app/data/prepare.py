"""From files to vectors: load, snapshot, embed; and the snapshot that training works on."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.data.derived import drop_gone
from graphrec.app.data.facts import changing, held_events, publish, publish_snapshot, still, take_in_events
from graphrec.app.jobs import Ask, Embed, Load, ProposeMapping, TakeSnapshot
from graphrec.app.maintenance.retention import sweep_snapshots
from graphrec.app.moments import parse_moment
from graphrec.app.results import Loaded, Proposed, StoreConverted, Taken
from graphrec.errors import NotTrained, Unreachable, UsageError
from graphrec.events.covered import note_covered
from graphrec.features.sources.text.cache import EncodeReport
from graphrec.files import private_folder
from graphrec.graph.folders.shelf import DIGITS, SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import LoadReport, Sink
from graphrec.home import Home
from graphrec.privacy.anonymity import anonymity
from graphrec.progress import Progress, silent

if TYPE_CHECKING:
    import pyarrow as pa

    from graphrec.loading import Mapping
    from graphrec.loading.run.clean import Stored
    from graphrec.store.base import Store


def load(bank: Bank, request: Load, progress: Progress) -> Loaded:
    """The files of a mapping into the store, or checked only."""
    from graphrec.loading import folder_of, load_mapping, parse_limit, run_load

    if request.check and request.bulk is not None:
        raise UsageError("--check writes nothing and --bulk writes files; leave one of them out")
    limit = parse_limit(request.max_rejected)
    max_removed = parse_limit(request.max_removed, "--max-removed", 100)
    mapping = load_mapping(request.mapping, bank.settings.roles)
    folder, before = request.data or folder_of(request.mapping), held_events(bank.home)
    hidden = suppressed_of(bank.home)
    with log.stage("load", mapping=mapping.name, check=request.check) as stage:
        if request.check:
            path = request.rejected
            report = _check(bank, request, mapping, limit, max_removed, progress)
        else:
            bank.home.need_vault("graphrec load")
            home = bank.home.prepare()
            path = request.rejected or home.rejected
            with _sink(bank, home, request.bulk, mapping.name, progress) as (sink, stored):
                report = run_load(
                    mapping, folder, sink, incremental=request.incremental, max_rejected=limit, max_removed=max_removed,
                    rejected_path=path, scratch=home.spare(), sql_seconds=bank.settings.sql_seconds, progress=progress,
                    covering=None if request.bulk is not None else partial(note_covered, home), suppressed=hidden,
                    stored=stored,
                )  # fmt: skip
        counts = (*report.nodes.values(), *report.edges.values())
        rejected = sum(one.rejected for one in counts)
        stage.count(
            read=sum(one.read for one in counts),
            created=sum(one.created for one in counts),
            changed=sum(one.changed for one in counts),
            removed=sum(one.removed for one in counts),
            rejected=rejected,
        )
    command = None
    if request.bulk is not None:
        from graphrec.store.neo4j.import_files import import_command

        command = import_command(request.bulk)
    after = held_events(bank.home)
    counts_of_events = after.counts if not request.check and bank.home.events.exists() else None
    return Loaded(
        report, request.check, rejected, path if rejected else None, command, counts_of_events, after != before
    )


@contextmanager
def _sink(
    bank: Bank, home: Home, bulk: Path | None, name: str, progress: Progress
) -> Iterator[tuple[Sink, "Stored | None"]]:
    """Where the rows of a mapping go, and what the store had; what they leave in the store is published as facts."""
    if bulk is not None:
        from graphrec.store.neo4j.import_files import ImportFilesSink

        yield ImportFilesSink(bulk, home.series), None
        return
    from graphrec.store import open_store

    with open_store(bank.settings.store, home.store, bank.settings.login) as store:
        with changing(home, store, f"graphrec load {name}"):
            yield store.sink(), partial(stored_values, store)
            drop_gone(store, progress)
        publish(home, store, progress)


def _check(
    bank: Bank, request: Load, mapping: "Mapping", limit: float, max_removed: float, progress: Progress
) -> LoadReport:
    from graphrec.loading import check, folder_of
    from graphrec.store import is_server, open_store
    from graphrec.store.writing.merge import MergeSink

    with ExitStack() as stack:
        sink: Sink | None = None
        stored: Stored | None = None
        if is_server(bank.settings.store) or Path(bank.store).exists():
            opened = open_store(bank.settings.store, bank.home.store, bank.settings.login)
            sink = MergeSink(stack.enter_context(opened))
            stored = partial(stored_values, opened)
        return check(
            mapping, request.data or folder_of(request.mapping), sink, incremental=request.incremental,
            max_rejected=limit, max_removed=max_removed, rejected_path=request.rejected, scratch=bank.home.spare(),
            sql_seconds=bank.settings.sql_seconds, progress=progress, suppressed=suppressed_of(bank.home),
            stored=stored,
        )  # fmt: skip


def stored_values(store: "Store", label: str, columns: tuple[str, ...]) -> "pa.Table | None":
    """The values of some columns of a label that the store has; None: it does not have all of them."""
    from graphrec.store.kinds import Kind

    if not store.sources():
        return None
    known = store.read_schema().nodes.get(label)
    kept = tuple(one for one in known.columns if one.name in columns) if known is not None else ()
    return store.read_rows(Kind(label), kept, ())[0] if len(kept) == len(columns) else None


def suppressed_of(home: Home) -> Callable[[Iterable[str]], set[str]] | None:
    """Says which of some persons were forgotten; None: nobody was.

    Raises:
        Damaged: the list of them is damaged.
    """
    from graphrec.privacy.suppression import Suppression

    known = Suppression(home)
    return known.among if len(known) else None


def propose_mapping(bank: Bank, request: ProposeMapping, ask: Ask | None, progress: Progress) -> Proposed:
    """A first mapping from the files in a folder, written to a file."""
    from graphrec.loading.propose.draft import write_draft
    from graphrec.loading.propose.drafted import Decision, as_proposed

    def decide(decision: Decision) -> str:
        return as_proposed(decision) if ask is None else ask(decision.question, decision.choices)

    draft = write_draft(
        request.path,
        request.data,
        url_env=request.url_env,
        decide=decide,
        scratch=bank.home.spare(),
        progress=progress,
    )
    return Proposed(request.path, tuple(draft.labels), tuple(draft.types), tuple(draft.questions), draft.files)


def take_snapshot(bank: Bank, request: TakeSnapshot, progress: Progress) -> Taken:
    """The graph as of a date, from the store or from a mapping, as the latest snapshot."""
    if request.data is not None and request.mapping is None:
        raise UsageError(f"--data {request.data} goes with --from MAPPING; without it the store is read")
    bank.home.need_vault("graphrec snapshot")
    began = time.monotonic()
    moment = None if request.as_of is None else parse_moment(request.as_of)
    with log.stage("snapshot", as_of=request.as_of, mapping=request.mapping) as stage:
        if request.mapping is not None:
            snapshot = _from_mapping(bank, request.mapping, request, moment, progress)
        else:
            from graphrec.store import open_store
            from graphrec.store.read import take_snapshot as take

            home = bank.home.prepare()
            with open_store(bank.settings.store, home.store, bank.settings.login) as store:
                with still(home):
                    snapshot = take(store, SnapshotShelf(home.snapshots), moment, progress)
                if moment is None:
                    publish(home, store, progress)
        stage.count(
            nodes=sum(snapshot.meta.nodes.values()),
            edges=sum(snapshot.meta.edges.values()),
            hash=snapshot.hash[:DIGITS],
        )
    sweep_snapshots(bank.home, request.keep)
    _say_ahead(bank, snapshot)
    return Taken(snapshot, time.monotonic() - began, anonymity(snapshot))


def _say_ahead(bank: Bank, snapshot: Snapshot) -> None:
    if snapshot.ahead is not None:
        bank.on_note(snapshot.ahead)


def _from_mapping(bank: Bank, name: str, request: TakeSnapshot, as_of: datetime | None, progress: Progress) -> Snapshot:
    from graphrec.graph.folders.build import write_snapshot
    from graphrec.graph.spilled import SpilledSink
    from graphrec.loading import folder_of, load_mapping, parse_limit, run_load
    from graphrec.store.read import choose_latest

    mapping = load_mapping(name, bank.settings.roles)
    limit = parse_limit(request.max_rejected)
    home = bank.home.prepare()
    with private_folder(home.spare(), "edges") as folder:
        sink = SpilledSink(folder)
        run_load(
            mapping, request.data or folder_of(name), sink, max_rejected=limit, rejected_path=home.rejected,
            scratch=home.spare(),
            sql_seconds=bank.settings.sql_seconds,
            progress=progress,
            suppressed=suppressed_of(home),
        )  # fmt: skip
        split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
        snapshot = SnapshotShelf(home.snapshots).add(
            lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, split, as_of)
        )
    choose_latest(home.snapshots)
    publish_snapshot(home, snapshot)
    return snapshot


def embed(bank: Bank, request: Embed, progress: Progress) -> EncodeReport:
    """The texts of the latest snapshot as vectors; those that are known are not encoded again."""
    from graphrec.features.sources.text.source import embed_snapshot

    bank.home.need_vault("graphrec embed")
    snapshot = latest_snapshot(bank, bank.home, progress)
    with log.stage("embed") as stage:
        done = embed_snapshot(snapshot, bank.home.vectors, request.encoder or bank.settings.encoder, progress=progress)
        stage.count(texts=done.texts, encoded=done.encoded, cached=done.cached)
    return done


def convert_store(bank: Bank, progress: Progress) -> StoreConverted:
    """The embedded store of the home, written anew by the chosen engine."""
    from graphrec.store import is_server
    from graphrec.store.embedded.convert import convert

    if is_server(bank.settings.store):
        raise UsageError(f"{bank.settings.store} is a server, and graphrec store convert is for the embedded store")
    bank.home.need_vault("graphrec store convert")
    home = bank.home.prepare()
    done = convert(Path(bank.settings.store or home.store), home.series, progress)
    return StoreConverted(done.before, done.after, done.nodes, done.edges, done.is_done)


def latest_snapshot(bank: Bank, home: Home, progress: Progress = silent) -> Snapshot:
    """The latest snapshot of a home; one is taken where there is none or the store holds something newer.

    In a home as of a date it is the snapshot of that date. One that `graphrec snapshot` took by date or from a mapping
    stays until it takes another one. A store that another process holds cannot be asked: the latest snapshot serves,
    and a note says so.

    Raises:
        NotTrained: there is no snapshot and nothing in the store.
    """
    from graphrec.store import is_server, open_store
    from graphrec.store.read import current_snapshot, is_chosen, is_unused, take_snapshot

    shelf = SnapshotShelf(home.snapshots)
    if is_chosen(shelf):
        return shelf.latest()
    if not is_server(bank.settings.store) and not home.store.exists():
        if home.as_of and not shelf.has_latest():
            raise NotTrained(
                f"nothing is loaded from which a snapshot as of {home.as_of} could be taken; run: graphrec load MAPPING"
            )
        return shelf.latest()
    moment = parse_moment(home.as_of) if home.as_of else None
    try:
        with open_store(bank.settings.store, home.store, bank.settings.login) as store:
            if is_unused(store):
                return shelf.latest()
            if (current := current_snapshot(store, shelf)) is not None:
                return current
            with still(home):
                events = take_in_events(home, store, progress)
                snapshot = take_snapshot(store, shelf, moment, progress, follows=True)
            if moment is None:
                publish(home, store, progress)
            else:
                publish_snapshot(home, snapshot, events=events)
        _say_ahead(bank, snapshot)
        return snapshot
    except Unreachable as error:
        try:
            snapshot = shelf.latest()
        except NotTrained:
            raise error from None
        shown = snapshot.hash[:DIGITS]
        bank.on_note(f"the store cannot be asked whether it holds something newer ({error}); using snapshot {shown}")
        return snapshot
