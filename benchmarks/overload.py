"""The service when too much is asked, while model and policy change, and when anything is sent.

1. three times as many requests as it can answer, for `--seconds`: no answer but 200 and 503, memory that stays flat;
2. `--answers` lists over HTTP, and `--direct` more by calls of the library from eight threads, while another model is
   promoted, another snapshot taken and another policy written all the time: each is the list of the model, snapshot and
   policy that it names, recomputed beforehand;
3. schemathesis with `--cases` an operation over the OpenAPI text, with a key of compliance, and one of the admin for
   what changes the model: no 5xx.

    python benchmarks/overload.py --seconds 600 --answers 20000 --direct 80000 --cases 300     # the bars
"""

import argparse
import asyncio
import json
import os
import re
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
from service import GRAPHREC, ROOT, held, run

sys.path.insert(0, str(ROOT))

from graphrec.app.answers import Served
from graphrec.app.bank import Bank
from graphrec.app.data.facts import publish_snapshot
from graphrec.app.requests import Recommend, SwitchModel
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.serving.answer import Answer

USERS = [f"C{number:06}" for number in range(1, 41)]
EVERY = 400
"""Lists between two swaps."""
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


def path(number: int, k: int = 10) -> str:
    """The list of a customer."""
    return f"/v1/users/{USERS[number % len(USERS)]}/recommendations?k={k}&record=false"


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


