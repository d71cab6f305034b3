"""The model folders of a home: `<kind>-test` for what is evaluated, `<kind>-final` for what is served.

    meta.json           kind, configuration, seed, hashes of snapshot and split, metrics, versions, device, description
    model.safetensors   every array of the model, the edges it walks between what are no users, and the ids of its nodes
    checksums           of both (graph/folders/arrays.py)

A folder is opened once: what is read of it later is of the same training, whatever comes to its path. Reading maps the
arrays and checks the pages it reads; numpy is all it needs. The rows of the users, from each to what their edges lead
to, are in no folder: they are given when it is opened (graph/edges/first_hops.py).
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from graphrec.errors import CheckpointMismatch, Damaged, NotTrained, SchemaOutdated
from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, StoredAdjacency
from graphrec.graph.edges.first_hops import first_hops, known_until
from graphrec.graph.edges.wealth import Wealth
from graphrec.graph.folders.arrays import META, CheckedFolder, read_sealed, seal
from graphrec.graph.folders.block_rows import Rows, read_blocks
from graphrec.graph.folders.meta import plain, read_as
from graphrec.graph.folders.shelf import DIGITS, SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.folders.strings import ABSENT, Strings, joined
from graphrec.home import Home
from graphrec.schema import GraphSchema
from graphrec.terms.base import Described, Stored, StoredRows, Term
from graphrec.terms.forms.blend import Blend
from graphrec.terms.live import base_name, live_folder
from graphrec.terms.meta import Description, ModelMeta, StoredTerm, Trained
from graphrec.terms.newcomers import ABLE, attributes_of, widened
from graphrec.terms.platform import platform

FORMAT = 3
ARRAYS = "model.safetensors"
DEFAULT = "blend"
"""The kind of model that is served when nothing else is asked for."""
FORMS = {
    "walks": "graphrec.terms.walks:WalkTerm",
    "factors": "graphrec.terms.forms.factors:FactorTerm",
    "table": "graphrec.terms.forms.factors:TableTerm",
    "sum": "graphrec.terms.forms.compound:SumTerm",
    "pairs": "graphrec.terms.forms.pairs:PairTerm",
    "als": "graphrec.terms.forms.als:AlsTerm",
    "sage": "graphrec.terms.sage.term:SageTerm",
    "portfolio": "graphrec.terms.forms.portfolio:PortfolioTerm",
}
"""The forms of term that a folder may hold, by what it calls them; each is imported when a model has it."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model as it is served: its terms, the graph it was fitted on, and what its folder says about it."""

    blend: Blend
    graph: Graph
    """The hops that leave users as they were given, and of the others those that the terms need."""
    meta: ModelMeta
    folder: Path
    ids: Mapping[str, Strings] = field(default_factory=dict)
    """The ids of its nodes by label, each sorted, where they are not those of the snapshot it was opened for.

    All positions in the blend and the graph are the model's own.
    """
    files: CheckedFolder | None = None
    """What its arrays are read from; None: they are in memory."""

    @property
    def kind(self) -> str:
        """blend, kernel, …"""
        return self.meta.kind

    @property
    def is_final(self) -> bool:
        """Fitted on everything, the test part too."""
        return self.meta.final

    @property
    def name(self) -> str:
        """What people are shown: blend-final, blend-test, …"""
        return f"{self.kind}-{'final' if self.is_final else 'test'}"

    @property
    def hash(self) -> str:
        """Hash of what decides its scores."""
        return self.meta.hash

    def verify(self) -> None:
        """Check all pages of its arrays.

        Raises:
            Damaged: one is not what was written.
        """
        if self.files is not None:
            self.files.verify()


