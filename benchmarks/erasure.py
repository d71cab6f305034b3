"""200 random customers of the demo bank erased at once, and the bank that never had them.

    python benchmarks/erasure.py [--customers 200] [--seed 1] [--model ease]

A bank with a model, a record of lists, events, exports and questions forgets customers with `graphrec forget --file`.
Bars: 0 finds of their ids, names and own texts in the bytes of the home, its store and what its compressed files hold;
the chain of the record verifies (the script of docs/records.md); the certificate verifies and names them (that of
docs/privacy.md); snapshot, models and the lists of 200 others are those of a bank whose files never had them, bit by
bit. Ends with 1 below a bar.
"""

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.demo import write_bank
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.terms.folder import read_meta

DOCS = Path(__file__).parents[1] / "docs"
FILES = ("customers.csv", "interactions.parquet")
PACKED = 1 << 16
"""Bytes that are unpacked where something looks like a zlib stream."""


def main() -> int:
    """0 when the bars are held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="ease")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bank(folder / "files")
        everybody, texts_of = customers(folder / "files" / FILES[0])
        gone = sorted(np.random.default_rng(asked.seed).choice(everybody, asked.customers, replace=False).tolist())
        texts = {text for user in gone for text in texts_of[user]}
        bank = filled(folder / "home", folder / "files", asked.model, everybody, folder)
        before = finds(bank.home.path, texts)
        (folder / "gone.txt").write_text("\n".join(gone))
        began = time.process_time()
        done = bank.forget(jobs.Forget((), folder / "gone.txt", "asked"))
        print(f"{len(gone)} customers, {len(texts)} texts, in {before} files; {time.process_time() - began:.0f} s")
        for place, number in done.removed.items():
            print(f"  removed  {place}: {number:,}")
        left = finds(bank.home.path, texts)
        print(f"finds: {left} files")
        chain = script("records.md", bank.home.records)
        (folder / "certificate.json").write_text(done.document)
        certificate = script("privacy.md", folder / "certificate.json", bank.home.path)
        print(f"chain: {chain.stdout.strip() or chain.stderr.strip()}")
        print(f"certificate: {(certificate.stdout or certificate.stderr).strip().splitlines()[-1]}")
        without(folder / "files", gone)
        never = filled(folder / "never", folder / "files", asked.model, everybody, folder, gone=gone)
        same = same_bank(bank, never, asked.model, sorted({*everybody} - {*gone})[::9][:200])
    return int(left > 0 or chain.returncode > 0 or certificate.returncode > 0 or not same)


def customers(file: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The ids, and of each customer the id and every text that nobody else has."""
    rows = duckdb.execute(f"SELECT customer_id, display_name, profile FROM '{file}' ORDER BY 1").fetchall()
    counts: dict[str, int] = {}
    for row in rows:
        for text in row:
            counts[text or ""] = counts.get(text or "", 0) + 1
    own = {row[0]: [text for text in row if text and len(text) > 5 and counts[text] == 1] for row in rows}
    return [row[0] for row in rows], own


def filled(
    home: Path, files: Path, model: str, everybody: list[str], folder: Path, *, gone: list[str] | None = None
) -> Bank:
    """A bank with a model and, unless somebody never was there, traces of everybody wherever there may be any."""
    bank = Bank(Settings(home=home, policy="none"))
    bank.load(jobs.Load("demo", files))
    absent = set(gone or ())
    for number, user in enumerate(everybody):
        if number % 3 == 0 and user not in absent:
            bank.send_event(requests.SendEvent(user, "viewed", "P00012", id=f"event-of-{user}", at="2025-12-30"))
    bank.train(jobs.Train(model, fixed=True))
    bank.train(jobs.Train(model, fixed=True, final=True))
    if not gone:
        bank.export(jobs.Export(folder / "lists.csv", k=3))
        for user in everybody[::4]:
            bank.recommend(requests.Recommend(user, 5))
        bank.find(requests.Find(everybody[0]))
    return bank


def without(files: Path, gone: list[str]) -> None:
    """Take customers out of the files."""
    for name in FILES:
        path, kept = files / name, files / f"kept-{name}"
        among = ", ".join(f"'{user}'" for user in gone)
        duckdb.execute(f"COPY (SELECT * FROM '{path}' WHERE customer_id NOT IN ({among})) TO '{kept}'")
        kept.replace(path)


def finds(home: Path, texts: set[str]) -> int:
    """How many files hold one of these texts, as they are or unpacked."""
    wanted = [text.encode() for text in texts]
    return sum(
        any(one in content for content in contents(path) for one in wanted)
        for path in home.rglob("*") if path.is_file()
    )  # fmt: skip


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and those that are packed in it."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    if data[:4] == b"PAR1":
        yield json.dumps(duckdb.execute(f"SELECT * FROM '{path}'").fetchall(), default=str, ensure_ascii=False).encode()
    for start in (found.start() for found in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data)):
        try:
            yield zlib.decompressobj().decompress(data[start : start + PACKED], PACKED)
        except zlib.error:
            continue


def script(page: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run the Python of a page."""
    (text,) = re.findall(r"```python\n(import hashlib.+?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    line = [sys.executable, "-I", "-c", text, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def same_bank(bank: Bank, never: Bank, model: str, others: list[str]) -> bool:
    """Whether two banks are the same: snapshot, models, lists of some customers."""
    both = (bank, never)
    snapshots = {SnapshotShelf(one.home.snapshots).latest().hash for one in both}
    models = [{read_meta(one.home.models / f"{model}-{part}").hash for one in both} for part in ("test", "final")]
    different = 0
    for user in others:
        lists = [one.recommend(requests.Recommend(user, 10, record=False)).answer.items for one in both]
        different += lists[0] != lists[1]
    print(
        f"beside the bank that never had them: snapshots {len(snapshots) == 1}, models "
        f"{all(len(one) == 1 for one in models)}, {different} of {len(others)} lists differ"
    )
    return different == 0 and len(snapshots) == 1 and all(len(one) == 1 for one in models)


if __name__ == "__main__":
    sys.exit(main())
