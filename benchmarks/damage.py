"""Damage a home, kill its commands, swap its models, replay its record, and count what goes wrong. All bars are 0.

    python benchmarks/damage.py                         # everything, about an hour on two cores
    python benchmarks/damage.py damage --places 10      # one flip, one cut, one deletion at 10 places of every file
    python benchmarks/damage.py kills --kills 100       # each command killed at 100 random moments, then run again
    python benchmarks/damage.py swaps --swaps 2000      # a model replaced under readers
    python benchmarks/damage.py replay --entries 2000   # every entry of an export of all customers

An answer after damage has to be the same bytes, or a failure of one line with a documented exit code. The policy is a
file that people edit: it is left out, since its hash is pinned nowhere yet.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRAPHREC = [sys.executable, str(ROOT / "cli.py")]
USERS = ("C000004", "C000123", "C000777")
CLASSIFIED = {2, 3, 4, 5}
SLOW = ("evaluate", "train", "snapshot")
PATIENCE = 60.0
"""Seconds after which a command counts as one that never ends."""
#: Keys that name the run and not the answer.
OF_THE_RUN = {"seconds", "record", "path", "wrote", "generated_at"}


@dataclass
class Count:
    """What was tried, and what went wrong, with examples."""

    tried: int = 0
    same: int = 0
    classified: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, verdict: str, what: str) -> None:
        self.tried += 1
        if verdict == "same":
            self.same += 1
        elif verdict == "classified":
            self.classified += 1
        else:
            self.wrong[verdict] += 1
            if len(self.examples) < 40:
                self.examples.append(f"{verdict}: {what}")

    def print(self, title: str) -> bool:
        wrong = ", ".join(f"{count} {name}" for name, count in sorted(self.wrong.items())) or "0 wrong"
        print(f"{title}: {self.tried} tried, {self.same} the same, {self.classified} refused in one line, {wrong}")
        for line in self.examples:
            print(f"    {line}")
        sys.stdout.flush()
        return not self.wrong


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    out: str
    err: str


def in_child(home: Path, words: tuple[str, ...], folder: Path) -> Done:
    """Run one command in a forked child, which has everything imported that it needs for an answer."""
    out, err = folder / "out", folder / "err"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.chdir(folder)
            from graphrec.cli import app

            app(["--home", str(home), *words], prog_name="graphrec")
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)
    deadline = time.monotonic() + PATIENCE
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return Done(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Done(-9, "", f"ran for {PATIENCE:g} s")
        time.sleep(0.002)


def run(home: Path, *words: str, folder: Path | None = None) -> Done:
    """Run one command in a process of its own."""
    done = subprocess.run(
        [*GRAPHREC, "--home", str(home), *words], cwd=folder or home.parent, capture_output=True, text=True, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def must(home: Path, *words: str, folder: Path | None = None) -> str:
    done = run(home, *words, folder=folder)
    if done.code:
        sys.exit(f"graphrec {' '.join(words)} ended with {done.code}: {done.err}")
    return done.out


def bare(text: str) -> str:
    """An answer without what names the run."""

    def cleaned(value: object) -> object:
        if isinstance(value, dict):
            return {key: cleaned(one) for key, one in value.items() if key not in OF_THE_RUN}
        return [cleaned(one) for one in value] if isinstance(value, list) else value

    try:
        return json.dumps(cleaned(json.loads(text)), sort_keys=True)
    except ValueError:
        return text


def verdict(before: str, done: Done) -> str:
    """same, classified, or what is wrong."""
    lines = done.err.strip().splitlines()
    if done.code == 0:
        return "same" if bare(done.out) == before else "silently different"
    if done.code < 0:
        return f"killed by signal {-done.code}"
    if "unexpected" in done.err or "Traceback" in done.err or done.code not in CLASSIFIED:
        return "unexpected"
    return "classified" if sum(line.startswith("error: ") for line in lines) == 1 else "not one line"


# Damage ---------------------------------------------------------------------------------------------------------------


def room_of(file: Path, home: Path) -> str:
    """The part of a home that a file belongs to: store, models, records, …"""
    first, *rest = file.relative_to(home).parts
    return rest[0] if first in ("vault", "serving") else first


def questions(file: Path, home: Path) -> list[tuple[str, ...]]:
    """The commands whose answers may depend on a file of a home."""
    room = room_of(file, home)
    lists = [("recommend", user, "--json", "--no-record") for user in USERS]
    if room == "store":
        return [
            ("query", "popular", "--json"),
            ("query", "popular", "--json", "--param", "k=500"),
            ("snapshot", "--json"),
        ]
    if room in ("records", "keys"):
        return [("record", "verify", "--json"), ("record", "show", "1", "--json"), ("replay", "1", "--json")]
    if room in ("models", "snapshots"):
        return [
            *lists,
            ("explain", USERS[0], "PRODUCT", "--json", "--no-record"),
            ("find", "energy", "--json"),
            ("evaluate", "--json", "--baselines", "none", "--k", "10"),
        ]
    if room in ("vectors", "series"):
        return [("find", "energy", "--json"), ("snapshot", "--json"), ("train", "--model", "text", "--json")]
    return lists[:1]


def damaged(path: Path, kind: str, place: float) -> None:
    """Damage a file in place: one flipped bit, the end cut off, or no file at all."""
    if kind == "deleted":
        path.unlink()
        return
    content = bytearray(path.read_bytes())
    position = min(int(place * len(content)), len(content) - 1)
    if kind == "cut":
        content = content[:position]
    else:
        content[position] ^= 1 << int(place * 997) % 8
    path.unlink()  # the copy is a link: others keep theirs
    path.write_bytes(bytes(content))


def copied(home: Path, into: Path) -> Path:
    """A copy of a home; what is never written in place is linked."""
    target = into / "home"
    shutil.rmtree(target, ignore_errors=True)

    def copy(source: str, path: str) -> None:
        is_whole = room_of(Path(source), home) in ("models", "snapshots", "facts", "vectors", "series")
        (os.link if is_whole else shutil.copy2)(source, path)

    shutil.copytree(home, target, copy_function=copy)
    return target


def damage(home: Path, places: int, rng: random.Random, only: str | None) -> bool:
    """Flip, cut and delete at some places of every file, and ask what depends on it."""
    importlib.import_module("graphrec.cli")  # children of the fork have it then
    files = [file for file in sorted(home.rglob("*")) if file.is_file() and file.name not in ("policy.toml", "lock")]
    files = [file for file in files if only is None or room_of(file, home) == only]
    product = json.loads(must(home, "recommend", USERS[0], "--json", "--no-record"))["items"][0]["product"]
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        answers: dict[tuple[str, ...], str] = {}
        counts: dict[str, Count] = {}
        for number, file in enumerate(files):
            print(f"damage: file {number + 1} of {len(files)}: {file.relative_to(home)}", file=sys.stderr, flush=True)
            trials = [("deleted", 0.0)] + [(kind, rng.random()) for kind in ("flipped", "cut") for _ in range(places)]
            if not file.stat().st_size:
                trials = trials[:1]
            for turn, (kind, place) in enumerate(trials):
                for words in questions(file, home):
                    if words[0] in SLOW and turn and trials[turn - 1][0] == kind:
                        continue  # once for each kind of damage
                    words = tuple(product if word == "PRODUCT" else word for word in words)
                    if words not in answers:
                        answers[words] = bare(in_child(copied(home, folder), words, folder).out)
                    copy = copied(home, folder)
                    damaged(copy / file.relative_to(home), kind, place)
                    done = in_child(copy, words, folder)
                    room = room_of(file, home)
                    asked = f"{file.relative_to(home)} {kind} at {place:.4f}: graphrec {' '.join(words)}"
                    what = f"{asked} -> {done.code} {done.err.strip()[-200:]}"
                    counts.setdefault(room, Count()).add(verdict(answers[words], done), what)
        for room, count in sorted(counts.items()):
            good &= count.print(f"damage in {room}")
    return good


# Kills ----------------------------------------------------------------------------------------------------------------


def next_delivery(bank: Path, folder: Path) -> Path:
    """The files of the bank a day later: some customers are gone, with what they did."""
    later = folder / "later-bank"
    shutil.copytree(bank, later)
    lines = (bank / "customers.csv").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("C0001")]
    (later / "customers.csv").write_text("\n".join(kept) + "\n", "utf-8")
    gone = "DELETE FROM events WHERE customer_id LIKE 'C0001%'"
    name = "interactions.parquet"
    statements = f"CREATE TABLE events AS FROM '{bank}/{name}'; {gone}; COPY events TO '{later}/{name}'"
    subprocess.run([sys.executable, "-c", f"import duckdb; duckdb.execute({statements!r})"], check=True)
    return later


def kills(home: Path, bank: Path, number: int, rng: random.Random) -> bool:
    """Kill each command at random moments, run it again, and compare what the home then answers."""
    good = True
    kernel = ("--model", "kernel", "--json")
    list_of_kernel = ("recommend", USERS[0], *kernel, "--no-record")
    lists = ("recommend", USERS[0], "--json", "--no-record")
    later = next_delivery(bank, home.parent)
    for words, check in (
        (("load", "demo", "--data", str(later), "--json"), ("snapshot", "--json")),
        (("snapshot", "--as-of", "2025-03-01", "--json"), ("snapshot", "--as-of", "2025-03-01", "--json")),
        (("embed", "--json"), lists),
        (("train", *kernel), list_of_kernel),
        (("train", "--final", *kernel), list_of_kernel),
        (("export", "--out", "lists.csv", "--json"), ("record", "verify", "--json")),
        (("recommend", USERS[1], "--json"), ("record", "verify", "--json")),
        (("evaluate", "--json", "--k", "10"), lists),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            count = killed(home, Path(scratch), words, check, number, rng)
        good &= count.print(f"kills of graphrec {' '.join(words[:3])}")
    return good


def killed(
    home: Path, folder: Path, words: tuple[str, ...], check: tuple[str, ...], number: int, rng: random.Random
) -> Count:
    """Kill one command `number` times, each time in a fresh copy of the home."""
    count = Count()
    copy = copied(home, folder)
    began = time.perf_counter()
    must(copy, *words, folder=folder)
    seconds = time.perf_counter() - began
    expected = bare(must(copy, *check, folder=folder)) if check[0] != "record" else None
    for _ in range(number):
        copy = copied(home, folder)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*GRAPHREC, "--home", str(copy), *words], cwd=folder, **quiet) as child:
            time.sleep(rng.random() * seconds)
            child.kill()
        between = run(copy, *check, folder=folder)
        if between.code not in {0, *CLASSIFIED} or "unexpected" in between.err:
            count.add("unexpected", f"after a kill of {' '.join(words)}: {between.err.strip()[-200:]}")
        again = run(copy, *words, folder=folder)
        after = run(copy, *check, folder=folder)
        if again.code or after.code:
            count.add("lost", f"{' '.join(words)}: {again.err.strip()[-200:]} {after.err.strip()[-200:]}")
        elif expected is not None and bare(after.out) != expected:
            count.add("silently different", " ".join(words))
        else:
            count.add("same", "")
    return count


# Swaps and replay -----------------------------------------------------------------------------------------------------


def swaps(home: Path, number: int) -> bool:
    """Readers open and answer while the model is replaced again and again: no answer mixes two models."""
    from graphrec.app.answers import to_json
    from graphrec.app.bank import Bank
    from graphrec.app.requests import Recommend

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy = copied(home, folder)
        must(copy, "train", "--model", "kernel", folder=folder)
        first = folder / "first"
        shutil.copytree(copy / "serving" / "models" / "kernel-test", first)
        shutil.rmtree(copy / "serving" / "models" / "kernel-test")
        must(copy, "train", "--model", "kernel", "--seed", "5", "--fixed", folder=folder)
        second = folder / "second"
        shutil.copytree(copy / "serving" / "models" / "kernel-test", second)
        words = ("recommend", USERS[0], "--model", "kernel", "--json", "--no-record")
        allowed = set()
        for one in (first, second):
            shutil.rmtree(copy / "serving" / "models" / "kernel-test")
            shutil.copytree(one, copy / "serving" / "models" / "kernel-test")
            allowed.add(bare(must(copy, *words, folder=folder)))
        assert len(allowed) == 2, "the two models give the same list"
        writer = os.fork()
        if writer == 0:
            from graphrec.files import replace_folder

            for turn in range(number):
                with replace_folder(copy / "serving" / "models" / "kernel-test") as target:
                    shutil.copytree((first, second)[turn % 2], target, dirs_exist_ok=True)
                time.sleep(0.02)  # about as long as an answer takes: most readers meet a swap
            os._exit(0)
        count = Count()
        reader = folder / "reader"
        reader.mkdir()
        asked = Recommend(USERS[0], model="kernel", record=False)
        kept = Bank.open(copy)
        while os.waitpid(writer, os.WNOHANG) == (0, 0):
            if count.tried % 50 == 0:  # cold, in a process of its own: all of the answer is compared
                done = in_child(copy, words, reader)
                right = done.code == 0 and bare(done.out) in allowed
                count.add("same" if right else "mixed", f"{done.code} {done.err[-200:]}")
            for bank in (kept, Bank.open(copy)):  # one that swaps under its reader, one that opens anew
                found = bare(json.dumps(to_json(bank.recommend(asked))))
                count.add("same" if found in allowed else "mixed", found[:200])
    return count.print(f"{number} swaps under readers")


def replay(home: Path, entries: int) -> bool:
    """Every entry of an export of all customers is computed again: the same bytes."""
    count = Count()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy = copied(home, folder)
        must(copy, "export", "--out", str(folder / "lists.csv"), folder=folder)
        listed = json.loads(must(copy, "record", "list", "--last", str(entries), "--json", folder=folder))["entries"]
        for entry in listed:
            done = in_child(copy, ("replay", str(entry["record"]), "--json"), folder)
            count.add("same" if done.code == 0 else "different", f"entry {entry['record']}: {done.err.strip()[-200:]}")
    return count.print(f"replay of {len(listed)} entries")


def prepared(folder: Path) -> tuple[Path, Path]:
    """A demo bank and a home that holds everything: store, snapshot, vectors, models, policy, record."""
    bank, home = folder / "demo-bank", folder / "home"
    must(home, "demo", "--out", str(bank), folder=folder)
    for words in (
        ("load", "demo", "--data", str(bank)),
        ("train", "--fixed"),
        ("train", "--fixed", "--final"),
        ("policy", "init"),
        ("recommend", USERS[0]),
    ):
        must(home, *words, folder=folder)
    return bank, home


def main() -> int:
    """Run what is asked for; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("all", "damage", "kills", "swaps", "replay"), default="all")
    parser.add_argument("--places", type=int, default=10)
    parser.add_argument("--only", help="damage this folder of the home alone, such as models")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--swaps", type=int, default=2_000)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    parts: dict[str, Callable[[Path, Path], bool]] = {
        "replay": lambda _bank, home: replay(home, asked.entries),
        "swaps": lambda _bank, home: swaps(home, asked.swaps),
        "damage": lambda _bank, home: damage(home, asked.places, rng, asked.only),
        "kills": lambda bank, home: kills(home, bank, asked.kills, rng),
    }
    with tempfile.TemporaryDirectory() as scratch:
        bank, home = prepared(Path(scratch))
        done = [part(bank, home) for name, part in parts.items() if asked.part in ("all", name)]
    return int(not all(done))


if __name__ == "__main__":
    sys.exit(main())
