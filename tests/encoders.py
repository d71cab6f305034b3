"""A tiny encoder, for tests of what is done with one."""

from collections.abc import Sequence
from pathlib import Path

import pytest

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def tiny_encoder(folder: Path, words: Sequence[str], **config: float) -> Path:
    """A new folder with a transformers model of one layer that reads these words."""
    transformers = pytest.importorskip("transformers")
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*MARKS, *words]) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    transformers.set_seed(0)
    made = transformers.BertConfig(
        vocab_size=len(MARKS) + len(words), num_hidden_layers=1, num_attention_heads=2, **config
    )
    transformers.BertModel(made).save_pretrained(folder)
    return folder
