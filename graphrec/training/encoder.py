"""A text encoder that learns what is held together: small matrices beside its frozen weights, merged into a new one.

For a holding j of a customer, whose other holdings in the batch have the mean vector q, among the products of the batch

    minimise  -log( exp(<q, t_j> / TAU) / sum over i of exp(<q, t_i> / TAU) ),  q of length 1

The holding that is asked for is no part of q, and what else the customer holds is no wrong answer. Vectors depend on
the low-rank matrices alone (Hu et al. 2021, LoRA). A tenth of the products is hidden whole to stop by, another to
measure by: nDCG@20 of the sums of cosines with what a customer holds, among the hidden products, as for new products.
Tests are over products, since it is to new texts that an encoder must carry over: many customers of a dozen products
show a gain that the next dozen does not have.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, UsageError
from graphrec.features.sources.text.encoder import Encoder, Vectors
from graphrec.features.sources.text.files import EncoderFiles
from graphrec.features.sources.text.source import encoded_texts, encoder_for
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import paired_test
from graphrec.metrics.ranking import PerUser, evaluate_lists
from graphrec.models.matrix import holdings
from graphrec.models.support import supported
from graphrec.progress import Progress, silent
from graphrec.training.split import split_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MADE = "tuned.json"
"""File of a folder that was written here: what the encoder was made from."""
TAU = 0.05
RATE = 5e-4
PRODUCTS = 64
"""Products of a batch."""
PAIRS = 2048
"""Holdings of a batch that are asked for at most."""
FEW = 8
"""Holdings of one customer that a batch takes at most."""
STEPS = 10, 100
"""Batches of an epoch: as many as read every product once, within these bounds."""
PATIENCE = 3
"""Epochs without a gain after which no other begins."""
SURE = 0.05
"""p at most of a paired test over hidden products for a gain that counts: to stop by, and as measured."""
HIDDEN_PART = 0.1
CUSTOMERS = 5_000
"""Customers who are evaluated at most."""
K = 20


@dataclass(frozen=True)
class EncoderOptions:
    """How an encoder is tuned."""

    encoder: str | None = None
    """Name or folder of a transformers model; None: the packaged one."""
    epochs: int = 10
    rank: int = 8
    """Rows of the matrices beside each layer's weights."""
    seed: int = 0


@dataclass(frozen=True)
class EncoderEpoch:
    """One pass over the products."""

    loss: float
    ndcg: float
    """Of the hidden products to stop by."""


@dataclass(frozen=True)
class TunedEncoder:
    """What an encoder has learned, on products that it did not see."""

    encoder: str
    """What it was made from."""
    folder: Path | None
    """Of the new encoder; None: no epoch was better than the encoder as it was, and nothing was written."""
    identity: str
    """Hash of all that decides a vector of the new encoder; empty without one."""
    products: int
    """That were learned from."""
    hidden: int
    """Products of the part that is measured."""
    users: int
    """Customers who hold some of them."""
    untuned: float
    """nDCG@20 of the part to stop by, before."""
    epochs: tuple[EncoderEpoch, ...]
    best: int
    """Number of the epoch that is kept; 0: the encoder as it was."""
    before: float
    """nDCG@20 of the part that is measured."""
    after: float
    p: float
    """Of the paired test over the products of that part that nothing has changed."""
    seconds: float

    @property
    def is_better(self) -> bool:
        """Whether the part that is measured shows a gain."""
        return self.after > self.before and self.p <= SURE


