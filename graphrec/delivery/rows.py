"""The rows of a file: one product of one user each."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphrec.serving.answer import Answer


class Row(NamedTuple):
    """One row of an export; None is an empty cell."""

    user: str
    product: str
    rank: int | None
    score: float
    reason: str | None
    """The first."""
    reason_share: float | None
    """Its share / score; None for a heading."""
    model: str
    snapshot: str
    as_of: str | None
    name: str | None
    """Of the product."""
    confidence: float
    """0 to below 1."""
    warnings: str | None
    """What rules that only warn say, joined by "; "."""


def rows_of(answers: Sequence[Answer]) -> Iterator[Row]:
    """The rows of some answers in their order."""
    for answer in answers:
        for item in answer.items:
            reason = item.reasons[0] if item.reasons else None
            yield Row(
                answer.user,
                item.product,
                item.rank,
                item.score,
                reason.text if reason else None,
                reason.share / item.score if reason and reason.percent is not None and item.score else None,
                answer.model,
                answer.snapshot,
                answer.as_of,
                item.name,
                item.confidence,
                "; ".join(item.warnings) or None,
            )
