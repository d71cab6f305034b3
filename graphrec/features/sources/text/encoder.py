"""Texts to vectors: the one place that loads a text encoder. Torch is imported when a text is encoded."""

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.features.device import Device, choose_device
from graphrec.features.sources.text.files import EncoderFiles
from graphrec.progress import Progress, silent

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
logger = logging.getLogger(__name__)

WHAT = "encoding texts"
SHAPE = 256
"""Tokens of every batch on a CPU: libraries take other ways for other numbers of rows, and last digits with them."""
_TOKENS_AT_ONCE = {"cpu": SHAPE, "cuda": 1 << 16}
"""Tokens of the texts of one batch, padding included."""

WIDTHS = 8
"""Texts are padded to a multiple of so many tokens."""


class Encoder:
    """A text encoder; its model is loaded when the first text is encoded."""

    def __init__(self, files: EncoderFiles, device: Device | None = None) -> None:
        self.files = files
        self._given_device = device

    @classmethod
    def open(cls, name: str | None = None, device: Device | None = None) -> "Encoder":
        """Return the encoder of that name or path; none: the packaged one.

        Raises:
            ModelError: it is not there, not reachable, or not what it should be.
        """
        return cls(EncoderFiles.find(name), device)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.files.name

    @property
    def identity(self) -> str:
        """Hash of all that decides a vector."""
        return self.files.identity

    @property
    def slug(self) -> str:
        """Folder name of its vectors."""
        return self.files.slug

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.files.dim

    @cached_property
    def device(self) -> Device:
        """Where it runs, chosen once."""
        return self._given_device or choose_device()

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """Return one vector of length 1 per text, in their order: float32 (len(texts), dim).

        The mean (or the first, as the encoder's settings say) of the vectors of its tokens, L2-normalised. What is
        longer than the encoder reads is read in pieces: the mean of their vectors by their tokens, L2-normalised.

        Raises:
            ModelError: the model cannot be loaded, or its vectors are not of the length its settings name.
        """
        tokens, owners = self._pieces(texts) if texts else ([], np.zeros(0, np.int64))
        vectors = np.empty((len(tokens), self.dim), np.float32)
        left = np.bincount(owners, minlength=len(texts))
        widths = self._widths([len(ids) for ids in tokens])
        for rows in _batches(widths, _TOKENS_AT_ONCE[self.device.name]):
            vectors[rows] = self._forward([tokens[row] for row in rows])
            np.subtract.at(left, owners[rows], 1)
            progress(WHAT, int((left == 0).sum()), len(texts))
        return vectors if len(tokens) == len(texts) else self._joined(vectors, tokens, owners, len(texts))

    def _joined(
        self, vectors: Vectors, tokens: Sequence[Sequence[int]], owners: NDArray[np.int64], num_texts: int
    ) -> Vectors:
        """The vectors of texts from those of their pieces."""
        pieces = np.bincount(owners, minlength=num_texts)
        logger.info(
            "%d of %d texts are longer than the %d tokens that %s reads at once; they are read in pieces",
            int((pieces > 1).sum()), num_texts, self.files.max_tokens, self.name,
        )  # fmt: skip
        lengths = np.array([len(ids) for ids in tokens], np.float32)
        joined = np.zeros((num_texts, self.dim), np.float32)
        np.add.at(joined, owners, vectors * lengths[:, None])
        joined /= np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        whole = pieces[owners] == 1
        joined[owners[whole]] = vectors[whole]
        return joined

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The tokenizer and the model, from the folder alone: nothing is fetched."""
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # it would report the weights that a sentence vector does not need
        logging.disable_progress_bar()
        folder = str(self.files.folder)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="sdpa"
            )
        except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"encoder {self.name}: cannot be loaded from {folder} ({reason}); choose another encoder"
            ) from error
        return tokenizer, model.eval().to(self.device.name)

    def _pieces(self, texts: Sequence[str]) -> tuple[list[list[int]], NDArray[np.int64]]:
        """The tokens of every piece of every text, and the text of each piece."""
        tokenizer, _ = self._loaded
        encoded = tokenizer(
            list(texts),
            truncation=True,
            max_length=self.files.max_tokens,
            return_overflowing_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return list(encoded["input_ids"]), np.asarray(encoded["overflow_to_sample_mapping"], np.int64)

    def _widths(self, lengths: Sequence[int]) -> NDArray[np.int64]:
        """Tokens of each text with its padding.

        A width is the text's own: padding moves the last digits of a vector, so that with the width of its neighbours
        its bytes would depend on which texts are encoded together.
        """
        widths = -(-np.asarray(lengths, np.int64) // WIDTHS) * WIDTHS
        return np.minimum(widths, self.files.max_tokens)

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Return the vectors of one batch of token ids."""
        import torch

        with torch.inference_mode():
            vectors = self._embed(tokens)
        if vectors.shape[1] != self.dim:
            raise ModelError(
                f"encoder {self.name}: its vectors have length {vectors.shape[1]}, its config.json names {self.dim}; "
                "choose another encoder"
            )
        return np.asarray(vectors.cpu().numpy(), np.float32)

    def _embed(self, tokens: Sequence[Sequence[int]]) -> "torch.Tensor":
        """Return the vectors of one batch of token ids where the model runs."""
        import torch

        tokenizer, model = self._loaded
        lengths = torch.tensor([len(ids) for ids in tokens])
        width = int(self._widths([int(lengths.max())])[0])
        # Rows without a text fill the batch, so that a text has the same bytes whichever others it is encoded with.
        rows = max(len(tokens), SHAPE // width) if self.device.name == "cpu" else len(tokens)
        ids = torch.full((rows, width), tokenizer.pad_token_id or 0)
        lengths = torch.nn.functional.pad(lengths, (0, rows - len(tokens)), value=1)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = torch.tensor(one)
        mask = torch.arange(width) < lengths[:, None]  # (batch, width)
        ids, mask = ids.to(self.device.name), mask.to(self.device.name)
        hidden = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state  # (batch, width, dim)
        return torch.nn.functional.normalize(self._pool(hidden, mask), dim=-1)[: len(tokens)]

    def _pool(self, hidden: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        if self.files.pooling == "cls":
            return hidden[:, 0]
        weights = mask[:, :, None].to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1)


def _batches(widths: NDArray[np.int64], tokens_at_once: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows of one width, batch by batch, short and long batches mixed.

    Mixed (in a fixed order), so that the time of the first batches foretells that of the rest.
    """
    order = np.argsort(widths, kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    for end in range(1, len(order) + 1):
        width = widths[order[start]]
        if end == len(order) or widths[order[end]] != width or width * (end + 1 - start) > tokens_at_once:
            batches.append(order[start:end])
            start = end
    mixed = np.random.default_rng(0).permutation(len(batches))
    return (batches[place] for place in mixed)
