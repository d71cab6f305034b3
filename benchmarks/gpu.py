"""What a GPU brings: `make bench-gpu`, at most eight minutes; each figure beside that of the CPU.

    python benchmarks/gpu.py [--data ../shared/data/gowalla] [--small] [--seconds 480]

Prints the device, then: the Chebyshev filter for all users by sparse products; an epoch of GraphSAGE on the demo bank;
texts a second; an epoch of LightGCN in float32 and in bfloat16; one step compiled and not; seconds until LightGCN with
user vectors reaches .1554 of nDCG@20 on validation, or has run its epochs. Without a CUDA device every part runs on the
CPU alone: --small, invented holdings of 2,000 users, tries the script there. A part that would begin after --seconds is
left out with a word. Gowalla is read where it is there, else invented holdings.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from graphrec.demo import write_bank
from graphrec.features.device import choose_device
from graphrec.features.sources.text.encoder import Encoder
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.models.factors.chebyshev import ChebyshevConfig, coefficients
from graphrec.models.inputs import Inputs, Scores
from graphrec.models.matrix import holdings
from graphrec.training.assemble import fit_model
from graphrec.training.split import split_of
from graphrec.training.validation import Validation

QUALITY = 0.1554
"""nDCG@20 that LightGCN is known for on Gowalla's test part."""
AT_ONCE = 2_048
"""Users whose scores are held at once."""


@dataclass(frozen=True)
class Case:
    """A data set ready to fit on."""

    name: str
    graph: Graph
    validation: Validation


