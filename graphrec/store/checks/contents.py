"""What a store holds by its own account: rows and sums per type, written when a load completes, compared by readers."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.errors import StoreError
from graphrec.graph.rows import Part
from graphrec.store.checks.sums import Sum, sum_rows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Contents:
    """The account that a store keeps of itself.

    Only rows that a source of this graphrec claims are in the sums: on a shared server, others may write beside them.
    """

    types: Mapping[str, Sum] = field(default_factory=dict)
    """By `Kind.key`."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """All rows of these types, claimed or not, as the store counts them."""
    split: Mapping[str, Sum] = field(default_factory=dict)
    """The split pairs by `SOURCE/PART`."""
    series: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of every series file, by its name."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of the schema of every source of which a load is complete."""
    is_edited: bool = False
    """Somebody has changed the graph by a statement since: the sums are taken anew by the next snapshot."""

    def to_text(self) -> str:
        """The form in which a store keeps it."""
        value = {
            "types": {name: one.to_json() for name, one in sorted(self.types.items())},
            "totals": dict(sorted(self.totals.items())),
            "split": {name: one.to_json() for name, one in sorted(self.split.items())},
            "series": dict(sorted(self.series.items())),
            "sources": dict(sorted(self.sources.items())),
            "is_edited": self.is_edited,
        }
        text = json.dumps(value, ensure_ascii=False)
        return f"{digest_text(text)} {text}"

    @classmethod
    def from_text(cls, text: str) -> "Contents":
        """The account that `to_text` wrote.

        Raises:
            StoreError: it is none.
        """
        try:
            digest, _, text = text.partition(" ")
            if digest != digest_text(text):
                raise ValueError(digest)
            value = json.loads(text)
            return cls(
                types={name: Sum.from_json(one) for name, one in value["types"].items()},
                totals={name: int(one) for name, one in value["totals"].items()},
                split={name: Sum.from_json(one) for name, one in value["split"].items()},
                series={name: str(one) for name, one in value["series"].items()},
                sources={name: str(one) for name, one in value["sources"].items()},
                is_edited=bool(value["is_edited"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                "the store's account of what it holds is damaged; load its mappings again, or take another --store"
            ) from error


def digest_text(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sum_split(source: str, split: "Mapping[Part, pa.Table] | None") -> dict[str, Sum]:
    """The sums of the split pairs of one source."""
    return {f"{source}/{part}": sum_rows(pairs, ("user", "product")) for part, pairs in (split or {}).items()}


def digest_series(files: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file that is there, by its name."""
    found = {}
    for file in files:
        if file.exists():
            with file.open("rb") as opened:
                found[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found
