"""The card of a model: what it is, what it was fitted on, how good it is, its limits, who approved it; never edited."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from graphrec.app.bank import Bank
from graphrec.app.models.bounds import PRICE, known_bounds, known_figure
from graphrec.app.models.standing import names
from graphrec.app.requests import AskModelCard
from graphrec.app.results import Bound
from graphrec.errors import Damaged, NotTrained, SourceError, UnknownId
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.privacy.certificate import is_signed, sign
from graphrec.records.blocks import sha256
from graphrec.terms.folder import latest, read_meta
from graphrec.terms.live import read_live
from graphrec.terms.meta import ModelMeta
from graphrec.terms.standing import Step, read_steps, standing_of
from graphrec.times import moment_of

Row = tuple[str, ...]
SEAL = "<!-- graphrec card "
REVIEWED_MONTHS = 12
"""After which an approval is looked at again: a model that is live is validated anew at least once a year."""
PURPOSE = (
    "It ranks the products of the catalogue for a customer, for a person to look at. What may be shown to whom is "
    "decided by the policy, before anything is ranked. Each score is a sum of lines, one an edge of the customer; a "
    "reason is such a line."
)
ASSUMPTIONS = (
    "Who holds alike wants alike: customers who share products, attributes and texts choose from one distribution.",
    "What the data says of the past holds on: monitor measures whether it does, and warns where it does not.",
    "What is not held is not known: it is no sign that a customer does not want it.",
    "Edges without a time were always true; the notes of a list name them.",
)
LIMITS = (
    "It says what fits those who hold what the customer holds; it does not say what will earn money.",
    "Metrics are of the hidden part of past data; what lists change is measured by graphrec outcomes and experiment.",
    "A customer without edges gets what is popular among those alike.",
)


@dataclass(frozen=True)
class Part:
    """One part of a card: sentences, then a table."""

    title: str
    text: tuple[str, ...] = ()
    heads: Row = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Card:
    """All parts of a card."""

    model: str
    hash: str
    standing: str
    parts: tuple[Part, ...]

    @property
    def markdown(self) -> str:
        """The card as Markdown."""
        lines = [f"# Model {self.model}", ""]
        for part in self.parts:
            lines += [f"## {part.title}", "", *(one for text in part.text for one in (text, ""))]
            if part.rows:
                marks = ["---"] * len(part.heads)
                lines += [_row(part.heads), _row(marks), *(_row(one) for one in part.rows), ""]
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """The card as a page that needs nothing but itself."""
        from graphrec.evaluation.report.page import page, paragraph, section, table

        parts = [f"<header><h1>Model {escape(self.model)}</h1></header>"]
        for part in self.parts:
            rows = table(part.heads, part.rows, left=range(len(part.heads))) if part.rows else ""
            parts.append(section(part.title, *(paragraph(one) for one in part.text), rows))
        return page(f"Model {self.model}", parts)


def sealed(bank: Bank, card: Card, text: str) -> str:
    """The text of a card with a last line that its edit breaks: hash and signature (ed25519) of the home.

    Raises:
        RecordError: the signing key cannot be opened.
    """
    text = text.rstrip("\n") + "\n"
    at = datetime.now(UTC).isoformat(timespec="seconds")
    said = {"model": card.model, "hash": card.hash, "at": at, "by": bank.settings.actor}
    signed = sign(bank.home, {"sha256": sha256(text.encode("utf-8")), **said})
    return f"{text}{SEAL}{json.dumps(signed)} -->\n"


def check_sealed(file: Path) -> dict[str, Any]:
    """What the last line of a card says, after the card was found to be as it was written.

    Raises:
        SourceError: it cannot be read, or is no card.
        Damaged: it was edited, or its signature is not that of its key.
    """
    try:
        text, _, seal = file.read_text("utf-8").rpartition(SEAL)
        signed = json.loads(seal.removesuffix(" -->\n"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{file} is no card of graphrec models card --out ({error}); write it anew") from None
    if not isinstance(signed, dict) or not is_signed(signed) or signed.get("sha256") != sha256(text.encode("utf-8")):
        raise Damaged(f"{file} is not the card that was written: it was edited; write it anew: graphrec models card")
    return signed


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(one.replace("|", "\\|").replace("\n", " ") for one in cells) + " |"


def model_card(bank: Bank, request: AskModelCard) -> Card:
    """The card of one model, or of the live one."""
    home = bank.home
    name = latest(home).name if request.model is None else request.model
    if name not in (known := names(home)):
        raise UnknownId(f"there is no model {name!r}; there are {', '.join(known) or 'none'}; see: graphrec models")
    meta = read_meta(home.models / name)
    steps = read_steps(home, meta.hash)
    try:
        snapshot = SnapshotShelf(home.snapshots).of_hash(meta.snapshot)
    except NotTrained:
        snapshot = None  # A version of before may have outlived it.
    switches = [one for one in read_live(home).history if one.model == name]
    approvals: list[Row] = [(one.standing, one.at, one.by, one.why) for one in steps]
    approvals += [(one.action, one.at, one.by or "–", f"before: {one.before or '–'}") for one in switches]
    bounds = known_bounds(bank, name)
    parts = (
        Part("What it is", (PURPOSE,), ("what", "value"), _identity(name, meta, standing_of(steps))),
        Part("Data", (), ("what", "value"), _data(meta, snapshot)),
        Part("Assumptions", ASSUMPTIONS),
        Part("Terms", ("The score is the weighted sum of these.",), ("term", "form", "weight"), _terms(meta)),
        Part("Configuration", (), ("setting", "value"), _settings(meta)),
        Part("How good", _measured_on(meta), ("metric", "value", "95 % from", "to"), _metrics(meta)),
        Part("Bounds before it is live", _bounds_said(bounds), ("bound", "asked", "measured", "state", "of"),
             tuple(_bound(one) for one in bounds)),
        Part("Protected, personal and sensitive", _protected(bank, name, meta), ("mark", "columns and edges"),
             _marks(snapshot)),
        Part("Limits", (*LIMITS, *_notes(meta, snapshot))),
        Part("Approvals", () if approvals else ("Nobody has validated or approved it.",),
             ("step", "at", "by", "why"), tuple(sorted(approvals, key=lambda one: one[1]))),
        Part("Next review", (_review(steps),)),
    )  # fmt: skip
    return Card(name, meta.hash, standing_of(steps), parts)


def _identity(name: str, meta: ModelMeta, standing: str) -> tuple[Row, ...]:
    rows = {
        "name": name, "kind": meta.kind, "hash": meta.hash, "state": standing,
        "fitted on": meta.fitted, "final": "yes" if meta.final else "no, it was tested",
        "seed": meta.seed, "platform": meta.platform, "folder format": meta.format,
    }  # fmt: skip
    return tuple((key, str(value)) for key, value in rows.items())


def _data(meta: ModelMeta, snapshot: Snapshot | None) -> tuple[Row, ...]:
    rows = [("snapshot", meta.snapshot)]
    if meta.known_until is not None:
        last = moment_of(meta.known_until)
        rows.append(("what was known before", f"{last:%Y-%m-%d}"))
    if meta.split.hash:
        rows.append(("split", ", ".join(f"{key} {value}" for key, value in to_builtins(meta.split).items())))
    if snapshot is not None:
        rows.append(("last event", (snapshot.meta.last or "no event has a time")[:10]))
        rows += [(f"nodes {label}", f"{snapshot.count(label):,}") for label in snapshot.labels]
        rows += [(f"edges {name}", f"{len(snapshot.edges(name)):,}") for name in snapshot.types]
    rows += [(f"SHA-256 {name}", str(digest)) for name, digest in sorted(meta.digests.items())]
    return tuple(rows)


def _terms(meta: ModelMeta) -> tuple[Row, ...]:
    return tuple((one.name, one.form, f"{one.weight:.6g}") for one in meta.description.terms)


def _settings(meta: ModelMeta) -> tuple[Row, ...]:
    """The configuration, a row a value, lists in one."""
    found: list[Row] = []

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, one in sorted(value.items()):
                walk(f"{path}.{key}" if path else str(key), one)
        else:
            found.append((path, f"{len(value)} of them" if isinstance(value, list) and len(value) > 6 else str(value)))

    walk("", to_builtins(meta.configuration))
    return tuple(found)


def _measured_on(meta: ModelMeta) -> tuple[str, ...]:
    if not meta.metrics:
        return ("It was fitted without a look at the validation part, so there are no metrics: graphrec evaluate",)
    of = "of the tested model of the same configuration, " if meta.final else ""
    users, metric = meta.validation.users, meta.validation.metric
    return (
        f"Metrics {of}on the validation part, by which it was chosen ({users:,} users, {metric}).",
        "The test part, which no choice has seen, is measured by graphrec evaluate, and by group by graphrec fairness.",
    )


def _metrics(meta: ModelMeta) -> tuple[Row, ...]:
    return tuple(
        (name, f"{one.value:.4f}", f"{one.low:.4f}", f"{one.high:.4f}") for name, one in sorted(meta.metrics.items())
    )


def _review(steps: Sequence[Step]) -> str:
    """When the model is to be looked at again."""
    approved = [one.at for one in steps if one.standing == "approved"]
    if not approved:
        return "Nobody has approved it, so that no review is due; before it is live somebody validates and approves it."
    at = datetime.fromisoformat(approved[-1])
    month = at.month - 1 + REVIEWED_MONTHS
    due = date(at.year + month // 12, month % 12 + 1, min(at.day, 28))
    return (
        f"Due on {due}, {REVIEWED_MONTHS} months after the last approval; earlier where graphrec monitor is an alarm."
    )


def _bounds_said(bounds: Sequence[Bound]) -> tuple[str, ...]:
    return () if bounds else ("The mapping has no [live]: nothing is asked of a model before it is live.",)


def _bound(one: Bound) -> Row:
    state = "kept" if one.kept else "not kept" if one.measured else "not measured"
    return one.name, f"{one.bound:g}", "–" if one.value is None else f"{one.value:.4g}", state, one.about


def _protected(bank: Bank, name: str, meta: ModelMeta) -> tuple[str, ...]:
    """Whether protected attributes are in the score, and what they add."""
    if meta.request.use_protected:
        used = "The training was asked to use protected attributes: they are in the score."
    else:
        used = "Protected attributes are in no score; personal columns are in no snapshot."
    price = known_figure(bank.home, PRICE, name)
    if price is None:
        return used, "What they would add is not measured: graphrec fairness --protected-price"
    return used, f"What they add: {price[1]}."


def _marks(snapshot: Snapshot | None) -> tuple[Row, ...]:
    if snapshot is None:
        return ()
    schema = snapshot.schema
    found = {mark: [
        f"{label}.{column}" for label, node in sorted(schema.nodes.items()) for column in getattr(node, mark)
    ] for mark in ("personal", "protected", "sensitive")}  # fmt: skip
    found["protected"] += [name for name, edge in sorted(schema.edges.items()) if edge.protected]
    found["sensitive"] += [name for name, edge in sorted(schema.edges.items()) if edge.sensitive]
    return tuple((mark, ", ".join(columns)) for mark, columns in found.items() if columns)


def _notes(meta: ModelMeta, snapshot: Snapshot | None) -> tuple[str, ...]:
    own = [] if snapshot is None else [one for one in (snapshot.uncut, snapshot.ahead) if one]
    return tuple(f"{one[:1].upper()}{one[1:]}." for one in (*meta.notes, *own))
