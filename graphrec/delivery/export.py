"""The lists of all users in one file, which appears whole or not at all."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.progress import Progress, silent
from graphrec.serving.answer import Answer, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet", ".jsonl")
#: Users per chunk of rows.
CHUNK = 1_000
#: Lines of each product that are delivered.
REASONS = 1
OPTIONS = ListOptions(reasons=REASONS)

Recorded = Callable[[Sequence[Answer]], None]


def unrecorded(_answers: Sequence[Answer]) -> None:
    """Records nothing."""


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote."""

    path: str
    users: int
    rows: int
    without_list: int
    """Users without enough evidence for any product."""


def export_lists(
    engine: Engine,
    path: Path,
    k: int,
    *,
    record: Recorded = unrecorded,
    options: ListOptions = OPTIONS,
    progress: Progress = silent,
) -> ExportReport:
    """Write the k best products of every user with the strongest reason of each.

    Columns: user, product, rank, score, reason, reason_share (share / score), model, snapshot, as_of, name (of the
    product), confidence (0 to below 1), warnings (what rules that only warn say, joined by "; "; a gap: none).

    Args:
        record: takes every answer before it is written.
        options: of the lists: reasons, language, min_confidence.

    Raises:
        UsageError: the suffix of the path is none of FORMATS.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"--out {path}: cannot write {path.suffix or 'a file without a suffix'}; use {', '.join(FORMATS)}"
        )
    rows = without = 0
    with whole_file(path) as temporary, _writer(temporary, path.suffix.lower()) as write:
        for chunk, empty in _chunks(engine, k, options, record, progress):
            write(chunk)
            rows += chunk.num_rows
            without += empty
    return ExportReport(str(path), len(engine.users), rows, without)


def _chunks(
    engine: Engine, k: int, options: ListOptions, record: Recorded, progress: Progress
) -> "Iterator[tuple[pa.Table, int]]":
    import pyarrow as pa

    fields = _fields()
    total = len(engine.users)
    for start in range(0, total, CHUNK):
        columns: dict[str, list[Any]] = {field.name: [] for field in fields}
        answers = list(recommend_many(engine, range(start, min(start + CHUNK, total)), k, options))
        record(answers)
        empty = sum(not answer.items for answer in answers)
        for answer in answers:
            for item in answer.items:
                reason = item.lines[0] if item.lines else None
                values = (
                    answer.user,
                    item.product,
                    item.rank,
                    item.score,
                    reason.text if reason else None,
                    reason.share / item.score if reason and item.score else None,
                    answer.model,
                    answer.snapshot,
                    answer.as_of,
                    item.name,
                    item.confidence,
                    "; ".join(item.warnings) or None,
                )
                for column, value in zip(columns.values(), values, strict=True):
                    column.append(value)
        progress("lists", min(start + CHUNK, total), total)
        yield pa.table(columns, fields), empty


def _fields() -> "pa.Schema":
    import pyarrow as pa

    text, real = pa.string(), pa.float64()
    return pa.schema(
        [
            ("user", text),
            ("product", text),
            ("rank", pa.int32()),
            ("score", real),
            ("reason", text),
            ("reason_share", real),
            ("model", text),
            ("snapshot", text),
            ("as_of", text),
            ("name", text),
            ("confidence", real),
            ("warnings", text),
        ]
    )


@contextmanager
def _writer(path: Path, suffix: str) -> "Iterator[Callable[[pa.Table], None]]":
    """Gives a function that writes one table after another to a file."""
    if suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            yield lambda table: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
    elif suffix == ".csv":
        import pyarrow.csv as pc

        with pc.CSVWriter(str(path), _fields()) as writer:
            yield writer.write_table
    else:
        import pyarrow.parquet as pq

        with pq.ParquetWriter(str(path), _fields()) as writer:
            yield writer.write_table
