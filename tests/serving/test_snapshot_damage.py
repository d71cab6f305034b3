"""A damaged snapshot under a served model: the same answers, or one line that names the file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.errors import GraphrecError
from graphrec.home import Home
from graphrec.serving.answer import Answer, ExplainOptions
from graphrec.serving.engine import Engine
from tests.served import copied

USERS = ("C000", "C003", "C031", "C058", "C059")


def answers(home: Home) -> list[Answer]:
    """Lists and an explanation of some customers, from an engine that is opened for them."""
    engine = Engine.open(home)
    lists = [engine.recommend(user, 5) for user in USERS]
    return [*lists, engine.explain("C003", lists[1].items[2].product, 5, ExplainOptions())]


def kinds(snapshot: Path) -> Iterator[Path]:
    """One file of each kind: ids, values, texts, rows, targets, times."""
    seen = set()
    for path in sorted(snapshot.rglob("*")):
        kind = path.name.lstrip("0123456789")
        if path.is_file() and (path.parent.parent.name, kind) not in seen:
            seen.add((path.parent.parent.name, kind))
            yield path


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_every_kind_of_file(served_home: Home, tmp_path: Path, part: int) -> None:
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    whole = answers(home)
    (snapshot,) = (path.parent for path in home.snapshots.glob("*/meta.json"))
    files = [home.snapshots / "latest", *kinds(snapshot)]
    assert len(files) >= 15
    silent = refused = 0
    for path in files[part::3]:
        content = path.read_bytes()
        size = len(content)
        flips = [size * n // 10 for n in range(10)] + [size - 1]
        damaged = [bytes([*content[:n], content[n] ^ 4, *content[n + 1 :]]) for n in flips]
        for changed in (*damaged, content[: size // 2], b"", content + b"0", None):
            path.unlink(missing_ok=True)
            if changed is not None:
                path.write_bytes(changed)
            try:
                found = answers(home)
            except GraphrecError as error:
                refused += 1
                line = str(error)
                assert "run: graphrec " in line, line
                assert error.exit_code in (4, 5), line  # noqa: PT017
            else:
                # A model goes on alone when what is newer is damaged, and says so in every answer.
                said = all("cannot be served" in note for answer in found for note in answer.notes)
                silent += [replace(answer, notes=()) for answer in found] != whole or not said
        path.write_bytes(content)
    assert silent == 0
    assert refused > 20
    assert answers(home) == whole
