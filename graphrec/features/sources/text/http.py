"""Encoders behind an address: POST ADDRESS/embeddings, as OpenAI has it and as servers of a bank's own models do.

`--encoder https://host/v1#MODEL`. The key, where one is asked for, is in GRAPHREC_ENCODER_KEY. Texts go to that
address, which has to be https, or on this machine.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.features.sources.text.pieces import cut, joined
from graphrec.progress import Progress, silent

KEY = "GRAPHREC_ENCODER_KEY"
WHAT = "encoding texts"
AT_ONCE = 32
"""Pieces of one request."""
PIECE = 1_000
"""Characters that most encoders read at once."""
SECONDS = 60.0
PROBE = "graphrec"
"""What is asked first: its vector has the length of all."""
HERE = ("localhost", "127.0.0.1", "::1")


def is_address(name: str) -> bool:
    """Whether the name of an encoder is an address."""
    return name.startswith(("http://", "https://"))


class HttpEncoder:
    """The encoder of an address."""

    def __init__(self, name: str) -> None:
        address, _, self._model = name.partition("#")
        parts = urlsplit(address)
        if not parts.hostname or not self._model:
            raise ModelError(f"encoder {name}: want ADDRESS#MODEL, such as https://models.example/v1#bge-m3")
        if parts.scheme == "http" and parts.hostname not in HERE:
            raise ModelError(f"encoder {name}: texts would go to {parts.hostname} unencrypted; give an https address")
        if parts.username or parts.password:
            raise ModelError(f"encoder of {parts.hostname}: its address holds a password; put the key into {KEY}")
        self._address = address.rstrip("/")

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self._address}#{self._model}"

    @property
    def identity(self) -> str:
        """Hash of the address, the model and how texts are cut: what the server changes itself, only it knows."""
        return hashlib.sha256(f"{self.name} {PIECE}".encode()).hexdigest()

    @property
    def slug(self) -> str:
        """Folder name of its vectors."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self._model)}-{self.identity[:8]}"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @cached_property
    def _dim(self) -> int:
        return len(self._asked([PROBE])[0])

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, in their order: float32 (len(texts), dim).

        Raises:
            ModelError: the address does not answer, or not with a vector for every text.
        """
        pieces = [cut(text, PIECE) for text in texts]
        asked = [piece or " " for own in pieces for piece in own]
        vectors = np.empty((len(asked), self.dim), np.float32)
        for start in range(0, len(asked), AT_ONCE):
            progress(WHAT, start * len(texts) // max(len(asked), 1), len(texts))
            vectors[start : start + AT_ONCE] = self._asked(asked[start : start + AT_ONCE])
        progress(WHAT, len(texts), len(texts))
        ends = np.cumsum([len(own) for own in pieces])[:-1]
        parts = np.split(vectors, ends) if len(texts) else []
        found = [joined(own, [len(piece) for piece in said]) for own, said in zip(parts, pieces, strict=True)]
        return np.stack(found) if found else np.empty((0, self.dim), np.float32)

    def _asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of some pieces (len(texts), dim), each of length 1."""
        headers = {"Content-Type": "application/json"}
        if os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {os.environ[KEY]}"
        body = json.dumps({"model": self._model, "input": list(texts), "encoding_format": "float"}).encode()
        request = Request(f"{self._address}/embeddings", body, headers, method="POST")  # noqa: S310 - http and https alone
        try:
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return self._read(json.load(answer), len(texts))
        except HTTPError as error:
            hint = f"; is {KEY} right?" if error.code in (401, 403) else ""
            raise ModelError(f"encoder {self.name}: the server answers {error.code} {error.reason}{hint}") from error
        except (URLError, OSError, ValueError) as error:
            reason = " ".join(str(getattr(error, "reason", error)).split())
            raise ModelError(f"encoder {self.name}: no answer ({reason}); is the server running?") from error

    def _read(self, answer: Any, wanted: int) -> NDArray[np.float32]:
        try:
            rows = sorted(answer["data"], key=lambda one: int(one["index"]))
            found = np.array([one["embedding"] for one in rows], np.float32)
        except (KeyError, TypeError, ValueError):
            found = np.empty(0, np.float32)
        if found.ndim != 2 or len(found) != wanted or not np.isfinite(found).all():
            raise ModelError(
                f"encoder {self.name}: its answer holds no vector for each of {wanted} texts; want data[].embedding, "
                "as OpenAI's have it"
            )
        return np.stack([joined(row, [1]) for row in np.split(found, len(found))])
