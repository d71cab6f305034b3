"""A real Flower SuperLink and SuperNodes for tests, in an environment of their own: flwr wants other packages."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "examples" / "federated"
PINNED = tomllib.loads((APP / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"][0]
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "flower" / PINNED.partition("==")[2]
"""Kept between runs; git ignores it."""
SECONDS = 120.0


def installed() -> Path:
    """The folder of Flower's programs, which are installed where they are missing."""
    if not (FOLDER / "bin" / "flwr").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        fresh = FOLDER.with_name(f"{FOLDER.name}-{os.getpid()}")
        subprocess.run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(fresh)], check=True)
        python = str(fresh / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, PINNED], check=True)
        try:
            fresh.rename(FOLDER)
        except OSError:  # Another process was quicker.
            shutil.rmtree(fresh)
    return FOLDER / "bin"


@dataclass(frozen=True)
class Flower:
    """A SuperLink with its SuperNodes."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, **options: object) -> tuple[str, str]:
        """How a run of the app ended, and its log.

        Args:
            options: of --run-config, with _ for -.
        """
        words = [f"{name.replace('_', '-')}={json.dumps(value)}" for name, value in options.items()]
        # The log of a run ends with the run: to ask for its state meanwhile is a process of Flower each time.
        log = self._flwr("run", str(APP), "test", "--run-config", " ".join(words), "--stream")
        number, until = log.partition("started run ")[2].split()[0], time.monotonic() + SECONDS
        while True:
            told = json.loads(self._flwr("list", "test", "--run-id", number, "--format", "json"))["runs"][0]["status"]
            if told.startswith("finished"):
                return told, log + (self.folder / "link.log").read_text()
            assert time.monotonic() < until, (self.folder / "link.log").read_text()
            time.sleep(1)

    def _flwr(self, *words: str) -> str:
        done = subprocess.run(
            [installed() / "flwr", *words], env=dict(self.environment), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def flower(folder: Path, nodes: Mapping[str, Mapping[str, object]]) -> Iterator[Flower]:
    """A SuperLink and a SuperNode for each of these options of a bank, in a folder."""
    bin_, ports = installed(), free_ports(1 + len(nodes))
    graphrec = str(Path(sys.executable).with_name("graphrec"))
    environment = {
        **os.environ, "FLWR_HOME": str(folder / "flwr"), "FLWR_TELEMETRY_ENABLED": "0", "FLOWER_GRAPHREC": graphrec,
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    address = f"127.0.0.1:{ports[0]}"
    (folder / "flwr").mkdir()
    (folder / "flwr" / "config.toml").write_text(
        f'[superlink]\ndefault = "test"\n[superlink.test]\naddress = "{address}"\ninsecure = true\n'
    )
    link = ["flower-superlink", "--insecure", "--port", str(ports[0]), "--disable-runtime-dependency-installation"]
    with ExitStack() as running:
        running.enter_context(_process([str(bin_ / link[0]), *link[1:]], folder / "link.log", environment))
        _await_port(ports[0], folder / "link.log")
        for (name, options), port in zip(nodes.items(), ports[1:], strict=True):
            config = " ".join(f"{key}={json.dumps(value)}" for key, value in {"graphrec": graphrec, **options}.items())
            words = ["--insecure", "--superlink", address, "--port", str(port), "--node-config", config]
            running.enter_context(
                _process([str(bin_ / "flower-supernode"), *words], folder / f"node-{name}.log", environment)
            )
        yield Flower(folder, environment)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as kept:
        found = [kept.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


@contextmanager
def _process(words: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=dict(environment), start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(10)


def _await_port(port: int, log: Path) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return
