"""Between Arrow tables and the properties of a store: plain values, times as ISO UTC text with microseconds."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from graphrec.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa


def to_text(times: "pa.ChunkedArray | pa.Array") -> "pa.ChunkedArray | pa.Array":
    """Times as text that sorts like them: 2024-01-31T09:30:00.000000Z."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.replace_substring(times.cast(pa.string()), " ", "T", max_replacements=1)


def to_stored(rows: "pa.Table") -> "pa.Table":
    """The table with what a store keeps: times as text."""
    import pyarrow as pa

    for position, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(position, field.name, to_text(rows.column(position)))
    return rows


def to_rows(chunks: Iterable[Sequence[Sequence[Any]]], fields: "pa.Schema") -> "pa.Table":
    """The table of streamed rows, each one list of the values of these fields.

    Chunks become Arrow at once, so that no more than one of them is ever held as Python objects.
    """
    import pyarrow as pa

    batches = [_batch(chunk, fields) for chunk in chunks if chunk]
    return pa.Table.from_batches(batches, fields)


def _batch(chunk: Sequence[Sequence[Any]], fields: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    columns = zip(*(row for (row,) in chunk), strict=True)
    return pa.record_batch([_array(column, field) for column, field in zip(columns, fields, strict=True)], fields)


def _array(column: Sequence[Any], field: "pa.Field") -> "pa.Array":
    import pyarrow as pa

    try:
        if pa.types.is_timestamp(field.type):
            return pa.array(column, pa.string()).cast(field.type)
        return pa.array(column, field.type)
    except (pa.ArrowException, OverflowError) as error:
        raise StoreError(
            f"property {field.name} of the store holds what is no {field.type}: a load was interrupted, or the graph "
            "was edited; load the mapping again"
        ) from error
