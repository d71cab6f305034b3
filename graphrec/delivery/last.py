"""The lists of the last export, kept in the home: what --delta compares with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from graphrec.errors import Damaged
from graphrec.files import make_folder, whole_file

FORMAT = 1


def read_last(file: Path) -> dict[str, tuple[str, ...]] | None:
    """The products of each user, in their order; None: nothing was exported yet.

    Raises:
        Damaged: the file is not what was written.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        return {user: tuple(products) for user, products in content["lists"].items()}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{file} is damaged ({error}); remove it, and run graphrec export without --delta") from error


def write_last(file: Path, run: str, lists: Mapping[str, Sequence[str]]) -> None:
    """Keep the lists of an export; users that it did not have keep theirs."""
    make_folder(file.parent)
    with whole_file(file) as temporary:
        content = {"format": FORMAT, "run": run, "lists": lists}
        temporary.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
