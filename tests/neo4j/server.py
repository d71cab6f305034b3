"""A throwaway Neo4j server: own folder, free port, generated password; `python -m tests.neo4j.server up` or `down`.

The jars come from Maven Central by the pom beside this file, once, into .cache/. Needs Java 17 or newer and Maven.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "neo4j"
JARS = CACHE / "lib"
UP = CACHE / "up"
START_SECONDS = 120
STOP_SECONDS = 60
USERNAME = "neo4j"
_OPENS = [
    f"--add-opens=java.base/{name}=ALL-UNNAMED"
    for name in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
]
_CONFIGURATION = """\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.heap.max_size={heap}
server.memory.pagecache.size={page_cache}
db.tx_log.preallocate=false
dbms.usage_report.enabled=false
"""


class Unavailable(Exception):
    """This machine cannot provide a server; the message is the reason."""


@dataclass(frozen=True)
class Server:
    """Where a server's files are and how to reach it; running or not."""

    folder: Path
    port: int
    password: str
    heap: str = "512m"
    is_brief: bool = False
    """It lives for minutes: half the start-up time, less speed later."""
    username: str = USERNAME

    @property
    def uri(self) -> str:
        """The address for `--store`."""
        return f"neo4j://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use this server as its store."""
        return {"GRAPHREC_STORE": self.uri, "NEO4J_USERNAME": self.username, "NEO4J_PASSWORD": self.password}

    @property
    def pid(self) -> int | None:
        """The process that runs it, None when it does not run."""
        file = self.folder / "pid"
        if not file.exists():
            return None
        pid = int(file.read_text())
        return pid if _runs(pid) and str(self.folder) in _command_of(pid) else None

    def start(self) -> "Server":
        """This server, once it answers.

        Raises:
            Unavailable: it ends or does not answer; its logs stay in the folder.
        """
        log = self.folder / "logs" / "console.log"
        command = _java(self.heap, "org.neo4j.server.CommunityEntryPoint", is_brief=self.is_brief)
        command += [f"--home-dir={self.folder}", f"--config-dir={self.folder / 'conf'}", "--console-mode"]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        (self.folder / "pid").write_text(str(process.pid))
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Unavailable(f"Neo4j ended with code {process.returncode} at start-up; its logs: {log.parent}")
            if self._answers():
                _release(process)
                return self
            time.sleep(0.3)
        self.kill()
        raise Unavailable(f"Neo4j did not answer within {START_SECONDS} s; its logs: {log.parent}")

    def stop(self) -> None:
        """Stop it in good order, by force after a minute."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop it at once and remove its files."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, *arguments: str, folder: Path | None = None, is_brief: bool = True) -> str:
        """The output of neo4j-admin with these arguments, run in a folder; the server should not run.

        Raises:
            Unavailable: the command failed; the end of its output.
        """
        return _admin(self.folder, folder or self.folder, *arguments, is_brief=is_brief)

    def _answers(self) -> bool:
        from neo4j import GraphDatabase
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                pass
            with GraphDatabase.driver(self.uri, auth=(self.username, self.password)) as driver:
                driver.execute_query("RETURN 1")
        except (OSError, DriverError, Neo4jError):
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, how)
            until = time.monotonic() + STOP_SECONDS
            while _runs(pid) and time.monotonic() < until:
                time.sleep(0.1)
            if _runs(pid):
                os.kill(pid, signal.SIGKILL)
        (self.folder / "pid").unlink(missing_ok=True)


def prepare(folder: Path, heap: str = "512m", page_cache: str = "256m", *, is_brief: bool = False) -> Server:
    """A server with an empty folder, a free port and a new password, not started yet.

    Raises:
        Unavailable: Java or Maven is missing, or the jars cannot be fetched.
    """
    _fetch_jars()
    for name in ("conf", "data", "logs", "import", "plugins", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    server = Server(folder.resolve(), _free_port(), secrets.token_hex(16), heap, is_brief)
    configuration = _CONFIGURATION.format(port=server.port, heap=heap, page_cache=page_cache)
    (folder / "conf" / "neo4j.conf").write_text(configuration)
    server.admin("dbms", "set-initial-password", server.password)
    return server


def up() -> Server:
    """The server of `make neo4j-up`, started unless it runs; how to reach it is written to an env file."""
    known = _known()
    if known is not None and known.pid is not None:
        return known
    if known is not None:
        known.remove()
    shutil.rmtree(UP, ignore_errors=True)
    server = prepare(UP, heap="1g", page_cache="1g").start()
    record = {**asdict(server), "folder": str(server.folder)}
    _private(UP / "server.json", json.dumps(record))
    variables = {**server.environment, "GRAPHREC_TEST_NEO4J": server.uri}
    _private(CACHE / "neo4j.env", "".join(f"export {name}={value}\n" for name, value in variables.items()))
    return server


def down() -> bool:
    """Stop the server of `make neo4j-up` and remove it; whether there was one."""
    known = _known()
    if known is not None:
        known.remove()
    (CACHE / "neo4j.env").unlink(missing_ok=True)
    return known is not None


def _known() -> Server | None:
    file = UP / "server.json"
    if not file.exists():
        return None
    record = json.loads(file.read_text())
    return Server(**{**record, "folder": Path(record["folder"])})


def _fetch_jars() -> None:
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"no {program} on this machine; install Java 17 or newer and Maven")
    if JARS.exists():
        return
    fresh = CACHE / f"lib-{os.getpid()}.part"
    command = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(HERE / "pom.xml"),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={fresh}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(f"Maven could not fetch Neo4j: {_tail(done.stdout + done.stderr)}")
    try:
        fresh.rename(JARS)
    except OSError:  # another process was first
        shutil.rmtree(fresh, ignore_errors=True)


def _admin(home: Path, folder: Path, *arguments: str, is_brief: bool) -> str:
    environment = {**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    command = [*_java("512m", "org.neo4j.server.startup.Neo4jAdminBoot", is_brief=is_brief), *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"neo4j-admin {' '.join(arguments[:2])} failed: {_tail(done.stdout + done.stderr)}")
    return done.stdout


def _java(heap: str, main: str, *, is_brief: bool) -> list[str]:
    # Released jars need no check of their bytecode at every start: a fifth of it.
    unchecked = ["-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"]
    brief = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *unchecked] if is_brief else []
    return ["java", f"-Xmx{heap}", *brief, "-cp", f"{JARS}/*", *_OPENS, main]


def _tail(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-5:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _runs(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _command_of(pid: int) -> str:
    """The command line of a process: its number may belong to another one by now."""
    return subprocess.run(
        ["ps", "-o", "command=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def _release(process: "subprocess.Popen[bytes]") -> None:
    """Let the process live on without its object, which would warn when it goes."""
    process.returncode = 0


def _private(file: Path, content: str) -> None:
    file.touch(mode=0o600)
    file.write_text(content)


def main(arguments: list[str]) -> int:
    """Exit code of `up` or `down`."""
    if arguments == ["down"]:
        print("Neo4j stopped and removed" if down() else "no Neo4j to stop")
        return 0
    if arguments != ["up"]:
        print("usage: python -m tests.neo4j.server up|down", file=sys.stderr)
        return 2
    try:
        server = up()
    except Unavailable as reason:
        print(f"no Neo4j: {reason}", file=sys.stderr)
        return 1
    print(f"Neo4j answers at {server.uri}; next: source {(CACHE / 'neo4j.env').relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