def tune_encoder(
    snapshot: Snapshot, out: Path, options: EncoderOptions, *, progress: Progress = silent
) -> TunedEncoder:
    """Fit small matrices beside the weights of an encoder to the holdings of the train part, and write the sum of both.

    Only texts of products are read, and only holdings that `min_group` leaves in.

    Args:
        out: the folder of the new encoder, for `graphrec embed --encoder`; replaced as a whole.

    Raises:
        UsageError: something else is at `out`.
        ModelError: products have no texts, too few are held, or the encoder is no transformers model.
    """
    began = time.perf_counter()
    if out.exists() and not (out / MADE).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there and was not written by graphrec tune-encoder; choose another folder")
    label = snapshot.schema.roles.product
    if not snapshot.meta.texts[label]:
        raise ModelError(f"an encoder learns from texts of products, and {label} has no text column in the mapping")
    texts = encoded_texts(snapshot, label)
    files = _files(options.encoder, texts)
    graph = supported(visible_graph(snapshot, split_of(snapshot).hidden("train"))).graph
    part = _Parts.of(holdings(graph).tocsr(), texts, options.seed)
    learner = _Learner(files, options)
    # What has not learned yet adds nothing: these are the vectors of the encoder as it is.
    vectors = learner.encode(texts)
    untuned, before = part.quality(vectors, part.valid), part.quality(vectors, part.test)
    epochs: list[EncoderEpoch] = []
    best, found, kept = 0, untuned, learner.state()
    draw = np.random.default_rng(options.seed)
    for number in range(1, options.epochs + 1):
        loss = learner.epoch(number, texts, part, draw, progress)
        quality = part.quality(learner.encode(texts), part.valid)
        epochs.append(EncoderEpoch(loss, quality.ndcg))
        if quality.ndcg > found.ndcg:
            best, found, kept = number, quality, learner.state()
        elif number - best >= PATIENCE:
            break
    if paired_test(found.of_products, untuned.of_products, options.seed) > SURE:
        best = 0
    after, identity = before, ""
    if best:
        learner.write(kept, out)
        tuned = Encoder.open(str(out))
        after, identity = part.quality(tuned.encode(texts), part.test), tuned.identity
    return TunedEncoder(
        files.name, out if best else None, identity, len(part.learned), len(part.test), before.users, untuned.ndcg,
        tuple(epochs), best, before.ndcg, after.ndcg,
        paired_test(after.of_products, before.of_products, options.seed), time.perf_counter() - began,
    )  # fmt: skip


def _files(name: str | None, texts: Sequence[str]) -> EncoderFiles:
    chosen, _ = encoder_for(name, texts)
    if not isinstance(chosen, Encoder):
        raise ModelError(
            f"encoder {chosen.name} is no transformers model, and only such a one can learn; "
            "give its folder or name: graphrec tune-encoder FOLDER --encoder MODEL"
        )
    return chosen.files


@dataclass(frozen=True, eq=False)
class _Quality:
    """How well hidden products are found."""

    ndcg: float
    """Mean over customers."""
    of_products: PerUser
    """The mean gain 1 / log2(rank + 1) of each product over those who hold it (num_hidden,)."""
    users: int


