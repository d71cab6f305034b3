"""Lists in files beside a policy, such as sanctions lists: `user.country in file("countries.csv")`.

A .csv has a line with names of columns; the values are those of the first column, or of the one that is named. Any
other file has a value a line. Spaces around a value and empty lines do not count. The hash of a policy covers what its
lists say; a record keeps customers' ids as digests.
"""

import ast
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path, PurePath
from typing import Any

from graphrec.config.names import nearest
from graphrec.errors import PolicyError
from graphrec.frozen import dataclass
from graphrec.policy.language.conditions import parse
from graphrec.policy.language.operands import file_of, key_of

MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class ListFile:
    """One column of a file as a policy knows it."""

    sha256: str
    """Of the whole file."""
    values: frozenset[str] = frozenset()
    """Texts that columns are compared with."""
    digests: frozenset[str] = frozenset()
    """Of the same texts, where customers' own ids are compared with them."""
    plain: frozenset[str] | None = field(default=None, compare=False)
    """The texts behind the digests, where the file itself was read; no part of a record."""

    def has_id(self, node_id: str) -> bool:
        """Whether a customer's id is in it."""
        return node_id in self.plain if self.plain is not None else digest(node_id) in self.digests

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        found: dict[str, Any] = {"sha256": self.sha256}
        found |= {name: sorted(one) for name in ("values", "digests") if (one := getattr(self, name))}
        return found

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "ListFile":
        """What `to_json` gave."""
        sets = {name: frozenset(plain[name]) for name in ("values", "digests") if name in plain}
        return cls(plain["sha256"], **sets)


def digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_lists(conditions: Iterable[str], folder: Path | None, source: str) -> dict[str, ListFile]:
    """The lists that some conditions name, by `key_of`.

    Args:
        conditions: that can be parsed.
        folder: of the policy, which names of files are relative to; None: it is no file.
        source: what messages call the policy.

    Raises:
        PolicyError: a list cannot be read or has no such column.
    """
    found = {}
    for (name, column), of_ids in _asked(conditions).items():
        if folder is None:
            raise PolicyError(f'{source}: file("{name}"): a policy that is no file has no lists beside it')
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise PolicyError(f'{source}: file("{name}"): a list lies beside the policy or in a folder below it')
        path = folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PolicyError(
                f"{source}: the list {path} cannot be read ({error.strerror}); put it there: no answer goes without"
            ) from None
        if len(content) > MOST_BYTES:
            raise PolicyError(f"{source}: the list {path} has {len(content):,} bytes; at most {MOST_BYTES:,} are read")
        texts = _values(content, path, column, source)
        found[key_of(name, column)] = ListFile(
            hashlib.sha256(content).hexdigest(),
            texts if False in of_ids else frozenset(),
            frozenset(map(digest, texts)) if True in of_ids else frozenset(),
            texts if True in of_ids else None,
        )
    return found


def _asked(conditions: Iterable[str]) -> dict[tuple[str, str | None], set[bool]]:
    """Names and columns of lists, and whether customers' ids are compared with them, and whether texts are."""
    found: dict[tuple[str, str | None], set[bool]] = {}
    for condition in conditions:
        for node in ast.walk(parse(condition)):
            if isinstance(node, ast.Compare):
                for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
                    if (named := file_of(right)) is not None:
                        found.setdefault(named, set()).add(isinstance(left, ast.Name) and left.id == "user")
    return found


def _values(content: bytes, path: Path, column: str | None, source: str) -> frozenset[str]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError(
            f"{source}: the list {path} is not in UTF-8 (byte {error.start:,}); save it as UTF-8"
        ) from None
    if path.suffix.lower() != ".csv":
        if column is not None:
            raise PolicyError(f'{source}: the list {path} has no columns; want a .csv, or file("{path.name}") alone')
        return frozenset(line.strip() for line in text.splitlines() if line.strip())
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or not rows[0]:
        raise PolicyError(f"{source}: the list {path} is empty; its first line names its columns")
    names = [one.strip() for one in rows[0]]
    if column is not None and column not in names:
        near = nearest(column, names)
        raise PolicyError(
            f"{source}: the list {path} has no column {column}; it has {', '.join(names)}"
            + (f", the nearest is {near}" if near else "")
        )
    place = 0 if column is None else names.index(column)
    return frozenset(row[place].strip() for row in rows[1:] if len(row) > place and row[place].strip())
