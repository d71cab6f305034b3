"""A real server: processes, signals, keys, a model that is replaced under load, and its OpenAPI text against it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from pydantic import BaseModel

from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.access.roles import ALLOWED
from graphrec.service.server import Address, built_later, serve
from graphrec.service.turns import Door, Turns
from tests.service.conftest import bearer, listening

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def served(home: Home, *options: str) -> "Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]":
    """`graphrec serve` on a free port, ready; ended by SIGTERM."""
    port = free_port()
    command = [sys.executable, str(ROOT / "cli.py"), "--home", str(home.path), "serve", "--port", str(port), *options]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            deadline = time.monotonic() + 60
            while True:
                assert child.poll() is None
                assert time.monotonic() < deadline
                try:
                    if client.get("/v1/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield client, child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def test_workers_answer_and_end_well(home: Home) -> None:
    with served(home, "--workers", "2") as (client, child):
        answers = [client.get("/v1/users/C003/recommendations").json() for _ in range(6)]
        assert sorted(answer["record"] for answer in answers) == [1, 2, 3, 4, 5, 6]
        assert len({json.dumps(answer["items"]) for answer in answers}) == 1
        counted = [line for line in client.get("/metrics").text.splitlines() if 'operation="recommendations"' in line]
        assert 'graphrec_requests_total{operation="recommendations",status="200"} 6.0' in counted
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0


def test_no_address_beyond_this_machine_without_a_key(home: Home) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "--home", str(home.path), "serve", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --host 0.0.0.0 is reached from other machines")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_home_that_cannot_answer_is_not_served(home: Home, workers: str) -> None:
    shutil.rmtree(home.models)
    command = [sys.executable, str(ROOT / "cli.py"), "--home", str(home.path), "serve", "--port", str(free_port())]
    done = subprocess.run([*command, "--workers", workers], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5
    assert [line for line in done.stderr.splitlines() if "error" in line] == [
        f"error: there is no model in {home.models} yet; run: graphrec train"
    ]
    assert "Traceback" not in done.stderr


def test_keys_of_the_command_line_open_a_running_server(home: Home) -> None:
    graphrec = [sys.executable, str(ROOT / "cli.py"), "--home", str(home.path)]
    with served(home) as (client, _):
        assert client.get("/v1/users/C003/recommendations").status_code == 200
        command = [*graphrec, "access", "make", "app", "--role", "service", "--json"]
        made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert client.get("/v1/users/C003/recommendations").status_code == 401
        assert client.get("/v1/users/C003/recommendations", headers=bearer(made["key"])).status_code == 200
        subprocess.run([*graphrec, "access", "revoke", made["id"]], capture_output=True, check=True)
        assert client.get("/v1/users/C003/recommendations", headers=bearer(made["key"])).status_code == 401
    shown = subprocess.run([*graphrec, "access", "list", "--json"], capture_output=True, text=True, check=True)
    assert [key["id"] for key in json.loads(shown.stdout)["keys"]] == [made["id"]]
    assert made["key"].split("_", 2)[2] not in shown.stdout


def test_a_policy_that_changes_under_load_mixes_no_answer(home: Home) -> None:
    """Each answer names one version of the policy and holds what that version allows."""
    texts = {
        "1": 'version = "1"\n',
        "2": 'version = "2"\n[[rule]]\nid = "none"\nsentence = "no"\nrequire = "product.name == \'none\'"\n',
    }
    with served(home, "--workers", "2") as (client, _):
        ending = threading.Event()

        def change() -> None:
            turn = 0
            while not ending.is_set():
                turn += 1
                fresh = home.policy.with_name("fresh.toml")
                fresh.write_text(texts[str(turn % 2 + 1)], "utf-8")
                fresh.replace(home.policy)
                time.sleep(0.01)

        changing = threading.Thread(target=change)
        changing.start()
        try:
            answers = [client.get("/v1/users/C003/recommendations?record=false") for _ in range(80)]
        finally:
            ending.set()
            changing.join()
        seen = {"1": 0, "2": 0}
        for answer in answers:
            assert answer.status_code == 200
            version = answer.json()["policy"]["version"]
            seen[version] += 1
            assert bool(answer.json()["items"]) == (version == "1")
        assert min(seen.values()) > 5


def test_the_openapi_text_holds_for_whatever_is_sent(home: Home, tmp_path: Path) -> None:
    """No answer beyond what the text says, and no failure inside; the number of cases is small here."""
    _, text = Keys(home.path).make("exact", "compliance")
    with listening(Bank(Settings(home=home.path))) as base:
        schema = schemathesis.openapi.from_url(f"{base}/openapi.json", headers=bearer(text))
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{base}/openapi.json", "-H",
            f"Authorization: Bearer {text}", "--max-examples", "5", "--checks",
            "not_a_server_error,content_type_conformance", "--phases", "fuzzing", "--seed", "7",
            "--request-timeout", "60",
        ]  # fmt: skip
        assert len(list(schema.get_all_operations())) >= len(ALLOWED)
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_workers_send_at_once_and_keep_idle_connections_longer_than_proxies_wait(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several workers the listening socket says so: connections take it over."""
    started: list[Any] = []

    class Started:
        def __init__(self, config: uvicorn.Config, sockets: list[Turns], check: Callable[[], None]) -> None:
            check()
            started.append(config)
            address = sockets[0].listening.getsockname()
            with inherited(sockets[0]) as door:
                door.listen()
                with connected(address), accepted(door) as connection:
                    started.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        def run(self) -> None:
            pass

    monkeypatch.setattr("graphrec.service.server._Workers", Started)
    monkeypatch.setattr("graphrec.service.server.os.environ", dict(os.environ))
    serve(bank, Address(port=0, workers=2))
    config, nodelay = started
    assert config.timeout_keep_alive == 75
    assert nodelay


