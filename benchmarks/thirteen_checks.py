"""Thirteen checks of a bank's home from outside: through the command line alone, on small banks of its own.

    python benchmarks/thirteen_checks.py                  # all, about five minutes
    python benchmarks/thirteen_checks.py flips scratch    # some of them

replay, small-groups, half-load, flips, swaps, lost-store, mapping-sql, output, integers, as-of, scratch,
missing-policy, one-line-errors. Nothing of graphrec is imported. A check says what it tried and each thing that is not
as promised; the script ends with 1 when there is one.
"""

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GRAPHREC = [sys.executable, str(ROOT / "cli.py")]
DOCUMENTED = {0, 2, 3, 4, 5, 6, 130, 143}
CUSTOMERS = 300
TODAY = {"GRAPHREC_TODAY": "2026-01-02", "OMP_NUM_THREADS": "1"}
CLEAR = "\x1b[2J\x1b[31m"
#: Keys that name the run and not the answer.
OF_THE_RUN = {"seconds", "record", "path", "generated_at", "run"}


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def is_one_line(self) -> bool:
        """A failure with a documented code, one line of error, no traceback and nothing unexpected."""
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        is_told = len(errors) == 1 and "unexpected" not in self.err and "Traceback" not in self.err
        return self.code in DOCUMENTED - {0} and is_told

    def __str__(self) -> str:
        return f"code {self.code}: {self.err.strip()[-300:]!r}"


@dataclass
class Check:
    """What one check tried and found."""

    name: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)

    def that(self, holds: object, what: str) -> None:
        self.tried += 1
        if not holds:
            self.wrong.append(what)