@dataclass(frozen=True, eq=False)
class ModelFiles:
    """A model folder that is open: a training that replaces it changes nothing of what is read here."""

    folder: Path
    files: CheckedFolder
    meta: ModelMeta

    @property
    def snapshot(self) -> str:
        """The content hash of the snapshot it was trained on."""
        return self.meta.snapshot

    def model(
        self,
        snapshot: Snapshot,
        customers: Mapping[Hop, Adjacency] | None = None,
        *,
        exact: bool = False,
        known_before: int | None = None,
        now: int | None = None,
        blocks: Mapping[str, Rows] | None = None,
        wealth: Wealth | None = None,
    ) -> Model:
        """The model for facts or a snapshot, which may be newer: `Model.ids` joins the nodes of both.

        Args:
            customers: the hops that leave users, where they are others than those of the snapshot: a fit that hides
                edges is evaluated on what it saw.
            exact: refuse every snapshot but the one it was trained on, as an evaluation needs it.
            known_before: edges of users known at or after it, in microseconds since 1970, are not seen.
            now: the date that ages count to, in microseconds since 1970; None: that of the fit.
            blocks: rows of the users' feature blocks by digest; None: those beside the facts of the model's home.
            wealth: the amounts that go with `customers`.

        Raises:
            CheckpointMismatch: labels, edge types or `min_group` are others, or the snapshot with `exact`.
            Damaged: a file is not what was written.
            SchemaOutdated: it has a form of term that this graphrec does not know.
        """
        remedy, meta = _remedy(self.folder), self.meta
        same = meta.snapshot == snapshot.origin
        if exact and not same:
            raise CheckpointMismatch(
                f"model {self.folder.name} was trained on snapshot {self.snapshot[:DIGITS]}, this is snapshot "
                f"{snapshot.hash[:DIGITS]}; {remedy}"
            )
        labels, hops = meta.labels, [Hop.parse(text) for text in meta.description.hops]
        found = schema_digest(snapshot.schema, labels, hops)
        if found != meta.schema:
            raise CheckpointMismatch(
                f"model {self.folder.name} was trained on labels, edge types and min_group {meta.schema[:DIGITS]}, "
                f"those of snapshot {snapshot.hash[:DIGITS]} are {found[:DIGITS]}; {remedy}"
            )
        arrays: dict[str, Any] = dict(self.files.tensors(ARRAYS))
        arrays |= {name: arrays[first] for name, first in meta.description.twins.items()}
        user = snapshot.schema.roles.user
        counts = {label: len(arrays[f"ids/{label}/offsets"]) - 1 for label in labels}
        ids = {} if same else _other_ids(arrays, labels, snapshot)
        counts.setdefault(user, snapshot.count(user))
        fitted: Mapping[Hop, Adjacency] = {}
        places = {label: joined(snapshot.nodes(label).ids, own) for label, own in ids.items()}
        entries = meta.description.terms
        product = snapshot.schema.roles.product
        new = _newcomers(places.get(product), entries)
        users = joined(ids[user], snapshot.nodes(user).ids) if user in ids else None
        if customers is None:
            wealth = Wealth(snapshot, meta.now if now is None else now, known_before, None, places.get(product), users)
            read = partial(first_hops, snapshot, counts, places=places, users=users)
            customers = read(known_before=known_before)
            if not same or meta.hidden.known_from is not None:
                fitted = read(known_before=_fitted_before(meta))
        if blocks is None:
            digests = [one.digest for one in meta.blocks if one.label == user]
            blocks = read_blocks(blocks_beside(self.folder.parent), digests, snapshot.nodes(user).ids)
        stored = {
            hop: _stored_rows(arrays, f"graph/{hop}", *_ends(snapshot.schema, hop))
            for hop in hops
            if _ends(snapshot.schema, hop)[0] != user
        }
        described = [_described(entry, f"t{n}", arrays) for n, entry in enumerate(entries)]
        for rows in (*stored.values(), *(rows for one in described for rows in one.rows.values())):
            _check_rows(rows, counts, self.folder)
        for one in (array for term in described for array in term.arrays.values()):
            _check_array(one, counts, self.folder)
        now = meta.now if now is None else now
        own = _of_users(customers, snapshot.schema, meta.description.half_life_days, now)
        walked: Mapping[Hop, Adjacency] = {
            hop: _edges(arrays, hop, counts[rows.target]) for hop, rows in stored.items()
        }
        if len(new):
            counts[product] += len(new)
            described = [widened(one, product, len(new)) for one in described]
            # Attributes have the degrees that the fit counted.
            fitted = {**fitted, **{hop: edges for hop, edges in walked.items() if stored[hop].target == product}}
            walked = attributes_of(snapshot, walked, places, new, counts, known_before)
        graph = Graph(snapshot.schema, counts, {**walked, **own}, blocks=blocks, fitted=fitted, now=now, wealth=wealth)
        forms = [_form(entry.form, self.folder) for entry in entries]
        terms = [form.open(one, graph) for form, one in zip(forms, described, strict=True)]
        blend = Blend(terms, [entry.weight for entry in entries])
        return Model(blend, graph, meta, self.folder, ids, self.files)


def _of_users(
    customers: Mapping[Hop, Adjacency], schema: GraphSchema, fading: Mapping[str, float], now: int | None
) -> dict[Hop, Adjacency]:
    """The hops that leave users, with what age has taken of their edges."""
    own = {hop: edges for hop, edges in customers.items() if _ends(schema, hop)[0] == schema.roles.user}
    for name, days in fading.items():
        if now is not None and Hop(name) in own:
            own[Hop(name)] = own[Hop(name)].fading(days, now)
    return own