class Swaps:
    """A home whose policy, snapshot and model change all the time, and what each state of it answers."""

    RULES = 'version = "{0}"\n[[rule]]\nid = "risk"\nsentence = "risk"\nrequire = "{1}"\n'

    def __init__(self, home: Path, bank: Path, folder: Path, k: int) -> None:
        self.bank, self.k = Bank.open(home), k
        # A promotion keeps a version of a model, which is the same one.
        different = {one.hash: one.id for one in self.bank.models() if one.state in ("live", "final", "tested")}
        self.models = list(different.values())[:2]
        # Two snapshots, kept outside the home: one of them is published at each turn, as a load does.
        run("demo", "--size", "S", "--seed", "8", "--out", f"{folder}/other")
        self.snapshots = []
        for name, data in (("bank", bank), ("other", folder / "other")):
            run("--home", str(self.bank.home.path), "snapshot", "--from", "demo", "--data", str(data))
            found = SnapshotShelf(self.bank.home.snapshots).latest()
            shutil.copytree(found.folder, folder / f"snapshot-{name}")
            self.snapshots.append(Snapshot.open(folder / f"snapshot-{name}"))
        self.known: dict[tuple[str, ...], list[str]] = {}
        for place in range(8):
            self.put(place)
            for user in USERS:
                answer = self.bank.recommend(Recommend(user, k, record=False)).answer
                names = (user, *state_of(answer))
                assert names not in self.known, "two states of the home have one name"
                self.known[names] = [item.product for item in answer.items]
        self.seen = dict.fromkeys({names[1:] for names in self.known}, 0)
        self.mixed = self.changes = 0
        self._counting = threading.Lock()

    def put(self, place: int) -> None:
        """Put a policy, a snapshot and a model in place, each on its own."""
        version = list(POLICIES)[place % 2]
        fresh = self.bank.home.policy.with_suffix(".new")
        fresh.write_text(self.RULES.format(version, POLICIES[version]), "utf-8")
        fresh.replace(self.bank.home.policy)
        publish_snapshot(self.bank.home, self.snapshots[place // 2 % 2])
        self.bank.switch_model(SwitchModel("promote", self.models[place // 4 % len(self.models)], record=False))

    def check(self, user: str, state: tuple[str, ...], products: list[str]) -> None:
        """Count an answer, and whether it is another one than that of the state that it names."""
        with self._counting:
            self.seen[state] = self.seen.get(state, 0) + 1
            self.mixed += products != self.known.get((user, *state))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Every tenth of a second another state, as soon as some lists were made of the one before."""
        stop = threading.Event()

        def change() -> None:
            place = made = 0
            while not stop.wait(0.1):
                if (now := sum(self.seen.values())) - made >= EVERY:
                    place, made = place + 1, now
                    self.put(place)
            self.changes = place

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def over_http(self, address: str, key: str, answers: int) -> None:
        """Several at once, which the service answers together."""
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:

            def ask(number: int) -> tuple[str, dict[str, Any]]:
                return USERS[number % len(USERS)], client.get(path(number, self.k)).json()

            with ThreadPoolExecutor(8) as askers:
                for user, plain in askers.map(ask, range(answers)):
                    state = (plain["policy"]["version"], plain["facts"], plain["model"])
                    self.check(user, state, [item["product"] for item in plain["items"]])

    def by_calls(self, answers: int) -> None:
        """Those of all users at a time by the library, from eight threads that share a bank, as a worker's do."""
        asking = Bank.open(self.bank.home.path)
        asking.opened.compile(asking.opened.engine(asking.home, None, asking.now()))

        def call(turn: int) -> None:
            users = [*USERS[turn % len(USERS) :], *USERS[: turn % len(USERS)]]
            made = asking.recommend_all([Recommend(user, self.k, record=False) for user in users])
            for user, served in zip(users, made, strict=True):
                assert isinstance(served, Served), served
                self.check(user, state_of(served.answer), [item.product for item in served.answer.items])

        with ThreadPoolExecutor(8) as callers:
            list(callers.map(call, range(answers // len(USERS))))


def state_of(answer: Answer) -> tuple[str, ...]:
    """The policy, the snapshot and the model that an answer names."""
    assert answer.policy is not None
    return answer.policy.version, str(answer.facts), answer.model


def swaps(home: Swaps, address: str, key: str, answers: int, direct: int) -> bool:
    """Ask while model, snapshot and policy change."""
    with home.changing():
        began = time.process_time()
        home.by_calls(direct)
        used = time.process_time() - began
        home.over_http(address, key, answers)
    least, most = min(home.seen.values()), max(home.seen.values())
    good = home.mixed == 0 and len(home.seen) == 8 and least > 0
    print(
        f"{answers:,} lists over HTTP, {direct // len(USERS) * len(USERS):,} by the library ({used:.0f} s of "
        f"processor) under {home.changes:,} swaps of 2 policies, 2 snapshots, {len(home.models)} models (of each of "
        f"the 8 {least} to {most}): {home.mixed} mixed: {held(good)}"
    )
    return good


# Answers of these take seconds: fewer cases.
SLOW = ("audience", "plan_campaign", "monitor")
# What changes which model answers is the admin's; lists are asked for between.
OF_ADMIN = (
    "promote_model", "roll_back_model", "follow_models", "set_standing", "models", "model_card", "recommendations",
)  # fmt: skip


def anything(folder: Path, address: str, keys: dict[str, str], cases: int, within: float | None) -> bool:
    """Send whatever the OpenAPI text allows, and more; what came back is what the service counted."""
    before = counted(address, keys["compliance"])
    slow = [word for name in SLOW for word in ("--include-operation-id", name)]
    other = [word for name in SLOW for word in ("--exclude-operation-id", name)]
    admin = [word for name in OF_ADMIN for word in ("--include-operation-id", name)]
    failed = []
    listed = httpx.get(f"{address}/v1/models", headers={"Authorization": f"Bearer {keys['admin']}"}, timeout=60).json()
    for role, chosen, most, share, model in (
        *(("admin", admin, max(cases // 10, 1), 0.1, one["id"]) for one in listed["models"][:2]),
        ("admin", admin, cases, 0.1, None),
        ("compliance", other, cases, 0.6, None),
        ("compliance", slow, max(cases // 20, 1), 0.1, None),
    ):
        # Ids by chance name no model: two that are there are promoted and rolled back as well.
        config = [] if model is None else ["--config-file", str(folder / f"{model}.toml")]
        if model is not None:
            (folder / f"{model}.toml").write_text(f'[parameters]\n"path.model" = "{model}"\n', "utf-8")
        until = [] if within is None else ["--max-time", str(int(share * within))]
        words = [
            str(Path(sys.executable).with_name("schemathesis")), *config, "run", f"{address}/openapi.json", "-H",
            f"Authorization: Bearer {keys[role]}", "--max-examples", str(most), "--checks", "not_a_server_error",
            "--phases", "examples,coverage,fuzzing", "--seed", "5", "--continue-on-failure", "--request-timeout", "60",
            *until, *chosen,
        ]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(done.stdout)
    found = {key: number - before.get(key, 0) for key, number in counted(address, keys["compliance"]).items()}
    statuses: dict[str, int] = {}
    for (_, status), number in found.items():
        statuses[status] = statuses.get(status, 0) + number
    operations = {name for name, _ in found}
    answered = {name for (name, status), number in found.items() if status[0] == "2" and number}
    good = not failed and not any(status[0] == "5" and number for status, number in statuses.items())
    for text in failed:
        print("\n".join(text.splitlines()[-60:]))
    print(
        f"schemathesis: {sum(found.values()):,} requests of {len(operations)} operations, {len(answered)} of them with "
        f"an answer, by status {dict(sorted(statuses.items()))}; never answered: "
        f"{', '.join(sorted(operations - answered)) or 'none'}; switches of the model: "
        f"{ {name: found.get((name, '200'), 0) for name in OF_ADMIN[:3]} }; no 5xx: {held(good)}"
    )
    return good


def counted(address: str, key: str) -> dict[tuple[str, str], int]:
    """How many requests of each operation the service answered with each status."""
    text = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=60).text
    line = re.compile(r'graphrec_requests_total\{operation="(\w+)",status="(\d+)"\} (\S+)')
    return {(name, status): int(float(number)) for name, status, number in line.findall(text)}


def main() -> int:
    """Measure all three; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="S")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--direct", type=int, default=0)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--within", type=float, help="seconds after which no more cases are sent")
    parser.add_argument("--k", type=int, default=10, help="length of the lists under swaps")
    parser.add_argument("--home", type=Path, help="one that is there, with two models; it is changed")
    parser.add_argument("--bank", type=Path, help="the files of the demo bank that it was made of")
    parser.add_argument("--only", default="overload,swaps,anything", help="parts, with a comma between them")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bank, there = asked.bank or Path(folder) / "bank", asked.home or Path(folder) / "home"
        home = ["--home", str(there)]
        if asked.home is None:
            run("demo", "--size", asked.size, "--out", str(bank))
            run(*home, "snapshot", "--from", "demo", "--data", str(bank))
            run(*home, "train", "--fixed", "--final")
            run(*home, "train", "--fixed", "--final", "--model", "kernel")
            run(*home, "policy", "init")
        keys = {
            role: json.loads(run(*home, "access", "make", role, "--role", role, "--json"))["key"]
            for role in ("service", "compliance", "admin")
        }
        with serving(home, "--workers", str(asked.workers)) as (address, group):
            parts = {
                "overload": lambda: asyncio.run(overload(address, keys["service"], group, asked.seconds)),
                "swaps": lambda: swaps(
                    Swaps(there, bank, Path(folder), asked.k), address, keys["service"], asked.answers, asked.direct
                ),
                "anything": lambda: anything(Path(folder), address, keys, asked.cases, asked.within),
            }
            good = [parts[one]() for one in asked.only.split(",")]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
