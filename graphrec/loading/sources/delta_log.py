"""Which files of a Delta table still count: those that its log adds and does not remove.

A folder with a `_delta_log` keeps the files of earlier versions, so that reading all of them would count rows twice.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from graphrec.errors import SourceError

LOG = "_delta_log"
_COMMIT = re.compile(r"\d{20}\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\.\d+\.\d+)?\.parquet")


def live(paths: Iterable[Path]) -> list[Path]:
    """The files without those that the log of their table has removed; all where there is no log.

    Raises:
        SourceError: a log cannot be read.
    """
    table_of, live_in = cache(_table_of), cache(_live_in)
    return [path for path in paths if (table := table_of(path.parent)) is None or path in live_in(table)]


def _table_of(folder: Path) -> Path | None:
    """The Delta table that a folder is, or is a part of."""
    return next((one for one in (folder, *folder.parents) if (one / LOG).is_dir()), None)


def _live_in(table: Path) -> set[Path]:
    """The files of the latest version of a table."""
    import pyarrow.parquet as pq

    found: set[str] = set()
    listed = sorted((table / LOG).iterdir())
    checkpoints = [(one, number[1]) for one in listed if (number := _CHECKPOINT.fullmatch(one.name))]
    latest = max((version for _, version in checkpoints), default="")
    try:
        for path, version in checkpoints:
            if version == latest:
                adds = pq.read_table(path, columns=["add"]).column("add").to_pylist()
                found |= {one["path"] for one in adds if one and one.get("path")}
        for path in listed:
            if not _COMMIT.fullmatch(path.name) or path.stem <= latest:
                continue
            for line in path.read_text("utf-8").splitlines():
                action = json.loads(line) if line.strip() else {}
                found -= {action["remove"]["path"]} if "remove" in action else set()
                found |= {action["add"]["path"]} if "add" in action else set()
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SourceError(f"{table.name}/{LOG} cannot be read: {reason}; copy the table again") from error
    return {table / unquote(one) for one in found}
