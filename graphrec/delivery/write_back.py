"""Back into the store: the lists as edges with their reasons, vectors as properties with an index."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.delivery.export import Recorded, unrecorded
from graphrec.errors import StoreError
from graphrec.progress import Progress, silent
from graphrec.serving.answer import Item, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.store.base import Index, Store

if TYPE_CHECKING:
    from graphrec.features.vectors import StoredVectors

#: The edge type of what is written back; a mapping that has it keeps it for itself.
RECOMMENDED = "RECOMMENDED"
TEXT_VECTOR, GRAPH_VECTOR = "text_vector", "graph_vector"
#: Reasons kept with each recommendation.
REASONS = 3
OPTIONS = ListOptions(reasons=REASONS)
#: Users whose lists are written at once, and edges of other runs removed at once.
USERS, LIMIT = 500, 10_000


@dataclass(frozen=True)
class WriteBackReport:
    """What was written."""

    run: str
    users: int
    rows: int
    """Edges written."""
    missing: int
    """Recommendations of a user or product that is no longer in the store."""
    without_list: int
    removed: int
    """Edges of earlier runs."""
    vectors: dict[str, int]
    """By property: products that got one; their index is named in `indexes`."""
    indexes: dict[str, str]


def write_back(
    engine: Engine,
    store: Store,
    k: int,
    *,
    texts: "StoredVectors | None" = None,
    record: Recorded = unrecorded,
    options: ListOptions = OPTIONS,
    progress: Progress = silent,
) -> WriteBackReport:
    """Write the k best products of every user as edges, and vectors of products; what earlier runs wrote goes.

    Args:
        texts: the text vectors of the home, None when there are none.
        record: takes every answer before it is written.
        options: of the lists: reasons, language, min_confidence.

    Raises:
        StoreError: the names that this would write belong to the mapping.
    """
    _check_free(store, engine)
    now = datetime.now(UTC)
    run = f"export-{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    labels = queries.roles(engine.snapshot.schema)
    stamps = {"written_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    given = without = 0
    for rows, empty in _chunks(engine, k, stamps, options, record, progress):
        store.write(queries.text("load/recommend", labels), {"run": run}, rows)
        given, without = given + len(rows), without + empty
    written, others = _counts(store, labels, run)
    left = others
    while left:
        store.write(queries.text("load/forget_recommendations", labels), {"run": run, "limit": LIMIT})
        left = _counts(store, labels, run)[1]
    found = _vectors(engine, texts)
    indexes = {name: _write_vectors(store, engine, name, vectors) for name, vectors in found.items()}
    return WriteBackReport(
        run=run,
        users=len(engine.users),
        rows=written,
        missing=given - written,
        without_list=without,
        removed=others,
        vectors={name: int(np.count_nonzero(vectors.any(axis=1))) for name, vectors in found.items()},
        indexes=indexes,
    )


def _check_free(store: Store, engine: Engine) -> None:
    schema = store.read_schema()
    product = engine.roles.product
    taken = {column.name for column in schema.nodes[product].columns} & {TEXT_VECTOR, GRAPH_VECTOR}
    if RECOMMENDED in schema.edges or taken:
        name = f"edge type {RECOMMENDED}" if RECOMMENDED in schema.edges else f"{product} property {min(taken)}"
        raise StoreError(f"{name} belongs to a mapping, and the export writes it; rename it in the mapping")


def _chunks(
    engine: Engine, k: int, stamps: Mapping[str, str], options: ListOptions, record: Recorded, progress: Progress
) -> Iterator[tuple[list[dict[str, Any]], int]]:
    total = len(engine.users)
    for start in range(0, total, USERS):
        rows: list[dict[str, Any]] = []
        answers = list(recommend_many(engine, range(start, min(start + USERS, total)), k, options))
        record(answers)
        empty = sum(not answer.items for answer in answers)
        for answer in answers:
            common = {"model": answer.model, "snapshot": answer.snapshot, "as_of": answer.as_of, **stamps}
            rows.extend(
                {"user": answer.user, "product": item.product, "properties": {**_properties(item), **common}}
                for item in answer.items
            )
        progress("lists", min(start + USERS, total), total)
        yield rows, empty


def _properties(item: Item) -> dict[str, Any]:
    reasons = [{name: one for name, one in asdict(line).items() if name in _KEPT} for line in item.lines]
    return {
        "rank": item.rank,
        "score": float(item.score),
        "reason": item.lines[0].text if item.lines else None,
        "reasons": json.dumps(reasons, ensure_ascii=False),
        "confidence": item.confidence,
        "warnings": "; ".join(item.warnings) or None,
    }


_KEPT = ("kind", "text", "share", "contrast", "via", "path", "cypher", "parameters")


def _counts(store: Store, labels: queries.Labels, run: str) -> tuple[int, int]:
    written, others = store.query(queries.text("load/count_recommendations", labels), {"run": run}).rows[0]
    return int(written or 0), int(others or 0)


def _vectors(engine: Engine, texts: "StoredVectors | None") -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    if texts is not None:
        found[TEXT_VECTOR] = texts.lookup(engine.snapshot.texts(engine.roles.product))[0]
    for term in engine.model.blend.terms:
        if term.product_vectors is not None:
            found[GRAPH_VECTOR] = term.product_vectors
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