def run(home: Path, *words: str, **environment: str) -> Done:
    """Run one command to its end."""
    done = subprocess.run(
        [*GRAPHREC, "--home", str(home), *words], env=os.environ | TODAY | environment, cwd=home.parent,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def must(home: Path, *words: str) -> str:
    done = run(home, *words)
    if done.code:
        sys.exit(f"graphrec {' '.join(words)}: {done}")
    return done.out


def answer(text: str) -> Any:
    """A JSON answer without what names the run."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(one) for key, one in value.items() if key not in OF_THE_RUN}
        return [bare(one) for one in value] if isinstance(value, list) else value

    return bare(json.loads(text))


def files_of(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Banks:
    """A demo bank with few customers, and a home where everything is made; each check gets a copy of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bank, self.made = folder / "bank", folder / "made" / "home"
        self.made.parent.mkdir()
        must(self.made, "demo", "--out", str(self.bank))
        names = self.keep(self.bank, bool)[:CUSTOMERS]
        self.users = self.keep(self.bank, set(names).__contains__)
        for words in (
            ("load", "demo", "--data", str(self.bank)), ("train", "--fixed", "--blocks", "none"),
            ("train", "--fixed", "--blocks", "none", "--final"), ("policy", "init"),
        ):  # fmt: skip
            must(self.made, *words)

    def keep(self, bank: Path, wanted: Callable[[str], bool]) -> list[str]:
        """Leave some customers in the files of a bank, and what they did; their ids."""
        path = bank / "customers.csv"
        head, *rows = path.read_text("utf-8").splitlines()
        rows = [row for row in rows if wanted(row.split(",")[0].strip('"'))]
        path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
        names = [row.split(",")[0].strip('"') for row in rows]
        events = bank / "interactions.parquet"
        sql = f"SELECT i.* FROM '{events}' i SEMI JOIN read_csv('{path}', all_varchar=true) c USING (customer_id)"
        part = f"import duckdb; duckdb.execute(\"CREATE TABLE t AS {sql}; COPY t TO '{events}'\")"
        subprocess.run([sys.executable, "-c", part], check=True)
        return names

    def home(self, name: str) -> Path:
        path = self.folder / name / "home"
        shutil.copytree(self.made, path)
        return path

    def later(self, name: str) -> Path:
        """A delivery where every sixth customer has left."""
        path = self.folder / name
        shutil.copytree(self.bank, path)
        self.keep(path, lambda one: int(one[1:]) % 6 != 0)
        return path


def small_bank(folder: Path, customers: list[str], holds: list[tuple[str, str]], **keys: str) -> Path:
    """Files and a mapping of a bank that is written down here; the mapping's path."""
    folder.mkdir(parents=True)
    products = sorted({product for _, product in holds})
    (folder / "customers.csv").write_text("id,name,code\n" + "".join(f"{one}\n" for one in customers), "utf-8")
    (folder / "products.csv").write_text(
        "id,name,code\n" + "".join(f"{one},{keys.get(one, 'Fund ' + one)},0\n" for one in products), "utf-8"
    )
    (folder / "holds.csv").write_text("customer,product\n" + "".join(f"{a},{b}\n" for a, b in holds), "utf-8")
    (folder / "bank.toml").write_text(
        """
[source]
name = "small"
[source.files]
customers = "customers.csv"
products = "products.csv"
holds = "holds.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["HOLDS"]
relevant = ["HOLDS"]
min_group = 5
[nodes.Customer]
key = "id"
name = "name"
sql = "SELECT id, name, TRY_CAST(code AS BIGINT) AS code, _file, _line FROM customers"
[nodes.Product]
key = "id"
name = "name"
sql = "SELECT id, name, TRY_CAST(code AS BIGINT) AS code, _file, _line FROM products"
[edges.HOLDS]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product, _file, _line FROM holds"
""",
        "utf-8",
    )
    return folder / "bank.toml"


def replay(check: Check, banks: Banks) -> None:
    """Entries of an export of everybody and of single answers, also after the model and the policy changed."""
    home = banks.home("replay")
    rules = home / "policy.toml"
    for length in ("20", "3"):
        must(home, "export", "--to", str(home.parent / f"{length}.csv"), "-k", length)
    must(home, "recommend", banks.users[0], "-k", "200")
    must(
        home,
        "explain",
        banks.users[1],
        answer(must(home, "recommend", banks.users[1], "--json"))["items"][0]["product"],
    )
    listed = json.loads(must(home, "record", "list", "--last", "100000", "--json"))["entries"]
    listed = [one for one in listed if one["user"]]  # The file of an export has an entry of its own.
    shorter = [one["record"] for one in listed if len(one["shown"]) < 3]
    numbers = [one["record"] for one in listed]
    chosen = {*random.Random(1).sample(numbers, 40), *shorter[:20], *numbers[-4:], *numbers[:4]}
    must(home, "train", "--model", "kernel", "--fixed", "--final", "--seed", "4")
    must(home, "train", "--fixed", "--blocks", "none", "--final", "--seed", "4")
    rules.write_text(
        rules.read_text("utf-8").replace('severity = "refuse"', 'severity = "warn"') + "\n# other\n", "utf-8"
    )
    for number in sorted(chosen):
        done = run(home, "replay", str(number))
        check.that(done.code == 0 and "same bytes" in done.out, f"entry {number}: {done} {done.out[:200]}")
    check.that(run(home, "record", "verify").code == 0, "the chain does not verify")


def small_groups(check: Check, banks: Banks) -> None:
    """No number of fewer than five people; no list that gains what one other person alone brings."""
    home = banks.home("groups")
    for user in banks.users[:20]:
        for view in ("compliance", "adviser"):
            text = must(home, "recommend", user, "--json", "--all-lines", "--no-record", "--view", view)
            for count in re.findall(r'"count": (\{[^}]*\}|\d+)', text):
                low = json.loads(count)
                low = low["low"] if isinstance(low, dict) else low
                check.that(low >= 5, f"{user} in {view}: a count of {count}")
            if view == "adviser":
                check.that(not (found := set(numbers_in(json.loads(text)))), f"{user}: an adviser sees {found}")
    text = must(home, "evaluate", "--json", "--k", "10", "--baselines", "none")
    sizes = [int(size) for size in re.findall(r'"users": (\d+)', text)]
    check.that(all(size >= 5 for size in sizes), f"groups of {min(sizes)} in the report")
    # A and B alone hold R0 to R2; B holds the wanted product too, or C does, who shares nothing with A.
    rng = random.Random(2)
    people = [f"C{number:03}" for number in range(120)]
    common = [f"P{number:02}" for number in range(24)]
    holds = [(one, two) for n, one in enumerate(people) for two in rng.sample(common[n % 2 * 12 :][:12], 5)]
    holds += [(one, f"R{n}") for one in ("A", "B") for n in range(3)]
    holds += [
        ("A", "P01"),
        ("A", "P02"),
        ("B", "P14"),
        ("B", "P15"),
        ("C", "P14"),
        ("C", "P16"),
        ("C", "P17"),
        ("C", "P18"),
    ]
    lists: dict[str, dict[str, list[str]]] = {}
    for owner in ("B", "C"):
        folder = banks.folder / f"moved-{owner}"
        mapping = small_bank(
            folder, [*(f"{one},{one},0" for one in (*people, "A", "B", "C"))], [*holds, (owner, "WANTED")]
        )
        home = folder / "home"
        must(home, "load", str(mapping))
        for model in ("kernel", "ease", "itemknn", "spectral", "als", "rp3beta", "popularity"):
            must(home, "train", "--model", model, "--fixed", "--final")
            words = ("recommend", "A", "--model", model, "-k", "10", "--no-policy", "--json", "--no-record")
            items = json.loads(must(home, *words))["items"]
            lists.setdefault(model, {})[owner] = [item["product"] for item in items]
    for model, both in lists.items():
        gained = "WANTED" in both["B"] and "WANTED" not in both["C"]
        check.that(not gained, f"{model}: A's list has what B alone brings: {both}")


def numbers_in(value: Any) -> Iterator[str]:
    """Keys of arithmetic in an answer; parameters of its Cypher may be ids, dates and `min_group`."""
    if isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        if key in ("score", "share", "contrast", "rest", "scale", "composition") and one is not None:
            yield key
        if key == "parameters" and one:
            yield from (name for name, held in one.items() if not isinstance(held, str) and name != "min_group")
        yield from numbers_in(one)


def half_load(check: Check, banks: Banks) -> None:
    """A second delivery that is killed: the store answers as before, as after, or says that the load is not whole."""
    home, later = banks.home("half"), banks.later("later")
    words = ("load", "demo", "--data", str(later), "--max-removed", "50%")
    before = json.loads(must(home, "snapshot", "--json"))["hash"]
    whole = banks.home("whole")
    began = time.monotonic()
    must(whole, *words)
    took = time.monotonic() - began
    after = json.loads(must(whole, "snapshot", "--json"))["hash"]
    check.that(before != after, "the second delivery changes nothing")
    rng = random.Random(3)
    for turn in range(12):
        copy = banks.folder / f"half-{turn}" / "home"
        shutil.copytree(home, copy)
        command = subprocess.Popen(
            [*GRAPHREC, "--home", str(copy), *words], env=os.environ | TODAY, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, cwd=copy.parent,
        )  # fmt: skip
        time.sleep(took * rng.uniform(0.3, 1.0))
        command.kill()
        command.wait()
        done = run(copy, "snapshot", "--json")
        if done.code:
            check.that(done.is_one_line, f"kill {turn}: {done}")
        else:
            check.that(json.loads(done.out)["hash"] in (before, after), f"kill {turn}: half a delivery is served")
        check.that(run(copy, *words).code == 0, f"kill {turn}: the load does not run again")
        check.that(json.loads(must(copy, "snapshot", "--json"))["hash"] == after, f"kill {turn}: not whole afterwards")
        shutil.rmtree(copy.parent)


def flips(check: Check, banks: Banks) -> None:
    """One flipped bit in a snapshot, a model, facts, the store or the record: the same answer, or one line."""
    home, rng = banks.home("flips"), random.Random(4)
    must(home, "recommend", banks.users[0])
    listed = ("recommend", banks.users[0], "--json", "--no-record")
    rooms: dict[str, list[tuple[str, ...]]] = {
        "serving/models": [listed], "serving/snapshots": [listed], "serving/facts": [listed],
        "vault/store": [("snapshot", "--json")], "records": [("replay", "1", "--json"), ("record", "verify", "--json")],
    }  # fmt: skip
    for room, asked in rooms.items():
        files = [path for path in (home / room).rglob("*") if path.is_file() and path.stat().st_size]
        check.that(files, f"no files in {room}")
        right = {words: answer(must(home, *words)) for words in asked}
        for _ in range(14):
            path = rng.choice(files)
            inside = path.relative_to(home)
            copy = banks.folder / "flipped" / "home"
            shutil.copytree(home, copy)
            content = bytearray((copy / inside).read_bytes())
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            (copy / inside).chmod(0o600)
            (copy / inside).write_bytes(bytes(content))
            for words in asked:
                done = run(copy, *words)
                is_said = any(line.startswith("note: ") for line in done.err.splitlines())
                good = (answer(done.out) == right[words] or is_said) if done.code == 0 else done.is_one_line
                check.that(good, f"{inside}: {' '.join(words)}: {done}")
            shutil.rmtree(copy.parent)


def swaps(check: Check, banks: Banks) -> None:
    """Readers while a model is trained again and again: one list or the other, never a mixture."""
    home = banks.home("swaps")
    words = ("recommend", banks.users[0], "--model", "kernel", "--json", "--no-record")
    ways = (("train", "--model", "kernel", "--fixed"), ("train", "--model", "kernel"))
    allowed = []
    for way in ways:
        must(home, *way)
        allowed.append(answer(must(home, *words)))
    check.that(allowed[0] != allowed[1], "the two models give the same list")
    once = "; ".join(" ".join([*GRAPHREC, "--home", str(home), *way]) for way in ways)
    writer = subprocess.Popen(
        ["bash", "-c", f"for turn in 1 2 3; do {once}; done"], env=os.environ | TODAY,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while writer.poll() is None:
        done = run(home, *words)
        check.that(done.code == 0 and answer(done.out) in allowed, f"mixed: {done}")


def lost_store(check: Check, banks: Banks) -> None:
    """A file of the store that is gone or cut: no row is lost in silence, and no load has nothing to do."""
    home = banks.home("lost")
    right = answer(must(home, "snapshot", "--json"))
    files = [path for path in (home / "vault" / "store").rglob("*") if path.is_file() and path.stat().st_size]
    load = ("load", "demo", "--data", str(banks.bank))
    for path in random.Random(5).sample(files, min(14, len(files))):
        for turn, kind in enumerate(("gone", "cut")):
            copy = banks.folder / "lost-one" / "home"
            shutil.copytree(home, copy)
            target = copy / path.relative_to(home)
            target.unlink() if kind == "gone" else target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
            done = run(copy, "snapshot", "--json")
            whole = done.code == 0 and answer(done.out) == right
            check.that(whole or done.is_one_line, f"{path.name} {kind}: snapshot: {done} {done.out[:200]}")
            doctor = run(copy, "doctor", "--deep")
            check.that(whole or doctor.code, f"{path.name} {kind}: doctor says that all is well")
            if turn == 0 and not whole:
                loaded = run(copy, *load)
                again = run(copy, "snapshot", "--json")
                mended = loaded.code == 0 and again.code == 0 and answer(again.out)["nodes"] == right["nodes"]
                check.that(loaded.is_one_line or mended, f"{path.name} {kind}: load: {loaded} {loaded.out[-200:]}")
            shutil.rmtree(copy.parent)
    shutil.rmtree(home / "vault" / "store")
    done = run(home, *load)
    check.that("nothing to do" not in done.out + done.err, "the whole store is gone and load has nothing to do")


def mapping_sql(check: Check, banks: Banks) -> None:
    """SQL of a mapping that writes, reads other files, deletes or never ends."""
    folder = banks.folder / "sql"
    mapping = small_bank(folder, ["C1,Ann,1", "C2,Ben,2"], [("C1", "P1"), ("C2", "P2"), ("C2", "P1")])
    home = banks.folder / "sql-home" / "home"
    home.parent.mkdir()
    (folder / "other.csv").write_text("id\nsecret\n", "utf-8")
    text, good = mapping.read_text("utf-8"), "SELECT customer, product, _file, _line FROM holds"
    outside = banks.folder / "outside.csv"
    for sql in (
        f"SELECT 'C1' AS customer, 'P1' AS product); COPY (SELECT 1) TO '{folder}/holds.csv' --",
        f"{good}; COPY (SELECT 1) TO '{outside}'",
        f"COPY (SELECT 1) TO '{outside}'",
        "DELETE FROM holds", "WITH d AS (DELETE FROM holds RETURNING *) SELECT customer, product FROM d",
        f"ATTACH '{outside}' AS o", "INSTALL httpfs", "PRAGMA enable_profiling",
        f"SELECT content AS customer, 'P1' AS product FROM read_text('{folder}/other.csv')",
        f"SELECT id AS customer, 'P1' AS product FROM '{folder}/other.csv'",
        "SELECT getenv('HOME') AS customer, 'P1' AS product",
        "SELECT file AS customer, 'P1' AS product FROM glob('/*')",
        "FROM duckdb_settings()", "-- nothing", "FROM query('COPY holds TO ''x.csv''')",
    ):  # fmt: skip
        mapping.write_text(text.replace(good, sql), "utf-8")
        before = files_of(folder)
        for words in (("load", str(mapping)), ("load", str(mapping), "--check"), ("snapshot", "--from", str(mapping))):
            done = run(home, *words)
            check.that(done.is_one_line and done.code == 3, f"{sql}: {words[-1]}: {done}")
        check.that(files_of(folder) == before and not outside.exists(), f"{sql}: a file has changed")
    endless = (
        "SELECT CAST(sum(hash(a.range + b.range)) AS VARCHAR) AS customer, 'P1' AS product "
        "FROM range(10000000) a, range(10000000) b"
    )
    mapping.write_text(text.replace(good, endless), "utf-8")
    began = time.monotonic()
    done = run(home, "load", str(mapping), GRAPHREC_SQL_SECONDS="2")
    check.that(done.is_one_line and time.monotonic() - began < 30, f"SQL that never ends: {done}")


def output(check: Check, banks: Banks) -> None:
    """Names with escape sequences and cells that are formulas."""
    folder = banks.folder / "output"
    people = [f"C{number:02},{CLEAR}=cmd()|{number},0" for number in range(12)]
    holds = [(f"C{n:02}", f"P{(n + step) % 8}") for n in range(12) for step in range(4)]
    names = {f"P{number}": f"{'=+-@'[number % 4]}SUM(A1){CLEAR}" for number in range(8)}
    mapping, home = small_bank(folder, people, holds, **names), folder / "home"
    must(home, "load", str(mapping))
    must(home, "train", "--model", "itemknn", "--fixed", "--final")
    must(home, "train", "--model", "popularity", "--fixed", "--final")
    user = ("--model", "popularity", "--no-policy")
    listed = json.loads(must(home, "recommend", "C00", *user, "--json"))["items"]
    check.that(listed and CLEAR in listed[0]["name"], "names in JSON are not exact")
    for words in (
        ("recommend", "C00", *user), ("explain", "C00", listed[0]["product"], *user), ("find", "SUM"), ("find", "cmd"),
        ("query", "MATCH (p:Product) RETURN p.name AS name"), ("query", f"RETURN '{CLEAR}' AS x"),
        ("recommend", f"{CLEAR}nobody", *user), ("query", f"{CLEAR}nonsense"), ("load", f"{CLEAR}.toml"),
        ("why-not", "C00", f"{CLEAR}x", *user), ("record", "list"), ("doctor",),
    ):  # fmt: skip
        done = run(home, *words)
        check.that("\x1b" not in done.out + done.err, f"{words[0]}: an escape sequence reaches the terminal")
        check.that(done.code in DOCUMENTED, f"{words[0]}: {done}")
    must(home, "export", "--to", str(folder / "lists.csv"), *user)
    (folder / "query.csv").write_text(must(home, "query", "MATCH (p:Product) RETURN p.name AS name", "--csv"), "utf-8")
    for name in ("lists.csv", "query.csv", "lists.without.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    is_number = re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell) is not None
                    check.that(is_number or cell[:1] not in {"=", "+", "-", "@"}, f"{name}: the cell {cell!r}")


def integers(check: Check, banks: Banks) -> None:
    """Neighbours above 2^53 stay apart in the store, in a snapshot and in rules."""
    folder, big = banks.folder / "integers", 2**53
    people = [f"C{number:02},Name,{big + number % 2}" for number in range(10)]
    holds = [(f"C{n:02}", f"P{(n + step) % 6}") for n in range(10) for step in range(3)]
    mapping, home = small_bank(folder, people, holds), folder / "home"
    must(home, "load", str(mapping))
    rows = json.loads(must(home, "query", "MATCH (c:Customer) RETURN c.id AS id, c.code AS code", "--json"))["rows"]
    check.that({tuple(row) for row in rows} == {(f"C{n:02}", big + n % 2) for n in range(10)}, f"the store: {rows[:3]}")
    must(home, "train", "--model", "popularity", "--fixed", "--final")
    (home / "policy.toml").write_text(
        f'version = "1"\n[[rule]]\nid = "one"\nsentence = "not for you"\nrequire = "user.code != {big + 1}"\n', "utf-8",
    )  # fmt: skip
    words = ("--model", "popularity", "--json", "--no-record")
    for number in range(10):
        done = run(home, "recommend", f"C{number:02}", *words)
        check.that(done.code == 0, f"{done}")
        if done.code == 0:
            check.that(
                bool(json.loads(done.out)["items"]) == (number % 2 == 0), f"C{number:02}: the rule matches others"
            )


def as_of(check: Check, banks: Banks) -> None:
    """A snapshot of another date with the same content leaves the answers of before, and their date, alone."""
    home, user = banks.home("as-of"), banks.users[0]
    words = ("recommend", user, "--json", "--no-record", "--as-of", "2025-12-31")
    must(home, "train", "--fixed", "--blocks", "none", "--as-of", "2025-12-31")
    before = answer(must(home, *words))
    must(home, "recommend", user)
    first = json.loads(must(home, "snapshot", "--as-of", "2025-12-31", "--json"))
    second = json.loads(must(home, "snapshot", "--as-of", "2025-12-30", "--json"))
    third = json.loads(must(home, "snapshot", "--as-of", "2025-12-31", "--json"))
    check.that(first["path"] == third["path"], "the same date and content is another snapshot")
    check.that(first["path"] != second["path"], "another date overwrites a snapshot")
    check.that(
        json.loads((Path(first["path"]) / "meta.json").read_text("utf-8"))["as_of"] == first["as_of"], "its date moved"
    )
    check.that(answer(must(home, *words)) == before, "an answer as of a date has changed")
    done = run(home, "replay", "1")
    check.that(done.code == 0, f"replay: {done}")


def scratch(check: Check, banks: Banks) -> None:
    """A load that is killed or terminated leaves nothing of a customer outside the home, and nothing in it for long."""
    home, later = banks.home("scratch"), banks.later("scratch-bank")
    name = (later / "customers.csv").read_text("utf-8").splitlines()[1].split(",")[1].encode()
    words = ("load", "demo", "--data", str(later), "--max-removed", "50%")
    temporary = banks.folder / "temporary"
    temporary.mkdir()
    environment = os.environ | TODAY | {"TMPDIR": str(temporary), "TEMP": str(temporary)}
    rng = random.Random(6)
    for kind in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) * 4:
        command = subprocess.Popen(
            [*GRAPHREC, "--home", str(home), *words], env=environment, cwd=home.parent,
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(rng.uniform(0.7, 2.0))
        command.send_signal(kind)
        err = command.communicate()[1].decode()
        if kind != signal.SIGKILL:
            check.that(command.returncode in (0, 130, 143), f"{kind.name}: code {command.returncode}: {err[-200:]!r}")
            check.that("Traceback" not in err, f"{kind.name}: a traceback")
        left = [path for path in temporary.rglob("*") if path.is_file() and name in path.read_bytes()]
        check.that(not left, f"{kind.name}: customers' names in {left}")
        for path in home.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            mode = stat.S_IMODE(path.lstat().st_mode)
            check.that(mode == wanted, f"{kind.name}: {path.relative_to(home)} has mode {mode:o}")
        run(home, "doctor")
        run(home, "snapshot")
        swept = [path for path in home.rglob("*") if "scratch" in path.name and path.is_dir() and any(path.iterdir())]
        check.that(not swept, f"{kind.name}: {swept} is not swept")


def missing_policy(check: Check, banks: Banks) -> None:
    """A policy or a final model that was there yesterday: answers and exports stop."""
    user = banks.users[0]
    home = banks.home("missing")
    must(home, "recommend", user)
    (home / "policy.toml").unlink()
    target = home.parent / "lists.csv"
    for words in (("recommend", user), ("recommend", user, "--json"), ("export", "--to", str(target))):
        done = run(home, *words)
        check.that(done.is_one_line and "policy" in done.err, f"{words[0]} without the policy: {done}")
    check.that(not target.exists(), "lists are exported without the policy")
    must(home, "policy", "init")
    must(home, "recommend", user)
    for path in (home / "serving" / "models").glob("blend-final*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = run(home, "recommend", user)
    check.that(done.is_one_line or "note: " in done.err, f"recommend without the final model: {done}")
    done = run(home, "export", "--to", str(target))
    check.that(done.is_one_line and not target.exists(), f"export without the final model: {done}")


def one_line_errors(check: Check, banks: Banks) -> None:
    """Odd input ends in one line with a documented code."""
    home, user, folder = banks.home("errors"), banks.users[0], banks.folder / "odd"
    mapping = small_bank(folder, ["C1,Ann,1"], [("C1", "P1")])
    text, rules = mapping.read_text("utf-8"), (home / "policy.toml").read_text("utf-8")

    def bad_mapping(content: str) -> Done:
        mapping.write_text(content, "utf-8")
        return run(home, "load", str(mapping), "--check")

    def bad_policy(condition: str) -> Done:
        rule = f'\n[[rule]]\nid = "odd"\nsentence = "odd"\nrequire = "{condition}"\n'
        (home / "policy.toml").write_text(rules + rule, "utf-8")
        done = run(home, "recommend", user, "--no-record")
        (home / "policy.toml").write_text(rules, "utf-8")
        return done

    def cut(path: Path) -> Iterator[tuple[str, Done]]:
        content = path.read_bytes()
        for part in (content[: len(content) // 2], b"", b"{}", b"[1", b"\xff\xfe"):
            path.chmod(0o600)
            path.write_bytes(part)
            yield f"{path.parent.name}/{path.name} = {part[:8]!r}", run(home, "recommend", user, "--no-record")
        path.write_bytes(content)

    failures = {
        "TOML nested 500 deep": bad_mapping(text + "\nx = " + "[" * 500 + "]" * 500),
        "a key of 100,000 dots": bad_mapping(text + "\n" + "a." * 100_000 + "b = 1"),
        "5,000 times not": bad_policy("not " * 5000 + "user.age > 1"),
        "a literal of 400 digits": bad_policy("user.age > " + "9" * 400),
        "a condition nested 3,000 deep": bad_policy("(" * 3000 + "user.age > 1" + ")" * 3000),
        "a nested --param": run(home, "query", "RETURN $x", "--param", "x=" + "[" * 100_000),
        "a long id": run(home, "recommend", "x" * 50_000),
        "a long model": run(home, "recommend", user, "--model", "x" * 300),
        "a long output": run(home, "export", "--to", str(folder / ("x" * 300 + ".csv"))),
        "a long mapping": run(home, "load", "x" * 300),
        "a file that is not there": run(home, "load", "demo", "--data", str(folder / "none")),
        "LOAD CSV": run(home, "query", "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row"),
        "a procedure": run(home, "query", "CALL apoc.load.json('file:///etc/passwd') YIELD value RETURN value"),
        "a folder in the place of a mapping": run(home, "load", str(folder)),
        "no number": run(home, "recommend", user, "-k", "many"),
        "a date that is none": run(home, "recommend", user, "--as-of", "31/02/2024"),
        "an address that is none": run(home, "--store", "neo4j://", "query", "RETURN 1"),
    }
    for path in sorted((home / "serving" / "models").glob("*final*/meta.json"))[:1]:
        failures |= dict(cut(path))
    for path in sorted((home / "serving" / "snapshots").rglob("meta.json"))[:1]:
        for what, done in cut(path):
            check.that(done.code == 0 or done.is_one_line, f"{what}: {done}")
    (folder / "customers.csv.gz").write_bytes(b"this is no gzip")
    failures["a .gz that is none"] = bad_mapping(text.replace("customers.csv", "customers.csv.gz"))
    for what, done in failures.items():
        check.that(done.is_one_line, f"{what}: {done}")
        check.that(len(done.err) < 4000, f"{what}: {len(done.err)} characters")
    nan = run(home, "query", "RETURN 0.0/0.0 AS x", "--json")
    check.that(nan.is_one_line or json.loads(nan.out, parse_constant=lambda _: 1 / 0), f"NaN: {nan}")
    (folder / "empty").mkdir()
    empty = subprocess.run(
        [*GRAPHREC, "--home", "", "recommend", user], cwd=folder / "empty", capture_output=True, text=True, check=False,
        env=os.environ | TODAY | {"GRAPHREC_HOME": ""},
    )  # fmt: skip
    check.that(Done(empty.returncode, "", empty.stderr).is_one_line, f"--home '': {empty.stderr}")
    done = run(folder / "nothing", "recommend", user)
    check.that(done.is_one_line, f"a home that is not there: {done}")


CHECKS: dict[str, Callable[[Check, Banks], None]] = {
    "replay": replay, "small-groups": small_groups, "half-load": half_load, "flips": flips, "swaps": swaps,
    "lost-store": lost_store, "mapping-sql": mapping_sql, "output": output, "integers": integers, "as-of": as_of,
    "scratch": scratch, "missing-policy": missing_policy, "one-line-errors": one_line_errors,
}  # fmt: skip


def main() -> int:
    """Run the checks that are asked for; 1 when one does not hold."""
    wanted = sys.argv[1:] or list(CHECKS)
    if unknown := [name for name in wanted if name not in CHECKS]:
        sys.exit(f"no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    holds = True
    with tempfile.TemporaryDirectory() as folder:
        banks = Banks(Path(folder))
        for name in wanted:
            began, check = time.monotonic(), Check(name)
            CHECKS[name](check, banks)
            holds &= not check.wrong
            found = f"{len(check.wrong)} WRONG" if check.wrong else "holds"
            print(f"{name}: {found}, {check.tried} tried, {time.monotonic() - began:.0f} s", flush=True)
            for line in check.wrong[:20]:
                print(f"    {line}", flush=True)
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
