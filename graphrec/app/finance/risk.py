"""Risk models of a home: fitted on declared cases, measured beside their peers, kept as columns of customers.

vault/risk/NAME.safetensors     the points of one model, with what it was fitted on
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.data.derived import Derived, Plain, keep, loaded_schema
from graphrec.app.jobs import FitRisk, ReportRisk, ScoreRisk
from graphrec.app.recording import record_event
from graphrec.app.results import RiskBand, RiskFitted, RiskLine, RiskReport, RiskRow, RiskScored
from graphrec.app.tables import Bools, flags, read_table, typed
from graphrec.errors import SourceError, UnknownId, UsageError
from graphrec.files import make_folder
from graphrec.finance.credit.file import RiskModel, read_risk
from graphrec.finance.credit.fitting import fit
from graphrec.finance.credit.report import ADDITIVE, held_out, qualities
from graphrec.finance.credit.scorecard import Floats, Scorecard, Values, taken
from graphrec.home import Home
from graphrec.metrics.probabilities import quality, reliability, stability_index
from graphrec.metrics.rates import wilson
from graphrec.progress import Progress
from graphrec.schema import Column
from graphrec.times import moment_of

_WAYS = {"up": 1, "down": -1}
_LATER = 0.75
"""Rows from this part of the days on are predicted from those before."""
_LEAST = 50
"""Cases of each outcome that a model is fitted on, at least."""
NOT_DONE = "reject inference is not done: the model speaks of cases like those in the file, which were accepted once"


@dataclass(frozen=True, eq=False)
class _Cases:
    """The cases of one model."""

    model: RiskModel
    file: Path
    rows: Mapping[str, list[str]]
    table: Mapping[str, Values]
    """Columns that the model may read."""
    target: Bools
    later: Bools | None
    """Cases after most others; None: they have no day."""

    @property
    def monotone(self) -> dict[str, int]:
        """Columns with the sign of their way."""
        return {name: _WAYS[way] for name, way in self.model.monotone.items()}


def fit_risk(bank: Bank, request: FitRisk, progress: Progress) -> tuple[RiskFitted, ...]:
    """Fit the models of a file, each calibrated on rows that its fits did not see."""
    bank.home.need_vault("graphrec risk fit")
    models = _chosen(request.file, request.name)
    done = []
    for number, (name, model) in enumerate(models.items()):
        progress(f"fitting {name}", number, len(models))
        cases = _cases(request.file, name, model)
        made = fit(cases.table, cases.target, monotone=cases.monotone, pairs=model.pairs)
        found = quality(made.held_out, cases.target)
        about: dict[str, Any] = {
            "name": name, "target": model.target, "bands": model.bands, "protected": model.protected,
            "rows": len(cases.target), "events": int(cases.target.sum()),
            "data_sha256": hashlib.sha256(cases.file.read_bytes()).hexdigest(),
        }  # fmt: skip
        file = _file_of(bank.home, name)
        make_folder(file.parent)
        record_event(
            bank, "risk", {"did": "fit", **about, "auc": found.auc.value, "ece": found.ece}, wanted=request.record
        )
        made.scorecard.write(file, about)
        done.append(
            RiskFitted(
                name,
                about["rows"],
                about["events"],
                made.scorecard.columns,
                tuple(part.name for part in made.scorecard.parts if len(part.axes) > 1),
                found,
                file,
            )
        )
    return tuple(done)


def report_risk(request: ReportRisk, progress: Progress) -> tuple[RiskReport, ...]:
    """Measure the models of a file beside logistic regression and LightGBM on rows that no fit saw."""
    done = []
    for name, model in _chosen(request.file, request.name).items():
        cases = _cases(request.file, name, model)
        held = held_out(
            cases.table, cases.target, monotone=cases.monotone, pairs=model.pairs, later=cases.later,
            progress=partial(progress, f"measuring {name}"),
        )  # fmt: skip
        own, happened = held.probabilities[ADDITIVE], cases.target[held.rows]
        found = qualities(held, cases.target)
        done.append(
            RiskReport(
                name,
                len(cases.target),
                int(cases.target.sum()),
                len(held.rows),
                cases.later is not None,
                found,
                held.isotonic_ece,
                held.venn_abers_ece,
                held.venn_abers_width,
                reliability(own, happened),
                _bands(model, own, happened),
                _price(cases, found[ADDITIVE].auc.value),
                _drift(cases),
                (NOT_DONE,),
            )
        )
    return tuple(done)


def score_risk(bank: Bank, request: ScoreRisk) -> RiskScored:
    """The probability of each row of a file with the lines that add up to its logit; kept where asked for."""
    file = _file_of(bank.home, request.name)
    try:
        card, about = Scorecard.read(file)
    except FileNotFoundError:
        known = ", ".join(sorted(one.stem for one in file.parent.glob("*.safetensors"))) or "none"
        raise UnknownId(f"there is no risk model {request.name!r}; there are {known}") from None
    rows = read_table(request.file)
    users = _ids(rows, request)
    table = _read_as(card, rows, request.file)
    lines = card.lines(table)
    probabilities = card.probabilities(table)
    bins = [part.bins(table) for part in card.parts]
    scored = []
    for row, (probability, shares) in enumerate(zip(probabilities.tolist(), lines.tolist(), strict=True)):
        said = [
            RiskLine(
                tuple(axis.name for axis in part.axes),
                tuple(axis.said(int(one[row])) for axis, one in zip(part.axes, places, strict=True)),
                share,
            )
            for part, places, share in zip(card.parts, bins, shares, strict=True)
        ]
        said.sort(key=lambda line: -abs(line.share))
        user, band = users[row] if users else None, band_of(about["bands"], probability)
        scored.append(RiskRow(row + 1, user, probability, band, card.base, tuple(said)))
    on = moment_of(bank.now(request.as_of))
    kept = 0
    if request.keep:
        kept = _keep(bank, request, on, [(users[n], one.probability, one.band) for n, one in enumerate(scored)])
    content = {"did": "score", "name": request.name, "rows": len(scored), "kept": kept, "on": on.date().isoformat()}
    number, notes = record_event(bank, "risk", content, wanted=request.record)
    return RiskScored(request.name, tuple(scored), kept, on.date().isoformat(), number, notes)


def band_of(bands: Mapping[str, float], probability: float) -> str:
    """The band of a probability.

    >>> band_of({"low": 0.05, "high": 1.0}, 0.05)
    'low'
    """
    return next(name for name, end in sorted(bands.items(), key=lambda one: one[1]) if probability <= end)


def _keep(bank: Bank, request: ScoreRisk, on: datetime, scored: list[tuple[str, float, str]]) -> int:
    """Keep scores as columns NAME, NAME_band, NAME_on of customers."""
    from graphrec.store import open_store

    with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
        schema = loaded_schema(store, f"graphrec risk {request.name}")
    user, name = schema.roles.user, request.name
    taken_names = {one.name for one in schema.nodes[user].columns}
    if name in taken_names:
        raise UsageError(f"{user} has a column {name} from a mapping; give the risk model another name")
    columns = (Column(name, "real"), Column(f"{name}_band", "text"), Column(f"{name}_on", "time"))
    rows: list[tuple[str, Mapping[str, Plain]]] = [
        (one, {name: value, f"{name}_band": band, f"{name}_on": on}) for one, value, band in scored
    ]
    derived = Derived({user: rows}, {user: columns}, {user: {one.name: f"{name}_on" for one in columns}})
    keep(bank, f"graphrec risk {name}", derived)
    return len(rows)


def _ids(rows: Mapping[str, list[str]], request: ScoreRisk) -> list[str]:
    if request.user is None:
        if request.keep:
            raise UsageError("--keep wants --user COLUMN with the ids of customers")
        return []
    if request.user not in rows:
        raise UsageError(f"{request.file} has no column {request.user}; it has {', '.join(rows)}")
    found = rows[request.user]
    if request.keep and len(set(found)) < len(found):
        twice = next(one for one in found if found.count(one) > 1)
        raise SourceError(f"{request.file}: {request.user} {twice!r} is there twice, and a customer has one score")
    return found


def _read_as(card: Scorecard, rows: Mapping[str, list[str]], file: Path) -> dict[str, Values]:
    """The columns of a file as the model reads them: numbers where its fit had numbers."""
    table: dict[str, Values] = {}
    for axis in (axis for part in card.parts for axis in part.axes):
        if axis.name not in rows:
            raise SourceError(f"{file} has no column {axis.name}, which the model reads")
        values = rows[axis.name]
        table[axis.name] = np.array(values, object) if axis.edges is None else typed(values)
        if axis.edges is not None and table[axis.name].dtype.kind == "O":
            number = next(n for n, one in enumerate(values) if one.strip() and not _is_number(one))
            raise SourceError(
                f"{file} line {number + 2}: {axis.name} is {values[number]!r}, and the model was fitted on numbers"
            )
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _chosen(file: Path, name: str | None) -> dict[str, RiskModel]:
    models = read_risk(file)
    if name is None:
        return models
    if name not in models:
        raise UsageError(f"{file} has no model {name!r}; it has {', '.join(models)}")
    return {name: models[name]}


def _cases(toml: Path, name: str, model: RiskModel) -> _Cases:
    """The cases of a model, checked."""
    file = toml.parent / model.data
    rows = read_table(file)
    asked = [model.target, *model.protected, *model.without, *model.monotone]
    asked += [one for one in (model.user, model.date) if isinstance(one, str)]
    if missing := next((one for one in asked if one not in rows), None):
        raise UsageError(f"{file} has no column {missing}, which [{name}] of {toml} names; it has {', '.join(rows)}")
    target = flags(rows, model.target, file)
    for outcome, count in (("1", int(target.sum())), ("0", int((~target).sum()))):
        if count < _LEAST:
            raise SourceError(f"{file}: {count} cases have {model.target} {outcome}; a model wants at least {_LEAST}")
    out = {model.target, *model.protected, *model.without, model.user, model.date}
    table = {one: typed(values) for one, values in rows.items() if one not in out}
    if not table:
        raise UsageError(f"{file} leaves no column to fit on")
    if text := next((one for one in model.monotone if one not in table or table[one].dtype.kind == "O"), None):
        raise UsageError(f"[{name}] of {toml}: monotone.{text} is no column of numbers that the model reads")
    later = None
    if isinstance(model.date, str):
        days = np.array(rows[model.date])
        later = days > np.sort(days)[int(_LATER * (len(days) - 1))]
        if not 0 < target[later].sum() < later.sum() or not 0 < target[~later].sum() < (~later).sum():
            raise SourceError(f"{file}: the last days by {model.date} do not have both outcomes; leave out date")
    return _Cases(model, file, rows, table, target, later)


def _bands(model: RiskModel, probabilities: Floats, happened: Bools) -> tuple[RiskBand, ...]:
    names = np.array([band_of(model.bands, float(one)) for one in probabilities])
    found = []
    for name in model.bands:
        rows = names == name
        count, events = int(rows.sum()), int(happened[rows].sum())
        predicted = float(probabilities[rows].mean()) if count else 0.0
        found.append(RiskBand(name, count, predicted, wilson(events, count)))
    return tuple(found)


def _price(cases: _Cases, auc: float) -> float | None:
    """What leaving protected columns out costs in AUC, on the same rows."""
    if not cases.model.protected:
        return None
    table = {**cases.table, **{one: typed(cases.rows[one]) for one in cases.model.protected}}
    held = held_out(
        table, cases.target, monotone=cases.monotone, pairs=cases.model.pairs, later=cases.later, peers=False
    )
    return qualities(held, cases.target)[ADDITIVE].auc.value - auc


def _drift(cases: _Cases) -> Mapping[str, float]:
    """The stability index of columns of numbers between earlier and later cases."""
    if cases.later is None:
        return {}
    before, after = taken(cases.table, ~cases.later), taken(cases.table, cases.later)
    numbers = [name for name, values in cases.table.items() if values.dtype.kind == "f"]
    return {name: stability_index(before[name], after[name]) for name in numbers}


def _file_of(home: Home, name: str) -> Path:
    return home.vault / "risk" / f"{Path(name).name}.safetensors"
