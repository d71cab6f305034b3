"""Texts to vectors: the same as sentence-transformers, in any order and batch, without a network."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.features.device import Device, choose_device
from graphrec.features.sources.text import encoder as module
from graphrec.features.sources.text.encoder import Encoder
from graphrec.features.sources.text.files import EncoderFiles
from tests.encoders import tiny_encoder

GOLDEN = json.loads((Path(__file__).parent / "minilm.json").read_text("utf-8"))
"""Texts and what sentence-transformers 6.2 makes of them; the last is longer than the encoder reads."""

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.open(device=Device("cpu", "a test"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny encoder that takes the first token's vector."""
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    tiny_encoder(folder, ["bond", "fund", "equity"], hidden_size=8, intermediate_size=16)
    modules = [{"path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    return folder


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers(encoder: Encoder) -> None:
    vectors = encoder.encode(GOLDEN["texts"])
    assert vectors.dtype == np.float32
    is_whole = [len(encoder._pieces([text])[0]) == 1 for text in GOLDEN["texts"]]  # the others it would cut
    assert is_whole.count(False) == 1
    assert np.abs(vectors - np.array(GOLDEN["vectors"]))[is_whole].max() < 1e-5
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_vectors_of_texts_of_any_length_are_those_of_sentence_transformers(encoder: Encoder) -> None:
    """Every 24th number of what sentence-transformers 6.2.0 gives."""
    texts = [" ".join(GOLDEN["texts"][4].split()[:count]) for count in range(1, 24)]
    assert np.abs(encoder.encode(texts)[:, ::24] - np.array(GOLDEN["prefixes"])).max() < 1e-5


@pytest.mark.slow
def test_order_and_batches_change_nothing(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = GOLDEN["texts"]
    whole = encoder.encode(texts)
    assert encoder.encode(texts[::-1])[::-1].tobytes() == whole.tobytes()
    assert b"".join(encoder.encode([text]).tobytes() for text in texts) == whole.tobytes()
    monkeypatch.setitem(module._TOKENS_AT_ONCE, "cpu", 1)
    told: list[tuple[str, int, int | None]] = []
    assert encoder.encode(texts, lambda *step: told.append(step)).tobytes() == whole.tobytes()
    # One text is of several pieces, and is done with the last of them.
    assert sorted({done for _, done, _ in told} - {0}) == list(range(1, 7))
    assert {(what, total) for what, _, total in told} == {("encoding texts", 6)}


def test_a_long_text_is_read_to_its_end(encoder: Encoder, caplog: pytest.LogCaptureFixture) -> None:
    legal = "This document is general information about the risks of investing and is no offer to buy or to sell. " * 20
    short, gold, software = "A bond.", legal + "It owns gold mines in Peru.", legal + "It sells software to hospitals."
    told: list[int] = []
    with caplog.at_level("INFO", logger="graphrec"):
        vectors = encoder.encode([short, gold, software], lambda _what, done, _total: told.append(done))
    assert np.abs(vectors[0] - encoder.encode([short])[0]).max() < 1e-6
    assert float(vectors[1] @ vectors[2]) < 0.9999
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (max(told), told == sorted(told)) == (3, True)
    assert "2 of 3 texts are longer than the 256 tokens that all-MiniLM-L6-v2 reads at once" in caplog.text


def test_no_texts_are_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_batches_hold_every_row_once_within_the_tokens_given() -> None:
    widths = np.array([8, 304, 8, 8, 8, 256, 16])
    batches = [batch.tolist() for batch in module._batches(widths, 24)]
    assert sorted(map(sorted, batches)) == [[0, 2, 3], [1], [4], [5], [6]]  # 3 x 8 fits, 4 x 8 does not
    assert list(module._batches(np.zeros(0, np.int64), 24)) == []


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    vectors = Encoder.open(device=Device("cpu", "a test")).encode(["Bond"])
    assert np.abs(vectors[0] - np.array(GOLDEN["vectors"][2])).max() < 1e-5


def test_a_folder_of_ones_own(small: Path) -> None:
    own = Encoder.open(str(small), Device("cpu", "a test"))
    assert (own.name, own.dim, own.files.pooling) == ("tiny", 8, "cls")
    assert own.slug == f"tiny-{own.identity[:8]}"
    vectors = own.encode(["bond fund", "equity", "equity"])
    tokenizer, model = own._loaded
    import torch

    with torch.inference_mode():
        first = model(**tokenizer("bond fund", return_tensors="pt")).last_hidden_state[0, 0].numpy()
    assert np.abs(vectors[0] - first / np.linalg.norm(first)).max() < 1e-6
    assert (vectors[1] == vectors[2]).all()


def test_weights_that_cannot_be_read_are_one_line(small: Path, tmp_path: Path) -> None:
    for path in small.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "modules.json").unlink()
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=rf"^encoder {tmp_path.name}: cannot be loaded from {tmp_path} \(.*\); choose"):
        Encoder.open(str(tmp_path)).encode(["bond"])


def test_a_vector_length_other_than_the_settings_name(small: Path) -> None:
    files = EncoderFiles.find(str(small))
    wrong = Encoder(EncoderFiles(files.name, files.folder, files.pooling, files.max_tokens, 9))
    with pytest.raises(ModelError, match=r"encoder tiny: its vectors have length 8, its config.json names 9; choose"):
        wrong.encode(["bond"])


def test_the_device_is_chosen_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == Device("cpu", "torch finds no CUDA device")
    with pytest.raises(ModelError) as caught:
        choose_device("cuda")
    assert str(caught.value) == "--device cuda: torch finds no CUDA device here; use --device auto or --device cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert choose_device() == choose_device("cuda") == Device("cuda", "Some GPU is there")
    assert choose_device("cpu") == Device("cpu", "the CPU was asked for")
