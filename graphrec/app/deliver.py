"""The lists of all users, delivered."""

import hashlib
from pathlib import Path

from graphrec import log
from graphrec.app import in_force
from graphrec.app.bank import Bank
from graphrec.app.facts import check_current
from graphrec.app.jobs import Export
from graphrec.app.recording import opened, record_event
from graphrec.app.results import Exported
from graphrec.delivery.sinks import Target, deliver, sink_for
from graphrec.features.sources.text.cache import StoredVectors
from graphrec.progress import Progress
from graphrec.records.decision import Request
from graphrec.serving.answer import ListOptions
from graphrec.store import open_store


def export(bank: Bank, request: Export, progress: Progress) -> Exported:
    """The lists of all users, given to the sink that the request names."""
    spec = sink_for(request.out, request.to)
    settings, home = bank.settings, bank.home_at(request.as_of, no_policy=request.no_policy)
    in_force.check(home, request.model, accept=request.accept_missing)
    check_current(bank, home)
    options = ListOptions(reasons=spec.reasons, min_confidence=settings.min_confidence, language=settings.language)
    asked = Request("export", request.k, options, home.as_of, request.occasion, settings.actor)
    engine, recording = opened(bank, home, request.model, asked, wanted=request.record)
    target = Target(
        engine, request.out, request.raw, request.bom,
        open_store=lambda: open_store(settings.store, home.store, settings.login),
        texts=lambda: _texts(bank, home.vectors),
    )  # fmt: skip
    with log.stage("export", sink=spec.name, k=request.k, model=engine.model.name) as stage:
        report = deliver(spec, target, request.k, options, record=recording.add, progress=progress)
        stage.count(users=report.users, rows=report.rows, without_list=report.without_list)
    in_force.observe(home, engine.policy)
    numbers = recording.range
    content = {
        "to": spec.name, "report": report, "policy": engine.policy_name,
        "entries": [numbers.start, numbers.stop - 1] if numbers else [], **_file(request.out),
    }  # fmt: skip
    _, unwritten = record_event(bank, "export", content, wanted=request.record)
    notes = (*engine.notes_in(settings.language), *in_force.notes(home, request.model), *(recording.notes or unwritten))
    return Exported(report, recording.range, notes, engine.policy_name)


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


def _texts(bank: Bank, vectors: Path) -> StoredVectors | None:
    """The text vectors of the home, when there are any."""
    from graphrec.features.sources.text.files import EncoderFiles

    folder = vectors / EncoderFiles.find(bank.settings.encoder).slug
    return StoredVectors.open(folder) if (folder / "meta.json").exists() else None
