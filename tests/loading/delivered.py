"""Files as a bank delivers them, written by tests."""

from pathlib import Path


def write(folder: Path, name: str, *lines: str) -> None:
    """A text of lines."""
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
