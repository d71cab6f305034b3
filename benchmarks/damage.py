"""Damage a home, kill its commands, swap its models, replay its record, and count what goes wrong. All bars are 0.

    python benchmarks/damage.py                         # everything: hours on two cores
    python benchmarks/damage.py --budget 600            # ten minutes for each part, and what they covered
    python benchmarks/damage.py damage --places 10      # a flip and a cut at 10 places of every file, and its deletion
    python benchmarks/damage.py deep                    # a flip in every file, and commands that read all
    python benchmarks/damage.py kills --kills 100       # each command killed at 100 random moments, then run again
    python benchmarks/damage.py swaps --swaps 2000      # a model replaced under readers
    python benchmarks/damage.py replay --entries 2000   # entries of exports of all customers
    python benchmarks/damage.py damage --part 3/12      # a twelfth of the files (or kills, swaps, entries)

All parts together try what the whole does, so that a run that was stopped goes on with its next part; `--at` keeps the
home between them. After SIGTERM (kill PID) it prints what it has counted. The last line says whether the bars of a part
hold, and so does the exit code.
Files and commands take turns, so that a budget covers all of them alike. The home has every kind of file and few
customers (`--customers`). An answer after damage has to be the same bytes, or a failure of one line with a documented
exit code. The policy is a file that people edit: it is left out here, and its hash is pinned.
"""

import argparse
import csv
import gc
import hashlib
import importlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

Thing = TypeVar("Thing")
ROOT = Path(__file__).resolve().parent.parent
GRAPHREC = [sys.executable, str(ROOT / "cli.py")]
USERS = ("C000004", "C000123", "C000777")
LENGTHS = (5, 1, 3, 10, 20, 2, 4, 6, 7, 8, 9, 12, 15, 30)
"""Of the lists of the exports that are replayed: as many of them as give the entries."""
BY_COMMAND = 30
"""Entries that are replayed in a process of their own, too."""
CLASSIFIED = {2, 3, 4, 5, 6}
KINDS = ("deleted", "flipped", "cut")
TOGETHER = 8
"""Files that are damaged together where one alone changed no answer."""
PATIENCE = 300.0
"""Seconds after which a command counts as one that never ends."""
STOPPED: list[int] = []
"""Signals that asked for an end: the trial at hand ends, and what was counted is printed."""
MOMENTS = 10
"""Kills that one run of a command stands for: see `Stops`."""
#: Keys that name the run and not the answer.
OF_THE_RUN = {"seconds", "record", "path", "wrote", "generated_at", "run"}
OF_A_ROW = {"run", "record", "generated_at", "valid_until"}


@dataclass
class Count:
    """What was tried, and what went wrong, with examples."""

    tried: int = 0
    same: int = 0
    classified: int = 0
    said: int = 0
    """Another answer, with a note that says what is gone."""
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, verdict: str, what: str) -> None:
        self.tried += 1
        if verdict == "same":
            self.same += 1
        elif verdict == "classified":
            self.classified += 1
        elif verdict == "said":
            self.said += 1
        else:
            self.wrong[verdict] += 1
            if len(self.examples) < 40:
                self.examples.append(f"{verdict}: {what}")

    def print(self, title: str) -> bool:
        wrong = ", ".join(f"{count} {name}" for name, count in sorted(self.wrong.items())) or "0 wrong"
        refused = f"{self.classified} refused in one line, {self.said} with a note"
        print(f"{title}: {self.tried} tried, {self.same} the same, {refused}, {wrong}")
        for line in self.examples:
            print(f"    {line}")
        sys.stdout.flush()
        return not self.wrong


@dataclass(frozen=True)
class Share:
    """One of several parts that a run is made in."""

    number: int = 1
    of: int = 1

    @classmethod
    def read(cls, text: str) -> "Share":
        """The share of a text such as 3/12."""
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise argparse.ArgumentTypeError(f"{text!r}: want I/N with I of 1 to N, such as 3/12")
        return cls(int(number), int(of))

    def of_all(self, things: Sequence[Thing]) -> list[Thing]:
        """Every n-th of some things: all shares together have each of them once."""
        return list(things[self.number - 1 :: self.of])

    def seed(self, seed: int) -> int | str:
        """A seed of this share alone; the whole has that of before."""
        return seed if self.of == 1 else f"{seed}, part {self}"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    """Of the processor."""


@dataclass(frozen=True)
class Stops:
    """Moments at which a command is stopped for a copy of what it has written so far; at the last it is killed.

    A kill leaves what has been written at that moment, and a copy of a stopped command's files holds the same.
    """

    original: Path
    """The home that the command's home is a copy of."""
    moments: tuple[float, ...]
    """Seconds of the processor, ascending."""
    kept: Path


