"""What of a delivery has arrived: a killed one goes on with the batches that have not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphrec.files import flush, make_folder

FORMAT = 1


@dataclass(frozen=True)
class Arrived:
    """One batch that the receiver has."""

    rows: int
    without: int
    lists: Mapping[str, Sequence[str]]
    """The products of its users."""


@dataclass(eq=False)
class Journal:
    """The batches of one delivery to one receiver, one JSON line each; a line that a kill cut off does not count.

    Args:
        file: of the receiver; it holds its last delivery alone.
        key: of what is delivered: another one begins anew.
    """

    file: Path
    key: str
    arrived: dict[int, Arrived] = field(default_factory=dict)
    is_finished: bool = False

    def __post_init__(self) -> None:
        """Read what is there of the same delivery."""
        lines = self._lines()
        if not lines or lines[0].get("key") != self.key or lines[0].get("format") != FORMAT:
            return
        for line in lines[1:]:
            if line.get("finished"):
                self.is_finished = True
            else:
                self.arrived[line["batch"]] = Arrived(line["rows"], line["without"], line["lists"])

    def begin(self) -> None:
        """Keep what arrived of this delivery, and nothing of others."""
        make_folder(self.file.parent)
        with self.file.open("w", encoding="utf-8") as file:
            file.write(_line({"format": FORMAT, "key": self.key}))
            file.writelines(_line({"batch": number, **vars(one)}) for number, one in sorted(self.arrived.items()))
        flush(self.file)

    def add(self, number: int, one: Arrived) -> None:
        """A batch arrived."""
        self.arrived[number] = one
        self._append({"batch": number, **vars(one)})

    def finish(self) -> None:
        """All arrived."""
        self._append({"finished": True})
        self.is_finished = True

    def _append(self, content: Mapping[str, Any]) -> None:
        append(self.file, content)

    def _lines(self) -> list[dict[str, Any]]:
        return lines_of(self.file)


def append(file: Path, content: Mapping[str, Any]) -> None:
    """A line more, which is on the disk when this returns."""
    with file.open("a", encoding="utf-8") as out:
        out.write(_line(content))
    flush(file)


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The lines of a journal; one that a kill cut off does not count."""
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for text in texts:
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
