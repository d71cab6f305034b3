"""What part of all lists products take by a column, beside their part of what the policy allows.

It tells whether lists favour the bank's own products, or those that others pay it for: a lift above 1 is more than the
policy and chance would show.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.data.facts import stale
from graphrec.app.jobs import AskExposure
from graphrec.app.recording import engine_of, record_event
from graphrec.app.results import Exposure, ExposureOf
from graphrec.config.names import nearest
from graphrec.errors import UsageError
from graphrec.policy.facts import Occasion
from graphrec.progress import Progress
from graphrec.serving.engine import Engine
from graphrec.terms.topk import top_k

FILE = "statement.toml"
BLOCK_SCORES = 4_000_000
MOST_VALUES = 30
"""Texts of a column with more of them are no groups."""
NOT_RECORDED = "not recorded"


def exposure(bank: Bank, request: AskExposure, progress: Progress) -> Exposure:
    """The lists of all customers, counted by columns of products."""
    home = bank.home_at(request.as_of)
    engine = engine_of(bank, home, request.model, Occasion(purpose="advice"), every=True)
    columns = request.columns or _declared(bank)
    groups = [(name, *_groups(engine, name)) for name in columns]
    listed, allowed, ranks, customers = _counted(engine, request.k, progress)
    found = tuple(one for group in groups for one in _told(group, listed, allowed, ranks))
    content = {
        "did": "exposure", "k": request.k, "columns": list(columns), "customers": customers,
        "groups": [vars(one) for one in found],
    }  # fmt: skip
    number, notes = record_event(bank, "exposure", content)
    language = engine.reasons_in(bank.settings.language).sentences.language
    told = (*engine.notes_in(bank.settings.language), *stale(home, language), *notes)
    model, places = engine.model.name, int(listed.sum())
    return Exposure(engine.as_of, model, engine.policy_name, request.k, customers, places, found, number, told)


def _declared(bank: Bank) -> tuple[str, ...]:
    """The columns that statement.toml names.

    Raises:
        UsageError: it names none.
    """
    from graphrec.finance.statement.file import read_statement

    path = bank.home.path / FILE
    file = read_statement(path) if path.exists() else None
    found = () if file is None else tuple(one for one in (file.own_brand, file.inducement) if one is not None)
    if not found:
        raise UsageError(
            f"name a column of products with --by COLUMN, or own_brand and inducement in {path}; "
            "such as: graphrec exposure --by kind"
        )
    return found


def _groups(engine: Engine, name: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """What a column says, and the place of it for every product of the snapshot."""
    nodes = engine.products
    kind = nodes.columns.get(name)
    if kind is None or name in engine.schema.nodes[engine.roles.product].protected:
        near = nearest(name, nodes.columns)
        raise UsageError(f"products have no column {name}{f'; the nearest is {near}' if near else ''}")
    column = nodes.column(name)
    valid = np.asarray(column.valid)
    if kind == "text":
        texts = [str(value) if there else NOT_RECORDED for value, there in zip(column.values, valid, strict=True)]
        values, places = np.unique(texts, return_inverse=True)
        if len(values) > MOST_VALUES:
            raise UsageError(f"--by {name} has {len(values):,} values; at most {MOST_VALUES} make groups")
        return tuple(values.tolist()), places.astype(np.int64)
    if kind == "time":
        raise UsageError(f"--by {name} is a time; name a column of texts, numbers, or yes and no")
    said = ("no", "yes", NOT_RECORDED) if kind == "boolean" else ("0 or below", "above 0", NOT_RECORDED)
    above = np.asarray(column.values[:], np.float64) > 0
    return said, np.where(valid, above, 2).astype(np.int64)


def _counted(
    engine: Engine, k: int, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    """Places in lists, allowed pairs and sums of ranks of every product of the snapshot; customers with a list."""
    count, users = len(engine.products), np.arange(engine.model.graph.num_users, dtype=np.int32)
    users = users[[engine.has_evidence(int(user)) for user in users]] if len(users) else users
    listed, allowed, ranks = np.zeros(count), np.zeros(count), np.zeros(count)
    width = engine.model.blend.num_products
    there = engine.positions.products
    here = np.arange(width) if there is None else there
    step, customers = max(1, BLOCK_SCORES // max(width, 1)), 0
    for start in range(0, len(users), step):
        progress("lists", start, len(users))
        block = users[start : start + step]
        mask = engine.allowed(block)
        scores = np.stack([row.scores for row in engine.model.blend.rows(block)]).astype(np.float32)
        best = top_k(np.where(mask, scores, np.float32(-np.inf)), k)
        customers += int((best >= 0).any(axis=1).sum())
        np.add.at(allowed, here[here >= 0], mask.sum(axis=0)[here >= 0])
        rows, places = np.nonzero(best >= 0)
        taken = here[best[rows, places]]
        np.add.at(listed, taken, 1.0)
        np.add.at(ranks, taken, places + 1.0)
    return listed, allowed, ranks, customers


def _told(
    group: tuple[str, tuple[str, ...], NDArray[np.int64]],
    listed: NDArray[np.float64],
    allowed: NDArray[np.float64],
    ranks: NDArray[np.float64],
) -> Iterator[ExposureOf]:
    name, values, places = group
    for number, value in enumerate(values):
        own = places == number
        if not own.any():
            continue
        shown, may = float(listed[own].sum()), float(allowed[own].sum())
        of_allowed = may / allowed.sum() if allowed.sum() else None
        of_lists = shown / listed.sum() if listed.sum() else None
        lift = of_lists / of_allowed if of_lists is not None and of_allowed else None
        mean = float(ranks[own].sum()) / shown if shown else None
        yield ExposureOf(name, value, int(own.sum()), float(own.mean()), of_allowed, of_lists, lift, mean)
