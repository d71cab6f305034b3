"""Back into the store: the lists as edges with their reasons, vectors as properties with an index."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.delivery.rows import Batch
from graphrec.delivery.sinks import SinkReport, SinkSpec, Target
from graphrec.errors import StoreError
from graphrec.graph.folders.strings import ABSENT
from graphrec.serving.answer import Item, Line
from graphrec.serving.engine import Engine
from graphrec.store.base import Index, Statement, Store

if TYPE_CHECKING:
    from graphrec.features.sources.text.cache import StoredVectors

#: The edge type of what is written back; a mapping that has it keeps it for itself.
RECOMMENDED = "RECOMMENDED"
TEXT_VECTOR, GRAPH_VECTOR = "text_vector", "graph_vector"
#: Reasons kept with each recommendation.
REASONS = 3
#: Users whose lists are written at once, and edges of other runs removed at once.
USERS, LIMIT = 500, 10_000
#: An export that has written nothing for so long was killed: its edges are removed by the next one.
SILENT_SECONDS = 3600.0
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class StoreReport(SinkReport):
    """What was written; `rows` are edges."""

    run: str
    missing: int
    """Recommendations of a user or product that is no longer in the store."""
    removed: int
    """Edges of earlier runs."""
    vectors: Mapping[str, int]
    """By property: products that got one; their index is named in `indexes`."""
    indexes: Mapping[str, str]

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [
            f"{self.rows:,} recommendations for {self.users:,} users; {self.removed:,} of earlier runs removed",
            *self._without(),
        ]
        if self.missing:
            lines.append(f"{self.missing:,} not written: their user or product is no longer in the store")
        lines += [
            f"{count:,} products have a {name}; its index: {self.indexes[name]}" for name, count in self.vectors.items()
        ]
        return lines


class _StoreSink:
    """Writes lists as edges of its run, then makes this run the one that counts, then removes what others left.

    Killed before that, it leaves the lists of the run before. Of two at once, the one that ends later counts.

    Raises:
        StoreError: the names that this would write belong to the mapping.
    """

    def __init__(self, store: Store, target: Target) -> None:
        _check_free(store, target.engine)
        self._store = store
        self._engine = target.engine
        self._texts = target.texts
        now = datetime.now(UTC)
        self._run = f"export-{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._stamps = {"written_at": now.strftime(_MOMENT)}
        self._labels = queries.roles(self._engine.snapshot.schema)

    def write(self, batch: Batch) -> None:
        """Write the edges of some users."""
        self._store.write(queries.text("load/begin_export"), {"run": self._run, "at": _moment()})
        rows: list[dict[str, Any]] = []
        for answer in batch.answers:
            common = {"model": answer.model, "snapshot": answer.snapshot, "as_of": answer.as_of, **self._stamps}
            rows.extend(
                {"user": answer.user, "product": item.product, "properties": {**_properties(item), **common}}
                for item in answer.items
            )
        self._store.write(queries.text("load/recommend", self._labels), {"run": self._run}, rows)

    def finish(self, totals: SinkReport) -> StoreReport:
        """Publish this run, remove the edges of those before, and write the vectors."""
        store, labels, run = self._store, self._labels, self._run
        since = {"since": _moment(-SILENT_SECONDS)}
        publish = Statement(queries.text("load/publish_export"), {"run": run})
        store.transaction([publish, Statement(queries.text("load/end_export"), {"run": run, **since})])
        written, others = _counts(store, labels, {"run": run, **since})
        left = others
        while left:
            store.write(queries.text("load/forget_recommendations", labels), {"run": run, "limit": LIMIT, **since})
            left = _counts(store, labels, {"run": run, **since})[1]
        found = _vectors(self._engine, self._texts())
        return StoreReport(
            users=totals.users,
            rows=written,
            without_list=totals.without_list,
            run=run,
            missing=totals.rows - written,
            removed=others,
            vectors={name: int(np.count_nonzero(vectors.any(axis=1))) for name, vectors in found.items()},
            indexes={name: _write_vectors(store, self._engine, name, vectors) for name, vectors in found.items()},
        )


@contextmanager
def _open(target: Target) -> Iterator[_StoreSink]:
    with target.open_store() as store:
        yield _StoreSink(store, target)


STORE = SinkSpec("store", _open, reasons=REASONS, chunk=USERS, takes_parts=False)


def _check_free(store: Store, engine: Engine) -> None:
    schema = store.read_schema()
    product = engine.roles.product
    taken = {column.name for column in schema.nodes[product].columns} & {TEXT_VECTOR, GRAPH_VECTOR}
    if RECOMMENDED in schema.edges or taken:
        name = f"edge type {RECOMMENDED}" if RECOMMENDED in schema.edges else f"{product} property {min(taken)}"
        raise StoreError(f"{name} belongs to a mapping, and the export writes it; rename it in the mapping")


def _properties(item: Item) -> dict[str, Any]:
    return {
        "rank": item.rank,
        "score": float(item.score),
        "reason": item.reasons[0].text if item.reasons else None,
        "reasons": json.dumps([asdict(reason) for reason in item.reasons], ensure_ascii=False),
        "lines": json.dumps([_kept(line) for line in item.lines], ensure_ascii=False),
        "confidence": item.confidence,
        "warnings": "; ".join(item.warnings) or None,
    }


def _kept(line: Line) -> dict[str, Any]:
    return {name: one for name, one in asdict(line).items() if name in _KEPT}


_KEPT = ("kind", "text", "share", "contrast", "via", "path", "cypher", "parameters")


def _counts(store: Store, labels: queries.Labels, given: Mapping[str, str]) -> tuple[int, int]:
    rows = store.query(queries.text("load/count_recommendations", labels), given).rows
    return (int(rows[0][0] or 0), int(rows[0][1] or 0)) if rows else (0, 0)


def _moment(seconds: float = 0.0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(_MOMENT)


def _vectors(engine: Engine, texts: "StoredVectors | None") -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    if texts is not None:
        from graphrec.features.sources.text.source import encoded_texts

        found[TEXT_VECTOR] = texts.lookup(encoded_texts(engine.snapshot, engine.roles.product))[0]
    for term in engine.model.blend.terms:
        vectors = term.product_vectors
        if vectors is not None:
            product = engine.roles.product
            places = np.array([engine.positions.in_model(product, here) for here in range(len(engine.products))])
            # What came after the training has no vector.
            known = np.where(places < engine.positions.num_known, places, ABSENT)
            found[GRAPH_VECTOR] = np.where(known[:, None] == ABSENT, np.float32(0), vectors[known])
            break
    return {name: vectors for name, vectors in found.items() if vectors.any()}


def _write_vectors(store: Store, engine: Engine, name: str, vectors: NDArray[np.float32]) -> str:
    """Write one vector per product, none where all is zero; the name of the index."""
    product = engine.roles.product
    index = store.create_index(Index(product, name, vectors.shape[1]))
    rows = [
        {"id": engine.products.ids[place], "properties": {name: vector.tolist() if vector.any() else None}}
        for place, vector in enumerate(vectors)
    ]
    store.write(queries.text("load/vectors", {"Node": product}), {}, rows, LIMIT // 10)
    return index