def loaded(mapping: str, files: Path, folder: Path) -> Snapshot:
    """The snapshot of some files."""
    sink = MemorySink()
    run_load(load_mapping(mapping), files, sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(folder / mapping, sink.schema, sink.nodes, sink.edges, sink.series, split)


def case_of(name: str, snapshot: Snapshot) -> Case:
    """The train part of a snapshot, and its validation users."""
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    return Case(name, graph, Validation.of(split, graph, 0))


def invented(folder: Path, users: int = 2_000, products: int = 1_000) -> Path:
    """Holdings of some tastes, in the form of LightGCN."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for user in range(users):
        own = np.unique((rng.integers(10) * products // 10 + rng.integers(0, products // 5, 24)) % products)
        own = rng.permutation(own)
        cut = len(own) * 4 // 5
        for part, items in (("train", own[:cut]), ("test", own[cut:])):
            lines[part].append(" ".join(map(str, (user, *items))))
    for part, text in lines.items():
        (folder / f"{part}.txt").write_text("\n".join(text) + "\n", "utf-8")
    return folder


def seconds(run: Callable[[], object]) -> float:
    """How long it takes, what is queued on a device included."""
    began = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def to_quality(case: Case, device: str, epochs: int) -> str:
    """Seconds of LightGCN with user vectors until validation has QUALITY, or until its epochs are over."""
    began, values = time.perf_counter(), list[tuple[float, float]]()

    def evaluate(term: Scores) -> float:
        values.append((float(case.validation.evaluate(term).mean()), time.perf_counter() - began))
        return values[-1][0]

    config = {"epochs": epochs, "patience": epochs}
    fit_model("lightgcn-id", case.graph, config, Inputs(device=device, evaluate=evaluate))
    reached = next((after for value, after in values if value >= QUALITY), None)
    best, whole = max(values)[0], time.perf_counter() - began
    return f"{f'reached after {reached:.1f} s' if reached else 'not reached'}; best {best:.4f}, {whole:.1f} s in all"


def filtered(case: Case, device: str) -> str:
    """Seconds of the polynomial filter for all users, 2 K sparse products a block."""
    held = holdings(case.graph).astype(np.float32)
    users, products = (np.maximum(np.asarray(held.sum(axis=axis)).ravel(), 1) for axis in (1, 0))
    normal = held.multiply(users[:, None] ** -0.5).multiply(products[None, :] ** -0.5).tocsr()
    N = torch.sparse_csr_tensor(
        torch.from_numpy(normal.indptr.astype(np.int64)), torch.from_numpy(normal.indices.astype(np.int64)),
        torch.from_numpy(normal.data.astype(np.float32)), normal.shape,
    ).to(device)  # fmt: skip
    back = normal.T.tocsr()
    NT = torch.sparse_csr_tensor(
        torch.from_numpy(back.indptr.astype(np.int64)), torch.from_numpy(back.indices.astype(np.int64)),
        torch.from_numpy(back.data.astype(np.float32)), back.shape,
    ).to(device)  # fmt: skip
    weights = coefficients(ChebyshevConfig())
    blocks = range(0, held.shape[0], AT_ONCE)
    if device == "cpu":
        blocks = range(0, min(held.shape[0], AT_ONCE), AT_ONCE)

    def run() -> None:
        for start in blocks:
            x = torch.from_numpy(held[start : start + AT_ONCE].toarray().T).to(device)
            before, now = x, x - 2 * (NT @ (N @ x))
            total = weights[0] * before + weights[1] * now
            for weight in weights[2:]:
                before, now = now, 2 * (now - 2 * (NT @ (N @ now))) - before
                total += float(weight) * now
            total.topk(20, dim=0)

    took = seconds(run)
    return f"{took:.2f} s for {min(held.shape[0], len(blocks) * AT_ONCE):,} of {held.shape[0]:,} users"


def epoch(case: Case, device: str, name: str, **values: object) -> str:
    """Seconds of one epoch, start and all."""
    took = seconds(lambda: fit_model(name, case.graph, {"epochs": 1, **values}, Inputs(device=device)))
    return f"{took:.2f} s"


def texts(device: str, count: int) -> str:
    """Texts a second of the packaged encoder."""
    encoder = Encoder.open(device=choose_device(device))
    said = [f"a fund of bonds number {n} that pays interest twice a year and is sold in euro" for n in range(count)]
    encoder.encode(said[:8])
    return f"{count / seconds(lambda: encoder.encode(said)):,.0f} texts a second"


def step(device: str, *, compiled: bool) -> str:
    """Milliseconds of a softmax step over all products, with its gradient."""
    users = torch.randn(1_024, 64, device=device, requires_grad=True)
    products = torch.randn(20_000, 64, device=device, requires_grad=True)

    def loss(users: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(users @ products.T, dim=1).mean()

    run = torch.compile(loss) if compiled else loss
    run(users, products).backward()
    took = seconds(lambda: [run(users, products).backward() for _ in range(10)])
    return f"{took * 100:.1f} ms"


def main() -> int:
    """0: this measures; nothing is a bar but that every part runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gowalla"))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=480.0)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", "Sparse", UserWarning)
    began, found = time.monotonic(), choose_device("auto")
    print(f"device: {found.name}, {found.reason}; torch {torch.__version__}")
    devices = ["cuda", "cpu"] if found.name == "cuda" else ["cpu"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_bank(folder / "bank")
        bank = case_of("demo bank", loaded("demo", folder / "bank", folder))
        # What is compiled at a first use is no part of a figure.
        epoch(bank, "cpu", "lightgcn-id")
        is_real = given.data.exists() and not given.small
        files = given.data if is_real else invented(folder / "invented")
        case = case_of("gowalla" if is_real else "invented", loaded("lightgcn-split", files, folder))
        parts: list[tuple[str, Callable[[str], str]]] = [
            (f"filter, {case.name}", lambda device: filtered(case, device)),
            ("GraphSAGE, demo bank, 1 epoch", lambda device: epoch(bank, device, "graphsage")),
            ("texts", lambda device: texts(device, 64 if given.small else 1_000)),
            (f"LightGCN, {case.name}, 1 epoch, float32", lambda device: epoch(case, device, "lightgcn-id")),
            (
                f"LightGCN, {case.name}, 1 epoch, bfloat16",
                lambda device: epoch(case, device, "lightgcn-id", mixed_precision=True),
            ),
            ("step of softmax", lambda device: step(device, compiled=False)),
            ("step of softmax, compiled", lambda device: step(device, compiled=True)),
            (
                f"LightGCN, {case.name}, to {QUALITY}",
                lambda device: to_quality(case, device, 40 if device == "cuda" else 1),
            ),
        ]
        for name, part in parts:
            for device in devices:
                if time.monotonic() - began > given.seconds:
                    print(f"{name}, {device}: left out, {given.seconds:.0f} s are over")
                    continue
                try:
                    print(f"{name}, {device}: {part(device)}", flush=True)
                except (RuntimeError, ImportError) as error:
                    print(f"{name}, {device}: does not run here ({' '.join(str(error).split())[:200]})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