def _newcomers(places: NDArray[np.int64] | None, entries: Sequence[StoredTerm]) -> NDArray[np.int64]:
    """The products of facts that a model can score though it has not seen them; they stand behind its own."""
    if places is None or not all(entry.form in ABLE for entry in entries):
        return np.zeros(0, np.int64)
    return np.flatnonzero(places == ABSENT)


def blocks_beside(models: Path) -> Path:
    """Where the rows of the users' feature blocks are that the models in a folder read."""
    return models.parent / "facts" / "blocks"


def _fitted_before(meta: ModelMeta) -> int | None:
    """The time, in microseconds since 1970, before which the edges were known that a model was fitted on."""
    hidden = meta.hidden.known_from
    return meta.known_until if hidden is None else hidden


def open_files(folder: Path) -> ModelFiles:
    """A model folder, opened once.

    Raises:
        NotTrained: there is no model.
        Damaged: a file is not what was written.
        SchemaOutdated: another version of graphrec wrote it.
    """
    try:
        files = CheckedFolder.open(folder, FORMAT, _remedy(folder), hold=True)
    except (FileNotFoundError, NotADirectoryError):
        raise NotTrained(f"there is no model in {folder}; {_remedy(folder)}") from None
    return ModelFiles(folder, files, read_as(ModelMeta, files.meta, folder / META, _remedy(folder)))


def names_any(folder: Path, ids: Collection[str]) -> bool:
    """Whether a model folder has a row of its own for one of these nodes; raises as `open_files`."""
    opened = open_files(folder)
    arrays = opened.files.tensors(ARRAYS)
    known = [Strings(*(arrays[f"ids/{label}/{part}"] for part in ("offsets", "data"))) for label in opened.meta.labels]
    return any(own.find(one) >= 0 for own in known for one in ids)


def open_model(
    folder: Path,
    snapshot: Snapshot,
    customers: Mapping[Hop, Adjacency] | None = None,
    *,
    exact: bool = True,
    wealth: Wealth | None = None,
) -> Model:
    """The model in a folder, for a snapshot: see `ModelFiles.model`."""
    return open_files(folder).model(snapshot, customers, exact=exact, wealth=wealth)


def _form(name: str, folder: Path) -> type[Term]:
    if name not in FORMS:
        raise SchemaOutdated(
            f"model {folder.name} has a term of form {name!r}, this graphrec knows {', '.join(FORMS)}; "
            f"{_remedy(folder)}"
        )
    module, _, form = FORMS[name].partition(":")
    found: type[Term] = getattr(import_module(module), form)
    return found


def _ends(schema: GraphSchema, hop: Hop) -> tuple[str, str]:
    edge = schema.edges[hop.type]
    return (edge.target, edge.source) if hop.reverse else (edge.source, edge.target)


def _other_ids(arrays: Mapping[str, Any], labels: Sequence[str], snapshot: Snapshot) -> dict[str, Strings]:
    """The ids of the labels whose nodes are not those of the snapshot."""
    found = {}
    for label in labels:
        own = Strings(*(np.asarray(arrays[f"ids/{label}/{part}"]) for part in ("offsets", "data")))
        now = snapshot.nodes(label).ids
        if not np.array_equal(own.offsets, now.offsets) or not np.array_equal(own.data, now.data):
            found[label] = own
    return found


def _check_rows(rows: StoredRows, counts: Mapping[str, int], folder: Path) -> None:
    """Raise Damaged where a sparse matrix does not have a row for each of its nodes."""
    if len(rows.indptr) != counts[rows.source] + 1 or int(rows.indptr[-1]) != len(rows.indices):
        raise Damaged(
            f"{folder / ARRAYS}: edges from {rows.source} to {rows.target} have {len(rows.indptr) - 1:,} rows and "
            f"{len(rows.indices):,} ends, which do not fit {counts[rows.source]:,} nodes; {_remedy(folder)}"
        )


def _check_array(stored: Stored, counts: Mapping[str, int], folder: Path) -> None:
    """Raise Damaged where an array does not have a row for each of its nodes."""
    for axis, label in enumerate(stored.axes):
        if label is not None and stored.values.shape[axis] != counts[label]:
            raise Damaged(
                f"{folder / ARRAYS}: an array has {stored.values.shape[axis]:,} rows for {counts[label]:,} nodes of "
                f"{label}; {_remedy(folder)}"
            )