def in_child(
    home: Path, words: tuple[str, ...], folder: Path, stops: Stops | None = None, steps: Path | None = None
) -> Done:
    """Run one command in a forked child, which has everything imported that `ready` imports.

    Args:
        folder: the working directory, where its output goes.
        stops: None: it runs to its end.
        steps: where a copy of the home is kept at each whole step; None: nowhere.
    """
    out, err = folder / "out", folder / "err"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.chdir(folder)
            if steps is not None:
                keep_steps(home, steps)
            from graphrec.cli import app

            app(["--home", str(home), *words], prog_name="graphrec")
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            if "GRAPHREC_DAMAGE_MODULES" in os.environ:
                Path(os.environ["GRAPHREC_DAMAGE_MODULES"]).write_text("\n".join(sys.modules), "utf-8")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    done = ended(child, folder, stops)
    return Done(done.code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"), done.seconds)


def ended(child: int, folder: Path, stops: Stops | None) -> Done:
    """How a child ends, or that it was killed; at each moment of `stops` what it has written is kept."""
    began, left = time.monotonic(), dict(enumerate(stops.moments if stops else ()))
    clock = ~child << 3 | 2  # the clock of another process's time on the processors, as clock_getcpuclockid makes it

    def kept(number: int) -> None:
        if stops is not None:
            del left[number]
            keep(stops.original, folder, stops.kept / f"{number:03d}")

    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            for number in list(left):  # they see what the whole command, or a part that failed, has written
                kept(number)
            return Done(os.waitstatus_to_exitcode(status), "", "", used.ru_utime + used.ru_stime)
        if time.monotonic() - began > PATIENCE:
            os.kill(child, signal.SIGKILL)
        elif left and time.clock_gettime(clock) >= left[next(iter(left))]:
            os.kill(child, signal.SIGSTOP if len(left) > 1 else signal.SIGKILL)
            os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            kept(next(iter(left)))
            os.kill(child, signal.SIGCONT)
        time.sleep(0.001)


class Nursery:
    """A process for each command, with what it imports; the command runs in forked children of that process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.pools: dict[str, ProcessPoolExecutor] = {}

    def run(
        self,
        home: Path,
        words: tuple[str, ...],
        folder: Path,
        stops: Stops | None = None,
        steps: Path | None = None,
    ) -> Done:
        """Run a command as `in_child` does."""
        if words[0] not in self.pools:
            pool = ProcessPoolExecutor(1, get_context("spawn"), ready, (self.home, words))
            self.pools[words[0]] = pool
        return self.pools[words[0]].submit(in_child, home, words, folder, stops, steps).result()

    def whole(self, home: Path, words: tuple[str, ...], folder: Path) -> str:
        """What a command printed, which has to end well."""
        done = self.run(home, words, folder)
        if done.code:
            sys.exit(f"graphrec {' '.join(words)} ended with {done.code}: {done.err}")
        return done.out

    def close(self) -> None:
        for pool in self.pools.values():
            pool.shutdown()


def ready(home: Path, words: tuple[str, ...]) -> None:
    """Import what a command imports, so that children of a fork have it."""
    importlib.import_module("graphrec.cli")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["GRAPHREC_DAMAGE_MODULES"] = str(folder / "modules")
        in_child(copied(home, folder), words, folder)
        del os.environ["GRAPHREC_DAMAGE_MODULES"]
        names = (folder / "modules").read_text("utf-8").splitlines()
    for name in names:
        if name not in sys.modules and not name.startswith("__"):
            with suppress(Exception):
                importlib.import_module(name)
    importlib.import_module("graphrec.languages").language_of("en")
    gc.freeze()  # children share what the collector would write to


def until(budget: float | None, trials: Iterable[Callable[[], object]], what: str) -> Iterator[int]:
    """Run trials one after the other while there is time; give how many were run."""
    began = said = time.monotonic()
    for number, trial in enumerate(trials, 1):
        if STOPPED or (budget is not None and time.monotonic() - began > budget):
            return
        trial()
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(f"{what}: {number} trials, {said - began:.0f} s", file=sys.stderr, flush=True)
        yield number


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
    """same, classified, said, or what is wrong."""
    lines = done.err.strip().splitlines()
    if done.code == 0 and bare(done.out) != before:
        return "said" if any(line.startswith("note: ") for line in lines) else "silently different"
    if done.code == 0:
        return "same"
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


def questions(file: Path, home: Path) -> tuple[str, ...]:
    """The quick questions whose answers may depend on a file of a home: see `ask`."""
    room = room_of(file, home)
    if room == "store":
        return ("query",)
    if room in ("records", "keys"):
        return ("verify", "entry", "replay")
    if room in ("vectors", "series"):
        return ("find",)
    return ("list", "list of another", "explain", "why not", "find")


def slow_questions(file: Path, home: Path) -> list[tuple[str, ...]]:
    """The commands that read all of what a file belongs to."""
    room = room_of(file, home)
    if room in ("records", "keys"):
        return []
    if room == "store":
        return [("snapshot", "--json")]
    if room in ("vectors", "series"):
        return [("snapshot", "--json"), ("train", "--model", "text", "--json")]
    exported = ("export", "--out", "lists.csv", "--no-record", "--json")
    evaluated = ("evaluate", "--json", "--baselines", "none", "--k", "10")
    return [exported, *([evaluated] if room in ("models", "snapshots") else [])]


def ask(bank: "Bank", question: str, product: str) -> str:
    """What a bank answers, as text without what names the run."""
    from graphrec.app import jobs, requests
    from graphrec.app.answers import to_json
    from graphrec.errors import RecordError
    from graphrec.records.verify import Verification

    if question == "list":
        return bare(json.dumps(to_json(bank.recommend(requests.Recommend(USERS[0], record=False)))))
    if question == "list of another":
        return bare(json.dumps(to_json(bank.recommend(requests.Recommend(USERS[1], record=False)))))
    if question == "explain":
        return bare(json.dumps(to_json(bank.explain(requests.Explain(USERS[0], product, record=False)))))
    if question == "why not":
        refused = bank.why_not(requests.WhyNot(USERS[0], product, record=False))
        return json.dumps({"answer": shown((refused.found, refused.policy)), "notes": refused.notes})
    if question == "find":
        return shown(bank.find(requests.Find("energy")))
    if question == "query":
        return shown(bank.query(jobs.AskQuery("popular", (("k", "500"),))))
    if question == "entry":
        return shown(bank.record_entry(1))
    # The commands of these two print what is wrong, and end with a code that is not 0.
    found = bank.verify_record(jobs.VerifyRecord()) if question == "verify" else bank.replay(1)
    faults = found.problems if isinstance(found, Verification) else found.differences
    if faults:
        raise RecordError(str(faults[0]))
    return shown(found)


def shown(value: object) -> str:
    """A value as text, without addresses of the memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def answered(home: Path, asked: Sequence[str], product: str, folder: Path) -> list[tuple[str, str]]:
    """What a home answers: a kind of end and its text for each question.

    A forked child asks, so that nothing of one trial is remembered in the next.
    """
    place = folder / "answers"
    place.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        from graphrec.app.bank import Bank
        from graphrec.errors import GraphrecError

        ends, bank = [], Bank.open(home)
        for question in asked:
            try:
                ends.append(("answer", ask(bank, question, product)))
            except GraphrecError as error:
                lines = str(error).splitlines()
                ends.append(("classified" if len(lines) == 1 else "not one line", str(error)))
            except BaseException as error:  # noqa: BLE001 - it is what is counted
                ends.append(("unexpected", f"{type(error).__name__}: {error}"))
        place.write_text(json.dumps([ends, list(sys.modules)]), "utf-8")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        return [(f"killed by signal {-os.waitstatus_to_exitcode(status)}", "")]
    return [(kind, text) for kind, text in json.loads(place.read_text("utf-8"))[0]]


def worst(before: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The verdict on one trial with all its answers, and what was said."""
    for kind, text in found:
        if kind not in ("answer", "classified"):
            return kind, text
    said = False
    for (_, old), (kind, new) in zip(before, found, strict=True):
        if kind == "answer" and new != old:
            notes = len(notes_of(new)) > len(notes_of(old))
            if not notes:
                return "silently different", f"{new[:200]} instead of {old[:200]}"
            said = True
    for kind, text in found:
        if kind == "classified":
            return kind, text
    return ("said" if said else "same"), ""


def notes_of(text: str) -> list[str]:
    try:
        return list(json.loads(text).get("notes", []))
    except (ValueError, AttributeError):
        return []


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


@dataclass(frozen=True)
class Trial:
    """One damage to one file."""

    file: Path
    kind: str
    place: float


class Damage:
    """A home that is damaged and mended again, and what it answered."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.counts: dict[str, Count] = {}
        self.known: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        (folder / "readers").mkdir()
        self.readers = copied(home, folder / "readers")
        listed = must(home, "recommend", USERS[0], "--json", "--no-record")
        self.product = json.loads(listed)["items"][0]["product"]
        self.trials = 0
        answered(self.readers, ("list", "explain", "why not", "find", "verify", "replay"), self.product, folder)
        for name in json.loads((folder / "answers").read_text("utf-8"))[1]:
            if name not in sys.modules and not name.startswith("__"):
                with suppress(Exception):
                    importlib.import_module(name)
        self._clean()
        importlib.import_module("graphrec.languages").language_of("en")
        gc.collect()
        gc.freeze()

    def _answers(self, asked: tuple[str, ...]) -> list[tuple[str, str]]:
        if asked not in self.known:
            self.known[asked] = answered(self.readers, asked, self.product, self.folder)
            self._clean()
            faults = [text for kind, text in self.known[asked] if kind != "answer"]
            assert not faults, faults
        return self.known[asked]

    def verdict(self, trials: Sequence[Trial]) -> tuple[str, str]:
        """The verdict on several damages at once to files that the same questions depend on."""
        asked = questions(trials[0].file, self.home)
        before = self._answers(asked)
        self.trials += 1
        if self.trials % 500 == 0:
            self.readers = copied(self.home, self.folder / "readers")
        if asked == ("query",):  # its engine writes in place
            store = Path("vault/store")
            shutil.rmtree(self.readers / store)
            shutil.copytree(self.home / store, self.readers / store)
        for one in trials:
            damaged(self.readers / one.file.relative_to(self.home), one.kind, one.place)
        found = worst(before, answered(self.readers, asked, self.product, self.folder))
        for one in trials:
            inside = self.readers / one.file.relative_to(self.home)
            inside.unlink(missing_ok=True)
            os.link(one.file, inside)
        self._clean()
        return found

    def _clean(self) -> None:
        """Take out of the record what an answer has added."""
        for file in (self.home / "records").glob("*.*"):
            inside = self.readers / file.relative_to(self.home)
            inside.unlink(missing_ok=True)
            shutil.copy2(file, inside)

    def run(self, trials: Sequence[Trial]) -> str:
        """Count some damages: together, and one by one where that changes an answer."""
        found, said = self.verdict(trials)
        if len(trials) > 1 and found != "same":
            for one in trials:
                self.run([one])
            return found
        for one in trials:
            inside = one.file.relative_to(self.home)
            count = self.counts.setdefault(room_of(one.file, self.home), Count())
            count.add(found, f"{inside} {one.kind} at {one.place:.4f}: {said}")
        return found


def damage(home: Path, places: int, rng: random.Random, only: str | None, budget: float | None, share: Share) -> bool:
    """Flip, cut and delete at some places of every file, and ask what depends on it.

    The first turns do each kind once to every file. Files where that changed no answer are damaged TOGETHER at a time
    at all other places; where a group changes an answer its files are damaged one by one.
    """
    files = share.of_all(files_of(home, only))
    rng.shuffle(files)
    whole = sum(1 + 2 * places * bool(file.stat().st_size) for file in files)
    with tempfile.TemporaryDirectory() as scratch:
        home_of = Damage(home, Path(scratch))
        harmless: set[tuple[Path, str]] = set()

        def first(file: Path, kind: str) -> None:
            if home_of.run([Trial(file, kind, rng.random())]) == "same":
                harmless.add((file, kind))

        def firsts() -> Iterator[Callable[[], object]]:
            for turn, (number, file) in itertools.product(range(len(KINDS)), enumerate(files)):
                kind = KINDS[(turn + number) % len(KINDS)]
                if kind == "deleted" or file.stat().st_size:
                    yield partial(first, file, kind)

        def others() -> Iterator[Callable[[], object]]:
            for _, kind in itertools.product(range(places - 1), ("flipped", "cut")):
                trials = [Trial(file, kind, rng.random()) for file in files if file.stat().st_size]
                for group in grouped(trials, harmless, home):
                    yield partial(home_of.run, group)

        for _ in until(budget, itertools.chain(firsts(), others()), "damage"):
            pass
    tried = sum(count.tried for count in home_of.counts.values())
    print(f"damage: {tried} of {whole} damages of {len(files)} files, {home_of.trials} times asked")
    good = [count.print(f"damage in {room}") for room, count in sorted(home_of.counts.items())]
    return tried > 0 and all(good)


def files_of(home: Path, only: str | None) -> list[Path]:
    """The files of a home, or of one part of it, that are damaged."""
    files = [file for file in sorted(home.rglob("*")) if file.is_file() and file.name not in ("policy.toml", "lock")]
    rooms = sorted({room_of(file, home) for file in files})
    if only is not None and only not in rooms:
        raise SystemExit(f"--only {only}: a home has {', '.join(rooms)}")
    return [file for file in files if only is None or room_of(file, home) == only]


def grouped(trials: Sequence[Trial], harmless: set[tuple[Path, str]], home: Path) -> Iterator[list[Trial]]:
    """Trials that are made together: of harmless files with the same questions; all others alone."""
    alike: dict[tuple[str, ...], list[Trial]] = {}
    for one in trials:
        if (one.file, one.kind) in harmless:
            alike.setdefault(questions(one.file, home), []).append(one)
        else:
            yield [one]
    for group in alike.values():
        yield from (group[start : start + TOGETHER] for start in range(0, len(group), TOGETHER))


def deep(home: Path, rng: random.Random, only: str | None, budget: float | None, share: Share) -> bool:
    """Flip one bit of every file, and run a command that reads all of what the file belongs to."""
    files = [file for file in share.of_all(files_of(home, only)) if file.stat().st_size]
    rng.shuffle(files)
    nursery = Nursery(home)
    counts: dict[str, Count] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        answers: dict[tuple[str, ...], str] = {}

        def answer(copy: Path, words: tuple[str, ...]) -> Done:
            """How a command ends, with what it wrote beside the home as a part of what it says."""
            lists = folder / "lists.csv"
            lists.unlink(missing_ok=True)
            done = nursery.run(copy, words, folder)
            written = lists.read_text("utf-8") if lists.exists() and not done.code else ""
            return Done(done.code, bare(done.out) + without_runs(written), done.err)

        def trial(file: Path, words: tuple[str, ...], place: float) -> None:
            if words not in answers:
                answers[words] = answer(copied(home, folder), words).out
            copy, inside = copied(home, folder), file.relative_to(home)
            damaged(copy / inside, "flipped", place)
            done = answer(copy, words)
            text = (
                f"{inside} flipped at {place:.4f}: graphrec {' '.join(words)} -> {done.code} {done.err.strip()[-200:]}"
            )
            counts.setdefault(room_of(file, home), Count()).add(verdict(answers[words], done), text)

        trials = (
            lambda file=file, words=words: trial(file, words, rng.random())
            for file in files
            for words in rng.sample(slow_questions(file, home), min(1, len(slow_questions(file, home))))
        )
        done = max(until(budget, trials, "deep"), default=0)
    nursery.close()
    print(f"deep: {done} flips, a command that reads all after each")
    good = [count.print(f"deep damage in {room}") for room, count in sorted(counts.items())]
    return all(good)


def without_runs(lists: str) -> str:
    """The rows of an export without the columns that name the run."""
    rows = list(csv.DictReader(lists.splitlines()))
    return "\n".join(str([value for key, value in row.items() if key not in OF_A_ROW]) for row in rows)


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


@dataclass(frozen=True)
class Work:
    """A command that is killed, and the question whose answer shows what it left."""

    words: tuple[str, ...]
    check: tuple[str, ...]
    grows: bool = False
    """The check counts entries of the record, and a killed run may leave one."""


def works(later: Path, folder: Path) -> list[Work]:
    """The commands that write, each with a check."""
    kernel = ("--model", "kernel", "--json")
    listed = ("recommend", USERS[0], "--json", "--no-record")
    by_kernel = ("recommend", USERS[0], *kernel, "--no-record")
    kept = ("record", "verify", "--json")
    delivery = ("demo", "--data", str(later), "--max-removed", "50%", "--json")
    of_march = ("snapshot", "--as-of", "2025-03-01", "--json")
    published = ("--home", str(folder / "published"), "recommend", USERS[0], "--json", "--no-record")
    return [
        Work(("load", *delivery), ("snapshot", "--json")),
        Work(of_march, of_march),
        Work(("embed", "--json"), listed),
        Work(("train", *kernel), by_kernel),
        Work(("train", "--final", *kernel), by_kernel),
        Work(("export", "--out", "lists.csv", "--json"), kept, grows=True),
        Work(("recommend", USERS[1], "--json"), kept, grows=True),
        Work(("evaluate", "--json", "--k", "10"), listed),
        Work(("refresh", *delivery, "--no-train", "--to", "lists.csv", "--no-record"), listed),
        Work(("forget", USERS[2], "--reason", "asked", "--json"), listed),
        Work(("publish", "--to", "published", "--json"), published),
    ]


def kills(home: Path, bank: Path, number: int, rng: random.Random, only: str | None, budget: float | None) -> bool:
    """Kill each command at random moments of its processor time, run it again, and compare what the home then answers.

    An answer before the command runs again has to be, but for notes, that of before, of after, or of one of the whole
    steps of the command (`steps_of`). Where a kill leaves byte for byte what an earlier one left, its verdict is known.
    """
    nursery = Nursery(home)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "work"
        folder.mkdir()
        commands = works(next_delivery(bank, Path(scratch)), folder)
        commands = [work for work in commands if only is None or work.words[0] == only]
        counts = {work: Count() for work in commands}
        answers: dict[Work, Answers] = {}
        known: dict[tuple[Work, str], tuple[str, str]] = {}

        def trial(work: Work, moments: int) -> None:
            if work not in answers:
                answers[work] = answers_of(nursery, home, folder, work)
            kept = Path(scratch) / "kept"
            shutil.rmtree(kept, ignore_errors=True)
            drawn = tuple(sorted(rng.random() * answers[work].seconds for _ in range(moments)))
            nursery.run(fresh(home, folder), work.words, folder, Stops(home, drawn, kept))
            for moment, one in zip(drawn, sorted(kept.iterdir()), strict=True):
                left = work, state(home, one)
                if left not in known:
                    put(one, folder)
                    known[left] = killed(nursery, folder, work, f"{moment:.3f} s", answers[work])
                counts[work].add(*known[left])

        runs = (min(MOMENTS, number - start) for start in range(0, number, MOMENTS))
        trials = (partial(trial, work, moments) for moments in runs for work in commands)
        for _ in until(budget, trials, "kills"):
            pass
    nursery.close()
    tried = sum(count.tried for count in counts.values())
    print(f"kills: {tried} of {number * len(commands)}, which left {len(known)} different states")
    good = []
    for work, count in counts.items():
        good.append(count.print(f"kills of graphrec {' '.join(work.words[:3])}"))
        if work in answers:
            states = sum(one is work for one, _ in known)
            print(f"    {answers[work].seconds:.2f} s of processor, {states} states, {answers[work].described}")
    return all(good)


@dataclass(frozen=True)
class Answers:
    """What a home may answer after a command was killed, and how long the command takes."""

    before: str
    after: str
    steps: Mapping[str, str]
    """The answer after each whole step, by the path that the step has put in its place."""
    seconds: float
    """Of the processor."""

    def __contains__(self, answer: str) -> bool:
        return answer in (self.before, without_notes(self.after), *self.steps.values())

    @property
    def described(self) -> str:
        """How many steps there are, and those whose answer is neither that of before nor that of after."""
        between = [name for name, one in self.steps.items() if one not in (self.before, without_notes(self.after))]
        return f"{len(self.steps)} answers of whole steps, of their own: {', '.join(between) or 'none'}"


def answers_of(nursery: Nursery, home: Path, folder: Path, work: Work) -> Answers:
    """What a home answers before a command, after it and after each of its whole steps."""
    before = nursery.run(fresh(home, folder), work.check, folder)
    copy = fresh(home, folder)
    nursery.whole(copy, work.words, folder)  # what it imports late is imported by the nursery from now on
    copy = fresh(home, folder)
    done = nursery.run(copy, work.words, folder)
    after = bare(nursery.whole(copy, work.check, folder))
    steps = {} if work.grows else steps_of(nursery, fresh(home, folder), folder, work, {before.out, after})
    return Answers(without_notes(before.out), after, steps, done.seconds)


def steps_of(nursery: Nursery, copy: Path, folder: Path, work: Work, ends: set[str]) -> dict[str, str]:
    """What a home answers after each whole step of a command: wherever a file or folder has taken its place.

    The command runs once, to its end, and a copy of the home is kept at each step. A list that is neither that of
    before nor that of after (`ends`) counts where its entry of the record is computed again, from the model, the facts
    and the policy that it names, with the same bytes.
    """
    kept, known = folder / "steps", {without_notes(one) for one in ends}
    shutil.rmtree(kept, ignore_errors=True)
    nursery.run(copy, work.words, folder, steps=kept)
    found = {}
    for step in sorted(kept.iterdir()):
        done, name = nursery.run(step / "home", work.check, folder), (step / "name").read_text("utf-8")
        answer = without_notes(done.out)
        if done.code == 0 and (answer in known or is_replayed(nursery, step / "home", folder, work)):
            found[f"{step.name} {name}"] = answer
    shutil.rmtree(kept)
    return found


def is_replayed(nursery: Nursery, home: Path, folder: Path, work: Work) -> bool:
    """Whether the list that a work is checked by is computed again, with the same bytes, from what its entry names."""
    if work.check[0] != "recommend":
        return False
    recorded = tuple(word for word in work.check if word != "--no-record")
    entry = json.loads(nursery.whole(home, recorded, folder))["record"]
    return nursery.run(home, ("replay", str(entry), "--json"), folder).code == 0


def keep_steps(home: Path, into: Path) -> None:
    """Keep a copy of the home in this process wherever `graphrec.files` has put something whole in its place."""
    files = importlib.import_module("graphrec.files")
    flush, number = files.flush, itertools.count()
    into.mkdir()

    def kept(path: Path) -> None:
        flush(path)
        inside = path.is_dir() and path.is_relative_to(home)
        if inside and not any(part.endswith(".part") for part in path.relative_to(home).parts):
            step = into / f"{next(number):03d}"
            step.mkdir()
            copied(home, step)
            (step / "name").write_text(str(path.relative_to(home)), "utf-8")

    files.flush = kept


def without_notes(text: str) -> str:
    """An answer without what names the run, and without its notes."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return bare(json.dumps({key: value for key, value in found.items() if key != "notes"}))


def fresh(home: Path, folder: Path) -> Path:
    """A copy of the home, and nothing beside it that an earlier run wrote."""
    shutil.rmtree(folder / "published", ignore_errors=True)
    (folder / "lists.csv").unlink(missing_ok=True)
    return copied(home, folder)


def keep(original: Path, folder: Path, into: Path) -> None:
    """A copy of what a command has written: its home and what lies beside it; files of `original` are linked."""

    def copy(source: str, path: str) -> None:
        same = original.joinpath(*Path(source).relative_to(folder).parts[1:])
        (os.link if same.exists() and same.samefile(source) else shutil.copy2)(source, path)

    shutil.copytree(folder, into, copy_function=copy, ignore=shutil.ignore_patterns("out", "err", "steps"))


def put(one: Path, folder: Path) -> None:
    """Make what a command has left the home again, and what lies beside it."""
    shutil.rmtree(folder)
    one.rename(folder)


def state(home: Path, folder: Path) -> str:
    """A digest of all that a command has left: paths and bytes of its home and of what it wrote beside it.

    Logs are left out, and the chance in the names of unfinished folders. What is still the file of `home` itself, a
    link, counts by its path.
    """
    digest = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[:2] == ("home", "logs"):
            continue
        name = re.sub(r"\.[0-9a-f]{16}\.part", ".part", str(inside))
        digest.update(f"\n{name}\n".encode())
        if path.is_file():
            original = home.joinpath(*inside.parts[1:])
            is_same = original.exists() and path.samefile(original)
            digest.update(b"=" if is_same else path.read_bytes())
    return digest.hexdigest()


def killed(nursery: Nursery, folder: Path, work: Work, moment: str, answers: Answers) -> tuple[str, str]:
    """Ask a home in which a command was killed, run it again and ask again; the verdict and its example."""
    copy, moment = folder / "home", f"{' '.join(work.words)} at {moment}"
    between = nursery.run(copy, work.check, folder)
    if between.code not in {0, *CLASSIFIED} or "unexpected" in between.err:
        return "unexpected", f"after a kill of {moment}: {between.err.strip()[-200:]}"
    if between.code == 0 and not work.grows and without_notes(between.out) not in answers:
        return "mixed", f"after a kill of {moment}: {bare(between.out)[:300]}"
    again = nursery.run(copy, work.words, folder)
    then = nursery.run(copy, work.check, folder)
    if again.code or then.code:
        return "lost", f"{moment}: {again.err.strip()[-200:]} {then.err.strip()[-200:]}"
    if not work.grows and bare(then.out) != answers.after:
        return "silently different", f"{moment}: {bare(then.out)[:300]} instead of {answers.after[:300]}"
    return "same", ""


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
        nursery = Nursery(copy)
        kept = Bank.open(copy)
        while os.waitpid(writer, os.WNOHANG) == (0, 0):
            if count.tried % 50 == 0:  # cold, in a process of its own: all of the answer is compared
                done = nursery.run(copy, words, reader)
                right = done.code == 0 and bare(done.out) in allowed
                count.add("same" if right else "mixed", f"{done.code} {done.err[-200:]}")
            for bank in (kept, Bank.open(copy)):  # one that swaps under its reader, one that opens anew
                found = bare(json.dumps(to_json(bank.recommend(asked))))
                count.add("same" if found in allowed else "mixed", found[:200])
        nursery.close()
    return count.print(f"{number} swaps under readers")


def replay(home: Path, entries: int, budget: float | None, share: Share) -> bool:
    """Entries of exports of all customers are computed again: the same bytes; a part of them by the command."""
    from graphrec.app.bank import Bank
    from graphrec.records.replay import Replayer

    count = Count()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy = copied(home, folder)
        numbers: list[int] = []
        for k in LENGTHS:
            must(copy, "export", "--out", str(folder / "lists.csv"), "-k", str(k), folder=folder)
            listed = json.loads(must(copy, "record", "list", "--last", str(2 * entries), "--json", folder=folder))
            # What is about no customer is no list.
            numbers = [int(one["record"]) for one in listed["entries"] if one["user"] is not None][-entries:]
            if len(numbers) == entries:
                break
        numbers.sort()
        random.Random(5).shuffle(numbers)
        numbers = share.of_all(numbers)
        nursery = Nursery(copy)

        def by_command(number: int) -> None:
            done = nursery.run(copy, ("replay", str(number), "--json"), folder)
            count.add("same" if done.code == 0 else "different", f"entry {number}: {done.err.strip()[-200:]}")

        def in_process(number: int) -> None:
            one = replayer.replay(bank.record_entry(number))
            count.add("same" if one.same else "different", f"entry {one.entry}: {one.differences}")

        for number in numbers[:BY_COMMAND]:
            by_command(number)
        nursery.close()
        bank = Bank.open(copy)
        with Replayer(bank.home) as replayer:
            trials = (lambda number=number: in_process(number) for number in numbers)
            done = max(until(budget, trials, "replay"), default=0)
    return count.print(f"replay of {done} of {len(numbers)} entries, {len(numbers[:BY_COMMAND])} by the command too")


def smaller(bank: Path, customers: int) -> None:
    """Leave the files of a bank with some of its customers."""
    path = bank / "customers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        names = [row["customer_id"] for row in csv.DictReader(file)]
    kept = {*USERS, *random.Random(3).sample(names, min(customers, len(names)))}
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if line[1:8] in kept or line == lines[0]), "utf-8")
    only = f"SELECT * FROM '{bank}/interactions.parquet' WHERE customer_id IN {tuple(sorted(kept))}"
    statements = f"CREATE TABLE events AS {only}; COPY events TO '{bank}/interactions.parquet'"
    subprocess.run([sys.executable, "-c", f"import duckdb; duckdb.execute({statements!r})"], check=True)


def prepared(folder: Path, customers: int) -> tuple[Path, Path]:
    """A demo bank and a home that holds everything: store, snapshot, vectors, models, policy, record."""
    bank, home, whole = folder / "demo-bank", folder / "home", folder / "policy-hash"
    if not whole.exists():
        folder.mkdir(exist_ok=True)
        must(home, "demo", "--out", str(bank), folder=folder)
        smaller(bank, customers)
        for words in (
            ("load", "demo", "--data", str(bank)),
            ("embed",),
            ("train", "--fixed"),
            ("train", "--fixed", "--final"),
            ("policy", "init"),
            ("recommend", USERS[0]),
        ):
            must(home, *words, folder=folder)
        listed = must(home, "recommend", USERS[0], "--json", "--no-record", folder=folder)
        whole.write_text(json.loads(listed)["policy"]["hash"], "utf-8")
    os.environ["GRAPHREC_POLICY_HASH"] = whole.read_text("utf-8")
    return bank, home


def main() -> int:
    """Run what is asked for; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("all", "damage", "deep", "kills", "swaps", "replay"), default="all")
    parser.add_argument("--places", type=int, default=10)
    parser.add_argument("--only", help="damage this folder of the home alone, such as models; kill this command alone")
    parser.add_argument(
        "--at", type=Path, help="prepare the home here, or use the one that an earlier run prepared here"
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--swaps", type=int, default=2_000)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--budget", type=float, help="seconds for each part (default: until all is done)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--part", type=Share.read, default=Share(), metavar="I/N", dest="share", help="I of N parts alone"
    )
    asked = parser.parse_args()
    os.environ |= {"GRAPHREC_TODAY": "2026-01-02", "OMP_NUM_THREADS": "1"}
    share = asked.share
    rng = random.Random(share.seed(asked.seed))
    few = {name: len(share.of_all(range(getattr(asked, name)))) for name in ("kills", "swaps")}
    parts: dict[str, Callable[[Path, Path], bool]] = {
        "replay": lambda _bank, home: replay(home, asked.entries, asked.budget, share),
        "swaps": lambda _bank, home: swaps(home, few["swaps"]),
        "damage": lambda _bank, home: damage(home, asked.places, rng, asked.only, asked.budget, share),
        "deep": lambda _bank, home: deep(home, rng, asked.only, asked.budget, share),
        "kills": lambda bank, home: kills(home, bank, few["kills"], rng, asked.only, asked.budget),
    }
    signal.signal(signal.SIGTERM, lambda number, _frame: STOPPED.append(number))
    with tempfile.TemporaryDirectory() as scratch:
        bank, home = prepared(asked.at or Path(scratch), asked.customers)
        done = [part(bank, home) for name, part in parts.items() if asked.part in ("all", name)]
    held = "all bars hold" if all(done) else "a bar is missed"
    print(f"{asked.part}, part {share}: {held}{', but it was stopped before its end' if STOPPED else ''}")
    return int(not all(done) or bool(STOPPED))


if __name__ == "__main__":
    sys.exit(main())
