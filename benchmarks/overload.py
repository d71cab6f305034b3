"""The service when too much is asked, while model and policy change, and when anything is sent.

1. three times as many requests as it can answer, for `--seconds`: no answer but 200 and 503, memory that stays flat;
2. `--answers` lists while another model is promoted, another snapshot taken and another policy written all the time:
   each is the list of the model, snapshot and policy that it names, recomputed beforehand;
3. schemathesis with `--cases` a operation over the OpenAPI text: no 5xx but 503.

    python benchmarks/overload.py --seconds 600 --answers 100000 --cases 700     # the bars
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from service import GRAPHREC, held, run

USERS = [f"C{number:06}" for number in range(1, 41)]
POLICIES = {"1": "product.risk_class <= 7", "2": "product.risk_class <= 3"}


@contextmanager
def serving(home: list[str], *options: str) -> Iterator[tuple[str, int]]:
    """The address of a service, and its process group."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = [*GRAPHREC, *home, "serve", "--port", str(port), "--rate", "1000000", *options]
    with subprocess.Popen(words, start_new_session=True) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                try:
                    httpx.get(f"{address}/v1/health/ready", timeout=30)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield address, server.pid
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def memory(group: int) -> float:
    """MB that the processes of a group hold."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if os.getpgid(int(status.parent.name)) == group:
                total += next(int(line.split()[1]) for line in status.read_text().splitlines() if line[:6] == "VmRSS:")
        except (OSError, StopIteration):
            continue
    return total / 1024


def path(number: int) -> str:
    """The list of a customer."""
    return f"/v1/users/{USERS[number % len(USERS)]}/recommendations?k=10&record=false"


async def saturation(client: httpx.AsyncClient, seconds: float) -> float:
    """Answers a second with eight requests under way all the time."""
    done, ending = 0, time.perf_counter() + seconds

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < ending:
            assert (await client.get(path(done))).status_code == 200
            done += 1

    await asyncio.gather(*(ask() for _ in range(8)))
    return done / seconds


async def overload(address: str, key: str, group: int, seconds: float) -> bool:
    """Ask three times as much as can be answered."""
    limits = httpx.Limits(max_connections=400)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=60) as client:
        most = await saturation(client, min(seconds, 5))
        statuses: dict[int, int] = {}
        sizes: list[float] = []
        ending = time.perf_counter() + seconds

        async def ask(number: int) -> None:
            while time.perf_counter() < ending:
                turn = time.perf_counter()
                answer = await client.get(path(number))
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                await asyncio.sleep(max(0.0, turn + 200 / (3 * most) - time.perf_counter()))

        async def watch() -> None:
            while time.perf_counter() < ending:
                sizes.append(memory(group))
                await asyncio.sleep(max(seconds / 60, 0.5))

        await asyncio.gather(watch(), *(ask(number) for number in range(200)))
    third = max(len(sizes) // 3, 1)
    grown = float(np.median(sizes[-third:]) / np.median(sizes[third : 2 * third]) - 1)
    good = set(statuses) <= {200, 503} and grown < 0.05
    print(
        f"at 3 x {most:.0f}/s for {seconds:.0f} s: {statuses}; memory {np.median(sizes):.0f} MB, last third against "
        f"the middle {grown:+.1%}; bars no other status, flat: {held(good)}"
    )
    return good


def swaps(folder: Path, address: str, key: str, answers: int) -> bool:
    """Ask while model, snapshot and policy change."""
    from graphrec.app.bank import Bank
    from graphrec.app.data.facts import publish_snapshot
    from graphrec.app.requests import Recommend, SwitchModel
    from graphrec.graph.folders.shelf import SnapshotShelf
    from graphrec.graph.folders.snapshot import Snapshot

    bank = Bank.open(folder / "home")
    rules = 'version = "{0}"\n[[rule]]\nid = "risk"\nsentence = "risk"\nrequire = "{1}"\n'
    known: dict[tuple[str, ...], str] = {}
    models = [one.id for one in bank.models() if one.state in ("live", "final", "tested")][:2]
    # Two snapshots, kept outside the home: one of them is published at each turn, as a load does.
    run("demo", "--size", "S", "--seed", "8", "--out", f"{folder}/other")
    snapshots = []
    for data in ("bank", "other"):
        run("--home", str(bank.home.path), "snapshot", "--from", "demo", "--data", f"{folder}/{data}")
        found = SnapshotShelf(bank.home.snapshots).latest()
        shutil.copytree(found.folder, folder / f"snapshot-{data}")
        snapshots.append(Snapshot.open(folder / f"snapshot-{data}"))

    def put(place: int) -> None:
        """Put a policy, a snapshot and a model in place, each on its own."""
        version = list(POLICIES)[place % 2]
        fresh = bank.home.policy.with_suffix(".new")
        fresh.write_text(rules.format(version, POLICIES[version]), "utf-8")
        fresh.replace(bank.home.policy)
        publish_snapshot(bank.home, snapshots[place // 2 % 2])
        bank.switch_model(SwitchModel("promote", models[place // 4 % len(models)], record=False))

    for place in range(8):
        put(place)
        for user in USERS:
            answer = bank.recommend(Recommend(user, 10, record=False)).answer
            assert answer.policy is not None
            names = (user, answer.policy.version, answer.facts, answer.model)
            assert names not in known, "two states of the home have one name"
            known[names] = json.dumps([item.product for item in answer.items])
    stop, mixed, seen = threading.Event(), 0, dict.fromkeys({names[1:] for names in known}, 0)

    def change() -> None:
        place = 0
        while not stop.wait(0.1):
            place += 1
            put(place)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:

            def ask(number: int) -> tuple[str, dict[str, Any]]:
                return USERS[number % len(USERS)], client.get(path(number)).json()

            # Several at once, which the service answers together.
            with ThreadPoolExecutor(8) as askers:
                for user, plain in askers.map(ask, range(answers)):
                    state = (plain["policy"]["version"], plain["facts"], plain["model"])
                    seen[state] = seen.get(state, 0) + 1
                    mixed += json.dumps([item["product"] for item in plain["items"]]) != known.get((user, *state))
    finally:
        stop.set()
        changing.join()
    good = mixed == 0 and len(seen) == 8 and min(seen.values()) > 0
    print(
        f"{answers:,} lists under swaps of 2 policies, 2 snapshots and {len(models)} models (of each of the 8 "
        f"{min(seen.values())} to {max(seen.values())}): {mixed} mixed: {held(good)}"
    )
    return good


def anything(address: str, key: str, cases: int) -> bool:
    """Send whatever the OpenAPI text allows, and more."""
    words = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/openapi.json", "-H",
        f"Authorization: Bearer {key}", "--max-examples", str(cases), "--checks", "not_a_server_error", "--phases",
        "fuzzing",
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    print("\n".join(done.stdout.splitlines()[-12:]))
    print(f"schemathesis, {cases} cases an operation: {held(done.returncode == 0)}")
    return done.returncode == 0


def main() -> int:
    """Measure all three; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="S")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--cases", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = ["--home", f"{folder}/home"]
        run("demo", "--size", asked.size, "--out", f"{folder}/bank")
        run(*home, "snapshot", "--from", "demo", "--data", f"{folder}/bank")
        run(*home, "train", "--fixed", "--final")
        run(*home, "train", "--fixed", "--final", "--model", "kernel")
        run(*home, "policy", "init")
        keys = [
            json.loads(run(*home, "access", "make", role, "--role", role, "--json"))["key"]
            for role in ("service", "compliance")
        ]
        with serving(home, "--workers", str(asked.workers)) as (address, group):
            good = [
                asyncio.run(overload(address, keys[0], group, asked.seconds)),
                swaps(Path(folder), address, keys[0], asked.answers),
                anything(address, keys[1], asked.cases),
            ]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
