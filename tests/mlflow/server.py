"""A real MLflow server for tests, in an environment of its own: its packages would move those of graphrec."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "3.17.2"
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "mlflow" / VERSION
"""Kept between runs; git ignores it."""
SECONDS = 300.0


def installed() -> Path:
    """The program of the server, which is installed where it is missing."""
    program = FOLDER / "bin" / "mlflow"
    if not program.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        fresh = FOLDER.with_name(f"{VERSION}-{os.getpid()}")
        subprocess.run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(fresh)], check=True)
        python = str(fresh / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, f"mlflow=={VERSION}"], check=True)
        try:
            fresh.rename(FOLDER)
        except OSError:  # Another process was quicker.
            shutil.rmtree(fresh)
    return program


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server whose runs and files lie in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
        # Else eight processes wait for jobs that nobody gives here.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }  # fmt: skip
    command = [
        str(installed()), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder / "files"),
    ]  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + SECONDS
    try:
        while not _answers(address):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, f"the server does not answer: {log.read_text()}"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2):
            return True
    except OSError:
        return False