def model_folder(home: Home, kind: str, *, final: bool) -> Path:
    """Where a model of this kind is kept."""
    return home.models / f"{kind}-{'final' if final else 'test'}"


def read_meta(folder: Path) -> ModelMeta:
    """What a model folder says about itself.

    Raises:
        NotTrained: there is no model.
        Damaged: meta.json is not what was written.
        SchemaOutdated: another version of graphrec wrote it.
    """
    try:
        found = read_sealed(folder / META, FORMAT, _remedy(folder))
    except (FileNotFoundError, NotADirectoryError):
        raise NotTrained(f"there is no model in {folder}; {_remedy(folder)}") from None
    return read_as(ModelMeta, found, folder / META, _remedy(folder))


def write_model(folder: Path, blend: Blend, graph: Graph, snapshot: Snapshot, trained: Trained) -> None:
    """Write a model into an empty folder, with the ids of all nodes that it uses; the rows of users are not in it.

    Args:
        graph: what the blend was fitted on.
        trained: what the training says of it.
    """
    from safetensors.numpy import save_file

    arrays: dict[str, NDArray[Any]] = {}
    user = graph.schema.roles.user
    terms, labels = [], {graph.schema.roles.product}
    for n, (term, weight) in enumerate(zip(blend.terms, blend.weights, strict=True)):
        described = term.describe()
        terms.append(_kept(described, term.form, weight, f"t{n}", arrays))
        labels |= {label for one in described.arrays.values() for label in one.axes if label is not None}
        labels |= {label for one in described.rows.values() for label in (one.source, one.target)}
    hops = sorted({hop for term in blend.terms for hop in term.hops}, key=str)
    for hop in hops:
        if graph.source(hop) == user:
            labels |= {graph.target(hop)} - {user}
            continue
        labels |= {graph.source(hop), graph.target(hop)}
        _keep_rows(StoredRows.of(graph.hops[hop], graph.source(hop), graph.target(hop)), f"graph/{hop}", arrays)
    for label in sorted(labels):
        ids = snapshot.nodes(label).ids
        arrays[f"ids/{label}/offsets"], arrays[f"ids/{label}/data"] = np.asarray(ids.offsets), np.asarray(ids.data)
    # Walks share tables: an array that several names have is written once.
    first: dict[int, str] = {}
    twins = {name: first[id(array)] for name, array in arrays.items() if first.setdefault(id(array), name) != name}
    once = {name: np.ascontiguousarray(array) for name, array in arrays.items() if name not in twins}
    save_file(once, folder / ARRAYS)
    description = Description(
        tuple(terms), tuple(str(hop) for hop in hops), twins, dict(trained.configuration.half_life_days)
    )
    meta = ModelMeta(
        **structs.asdict(trained),
        format=FORMAT,
        hash=content_hash(folder, description),
        snapshot=snapshot.hash,
        as_of=snapshot.as_of,
        labels=tuple(sorted(labels)),
        known_until=known_until(snapshot),
        now=graph.now,
        types=tuple(snapshot.types),
        digests=snapshot.meta.digests,
        schema=schema_digest(graph.schema, sorted(labels), hops),
        platform=platform(),
        description=description,
    )
    seal(folder, plain(meta))


def content_hash(folder: Path, description: Description) -> str:
    """SHA-256 of what decides the scores of a model: its description and its arrays."""
    digest = hashlib.sha256(json.dumps(plain(description), sort_keys=True).encode())
    with (folder / ARRAYS).open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def schema_digest(schema: GraphSchema, labels: Sequence[str], hops: list[Hop]) -> str:
    """SHA-256 of what a model takes for granted of a schema: roles that it was fitted by, labels and edge types."""
    types = sorted({hop.type for hop in hops})
    edges = {name: [schema.edges[name].source, schema.edges[name].target] for name in types if name in schema.edges}
    used = {"labels": [label for label in labels if label in schema.nodes], "edges": edges}
    roles = schema.roles
    granted = {**used, "user": roles.user, "product": roles.product, "min_group": roles.min_group}
    return hashlib.sha256(json.dumps(granted, sort_keys=True).encode()).hexdigest()


def _kept(described: Described, form: str, weight: float, stem: str, arrays: dict[str, NDArray[Any]]) -> StoredTerm:
    """What meta.json says of a term; its arrays are added to `arrays`."""
    for name, stored in described.rows.items():
        _keep_rows(stored, f"{stem}/{name}", arrays)
    arrays |= {f"{stem}/{name}": stored.values for name, stored in described.arrays.items()}
    axes = {name: tuple(stored.axes) for name, stored in described.arrays.items()}
    rows = {name: (stored.source, stored.target) for name, stored in described.rows.items()}
    return StoredTerm(form, described.name, weight, dict(described.settings), axes, rows)


