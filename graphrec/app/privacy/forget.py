"""Customers taken out of all that a home keeps, what was learned from them too, with a signed certificate.

Each step can be repeated: a command that was killed is run again and goes on. The order: who must not come back, the
store, the log of events, ledgers and logs, snapshots and facts, models, keys of the record, search, certificate.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import __version__, log, queries
from graphrec.app.bank import Bank
from graphrec.app.data.facts import changing, publish, publish_snapshot, take_in_events
from graphrec.app.jobs import Forget
from graphrec.app.moments import parse_moment
from graphrec.app.results import Forgotten, KeptPlace
from graphrec.errors import GraphrecError, LegalHold, SourceError, UnknownId, UsageError
from graphrec.features.registry import sources_of
from graphrec.finance.credit.scorecard import Scorecard
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.privacy.certificate import commitment, keep, sign
from graphrec.privacy.holds import Holds
from graphrec.privacy.ledgers import erase_ledgers
from graphrec.privacy.search import Searched, search
from graphrec.privacy.suppression import Suppression
from graphrec.progress import Progress
from graphrec.records.blocks import Head, blocks, segments
from graphrec.records.decision import event
from graphrec.records.escrow import Escrow, day_of
from graphrec.records.keep import Kept
from graphrec.records.keys import Keys
from graphrec.records.read import entries_about_nobody
from graphrec.records.recorder import head_of
from graphrec.schema import GraphSchema
from graphrec.terms.folder import blocks_beside, names_any, read_meta
from graphrec.terms.live import VERSION, Switch, read_live, switching, write_switch

if TYPE_CHECKING:
    from graphrec.features.blocks import Sources
    from graphrec.graph.edges.adjacency import Graph
    from graphrec.models.inputs import Inputs
    from graphrec.store.base import Store
    from graphrec.terms.forms.blend import Blend
    from graphrec.terms.meta import ModelMeta
    from graphrec.training.downdate import Before

SEARCHED = 4
"""Characters from which on a personal text is searched for."""


@dataclass
class _Work:
    """What was done so far."""

    users: tuple[str, ...]
    removed: dict[str, int] = field(default_factory=dict)
    kept: list[KeptPlace] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    """Personal texts that nobody else has."""
    downdates: "dict[Path, Before | str]" = field(default_factory=dict)
    """By folder of a model: as it was, or why it is fitted again."""

    def count(self, place: str, number: int) -> None:
        """Something went."""
        if number:
            self.removed[place] = self.removed.get(place, 0) + number

    def keep(self, place: str, why: str, until: str) -> None:
        """Something stays."""
        self.kept.append(KeptPlace(place, why, until))


def forget(bank: Bank, request: Forget, progress: Progress) -> Forgotten:
    """Customers out of the home; nothing is done where one of them is not known."""
    bank.home.need_vault("graphrec forget")
    home, users, until = bank.home.prepare(), _asked(request), _until(request)
    suppression, work = Suppression(home), _Work(users)
    _check_holds(home, users)
    with log.stage("forget", persons=len(users)) as stage:
        with _opened(bank, home) as store:
            if not _are_there(bank, home, store, suppression, users) and not search(home.path, users).found:
                return _result(work, None, "", ("nothing to do: forgotten before, and nothing of them is left",))
            suppression.add(users)
            if store is not None:
                with changing(home, store, "graphrec forget"):
                    _store(home, store, work, progress)
        _rebuild(bank, home, work, progress)
        events, letters = bank.events.log.erase(users)
        work.count("events", events)
        work.count("dead letters", letters)
        for place, number in erase_ledgers(home, users).items():
            work.count(place, number)
        _risk_models(home, work)
        if request.downdate:
            work.downdates = _downdates(home)
        with _opened(bank, home) as store:
            snapshots = [_renew(one, store, work, progress) for one in _homes(home)]
        if not request.downdate:
            work.count("kept sums", sum(1 for _ in home.sums.rglob("*.npz")))
            shutil.rmtree(home.sums, ignore_errors=True)
        for one, snapshot in zip(_homes(home), snapshots, strict=True):
            _models(bank, one, snapshot, work, progress)
        slots = _record(home, work, until, request.rule)
        found = search(home.path, {*users, *work.texts})
        stage.count(places=len(work.removed), files=found.files, found=len(found.found))
    path, document = _certify(bank, home, request, work, slots, found)
    suppression.certify(users, path.name)
    if found.found:
        work.notes.append(f"still in {', '.join(found.found[:3])}: look at these files")
    return _result(work, path, document, tuple(work.notes))


def _check_holds(home: Home, users: Sequence[str]) -> None:
    """Stop where the law asks to keep what is known of one of them.

    Raises:
        LegalHold: it does.
    """
    holds = Holds(home)
    held = [one for one in map(holds.of, users) if one is not None]
    if held:
        first = held[0]
        until = f"until {first.until}" if first.until else "until it is lifted"
        by = f" ({first.by})" if first.by else ""
        raise LegalHold(
            f"{len(held):,} of {len(users):,} are held: {first.reason}, {until}{by}; nothing was removed; lift it with "
            "graphrec hold USER --lift"
        )


def _until(request: Forget) -> str | None:
    """The day until which a rule asks to keep what was recorded; None: no rule does."""
    if request.keep_record_until is None:
        return None
    if not request.rule:
        raise UsageError("by which rule? graphrec forget USER --keep-record-until DAY --rule TEXT")
    day = day_of(request.keep_record_until, "--keep-record-until")
    if day < f"{datetime.now(UTC):%Y-%m-%d}":
        raise UsageError(f"--keep-record-until {day} is over; leave it out, and the key is destroyed")
    return day


def _result(work: _Work, path: Path | None, document: str, notes: tuple[str, ...]) -> Forgotten:
    user = work.users[0] if len(work.users) == 1 else None
    return Forgotten(user, work.users, dict(sorted(work.removed.items())), tuple(work.kept), path, document, notes)


def _asked(request: Forget) -> tuple[str, ...]:
    lines: list[str] = []
    if request.file is not None:
        try:
            lines = request.file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{request.file} cannot be read: {error}; want one id a line in UTF-8") from None
    found = tuple(dict.fromkeys(one for one in (*request.users, *(line.strip() for line in lines)) if one))
    if not found:
        raise UsageError("who? graphrec forget USER, or --file FILE with one id a line")
    return found


@contextmanager
def _opened(bank: Bank, home: Home) -> Iterator["Store | None"]:
    """The store; None where nothing is loaded into it."""
    from graphrec.store import is_server, open_store
    from graphrec.store.read import is_unused

    if not is_server(bank.settings.store) and not Path(bank.store).exists():
        yield None
        return
    with open_store(bank.settings.store, home.store, bank.settings.login) as store:
        yield None if is_unused(store) else store


def _are_there(bank: Bank, home: Home, store: "Store | None", suppression: Suppression, users: Sequence[str]) -> bool:
    """Whether something is left of these persons, or of an erasure that was not completed.

    Raises:
        UnknownId: one of them is nowhere, and was never forgotten.
    """
    there: set[str] = set()
    if store is not None:
        label = store.read_schema().roles.user
        chunks = store.stream(queries.text("load/ids", {"Node": label}), {"source": ""})
        there = {str(row[0]) for chunk in chunks for row in chunk}
    elif (shelf := SnapshotShelf(home.snapshots)).has_latest():
        snapshot = shelf.latest()
        there = set(snapshot.nodes(snapshot.schema.roles.user).ids)
    keys, events = Keys(home.keys), bank.events.log
    found = {user for user in users if user in there or keys.slot_of(user) is not None or events.last_of(user)}
    known = {user: suppression.of(user) for user in users if user not in found}
    unknown = [user for user, one in known.items() if one is None]
    if unknown:
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise UnknownId(f"no user {unknown[0]!r}{more} in the store, the events or the record; nothing was removed")
    return bool(found) or any(one is not None and one.certificate is None for one in known.values())


def _store(home: Home, store: "Store", work: _Work, progress: Progress) -> None:
    """Their rows out of the store, after a look at what of them can be searched for."""
    from graphrec.store.writing.erase import erase

    schema = store.read_schema()
    work.texts |= _personal_texts(store, schema, work.users)
    gone = erase(store, work.users, progress)
    for key, number in gone.rows.items():
        work.count(f"store: {key.partition('/')[2]}", number)
    work.count("store: split pairs", gone.split_pairs)
    work.count("series rows", gone.series_rows)
    work.texts |= {one for ids in gone.alone.values() for one in ids if len(one) >= SEARCHED}
    if gone.alone and (home.records / "kept").exists():
        labels = ", ".join(sorted(gone.alone))
        work.keep(
            "records/kept", f"nodes of {labels} that only they had stand in item-side copies of before, by which "
            "entries of other customers are replayed", "graphrec record prune --before",
        )  # fmt: skip


def _personal_texts(store: "Store", schema: GraphSchema, users: Sequence[str]) -> set[str]:
    """Texts of their personal columns that no other customer has."""
    node = schema.nodes[schema.roles.user]
    names = [column.name for column in node.columns if column.name in node.personal and column.kind == "text"]
    if not names:
        return set()
    table = store.read_nodes(node.label, schema, personal=True).select(["id", *names]).to_pylist()
    own = {row[name] for row in table if row["id"] in users for name in names if row[name]}
    others = {row[name] for row in table if row["id"] not in users for name in names}
    return {text for text in own - others if len(text) >= SEARCHED}


def _rebuild(bank: Bank, home: Home, work: _Work, progress: Progress) -> None:
    """No page of the store holds what was deleted."""
    from graphrec.store import is_server

    if is_server(bank.settings.store):
        work.keep(
            "store", "Neo4j deletes logically: pages and transaction logs may hold bytes of before",
            "neo4j-admin database copy, and the transaction logs are pruned",
        )  # fmt: skip
        return
    from graphrec.store.embedded.convert import rebuild

    if (Path(bank.store) / "configuration.json").exists():
        rebuild(Path(bank.store), home.series, progress)


def _risk_models(home: Home, work: _Work) -> None:
    """No risk model knows a text of theirs as a value of its own; its points stay as they were fitted."""
    for file in sorted((home.vault / "risk").glob("*.safetensors")):
        card, about = Scorecard.read(file)
        after = card.without({*work.users, *work.texts})
        if after is not card:
            after.write(file, about)
            work.count("risk models, without values of theirs", 1)
        work.keep(
            f"vault/risk/{file.name}", "points that were fitted on a file of cases, which may have held theirs; no row "
            "of it, no value that they alone had", "graphrec risk fit, on a file without them",
        )  # fmt: skip


def _homes(home: Home) -> list[Home]:
    """The home of now, and those as of a date."""
    dates = sorted(path.name for path in (home.serving / "as-of").glob("*") if path.is_dir())
    return [home, *(home.at(parse_moment(date)) for date in dates)]


def _renew(home: Home, store: "Store | None", work: _Work, progress: Progress) -> Snapshot | None:
    """Snapshots and facts of one date without them; the older ones go. None: there is none any more."""
    shelf, facts = SnapshotShelf(home.snapshots), FactsShelf(home.facts)
    count = len(shelf.names()) + len(facts.names())
    snapshot = None
    if count and (store is None or _from_mapping(shelf)):
        for folder in (home.snapshots, home.facts):
            shutil.rmtree(folder, ignore_errors=True)
        work.notes.append(
            "the snapshot was taken from a mapping, not from a store: it is removed; take it anew: graphrec snapshot "
            "--from MAPPING, then graphrec train"
        )
    elif count and store is not None:
        snapshot = _taken(home, store, shelf, progress)
        shelf.remove(shelf.names())
        if facts.has_latest():
            facts.remove(facts.names())
    shutil.rmtree(blocks_beside(home.models), ignore_errors=True)
    work.count("snapshots and facts, taken anew", count)
    work.count("unfinished trainings", sum(1 for _ in home.working.glob("*")))
    shutil.rmtree(home.working, ignore_errors=True)
    return snapshot


def _from_mapping(shelf: SnapshotShelf) -> bool:
    from graphrec.store.read import is_chosen

    return is_chosen(shelf) and shelf.latest().as_of is None


def _taken(home: Home, store: "Store", shelf: SnapshotShelf, progress: Progress) -> Snapshot:
    """The latest snapshot anew, of the date that it has, and its facts."""
    from graphrec.store.read import is_chosen, take_snapshot

    date = home.as_of or (shelf.latest().as_of if shelf.has_latest() and is_chosen(shelf) else None)
    moment = None if date is None else parse_moment(date)
    events = take_in_events(home, store, progress)
    snapshot = take_snapshot(store, shelf, moment, progress, follows=home.as_of is not None)
    if moment is None:
        publish(home, store, progress)
    else:
        publish_snapshot(home, snapshot, events=events)
    return snapshot


def _downdates(home: Home) -> "dict[Path, Before | str]":
    """For every model what a downdate needs, while the snapshot is there that it was fitted on."""
    from graphrec.training.downdate import NotCounted, before

    found: dict[Path, Before | str] = {}
    for one in _homes(home):
        for folder in sorted(path.parent for path in one.models.glob("[!.]*/meta.json")):
            try:
                snapshot = SnapshotShelf(one.snapshots).of_hash(read_meta(folder).snapshot)
                found[folder] = before(folder, snapshot, _sums(home, one))
            except (NotCounted, GraphrecError) as error:
                found[folder] = str(error)
    return found


def _sums(home: Home, one: Home) -> Path:
    """Where the sums of the models of a date are."""
    return home.sums if one.as_of is None else home.sums / one.as_of[:10]


def _fitted_again(
    home: Home, one: Home, snapshot: Snapshot, folder: Path, sources: "Sources", work: _Work, progress: Progress
) -> dict[str, str]:
    """A model without them: what the certificate says of it.

    Raises:
        GraphrecError: it cannot be fitted on what is left.
    """
    from graphrec.training.downdate import NotCounted, downdated, keep
    from graphrec.training.refit import refit

    why = f"fitted again on {datetime.now(UTC):%Y-%m-%d} after customers were forgotten: configuration and weights stay"
    model = read_meta(folder).hash
    about, ready, sums = {"model": folder.name, "before": model}, work.downdates.get(folder, ""), []

    def made(meta: "ModelMeta", graph: "Graph", inputs: "Inputs") -> "Blend":
        assert not isinstance(ready, str), "it is ready"
        blend, left = downdated(ready, meta, snapshot, graph, inputs)
        sums.append(left)
        return blend

    if not isinstance(ready, str):
        was_kept = ready.kept
        try:
            after = refit(snapshot, folder, sources=sources, made=made, progress=progress, why=(
                f"customers were taken out of its sums on {datetime.now(UTC):%Y-%m-%d}: configuration and weights stay"
            ))  # fmt: skip
        except NotCounted as error:
            ready = str(error)
        else:
            keep(sums[0], _sums(home, one), folder)
            counted = "kept" if was_kept else "counted"
            return {**about, "after": after.hash, "way": f"downdate of {counted} sums"}
    after = refit(snapshot, folder, sources=sources, why=why, progress=progress)
    return {**about, "after": after.hash, "way": f"refit: {ready}" if ready else "refit"}


def _models(bank: Bank, home: Home, snapshot: Snapshot | None, work: _Work, progress: Progress) -> None:
    """The models of one date fitted again without them; versions that cannot be are kept and named, or removed."""
    for folder in sorted(path.parent for path in home.models.glob("[!.]*/meta.json")):
        if VERSION not in folder.name and snapshot is not None:
            try:
                sources = sources_of(read_meta(folder).block_names, home, bank.settings.encoder, progress=progress)
                about = _fitted_again(bank.home, home, snapshot, folder, sources, work, progress)
            except GraphrecError as error:
                work.notes.append(f"model {folder.name} cannot be fitted without them and is removed: {error}")
            else:
                work.models.append(about)
                is_less = about["way"].startswith("downdate")
                work.count("models, sums without them" if is_less else "models, fitted again", 1)
                continue
        elif not names_any(folder, work.users):
            work.keep(
                f"model {folder.name}", "weights between products that were learned with their edges; no row, no id of "
                "theirs", "graphrec train, and a promotion of the new model",
            )  # fmt: skip
            continue
        _remove_model(bank, home, folder)
        work.count("models, removed", 1)


def _remove_model(bank: Bank, home: Home, folder: Path) -> None:
    with switching(home):
        live = read_live(home)
        if live.model == folder.name:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            write_switch(home, live, Switch("follow", None, folder.name, now, bank.settings.actor))
    shutil.rmtree(folder)


def _record(home: Home, work: _Work, until: str | None, rule: str | None) -> list[int]:
    """Their keys destroyed, or in escrow until a day; the slots that these had."""
    keys = Keys(home.keys)
    escrow = Escrow(keys)
    slots = [slot for slot in map(keys.slot_of, work.users) if slot is not None]
    if slots:
        wanted = set(slots)
        named = sum(slot in wanted for block in blocks(segments(home.records)) for slot in block.header["keys"])
        work.count("record: entries made unreadable", named)
    if until is not None and rule is not None:
        work.count("record: keys, into escrow", len(escrow.put(work.users, until, rule)))
    else:
        work.count("record: keys", sum(keys.destroy(user) for user in work.users))
    for user in work.users:
        held = escrow.of(user)
        if held is not None:
            work.keep(
                f"record: key {held.slot}", f"in escrow by {held.rule}: entries under it are read after a release "
                "alone, which is recorded", held.until,
            )  # fmt: skip
    work.count("record: kept models with rows of theirs", Kept(home.records).erase(work.users))
    naming = entries_about_nobody(home.records, work.users)
    if naming:
        shown = ", ".join(map(str, naming[:20])) + (" …" if len(naming) > 20 else "")
        work.keep(
            f"record: entries {shown}",
            "searches and questions that name them, encrypted under the key of the bank: the record shows who looked, "
            "and its chain cannot lose an entry",
            "the record is retired",
        )  # fmt: skip
    if any(home.logs.glob("access-*.log")):
        work.keep("logs/access-*.log", "who asked, with keyed hashes in the place of ids", "the log is removed")
    if any((home.federated).glob("sums-*")):
        work.keep(
            "vault/federated", "sums over the customers of several banks, theirs among them; no row, no id of anybody",
            "the next round of graphrec federate",
        )  # fmt: skip
    work.keep("vault/suppressed.json", "a keyed hash, so that no load brings them back", "for good")
    work.keep("backups and copies", "made before, outside this home: graphrec publish again; run graphrec forget again "
              "after a restore", "the copies are replaced")  # fmt: skip
    return slots


def _certify(
    bank: Bank, home: Home, request: Forget, work: _Work, slots: list[int], found: Searched
) -> tuple[Path, str]:
    """The tombstone in the record, and the certificate; its path, and what the persons get."""
    opened = [(user, *commitment(user)) for user in work.users]
    persons = [hashed for _, hashed, _ in opened]
    content = {"persons": persons, "removed": work.removed, "slots": slots, "reason": request.reason}
    number = event(home, "forget", bank.settings.actor, content)
    head = head_of(home.records) or Head()
    certificate = sign(home, {
        "certificate": "erasure", "format": 1, "graphrec": __version__,
        "issued_at": datetime.now(UTC).isoformat(timespec="seconds"), "issued_by": bank.settings.actor,
        "reason": request.reason, "persons": persons, "removed": dict(sorted(work.removed.items())),
        "kept": [vars(one) for one in work.kept], "models": work.models,
        "record": {"entry": number, "anchor": head.anchor},
        "search": {"files": found.files, "bytes": found.bytes, "found": list(found.found)},
    })  # fmt: skip
    path = keep(home, certificate)
    whole = {**certificate, "opens": [{"user": user, "nonce": nonce} for user, _, nonce in opened]}
    return path, json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
