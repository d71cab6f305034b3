"""The lists of all users, delivered."""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.campaigns.arms import Lists, experiments, stop_by_rule
from graphrec.app.data.facts import check_current
from graphrec.app.jobs import Export
from graphrec.app.lists.cluster import LOCAL, ray_workers
from graphrec.app.lists.workers import Job, ListWorkers, hashes, here
from graphrec.app.models import in_force
from graphrec.app.privacy.pseudonyms import pseudonyms
from graphrec.app.recording import Recording, opened, record_event
from graphrec.app.results import Exported
from graphrec.app.views import viewer
from graphrec.config.settings import Settings
from graphrec.delivery.journal import Journal
from graphrec.delivery.last import read_last, write_last
from graphrec.delivery.rows import Batch, Form, Packing, Rows, Run
from graphrec.delivery.sinks import SinkReport, SinkSpec, Target, deliver, sink_for
from graphrec.errors import SourceError, UnknownId, UsageError
from graphrec.features.sources.text.cache import StoredVectors
from graphrec.home import Home
from graphrec.progress import Progress
from graphrec.records.decision import Request
from graphrec.schema import EXACT
from graphrec.serving import audience
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.store import open_store
from graphrec.store.base import Store

if TYPE_CHECKING:
    from graphrec.delivery.field_maps import FieldMap

#: Users that a process must have before another one helps it: their lists take longer than it takes to start.
EACH = 1_000


def export(bank: Bank, request: Export, progress: Progress) -> Exported:
    """The lists of users, given to the sink that the request names."""
    spec, file = sink_for(request.out, request.to)
    settings, home = bank.settings, bank.home_at(request.as_of, no_policy=request.no_policy)
    if not spec.takes_parts and (request.users or request.where or request.delta):
        raise UsageError(
            f"--to {spec.name} takes the place of all lists of earlier exports; --users, --where and --delta leave "
            "some out: want a file"
        )
    fields = _fields(spec.name, request)
    in_force.check(home, request.model, accept=request.accept_missing)
    check_current(bank, home)
    ended = () if request.model or request.as_of or not request.record else stop_by_rule(bank)
    view = request.view or settings.view
    options = options_of(settings, request, spec)
    asked = Request("export", request.k, options, home.as_of, request.occasion, settings.actor)
    engine, recording = opened(bank, home, request.model, asked, wanted=request.record)
    users = chosen_users(engine, request)
    sentences = engine.reasons_in(options.language, options.voice).sentences
    last = home.vault / "exports" / "last.json"
    before = read_last(last)
    rows = Rows(
        engine,
        Run.of(engine, request.k, options, request.valid_days),
        None if view == EXACT else viewer(bank, view, sentences),
        (before or {}) if request.delta else None,
        pseudonym=None if request.pseudonyms is None else pseudonyms(home, spec, request.pseudonyms),
    )
    target = Target(
        engine, file, request.raw, request.bom,
        open_store=lambda: _store(bank, home),
        texts=lambda: _texts(bank, home.vectors),
        excel=request.excel, decimal=sentences.language.texts["numbers.decimal"], address=request.to,
        letters=last.parent / "refused", fields=fields,
    )  # fmt: skip
    journal = _journal(last.parent, spec.resumes, request, rows, [engine.users.ids[user] for user in users], view)
    if journal is not None and journal.is_finished:
        done = f"nothing to do: these lists were delivered before, run {rows.run.id}"
        note = f"{done}; to send them again remove {journal.file}"
        return Exported(_before(journal), range(0), (note,), engine.policy_name)
    again = 0
    if journal is not None:
        again = len(journal.arrived)
        journal.begin()
    with log.stage("export", sink=spec.name, k=request.k, model=engine.model.name) as stage:
        made = None
        if request.record and request.model is None and request.as_of is None and experiments(bank) is not None:
            made = Lists(bank, home, asked, engine, recording, options)
        # What takes whole answers, has pseudonyms, or asks an experiment about each of them, is made in one process.
        is_one = made is not None or rows.pseudonym is not None or spec.lines
        count = 1 if is_one else process_count(request, users, spec)
        if is_one and request.on is not None:
            kind = f"to {spec.name}" if spec.lines else "with --pseudonyms and in experiments"
            raise UsageError(f"--on {request.on}: exports {kind} are made in one process; leave out --on")
        job, form = None, spec.form(target) if spec.form else None
        if count > 1 or request.on is not None:
            job = Job(
                settings, home, asked, options, request.model, bank.now(home.as_of), engine.owns, hashes(engine),
                rows.run, view, rows.before, (request.out, request.to), recording.is_wanted,
                target.text_form,
            )  # fmt: skip
        report = deliver(
            spec, target, request.k, options, rows=rows, users=users,
            record=recording.add if made is None else made.record,
            lists=None if made is None else made.make,
            batches=None if job is None else partial(_by_workers, _opened(job, request.on, count), form, recording),
            journal=journal,
            progress=progress,
        )  # fmt: skip
        stage.count(users=report.users, rows=report.rows, without_list=report.without_list)
    write_last(last, rows.run.id, {**(before or {}), **rows.after})
    in_force.observe(home, engine.policy)
    numbers = recording.range
    content = {
        "to": spec.name, "report": report, "policy": engine.policy_name,
        "entries": [numbers.start, numbers.stop - 1] if numbers else [], **_file(file),
    }  # fmt: skip
    _, unwritten = record_event(bank, "export", content, wanted=request.record)
    language = engine.reasons_in(options.language).sentences.language
    resumed = () if not again else (f"{again:,} batches had arrived before and were not sent again",)
    notes = (
        *resumed, *engine.notes_in(options.language), *in_force.notes(home, request.model, language),
        *(recording.notes_in(language) or unwritten),
    )  # fmt: skip
    notes = (*ended, *notes)
    if request.delta and before is None:
        notes = (*notes, "there is no earlier export to compare with: every row is new")
    return Exported(report, recording.range, notes, engine.policy_name)