def _described(entry: StoredTerm, stem: str, arrays: Mapping[str, Any]) -> Described:
    """What `_kept` kept of a term."""
    stored = {name: Stored(arrays[f"{stem}/{name}"], axes) for name, axes in entry.arrays.items()}
    rows = {
        name: _stored_rows(arrays, f"{stem}/{name}", source, target) for name, (source, target) in entry.rows.items()
    }
    return Described(entry.name, entry.settings, stored, rows)


def _keep_rows(stored: StoredRows, stem: str, arrays: dict[str, NDArray[Any]]) -> None:
    arrays[f"{stem}/indptr"], arrays[f"{stem}/indices"] = stored.indptr, stored.indices
    if stored.values is not None:
        arrays[f"{stem}/values"] = stored.values


def _stored_rows(arrays: Mapping[str, Any], stem: str, source: str, target: str) -> StoredRows:
    indptr, indices = arrays[f"{stem}/indptr"], arrays[f"{stem}/indices"]
    return StoredRows(indptr, indices, source, target, arrays.get(f"{stem}/values"))


def _edges(arrays: Mapping[str, Any], hop: Hop, num_targets: int) -> StoredAdjacency:
    stem = f"graph/{hop}"
    return StoredAdjacency(
        arrays[f"{stem}/indptr"], arrays[f"{stem}/indices"], arrays.get(f"{stem}/values"), num_targets
    )


def latest(home: Home, kind: str | None = None, prefer_final: bool = True) -> Path:
    """The folder of the model that is served: of that kind, else what was promoted, the blend, what was trained last.

    A final model is preferred unless it belongs to an older snapshot than the tested one of its kind; without
    `prefer_final` it comes only where there is no tested one.

    Raises:
        NotTrained: there is none, or what was promoted is gone.
        Damaged: what says which one was promoted cannot be read.
    """
    if kind is None and prefer_final and (promoted := live_folder(home)) is not None:
        return promoted
    return newest(home, kind, prefer_final)


def newest(home: Home, kind: str | None = None, prefer_final: bool = True) -> Path:
    """What `latest` gives where nothing was promoted.

    Raises:
        NotTrained: there is none.
    """
    for candidate in [kind] if kind else [DEFAULT, *_kinds_by_age(home)]:
        found = _of_kind(home, candidate, prefer_final)
        if found is not None:
            return found
    option = f" --model {kind}" if kind and kind != DEFAULT else ""
    option += f" --as-of {home.as_of}" if home.as_of else ""
    named = f"no model of kind {kind}" if kind else "no model"
    raise NotTrained(f"there is {named} in {home.models} yet; run: graphrec train{option}")


def _of_kind(home: Home, kind: str, prefer_final: bool) -> Path | None:
    tested, final = model_folder(home, kind, final=False), model_folder(home, kind, final=True)
    there = [folder for folder in (final, tested) if (folder / "meta.json").exists()]
    if len(there) < 2:
        return there[0] if there else None
    if not prefer_final:
        return tested
    final_snapshot = _fitted_on(final)
    newest = SnapshotShelf(home.snapshots).latest_hash()
    is_current = final_snapshot == _fitted_on(tested) or final_snapshot[:DIGITS] == newest
    return final if is_current else tested


def _fitted_on(folder: Path) -> str:
    """The hash of the snapshot that a model was fitted on, read once until meta.json is written anew."""
    state = (folder / META).stat()
    return _snapshot_of(folder, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=64)
def _snapshot_of(folder: Path, state: tuple[int, ...]) -> str:  # noqa: ARG001 - tells one meta.json from another
    return read_meta(folder).snapshot


def _kinds_by_age(home: Home) -> list[str]:
    """The kinds that are there, the one written last first."""
    written: dict[str, int] = {}
    for meta in home.models.glob("*/meta.json"):
        kind, _, part = meta.parent.name.rpartition("-")
        if part in ("test", "final") and not kind.startswith("."):
            written[kind] = max(written.get(kind, 0), meta.stat().st_mtime_ns)
    return sorted(written, key=lambda kind: (-written[kind], kind))


def _remedy(folder: Path) -> str:
    return f"run: graphrec train{_option(folder)}"


def _option(folder: Path) -> str:
    kind, _, part = base_name(folder).rpartition("-")
    if part not in ("test", "final"):
        return ""
    model = f" --model {kind}" if kind != DEFAULT else ""
    return model + (" --final" if part == "final" else "")
