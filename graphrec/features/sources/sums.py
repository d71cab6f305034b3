"""The source `sums`: what customers of several banks have in common, as `graphrec federate finish` wrote it.

A row a product, and for each product four columns: customers who hold both, and the weighted sum in three parts of
LIMB bits, so that float32 holds every whole number.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import Damaged, ModelError
from graphrec.features.blocks import FeatureBlock, Seen, Sentences, SourceContext
from graphrec.files import whole_file
from graphrec.graph.folders import strings
from graphrec.progress import Progress, silent

LIMB, LIMBS = 22, 3
FORMAT = "graphrec-sums-1"

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SumsFile:
    """Sums over the customers of several banks; what fewer than `min_group` of them share is not in it.

    Shapes: together, weighted (len(products), len(products)).
    """

    products: tuple[str, ...]
    together: Whole
    weighted: Whole
    power: float
    bits: int
    min_group: int
    round: str
    branches: tuple[str, ...]
    customers: int
    part: str
    """fitted: without what the test of a model hides; all: everything."""

    def write(self, path: Path) -> None:
        """Write the file, whole."""
        from safetensors.numpy import save_file

        about = {name: value for name, value in vars(self).items() if name not in ("together", "weighted")}
        with whole_file(path) as temporary:
            save_file(
                {"together": self.together, "weighted": self.weighted}, temporary,
                {"about": json.dumps({"format": FORMAT, **about})},
            )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> "SumsFile":
        """The sums in a file.

        Raises:
            ModelError: there is none.
            Damaged: it is not what was written.
        """
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            raise ModelError(
                f"there are no sums of several banks in {path}; run: graphrec federate plan"
                f"{' --final' if path == file_of(path.parent, 'all') else ''} with them, and what follows it"
            )
        try:
            with safe_open(path, "np") as file:
                about = json.loads((file.metadata() or {})["about"])
                if about.pop("format") != FORMAT:
                    raise ValueError
                arrays = {name: file.get_tensor(name) for name in ("together", "weighted")}
            about |= {name: tuple(about[name]) for name in ("products", "branches")}
            return cls(**about, **arrays)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise Damaged(
                f"{path} is damaged ({type(error).__name__}); run: graphrec federate finish PLAN SUM"
            ) from None


def file_of(folder: Path, part: str) -> Path:
    """Where the sums of a part are in a folder."""
    return folder / f"sums-{part}.safetensors"


@dataclass(frozen=True)
class SumsSource:
    """The sums in a folder, for the products of a snapshot; those that it does not know are rows of zeros.

    A fit on everything reads the sums of everything, and any other one those without what the test hides.
    """

    folder: Path
    name: str = "sums"
    sentences: Mapping[str, Sentences] = field(default_factory=dict)

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:  # noqa: ARG002
        """One block of the products."""
        part = "all" if seen.is_everything else "fitted"
        sums, label = SumsFile.read(file_of(self.folder, part)), seen.snapshot.schema.roles.product
        ids = seen.snapshot.nodes(label).ids
        places = strings.joined(ids, strings.Strings.of(sums.products))
        own = np.flatnonzero(places != strings.ABSENT)
        parts = []
        for values in (sums.together, *limbs(sums.weighted)):
            aligned = np.zeros((len(ids), len(ids)), np.float32)
            aligned[np.ix_(own, own)] = values[np.ix_(places[own], places[own])]
            parts.append(aligned)
        about: dict[str, Any] = {
            "round": sums.round, "branches": len(sums.branches), "customers": sums.customers,
            "min_group": sums.min_group, "power": sums.power, "bits": sums.bits, "part": sums.part,
        }  # fmt: skip
        return [FeatureBlock(self.name, label, np.concatenate(parts, axis=1), definition=about)]


def limbs(values: Whole) -> list[Whole]:
    """Whole numbers from 0 in parts of LIMB bits, the lowest first."""
    return [(values >> (LIMB * n)) & ((1 << LIMB) - 1) for n in range(LIMBS)]


def joined(parts: Sequence[NDArray[np.float32]]) -> Whole:
    """The whole numbers of their parts."""
    total: Whole = np.zeros(parts[0].shape, np.int64)
    for n, part in enumerate(parts):
        total += part.astype(np.int64) << (LIMB * n)
    return total


def make(context: SourceContext) -> SumsSource:
    """The source of a home."""
    return SumsSource(context.sums)
