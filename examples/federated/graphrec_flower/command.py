"""The command graphrec, which stands in an environment of its own, and the files that messages carry."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

CONTENT = "graphrec"
"""The record of a message: `step`, then files by name; or `said`, what went wrong."""
FILES = ("plan", "first", "second")
"""Files that a bank is sent, in the order in which graphrec federate wants them."""


class Refused(Exception):
    """What graphrec said when it refused a step."""


def federate(program: str, words: list[str], folder: Path) -> None:
    """Call graphrec federate.

    Args:
        program: graphrec, or its path.
        words: options and arguments.
        folder: where it runs.

    Raises:
        Refused: it did not do the step.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            [program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Refused(f"{program} cannot be started ({error.strerror}); set the path of graphrec") from None
    if done.returncode:
        raise Refused(done.stderr.strip() or f"{program} ended with {done.returncode}")


def written(folder: Path, files: Mapping[str, object]) -> list[str]:
    """The paths of files that a message brought, written into a folder."""
    found = [name for name in FILES if name in files]
    for name in found:
        value = files[name]
        assert isinstance(value, bytes), "files are carried as bytes"
        (folder / name).write_bytes(value)
    return found