def options_of(settings: Settings, request: Export, spec: SinkSpec) -> ListOptions:
    """The options of the lists that an export makes."""
    return ListOptions(
        reasons=spec.reasons,
        # A view is as coarse as its lines ask for.
        lines=spec.lines or (request.view or settings.view) != EXACT,
        min_confidence=settings.min_confidence if request.min_confidence is None else request.min_confidence,
        language=request.language or settings.language,
        voice=request.voice,
    )


def process_count(request: Export, users: Sequence[int], spec: SinkSpec) -> int:
    """How many processes make the lists; on a cluster, at most."""
    parts = -(-len(users) // spec.chunk)
    if request.workers is not None:
        return min(request.workers, parts)
    if request.on is not None:
        # Of a cluster elsewhere, what is free.
        return min(parts, os.cpu_count() or 1) if request.on == LOCAL else parts
    return min(parts, len(users) // EACH, os.cpu_count() or 1)


def _opened(job: Job, on: str | None, count: int) -> AbstractContextManager[ListWorkers]:
    """The workers: processes of this machine, or of a Ray cluster."""
    if on is None:
        return here(job, count)
    return ray_workers(on, job, count)


def _by_workers(
    opened: AbstractContextManager[ListWorkers],
    form: Form | Packing | None,
    recording: Recording,
    parts: Sequence[tuple[int, Sequence[int]]],
) -> Iterator[Batch]:
    """The batches of numbered users, made by other processes and recorded here in their order."""
    with opened as workers:
        for made in workers.batches(parts):
            numbers = recording.commit(made.sealed, made.unwritten)
            yield made.batch.numbered(numbers, form.nothing if form else "")


def _fields(sink: str, request: Export) -> "FieldMap | None":
    """The columns of another system, where the request names them."""
    if request.map is None:
        return None
    if sink != "csv":
        raise UsageError(
            f"--map {request.map} writes a .csv, and --to {request.to or request.out} is none; want FILE.csv"
        )
    if request.excel or request.bom:
        raise UsageError(
            f"--map {request.map} says how its file begins; leave out --{'excel' if request.excel else 'bom'}"
        )
    from graphrec.delivery.field_maps import field_map

    return field_map(request.map)


def _journal(
    folder: Path, is_resumed: bool, request: Export, rows: Rows, users: Sequence[str], view: str
) -> Journal | None:
    """What of this delivery has arrived, for a sink that goes on where a killed one stopped."""
    if not is_resumed:
        return None
    content = [rows.run.id, request.to, view, request.voice, request.valid_days, users, request.delta, rows.before]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    receiver = hashlib.sha256((request.to or "").encode()).hexdigest()[:16]
    return Journal(folder / f"to-{receiver}.jsonl", digest)


def _before(journal: Journal) -> SinkReport:
    arrived = journal.arrived.values()
    users = sum(len(one.lists) for one in arrived)
    return SinkReport(users, sum(one.rows for one in arrived), sum(one.without for one in arrived))


def _file(path: Path | None) -> dict[str, str | int]:
    """The file that was delivered, by its content."""
    if path is None or not path.is_file():
        return {}
    with path.open("rb") as file:
        return {
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _store(bank: Bank, home: Home) -> Store:
    if bank.settings.store is None:
        home.need_vault("graphrec export to the embedded store")
    return open_store(bank.settings.store, home.store, bank.settings.login)


def chosen_users(engine: Engine, request: Export) -> Sequence[int]:
    """The positions of the users whose lists are wanted.

    Raises:
        SourceError: the file of users cannot be read.
        UnknownId: it names a user who is not there.
        PolicyError: the condition does not fit the snapshot.
    """
    chosen: Sequence[int] = range(len(engine.users))
    if request.users is not None:
        chosen = users_in(engine, request.users)
    if request.where is None:
        return chosen
    if re.search(r"\bproduct\b|\bhappened\b|\bheld\b", request.where):
        raise UsageError(
            f"--where {request.where}: want a condition on columns of users, such as user.region == 'North'"
        )
    met = set(audience.chosen(engine, request.where).tolist())
    return [user for user in chosen if user in met]


def users_in(engine: Engine, file: Path, option: str = "--users") -> list[int]:
    """The positions of the users whose ids a file names, one a line.

    Raises:
        SourceError: it cannot be read.
        UnknownId: it names a user who is not there.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{option} {file} cannot be read: {error}; want a text file with one id a line") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return sorted({_user(engine, f"{option} {file}", *one) for one in lines})


def _user(engine: Engine, file: str, number: int, user: str) -> int:
    place = engine.users.ids.find(user)
    if place < 0:
        raise UnknownId(
            f"{file} line {number}: no user {user!r}; correct the line, or search with: graphrec find "
            f"{shlex.quote(user)}"
        )
    return place


def _texts(bank: Bank, vectors: Path) -> StoredVectors | None:
    """The text vectors of the home, when there are any: of the encoder that is set, or the only one."""
    from graphrec.features.sources.text.cache import encoders_of
    from graphrec.features.sources.text.source import encoder_named

    there = list(encoders_of(vectors)) if bank.settings.encoder is None else []
    folder = vectors / (there[0] if len(there) == 1 else encoder_named(bank.settings.encoder).slug)
    return StoredVectors.open(folder) if (folder / "meta.json").exists() else None
