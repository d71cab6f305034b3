"""One report of a home: every part measured or said to be missing, kept, and set beside the last one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from graphrec import __version__, log
from graphrec.app.bank import Bank
from graphrec.app.jobs import MakeReport
from graphrec.app.recording import record_event
from graphrec.app.report.business import money, returns, risk, suitability
from graphrec.app.report.figures import PARTS, Change, Part, Report, changes, part_of, plain, read
from graphrec.app.report.quality import evaluated, fairness, stability
from graphrec.app.report.trust import operations, privacy
from graphrec.app.report.words import Words
from graphrec.config.market import MARKET_FILE
from graphrec.errors import GraphrecError, NotTrained, PolicyError, UsageError
from graphrec.files import make_folder, whole_file
from graphrec.languages import language_of
from graphrec.policy.read import read_policy
from graphrec.progress import Progress
from graphrec.terms.folder import latest, read_meta
from graphrec.times import moment_of

Measure = Callable[[Bank, Progress], Part]
LASTING = ("accuracy", "returns", "explanations", "stability")
"""Parts that depend on the tested model, its snapshot and the policy alone, returns on prices too: their figures are
those of the last report while these stay."""
FIGURES = 2
"""Which figures parts have: a report with others is measured anew."""
_MEASURES: Mapping[str, Measure] = {
    "money": money, "returns": returns, "risk": risk, "suitability": suitability, "fairness": fairness,
    "stability": stability, "privacy": privacy, "operations": operations,
}  # fmt: skip


@dataclass(frozen=True)
class ReportMade:
    """A report, what changed since the last one, and where it is."""

    report: Report
    last: Report | None
    changes: Mapping[str, Change]
    words: Words
    kept: Path
    """Its JSON in the home, which the next one is set beside."""
    out: Path | None
    record: int | None
    notes: tuple[str, ...]


def make_report(bank: Bank, request: MakeReport, progress: Progress) -> ReportMade:
    """Measure everything, keep it, and write the page where one is asked for."""
    for name in request.without:
        if name not in PARTS:
            raise UsageError(f"--without {name}: want names of {', '.join(PARTS)}")
    if request.out is not None and request.out.suffix not in (".html", ".json"):
        raise UsageError(f"--out {request.out}: want a file .html or .json")
    home = bank.home
    words = Words(language_of(request.language or bank.settings.language, home.languages))
    folder = home.path / "reports"
    before = _last(folder)
    last = before if request.against is None else _read(request.against)
    now = datetime.now(UTC)
    with log.stage("report") as stage:
        report = _measured(bank, request, None if request.anew else before, now, progress)
        stage.count(parts=len(report.parts), concerns=sum(len(one.concerns) for one in report.parts))
    make_folder(folder)
    kept = folder / f"{now:%Y-%m-%dT%H%M%S.%fZ}.json"
    with whole_file(kept) as temporary:
        temporary.write_text(json.dumps(plain(report), ensure_ascii=False, indent=1) + "\n", "utf-8")
    content = {"did": "report", "file": kept.name, "states": {one.name: one.state for one in report.parts}}
    number, notes = record_event(bank, "report", content, wanted=request.record)
    compared = {} if last is None else changes(report, last)
    made = ReportMade(report, last, compared, words, kept, request.out, number, notes)
    if request.out is not None:
        write(made, request.out)
    return made


def write(made: ReportMade, out: Path) -> None:
    """Write a report as a page or as JSON."""
    from graphrec.app.report.page import as_json, rendered

    text = rendered(made) if out.suffix == ".html" else json.dumps(as_json(made), ensure_ascii=False, indent=1) + "\n"
    with whole_file(out) as temporary:
        temporary.write_text(text, "utf-8")


def _measured(bank: Bank, request: MakeReport, last: Report | None, now: datetime, progress: Progress) -> Report:
    at = now.isoformat(timespec="seconds")
    live, tested = _model(bank, final=True), _model(bank, final=False)
    basis = None if tested is None else f"{FIGURES} {tested[1]} {tested[2]} {_policy(bank)}"
    prices = _prices(bank)
    parts: dict[str, Part] = {}
    for place, name in enumerate(PARTS):
        if name in parts:
            continue
        progress(name, place, len(PARTS))
        if name in request.without:
            parts[name] = part_of(name, missing="it was left out (--without)")
        elif (same := _same(name, basis, prices, last)) is not None:
            parts[name] = same
        elif name in ("accuracy", "explanations"):
            found = _evaluated(bank, progress)
            parts |= {key: one for key, one in found.items() if key not in (*parts, *request.without)}
        else:
            try:
                parts[name] = _MEASURES[name](bank, progress)
            except GraphrecError as error:
                parts[name] = part_of(name, missing=str(error))
    progress("done", len(PARTS), len(PARTS))
    model, model_hash, snapshot = live or (None, None, None)
    dated = tuple(replace(parts[name], measured_at=parts[name].measured_at or at) for name in PARTS)
    day = moment_of(bank.now())
    return Report(at, f"{day:%Y-%m-%d}", model, model_hash, snapshot, __version__, dated, basis, prices)


def _evaluated(bank: Bank, progress: Progress) -> dict[str, Part]:
    try:
        return {one.name: one for one in evaluated(bank, progress)}
    except GraphrecError as error:
        return {name: part_of(name, missing=str(error)) for name in ("accuracy", "explanations")}


def _same(name: str, basis: str | None, prices: str, last: Report | None) -> Part | None:
    """What the last report says, where nothing that it depends on is another."""
    if last is None or basis is None or last.basis != basis or last.graphrec != __version__ or name not in LASTING:
        return None
    if name == "returns" and last.prices != prices:
        return None
    found = last.part(name)
    return None if found is None or found.missing is not None else found


def _model(bank: Bank, *, final: bool) -> tuple[str, str, str] | None:
    """Name, hash and snapshot of the live or of the tested model."""
    try:
        folder = latest(bank.home) if final else latest(bank.home, None, prefer_final=False)
    except NotTrained:
        return None
    meta = read_meta(folder)
    return folder.name, meta.hash, meta.snapshot


def _policy(bank: Bank) -> str:
    """The rules that lists obey, by their hash, with the lists that they name."""
    try:
        return read_policy(bank.home.policy).hash if bank.home.has_policy() else "none"
    except PolicyError:
        return "broken"


def _prices(bank: Bank) -> str:
    """What changes with each load of series and each change of market.toml."""
    market = bank.home.path / MARKET_FILE
    told = hashlib.sha256(market.read_bytes() if market.exists() else b"")
    for file in sorted(bank.home.series.glob("*.parquet")):
        found = file.stat()
        told.update(f"{file.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return told.hexdigest()


def _last(folder: Path) -> Report | None:
    """The newest report of the home that this graphrec can read."""
    for file in sorted(folder.glob("*.json"), reverse=True):
        try:
            return read(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            continue
    return None


def _read(file: Path) -> Report:
    try:
        return read(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--against {file} is no report ({type(error).__name__}); want a file of graphrec report --out FILE.json"
        ) from None
