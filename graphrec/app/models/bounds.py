"""The bounds of a mapping's `[live]`: measured on the tested model, kept beside the models, asked for by a promotion.

A final model saw the hidden part too, so what is measured is the tested model of the same configuration and snapshot.
A figure is measured once: it depends on that model alone, or on that one and the configuration of the live one.

    models/bounds.json    every figure that was measured, by the hash of the tested model
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.jobs import CheckModel
from graphrec.app.models.standing import check_there
from graphrec.app.recording import record_event
from graphrec.app.results import Bound, CheckedModel
from graphrec.errors import CheckpointMismatch, ModelError, NotApproved, NotTrained
from graphrec.files import whole_file
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import DIGITS, SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.progress import Progress, silent
from graphrec.schema import LiveBounds
from graphrec.terms.folder import latest, read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import ModelMeta

FILE = "bounds.json"
COMMANDS = {
    "min_ndcg_of_popularity": "graphrec evaluate", "min_ndcg_of_live": "graphrec models compare",
    "min_overlap": "graphrec stability", "max_damage": "graphrec stability", "max_exposure": "graphrec fairness",
    "max_group_gap": "graphrec fairness",
}  # fmt: skip
"""What shows more of a figure."""
PRICE = "protected_price"
"""The figure of what protected attributes would add, which is no bound: graphrec fairness --protected-price."""
LEVEL = 0.05
"""A gap between groups that chance makes more often is none."""


def live_bounds(home: Home) -> LiveBounds:
    """What the mappings of the newest facts ask of a model that is made live."""
    facts, snapshots = FactsShelf(home.facts), SnapshotShelf(home.snapshots)
    if facts.has_latest():
        return facts.latest().schema.live
    return snapshots.latest().schema.live if snapshots.has_latest() else LiveBounds()


def bounds_of(bank: Bank, name: str, *, measure: bool, progress: Progress = silent) -> tuple[Bound, ...]:
    """Every bound of `[live]` beside the figure of a model; none where nothing is asked.

    Args:
        name: the folder of the model.
        measure: whether figures that are not known yet are measured, which fits the model again where lists are to be
            stable.

    Raises:
        NotApproved: there is no tested model of its configuration and snapshot, or it cannot be measured.
    """
    asked = live_bounds(bank.home).asked
    if not asked:
        return ()
    tested = _tested(bank.home, name)
    known = _read(bank.home)
    keys = {one: _key(bank.home, one, tested, name) for one in asked}
    missing = [one for one in asked if keys[one] not in known]
    if missing and measure:
        try:
            found = dict(_measured(bank, tested, name, missing, progress))
        except (ModelError, CheckpointMismatch) as error:
            raise NotApproved(f"model {name} cannot be measured for the bounds of [live]: {error}") from None
        known |= {keys[one]: (value, about) for one, (value, about) in found.items()}
        _write(bank.home, known)
    return tuple(_beside(one, bound, known.get(keys[one])) for one, bound in asked.items())


def check_model(bank: Bank, request: CheckModel, progress: Progress) -> CheckedModel:
    """Every bound beside its figure, and an entry of the record."""
    check_there(bank.home, request.model)
    found = bounds_of(bank, request.model, measure=True, progress=progress)
    content = {"did": "check", "model": request.model, "bounds": [one.said for one in found],
               "unkept": [one.name for one in found if not one.kept]}  # fmt: skip
    number, notes = record_event(bank, "models", content, wanted=request.record)
    return CheckedModel(request.model, found, number, notes)


def check_bounds(bank: Bank, name: str, *, measure: bool, progress: Progress = silent) -> tuple[Bound, ...]:
    """Stop where a model does not keep a bound that the mapping asks for.

    Raises:
        NotApproved: it does not, or it is not measured and is not to be.
    """
    found = bounds_of(bank, name, measure=measure, progress=progress)
    for one in found:
        if not one.measured:
            raise NotApproved(
                f"[live] of the mapping asks {one.name} {one.bound:g}, and model {name} is not measured yet; next: "
                f"graphrec models check {name}"
            )
        if not one.kept:
            raise NotApproved(
                f"[live] of the mapping asks {one.name} {one.bound:g}, and model {name} has {one.value:.4g} "
                f"({one.about}); see {COMMANDS[one.name]}, or: graphrec models promote {name} --force --reason TEXT"
            )
    return found


def known_bounds(bank: Bank, name: str) -> tuple[Bound, ...]:
    """The bounds as far as they are measured; none where there is no tested model."""
    try:
        return bounds_of(bank, name, measure=False)
    except (NotApproved, NotTrained):
        return ()


def keep_figure(home: Home, figure: str, name: str, value: float, about: str) -> None:
    """Keep a figure of a tested model, which its card and those of its twins show."""
    known = _read(home)
    known[_key(home, figure, _tested(home, name), name)] = value, about
    _write(home, known)


def known_figure(home: Home, figure: str, name: str) -> tuple[float | None, str] | None:
    """A figure that was measured of a model, or of the tested one of its configuration; None: it was not."""
    try:
        return _read(home).get(_key(home, figure, _tested(home, name), name))
    except NotApproved:
        return None


def _beside(name: str, bound: float, known: tuple[float | None, str] | None) -> Bound:
    if known is None:
        return Bound(name, bound, None, "graphrec models check", kept=False, measured=False)
    value, about = known
    kept = value is None or (value >= bound if name.startswith("min_") else value <= bound)
    return Bound(name, bound, value, about, kept, measured=True)


def _tested(home: Home, name: str) -> Path:
    """The tested model of a configuration and snapshot."""
    own = read_meta(home.models / name)
    if not own.final:
        return home.models / name
    for meta_file in sorted(home.models.glob("*/meta.json")):
        folder = meta_file.parent
        if not folder.name.startswith(".") and _is_twin(read_meta(folder), own):
            return folder
    raise NotApproved(
        f"[live] of the mapping asks for figures, and there is no tested model of the configuration and snapshot of "
        f"{name}; next: graphrec train --model {own.kind}, then graphrec train --model {own.kind} --final"
    )


def _is_twin(meta: ModelMeta, own: ModelMeta) -> bool:
    return not meta.final and (meta.kind, meta.snapshot, meta.configuration) == (
        own.kind, own.snapshot, own.configuration
    )  # fmt: skip


def _champion(home: Home, name: str) -> Path | None:
    """What is live beside a model; None: nothing else is."""
    try:
        live = latest(home)
    except NotTrained:
        return None
    return None if read_meta(live).hash == read_meta(home.models / name).hash else live


def _key(home: Home, bound: str, tested: Path, name: str) -> str:
    """What a figure depends on."""
    meta = read_meta(tested)
    key = f"{bound}:{meta.hash}:{meta.snapshot[:DIGITS]}"
    if bound != "min_ndcg_of_live":
        return key
    champion = _champion(home, name)
    return f"{key}:{'' if champion is None else read_meta(champion).hash}"


Figures = Iterator[tuple[str, tuple[float | None, str]]]


def _measured(bank: Bank, tested: Path, name: str, missing: list[str], progress: Progress) -> Figures:
    meta = read_meta(tested)
    snapshot = SnapshotShelf(bank.home.snapshots).of_hash(meta.snapshot)
    if {"min_ndcg_of_popularity", "min_ndcg_of_live"} & set(missing):
        yield from _accuracy(bank, tested, name, snapshot, missing, progress)
    if {"max_exposure", "max_group_gap"} & set(missing):
        yield from _fairness(bank, tested, snapshot, missing, progress)
    if {"min_overlap", "max_damage"} & set(missing):
        yield from _stability(bank, tested, snapshot, missing, progress)


def _accuracy(
    bank: Bank, tested: Path, name: str, snapshot: Snapshot, missing: list[str], progress: Progress
) -> Figures:
    from graphrec.evaluation.evaluate import baseline, open_on_test
    from graphrec.evaluation.hidden_part import headline, measure
    from graphrec.models.inputs import Inputs

    opened = open_on_test(snapshot, tested)
    part = opened.part
    k, seed = headline((10,), part.num_products), bank.settings.seed

    def ndcg(blend: Blend) -> float:
        return float(np.mean(measure(blend, part, [k], seed=seed, progress=progress).per_user[f"ndcg@{k}"]))

    own = ndcg(opened.model.blend)
    on = f"on {len(part.users):,} test users of snapshot {snapshot.hash[:DIGITS]}"
    if "min_ndcg_of_popularity" in missing:
        other = ndcg(baseline("popularity", snapshot, opened.split, opened.visible, Inputs(seed=seed)))
        yield "min_ndcg_of_popularity", (_ratio(own, other), f"nDCG@{k} {own:.4f} of {other:.4f}, {on}")
    if "min_ndcg_of_live" in missing:
        champion = _champion(bank.home, name)
        if champion is None:
            yield "min_ndcg_of_live", (None, "no other model is live")
            return
        other = ndcg(_refitted(bank, champion, snapshot, progress))
        about = f"nDCG@{k} {own:.4f} of {other:.4f}, that of {champion.name} fitted on the same data, {on}"
        yield "min_ndcg_of_live", (_ratio(own, other), about)


def _ratio(own: float, other: float) -> float | None:
    return own / other if other > 0 else None


def _refitted(bank: Bank, champion: Path, snapshot: Snapshot, progress: Progress) -> Blend:
    """The live model's configuration on the data that the other one was tested on."""
    from graphrec.features.registry import sources_of
    from graphrec.training.assemble import blend_of
    from graphrec.training.refit import frozen_inputs
    from graphrec.training.split import split_of
    from graphrec.training.stages import graph_of

    split, meta = split_of(snapshot), read_meta(champion)
    graph = graph_of(snapshot, split, split.fitted)
    sources = sources_of(meta.block_names, bank.home, bank.settings.encoder, progress=progress)
    return blend_of(meta.configuration, graph, frozen_inputs(meta, snapshot, split, graph, sources, progress))


