"""Files as a bank delivers them, written by tests."""

from pathlib import Path

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft


def write(folder: Path, name: str, *lines: str) -> None:
    """A text of lines."""
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def loaded(folder: Path) -> tuple[list[str], MemorySink, str]:
    """What is to be looked at in the draft of a folder, what a load of it gives, nothing rejected, and the draft."""
    path, sink = folder.parent / "my.toml", MemorySink()
    questions = write_draft(path, folder).questions
    report = run_load(load_mapping(path), folder, sink)
    assert sum(count.rejected for count in (*report.nodes.values(), *report.edges.values())) == 0, path.read_text()
    return questions, sink, path.read_text("utf-8")
