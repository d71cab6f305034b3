"""A statement in a process of its own, which the system ends at its time: the engine itself has no way to stop one.

The store must not be open in the process that asks. A reader that is ended leaves the store as it was.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graphrec import errors
from graphrec.errors import GraphrecError, StoreError
from graphrec.store.base import Bounds, Result, out_of_time


def ask_apart(path: Path, text: str, parameters: Mapping[str, Any], bounds: Bounds) -> Result:
    """The rows of a statement, at most as many as the bounds say.

    Raises:
        QueryError: it ran past its time, or the engine refuses it.
        Unreachable: another process has the store open.
    """
    request = {"path": str(path), "text": text, "parameters": dict(parameters), **asdict(bounds)}
    known = os.pathsep.join(one for one in sys.path if one)
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        env={**os.environ, "PYTHONPATH": known},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, said = process.communicate(json.dumps(request, default=str).encode())
        except BaseException:
            process.kill()
            raise
    if process.returncode == -signal.SIGALRM:
        raise out_of_time(bounds)
    if process.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise StoreError(f"the engine of the store {path} ended with code {process.returncode}: {last[:200]}")
    answer = json.loads(output)
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["message"])
    return Result(tuple(answer["columns"]), [tuple(row) for row in answer["rows"]], answer["is_cut"])


def main() -> None:
    """Answer the request on standard input."""
    from graphrec.store.embedded.store import EmbeddedStore

    request = json.load(sys.stdin)
    with EmbeddedStore(Path(request["path"]), Path(request["path"])) as store:
        try:
            store.open()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, request["seconds"])
            found = store.first_rows(request["text"], request["parameters"], request["rows"])
            signal.setitimer(signal.ITIMER_REAL, 0)
            answer: dict[str, Any] = {"columns": found.columns, "rows": found.rows, "is_cut": found.is_cut}
        except GraphrecError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
    json.dump(answer, sys.stdout, default=str)


if __name__ == "__main__":
    main()
