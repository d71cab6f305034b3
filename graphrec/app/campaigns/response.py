"""Response models of a home: fitted on past contacts, used by plans.

vault/campaigns/models/NAME.json     one additive model, or two where past contacts had a control: treated, control
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.jobs import FitResponse, ScoreResponse
from graphrec.app.recording import record_event
from graphrec.app.results import ResponseFitted, ResponseLine, ResponseRow, ResponseScored
from graphrec.app.tables import Bools, flags, read_table, typed
from graphrec.campaigns.additive import Additive, Values, auc, fit
from graphrec.errors import Damaged, SourceError, UnknownId, UsageError
from graphrec.files import make_folder, whole_file
from graphrec.home import Home
from graphrec.progress import Progress
from graphrec.serving.engine import Engine

Floats = NDArray[np.float64]
USER = "user"
"""Column of a file with the ids of customers: then columns are those of the home."""
_FOLDS = 5


def fit_response(bank: Bank, request: FitResponse, progress: Progress) -> ResponseFitted:
    """A model of who responds, with its quality on rows that its fits did not see."""
    bank.home.need_vault("graphrec campaign fit")
    file = _file_of(bank.home, request.name)
    rows = read_table(request.file)
    response = flags(rows, request.response, request.file)
    treated = None if request.treatment is None else flags(rows, request.treatment, request.file)
    table = _table(bank, rows, {request.response, request.treatment or "", *request.without})
    if not table:
        raise UsageError(f"{request.file} leaves no column to fit on")
    groups = (
        {"response": np.ones(len(response), np.bool_)} if treated is None else {"treated": treated, "control": ~treated}
    )
    for name, chosen in groups.items():
        if not 0 < response[chosen].sum() < chosen.sum():
            raise SourceError(f"{request.file}: all {chosen.sum():,} rows of {name} have the same {request.response}")
    # Both groups start from what all rows say, so that only what they differ in is learned from few rows.
    every = None if treated is None else fit(table, response, ordered=request.ordered)
    models, found = {}, {}
    for place, (name, chosen) in enumerate(groups.items()):
        progress("fitting", place, len(groups))
        models[name] = fit(_taken(table, chosen), response[chosen], ordered=request.ordered, beside=every)
        found[name] = _held_out(table, response, chosen, models[name].ridge, every)
    make_folder(file.parent)
    plain = {
        "columns": "home" if USER in rows else "file",
        "models": {name: one.to_json() for name, one in models.items()},
    }
    done = ResponseFitted(
        request.name, len(response), int(response.sum()), tuple(table), found,
        {name: one.ridge for name, one in models.items()}, file,
    )  # fmt: skip
    record_event(
        bank, "campaign", {"did": "fit", "name": request.name, "rows": done.rows, "auc": found}, wanted=request.record
    )
    with whole_file(file) as temporary:
        temporary.write_text(json.dumps(plain, ensure_ascii=False) + "\n", "utf-8")
    return done


def score_response(bank: Bank, request: ScoreResponse) -> ResponseScored:
    """The probability of each row of a file, with the lines that add up to its logit."""
    columns, models = _opened(bank.home, request.name)
    rows = read_table(request.file)
    if (columns == "home") != (USER in rows):
        raise UsageError(
            f"model {request.name} was fitted on columns of the {columns}; "
            + (f"{request.file} wants a column {USER}" if columns == "home" else f"leave the column {USER} out")
        )
    table = _table(bank, rows, set())
    first = next(iter(models.values()))
    missing = [cut.name for cut in first.cuts if cut.name not in table]
    if missing:
        raise SourceError(f"{request.file} has no column {missing[0]}, which model {request.name} reads")
    probabilities = {name: model.probabilities(table) for name, model in models.items()}
    lines = first.lines(table)
    bins = [cut.bins(table[cut.name]) for cut in first.cuts]
    found = []
    for row, shares in enumerate(lines):
        said = (cut.said(int(own[row])) for cut, own in zip(first.cuts, bins, strict=True))
        parts = zip(first.cuts, said, shares, strict=True)
        one = ResponseRow(
            row=row + 1,
            user=str(rows[USER][row]) if USER in rows else None,
            base=first.base,
            lines=tuple(ResponseLine(cut.name, value, float(share)) for cut, value, share in parts),
            **{name: float(values[row]) for name, values in probabilities.items()},
        )
        if one.treated is not None and one.control is not None:
            one = replace(one, uplift=one.treated - one.control)
        found.append(one)
    return ResponseScored(request.name, tuple(found))


def score_customers(bank: Bank, engine: Engine, name: str, users: NDArray[np.int64]) -> Floats:
    """What a contact adds for each customer: the probability, or beside a control the difference, at least 0."""
    columns, models = _opened(bank.home, name)
    if columns != "home":
        raise UsageError(
            f"response model {name} reads columns of a file; fit it on a file with a column {USER}: those of the home"
        )
    table = {cut.name: _column(engine, cut.name, users) for cut in next(iter(models.values())).cuts}
    found = {key: model.probabilities(table) for key, model in models.items()}
    if "control" in found:
        return np.maximum(found["treated"] - found["control"], 0.0)
    return found["response"]


def _held_out(
    table: Mapping[str, Values], response: Bools, chosen: Bools, ridge: float, every: Additive | None
) -> float:
    """The AUC on chosen rows that the fits did not see, mean of five folds."""
    parts = np.random.default_rng(0).permutation(len(response)) % _FOLDS
    found = []
    for part in range(_FOLDS):
        seen, held = chosen & (parts != part), chosen & (parts == part)
        if 0 < response[seen].sum() < seen.sum():
            beside = None
            if every is not None:
                beside = fit(_taken(table, parts != part), response[parts != part], ridge=every.ridge)
            model = fit(_taken(table, seen), response[seen], ridge=ridge, beside=beside)
            found.append(auc(model.logits(_taken(table, held)), response[held]))
    return float(np.mean(found)) if found else 0.5


def _file_of(home: Home, name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", name):
        raise UsageError(f"{name!r} is no name of a response model; want letters, digits, - and _")
    return home.vault / "campaigns" / "models" / f"{name}.json"


def _opened(home: Home, name: str) -> tuple[str, dict[str, Additive]]:
    file = _file_of(home, name)
    try:
        plain = json.loads(file.read_text("utf-8"))
        return plain["columns"], {key: Additive.from_json(one) for key, one in plain["models"].items()}
    except FileNotFoundError:
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.json"))) or "none"
        raise UnknownId(f"there is no response model {name!r}; there are {known}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{file} is damaged ({error}); run graphrec campaign fit again") from None


def _table(bank: Bank, rows: Mapping[str, list[str]], without: set[str]) -> dict[str, Values]:
    """The columns that a model may read: those of the file, or of the customers whose ids it has."""
    if USER not in rows:
        return {name: typed(values) for name, values in rows.items() if name not in without}
    engine = bank.opened.engine(bank.home, None, bank.now())
    places = np.array([engine.users.ids.find(one) for one in rows[USER]], np.int64)
    if (places < 0).any():
        number = int(np.flatnonzero(places < 0)[0])
        raise UnknownId(f"line {number + 2}: no user {rows[USER][number]!r}")
    schema = engine.schema.nodes[engine.roles.user]
    hidden = {
        *schema.personal,
        *schema.protected,
        schema.vector,
        schema.name,
        schema.crm_id,
        schema.adviser,
        *without,
    }
    return {name: _column(engine, name, places) for name in sorted(engine.users.columns) if name not in hidden}


def _column(engine: Engine, name: str, users: NDArray[np.int64]) -> Values:
    """A column of customers."""
    column = engine.users.column(name)
    if column.kind == "text":
        return np.array([column.get(int(user)) for user in users], object)
    values = np.asarray(column.values)[users].astype(np.float64)
    return np.where(np.asarray(column.valid)[users], values, np.nan)


def _taken(table: Mapping[str, Values], rows: Any) -> dict[str, Values]:
    return {name: values[rows] for name, values in table.items()}