@dataclass(frozen=True, eq=False)
class _Parts:
    """Products to learn from, to stop by and to measure by, and who holds them."""

    held: "csr_array"
    """(num_users, num_products), 1 where held."""
    learned: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]

    @classmethod
    def of(cls, held: "csr_array", texts: Sequence[str], seed: int) -> "_Parts":
        """The parts of the products that have a text and a holder."""
        held.data[:] = 1
        has_text = np.array([bool(text.strip()) for text in texts])
        there = np.flatnonzero((np.asarray(held.sum(axis=0)).ravel() > 0) & has_text)
        size = max(1, round(len(there) * HIDDEN_PART))
        mixed = np.random.default_rng([seed, 1]).permutation(there)
        parts = cls(held, np.sort(mixed[2 * size :]), np.sort(mixed[:size]), np.sort(mixed[size : 2 * size]))
        if not (np.asarray(held[:, parts.learned].sum(axis=1)) > 1).any():
            raise ModelError(
                "an encoder learns from products with texts that one customer holds together; "
                f"there are {len(there)} products with a text and a holder, and no customer holds two of them"
            )
        return parts

    def quality(self, vectors: Vectors, part: NDArray[np.int64]) -> "_Quality":
        """Lists of hidden products by the sums of cosines with what else a customer holds."""
        wanted, known = self.held[:, part].tocsr(), self.held[:, self.learned]
        users = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.asarray(known.sum(axis=1)).ravel() > 0))
        if len(users) > CUSTOMERS:
            users = np.sort(np.random.default_rng(2).choice(users, CUSTOMERS, replace=False))
        scores = (known[users] @ vectors[self.learned]) @ vectors[part].T
        order = np.argsort(-scores, axis=1, kind="stable")
        rows = wanted[users]
        rows.sort_indices()
        lists = order[:, :K].astype(np.int32)
        found = evaluate_lists(lists, rows.indptr.astype(np.int64), rows.indices.astype(np.int32), [K])[f"ndcg@{K}"]
        ranks = np.argsort(order, axis=1)[np.repeat(np.arange(len(users)), np.diff(rows.indptr)), rows.indices]
        gains = np.where(ranks < K, 1 / np.log2(ranks + 2), 0.0)
        holders = np.bincount(rows.indices, minlength=len(part))
        of_products = np.bincount(rows.indices, gains, len(part)) / np.maximum(holders, 1)
        return _Quality(float(found.mean()) if len(users) else 0.0, of_products, len(users))

    @cached_property
    def of_users(self) -> list[NDArray[np.int64]]:
        """What customers with two products or more hold of those to learn from."""
        known = self.held[:, self.learned].tocsr()
        rows = np.split(self.learned[known.indices], known.indptr[1:-1])
        return [row for row in rows if len(row) > 1]

    def batch(self, draw: np.random.Generator) -> list[int]:
        """Products that some customers hold together, ascending."""
        found: set[int] = set()
        for user in draw.permutation(len(self.of_users)):
            row = self.of_users[user]
            found.update(draw.choice(row, min(len(row), FEW), replace=False).tolist())
            if len(found) >= PRODUCTS:
                break
        return sorted(found)

    def asked(
        self, products: list[int], draw: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """What a batch asks: for a holding the weights of the customer's others, its place, and what else is held."""
        held = self.held[:, products].tocsr()
        held = held[np.diff(held.indptr) > 1].tocoo()
        some = draw.permutation(held.nnz)[:PAIRS]
        users, places = held.coords[0][some], held.coords[1][some].astype(np.int64)
        others = held.tocsr()[users].toarray().astype(np.float32)
        others[np.arange(len(some)), places] = 0
        return others / others.sum(axis=1, keepdims=True), places, others > 0


class _Learner(Encoder):
    """An encoder whose layers have small matrices that learn."""

    def __init__(self, files: EncoderFiles, options: EncoderOptions) -> None:
        super().__init__(files)
        self._options = options

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from peft import LoraConfig, get_peft_model

        tokenizer, model = super()._loaded
        config = LoraConfig(r=self._options.rank, lora_alpha=2 * self._options.rank, target_modules="all-linear")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._options.seed)
            return tokenizer, get_peft_model(model, config).eval()

    @cached_property
    def _learning(self) -> list[Any]:
        return [one for one in self._loaded[1].parameters() if one.requires_grad]

    @cached_property
    def _optimizer(self) -> Any:
        import torch

        return torch.optim.AdamW(self._learning, lr=RATE)

    def epoch(
        self, number: int, texts: Sequence[str], part: _Parts, draw: np.random.Generator, progress: Progress
    ) -> float:
        """Read about every product once; the mean loss."""
        steps = int(np.clip(len(part.learned) // PRODUCTS, *STEPS))
        total = 0.0
        for step in range(steps):
            products = part.batch(draw)
            total += self._step([texts[one] for one in products], *part.asked(products, draw))
            progress("tuning an encoder", (number - 1) * steps + step + 1, self._options.epochs * steps)
        return total / steps

    def _step(
        self,
        texts: Sequence[str],
        others: NDArray[np.float32],
        places: NDArray[np.int64],
        also_held: NDArray[np.bool_],
    ) -> float:
        import torch
        from torch.nn.functional import cross_entropy, normalize

        device = self.device.name
        pieces, owners = self._pieces(texts)
        first = np.unique(owners, return_index=True)[1]  # A text that is read in pieces learns by its first one.
        vectors = self._embed([pieces[one] for one in first])
        asked = normalize(torch.from_numpy(others).to(device) @ vectors, dim=-1)
        scores = (asked @ vectors.T / TAU).masked_fill(torch.from_numpy(also_held).to(device), float("-inf"))
        loss = cross_entropy(scores, torch.from_numpy(places).to(device))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(loss.detach())

    def state(self) -> list[Any]:
        """What was learned until now."""
        return [one.detach().clone() for one in self._learning]

    def write(self, state: Sequence[Any], out: Path) -> None:
        """A folder as transformers and sentence-transformers read it, with what was learned merged into the weights."""
        import torch

        with torch.no_grad():
            for one, learned in zip(self._learning, state, strict=True):
                one.copy_(learned)
        model = self._loaded[1].merge_and_unload()
        with replace_folder(out) as folder:
            for path in self.files.folder.rglob("*"):
                if path.is_file() and path.suffix in {".json", ".txt", ".model"} and ".index." not in path.name:
                    target = folder / path.relative_to(self.files.folder)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
            made = {"encoder": self.name, "identity": self.identity, "rank": self._options.rank}
            (folder / MADE).write_text(json.dumps(made) + "\n", "utf-8")
            model.cpu().save_pretrained(folder)
