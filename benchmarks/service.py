"""Lists with reasons a second over HTTP, and how long one takes: demo bank M, k 10, policy, key and record on.

Client and server share the machine. First the saturation is found (as many requests at once as there are answers for),
then requests come at 70 % of it, at even intervals, whatever the answers take.

    python benchmarks/service.py --workers 2 --seconds 20
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
GRAPHREC = [sys.executable, str(ROOT / "cli.py")]
BAR_RATE, BAR_P99, BAR_COLD = 400.0, 0.040, 2.0
CUSTOMERS = 50_000


def run(*words: str) -> str:
    """What a command printed."""
    return subprocess.run([*GRAPHREC, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def path(number: int) -> str:
    """The list of a customer."""
    return f"/v1/users/C{number * 7_919 % CUSTOMERS + 1:06}/recommendations?k=10"


async def saturated(client: httpx.AsyncClient, seconds: float, at_once: int) -> float:
    """Answers a second with so many requests under way all the time."""
    done, ending, number = 0, time.perf_counter() + seconds, iter(range(10**9))

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < ending:
            answer = await client.get(path(next(number)))
            assert answer.status_code == 200, answer.text
            done += 1

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return done / seconds


async def paced(client: httpx.AsyncClient, seconds: float, rate: float) -> tuple[list[float], int]:
    """Seconds of each answer at an even rate, from when its turn came, and how many were refused."""
    taken: list[float] = []
    refused, began = 0, time.perf_counter()

    async def ask(number: int) -> None:
        nonlocal refused
        turn = began + number / rate
        await asyncio.sleep(max(0.0, turn - time.perf_counter()))
        answer = await client.get(path(number))
        assert answer.status_code in (200, 503), answer.text
        refused += answer.status_code == 503
        taken.append(time.perf_counter() - turn)

    await asyncio.gather(*(ask(number) for number in range(int(rate * seconds))))
    return taken, refused


async def measure(address: str, key: str, seconds: float) -> bool:
    """Print the figures; whether the bars hold."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=60) as client:
        await saturated(client, 2, 8)
        most = max([await saturated(client, seconds / 2, at_once) for at_once in (4, 16)])
        taken, _ = await paced(client, seconds, 0.7 * most)
        beyond, refused = await paced(client, seconds / 2, 3 * most)
    p50, p99 = np.quantile(taken, [0.5, 0.99])
    print(f"{most:.0f} lists with reasons a second at saturation; bar {BAR_RATE:.0f}: {held(most >= BAR_RATE)}")
    print(
        f"at 70 %: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms; bar {BAR_P99 * 1000:.0f}: {held(p99 <= BAR_P99)}"
    )
    print(f"at 3 x saturation: {len(beyond)} asked, {refused} refused with 503, none wrong")
    return most >= BAR_RATE and bool(p99 <= BAR_P99)


def held(is_held: bool) -> str:
    """The word for a bar."""
    return "held" if is_held else "missed"


def main() -> int:
    """Serve the demo bank M and measure; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--folder", type=Path, help="bank and home are kept here, and used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        home = ["--home", f"{folder}/home"]
        if not (folder / "home" / "policy.toml").exists():
            run("demo", "--size", "M", "--out", f"{folder}/bank")
            run(*home, "snapshot", "--from", "demo", "--data", f"{folder}/bank")
            run(*home, "train", "--fixed", "--final")
            run(*home, "policy", "init")
        key = json.loads(run(*home, "access", "make", "bench", "--role", "service", "--json"))["key"]
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        options = ["--port", str(port), "--workers", str(asked.workers), "--rate", "100000"]
        began = time.perf_counter()
        with subprocess.Popen([*GRAPHREC, *home, "serve", *options], start_new_session=True) as server:
            try:
                address = f"http://127.0.0.1:{port}"
                while True:
                    try:
                        first = httpx.get(address + path(1), headers={"Authorization": f"Bearer {key}"}, timeout=30)
                        break
                    except httpx.TransportError:
                        time.sleep(0.02)
                assert first.status_code == 200, first.text
                cold = time.perf_counter() - began
                print(f"cold to the first list: {cold:.2f} s; bar {BAR_COLD:g}: {held(cold <= BAR_COLD)}")
                print(f"load {os.getloadavg()[0]:.1f}, {asked.workers} workers")
                good = asyncio.run(measure(address, key, asked.seconds))
            finally:
                os.killpg(server.pid, signal.SIGTERM)
    return int(not (good and cold <= BAR_COLD))


if __name__ == "__main__":
    sys.exit(main())