def _fairness(bank: Bank, tested: Path, snapshot: Snapshot, missing: list[str], progress: Progress) -> Figures:
    from graphrec.evaluation.fairness import fairness

    found = fairness(snapshot, tested, seed=bank.settings.seed, progress=progress)
    if "max_exposure" in missing:
        pushed = [
            (one.exposure.value - one.merit, f"{label.label} {one.name}")
            for label in found.providers
            for one in label.providers
        ]
        value, who = max(pushed, default=(None, "nothing describes products"))
        yield "max_exposure", (value, who)
    if "max_group_gap" in missing:
        gaps = [
            (-group.gap, f"{one.name}: {group.name}, p {group.p:.3f}")
            for one in found.attributes
            for group in one.groups
            if one.protected and group.p < LEVEL
        ]
        value, who = max(gaps, default=(None, "no protected group is below the others by more than chance"))
        yield "max_group_gap", (value, who)


def _stability(bank: Bank, tested: Path, snapshot: Snapshot, missing: list[str], progress: Progress) -> Figures:
    from graphrec.evaluation.stability import stability
    from graphrec.features.registry import sources_of

    sources = sources_of(read_meta(tested).block_names, bank.home, bank.settings.encoder, progress=progress)
    found = stability(snapshot, tested, sources=sources, seed=bank.settings.seed, progress=progress)
    lost, (own, plain) = found.after_loss, found.attacked
    if "min_overlap" in missing:
        yield "min_overlap", (lost.overlap.value, f"{lost.case}, {found.customers:,} customers")
    if "max_damage" in missing:
        value = own.damage / max(plain.damage, 1e-6)
        yield "max_damage", (value, f"{own.damage:.2%} of customers, plain item-kNN {plain.damage:.2%}")


def _read(home: Home) -> dict[str, tuple[float | None, str]]:
    try:
        plain = json.loads((home.models / FILE).read_text("utf-8"))
        return {key: (one["value"], one["about"]) for key, one in plain.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # It is measured again.


def _write(home: Home, known: dict[str, tuple[float | None, str]]) -> None:
    """Every figure of the models that are still there."""
    there = {read_meta(meta.parent).hash for meta in home.models.glob("*/meta.json") if meta.parent.name[:1] != "."}
    plain = {
        key: {"value": value, "about": about}
        for key, (value, about) in sorted(known.items())
        if key.split(":")[1] in there
    }
    with whole_file(home.models / FILE) as temporary:
        temporary.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8")