def test_models_that_no_list_uses_are_built_when_they_are_used() -> None:
    with built_later():

        class Late(BaseModel):
            number: int

    class Usual(BaseModel):
        number: int

    assert (Late.__pydantic_complete__, Usual.__pydantic_complete__) == (False, True)
    assert Late(number=1).number == 1
    assert Late.__pydantic_complete__


def connected(address: tuple[str, int]) -> socket.socket:
    """A connection, as soon as the address listens."""
    for _ in range(500):
        try:
            return socket.create_connection(address)
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError("nothing listens")


def inherited(turns: Turns) -> Door:
    """The door that a process which is started now gets."""
    return Door(fileno=os.dup(turns.door().fileno()))


def accepted(door: Door) -> socket.socket:
    """The next connection of a worker."""
    door.settimeout(10)
    return door.accept()[0]


def test_connections_go_to_the_workers_in_turn() -> None:
    """However many come at once; one that ended gets none."""
    with socket.socket() as listening, ExitStack() as ending:
        listening.bind(("127.0.0.1", 0))
        turns = ending.enter_context(Turns(listening))
        one, other, late = (ending.enter_context(inherited(turns)) for _ in range(3))
        one.listen()
        first = ending.enter_context(connected(listening.getsockname()))
        assert ending.enter_context(accepted(one)).getpeername() == first.getsockname()
        other.listen()
        callers = [ending.enter_context(connected(listening.getsockname())) for _ in range(8)]
        taken = [ending.enter_context(accepted(door)) for door in (one, other) * 4]
        assert {it.getpeername() for it in taken} == {it.getsockname() for it in callers}
        one.close()
        late.close()
        callers = [ending.enter_context(connected(listening.getsockname())) for _ in range(3)]
        taken = [ending.enter_context(accepted(other)) for _ in callers]
        assert [it.getpeername() for it in taken] == [it.getsockname() for it in callers]


def test_a_worker_that_is_killed_is_replaced(home: Home) -> None:
    """What is asked afterwards is answered, by the one that is left until there are two again."""
    with served(home, "--workers", "2") as (client, child):
        before = workers_of(child.pid)
        os.kill(before[0], signal.SIGKILL)
        client.close()
        for _ in range(6):
            assert httpx.get(client.base_url.join("/v1/health/live"), timeout=30).status_code == 200
        deadline = time.monotonic() + 60
        while len(now := workers_of(child.pid)) < 2 or before[0] in now:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert before[1] in now


def test_workers_end_with_their_parent(home: Home) -> None:
    with served(home, "--workers", "2") as (_, child):
        workers = workers_of(child.pid)
        assert len(workers) == 2
        child.kill()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{one}").exists() for one in workers):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def workers_of(parent: int) -> list[int]:
    """The processes of a server that answer, by number."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sorted(int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes())


def test_a_first_answer_comes_within_seconds(home: Home, tmp_path: Path) -> None:
    shutil.rmtree(home.path / "records", ignore_errors=True)
    began = time.perf_counter()
    with served(home) as (client, _):
        assert client.get("/v1/users/C003/recommendations").status_code == 200
        assert time.perf_counter() - began < 20  # 2 s on a quiet machine: benchmarks/service.py
