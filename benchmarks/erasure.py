"""200 random customers of the demo bank erased at once, and the bank that never had them.

    python benchmarks/erasure.py [--customers 200] [--seed 1] [--models ease,kernel,itemknn] [--downdate]

A bank with a model, a record of lists, events, exports and questions forgets customers with `graphrec forget --file`.
Bars: 0 finds of their ids, names and own texts in the bytes of the home, its store and what its compressed files hold;
the chain of the record verifies (the script of docs/records.md); the certificate verifies and names them (that of
docs/privacy.md); snapshot, models and the lists of 200 others are those of a bank whose files never had them, bit by
bit, after the erasure (models of fixed settings: `forget` keeps those that were chosen with them) and after a whole
training of both, which chooses anew. Files that differ are named. Ends with 1 below a bar.

With `--downdate` the models that allow it are subtracted from instead of fitted: after the erasure, scores of the
lists are those of the other bank to 1e-9 and their products the same; the hash of such a model is another one. After a
whole training everything is the same bit by bit.

Both banks take their events in before they are compared: `forget` does, as every load and `refresh` do.
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
PACKED, EXACT = 1 << 16, 1e-9
"""Bytes that are unpacked where something looks like a zlib stream; what scores may differ by with `--downdate`."""


def main() -> int:
    """0 when the bars are held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", default="ease,kernel,itemknn")
    parser.add_argument("--downdate", action="store_true")
    asked = parser.parse_args()
    models = tuple(asked.models.split(","))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bank(folder / "files")
        everybody, texts_of = customers(folder / "files" / FILES[0])
        gone = sorted(np.random.default_rng(asked.seed).choice(everybody, asked.customers, replace=False).tolist())
        texts = {text for user in gone for text in texts_of[user]}
        bank = filled(folder / "home", folder / "files", models, everybody, folder)
        before = finds(bank.home.path, texts)
        (folder / "gone.txt").write_text("\n".join(gone))
        began = time.process_time()
        done = bank.forget(jobs.Forget((), folder / "gone.txt", "asked", downdate=asked.downdate))
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
        never = filled(folder / "never", folder / "files", models, everybody, folder, gone=gone)
        others = sorted({*everybody} - {*gone})[::9][:200]
        print("after the erasure:")
        same = same_bank(bank, never, models, others, exact=not asked.downdate)
        began = time.process_time()
        for one in (bank, never):
            for model in models:
                train(one, model, fixed=False)
        print(f"after a whole training of both ({time.process_time() - began:.0f} s):")
        same &= same_bank(bank, never, models, others)
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
    home: Path,
    files: Path,
    models: tuple[str, ...],
    everybody: list[str],
    folder: Path,
    *,
    gone: list[str] | None = None,
) -> Bank:
    """A bank with a model and, unless somebody never was there, traces of everybody wherever there may be any."""
    bank = Bank(Settings(home=home, policy="none"))
    bank.load(jobs.Load("demo", files))
    absent = set(gone or ())
    for number, user in enumerate(everybody):
        if number % 3 == 0 and user not in absent:
            bank.send_event(requests.SendEvent(user, "viewed", "P00012", id=f"event-of-{user}", at="2025-12-30"))
    bank.refresh(jobs.Refresh(train=False))
    for model in models:
        train(bank, model, fixed=True)
    if not gone:
        bank.export(jobs.Export(folder / "lists.csv", k=3))
        for user in everybody[::4]:
            bank.recommend(requests.Recommend(user, 5))
        bank.find(requests.Find(everybody[0]))
    return bank


def train(bank: Bank, model: str, *, fixed: bool) -> None:
    """Fit a model, tested and final; what is chosen and not fixed beforehand stays as it was chosen until then."""
    bank.train(jobs.Train(model, fixed=fixed))
    bank.train(jobs.Train(model, fixed=fixed, final=True))


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


def same_bank(bank: Bank, never: Bank, models: tuple[str, ...], others: list[str], *, exact: bool = True) -> bool:
    """Whether two banks are the same: snapshot, models, lists of some customers; what differs is named.

    Args:
        exact: models have the same bytes, and lists every digit; else lists the same products, and scores to 1e-9.
    """
    both = (bank, never)
    snapshots = [SnapshotShelf(one.home.snapshots).latest() for one in both]
    different = [f"snapshot {what}" for what in differences(*(one.folder for one in snapshots))]
    folders = [f"{model}-{part}" for model in models for part in ("test", "final")]
    different += [
        f"model {name}" for name in folders
        if exact and len({read_meta(one.home.models / name).hash for one in both}) > 1
    ]  # fmt: skip
    moved, largest = 0, 0.0
    for user in others:
        for model in models:
            asked = requests.Recommend(user, 10, model=model, record=False)
            lists = [one.recommend(asked).answer.items for one in both]
            if exact:
                moved += lists[0] != lists[1]
                continue
            scores = [{one.product: one.score for one in items} for items in lists]
            gaps = [abs(scores[1][name] - score) for name, score in scores[0].items() if name in scores[1]]
            largest = max([largest, *gaps])
            moved += [one.product for one in lists[0]] != [one.product for one in lists[1]] or largest > EXACT
    print(
        f"  snapshots {snapshots[0].hash[:12]} and {snapshots[1].hash[:12]}, {len(folders)} models, "
        f"{moved} of {len(others) * len(models)} lists differ; different: {', '.join(different) or 'nothing'}"
        + ("" if exact else f"; scores by at most {largest:.1e}")
    )
    return not different and moved == 0 and snapshots[0].hash == snapshots[1].hash


def differences(one: Path, other: Path) -> list[str]:
    """The files of two snapshots that are not the same, edges and nodes by their names."""
    meta = json.loads((one / "meta.json").read_text("utf-8"))
    meta = meta.get("content", meta)
    names = {"edges": meta.get("types", ()), "nodes": meta.get("labels", ())}
    found = []
    for path in sorted({path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*.*")}):
        files = [folder / path for folder in (one, other)]
        if all(file.is_dir() for file in files):
            continue
        if not all(file.is_file() for file in files) or files[0].read_bytes() != files[1].read_bytes():
            kind, *rest = path.parts
            if kind in names and rest:
                rest[0] = str(names[kind][int(rest[0])])
            found.append("/".join((kind, *rest)))
    return found


if __name__ == "__main__":
    sys.exit(main())
