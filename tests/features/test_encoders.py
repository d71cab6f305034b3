"""Encoders in jars and behind addresses, and that another one than before is never taken silently."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.features.sources.text.cache import VectorCache, encoders_of
from graphrec.features.sources.text.http import KEY, HttpEncoder
from graphrec.features.sources.text.jar import JarEncoder
from graphrec.features.sources.text.source import encoder_named, settled

WORDS = {"[CLS]": [1.0, 0.0, 0.0], "bond": [0.0, 1.0, 0.0], "fund": [0.0, 0.0, 1.0]}


def field(number: int, value: int | bytes | str) -> bytes:
    """A field of protobuf: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def value_info(name: str, kind: int, sizes: tuple[str | int, ...]) -> bytes:
    dims = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in sizes)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def onnx_model() -> bytes:
    """A model that looks the vector of every token up."""
    table = np.array(list(WORDS.values()), np.float32)
    tensor = field(1, len(WORDS)) + field(1, 3) + field(2, 1) + field(8, "table") + field(9, table.tobytes())
    node = field(1, "table") + field(1, "input_ids") + field(2, "last_hidden_state") + field(4, "Gather")
    graph = field(1, node) + field(2, "lookup") + field(5, tensor)
    graph += field(11, value_info("input_ids", 7, ("batch", "tokens")))
    graph += field(12, value_info("last_hidden_state", 1, ("batch", "tokens", 3)))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def jar(path: Path, pooling: bytes = b"\x01\x00\x04MEAN") -> Path:
    """A jar as langchain4j has them."""
    vocabulary = {word: place for place, word in enumerate(WORDS)}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "decoder": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [0], "tokens": ["[CLS]"]}},
        },
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[CLS]"},
    }  # fmt: skip
    with ZipFile(path, "w") as made:
        made.writestr("tiny.onnx", onnx_model())
        made.writestr("tiny-tokenizer.json", json.dumps(tokenizer))
        made.writestr("dev/TinyEmbeddingModel.class", b"\xca\xfe\xba\xbe" + pooling)
    return path


def test_a_jar_is_read_as_its_class_says(tmp_path: Path) -> None:
    mean = encoder_named(str(jar(tmp_path / "tiny.jar")))
    assert (mean.name, mean.dim) == ("tiny", 3)
    np.testing.assert_allclose(mean.encode(["bond fund"])[0], np.ones(3) / 3**0.5, atol=1e-6)
    first = JarEncoder(jar(tmp_path / "cls.jar", b"\x01\x00\x03CLS"))
    np.testing.assert_allclose(first.encode(["bond fund"])[0], [1, 0, 0], atol=1e-6)
    assert first.identity != mean.identity


def test_a_long_text_is_read_to_its_end(tmp_path: Path) -> None:
    """Pieces of 511 words and the sign before them: .9 of the words are bonds, the last tenth funds."""
    encoder = JarEncoder(jar(tmp_path / "tiny.jar"))
    vectors = encoder.encode([" ".join(["bond"] * 1_800 + ["fund"] * 200), "fund"])
    assert 0.05 < vectors[0, 2] < 0.2
    assert encoder.encode(["fund"]).tobytes() == vectors[1:].tobytes()


@pytest.mark.parametrize(
    ("files", "said"),
    [({}, "holds 0 files"), ({"a.onnx": b"", "a-tokenizer.json": b""}, "names 0 poolings")],
)
def test_what_is_no_encoder_is_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    path = tmp_path / "other.jar"
    with ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    with pytest.raises(ModelError, match=said):
        JarEncoder(path)
    path.write_bytes(b"no jar")
    with pytest.raises(ModelError, match="cannot be read as a jar"):
        JarEncoder(path)


class Server(ThreadingHTTPServer):
    """Embeds a text as its length and 1; keeps what it was asked."""

    daemon_threads = True
    asked: list[tuple[str | None, dict]]
    answer: dict | None = None


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.headers["Authorization"], body))
        rows = [{"index": n, "embedding": [len(text), 1.0]} for n, text in enumerate(body["input"])]
        sent = json.dumps(self.server.answer or {"data": rows[::-1]}).encode()
        self.send_response(200 if self.path == "/v1/embeddings" else 404)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_given: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.asked = []
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()


def test_an_address_is_asked_as_openai_has_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    encoder = encoder_named(f"http://127.0.0.1:{server.server_port}/v1#bge-m3")
    found = encoder.encode(["abc", "", "x" * 1_500])
    assert (found.shape, encoder.slug.startswith("bge-m3-")) == ((3, 2), True)
    np.testing.assert_allclose(found[0], np.array([3, 1]) / 10**0.5, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    authorization, body = server.asked[-1]
    assert authorization == "Bearer secret"
    assert body == {"model": "bge-m3", "input": ["abc", " ", "x" * 1_000, "x" * 500], "encoding_format": "float"}


def test_texts_known_already_need_no_server(server: Server, tmp_path: Path) -> None:
    name = f"http://127.0.0.1:{server.server_port}/v1#m"
    VectorCache(tmp_path, HttpEncoder(name)).fill(["abc", "de"])
    before = len(server.asked)
    report, vectors = VectorCache(tmp_path, HttpEncoder(name)).vectors(["de", "abc"])
    assert (report.encoded, report.dim, vectors.shape, len(server.asked)) == (0, 2, (2, 2), before)


def test_what_no_server_says_is_one_line(server: Server) -> None:
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(ModelError, match="the server answers 404"):
        HttpEncoder(f"{address}/v2#m").encode(["a"])
    server.answer = {"data": [{"index": 0, "embedding": [float("nan")]}]}
    with pytest.raises(ModelError, match="no vector for each of 1 texts"):
        HttpEncoder(f"{address}/v1#m").encode(["a"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("http://models.example/v1#m", "unencrypted"),
        ("https://models.example/v1", "want ADDRESS#MODEL"),
        ("https://me:word@models.example/v1#m", "holds a password"),
    ],
)
def test_an_address_has_rules(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        HttpEncoder(name)
    assert "word@" not in str(caught.value)


def test_another_encoder_than_before_is_a_question(tmp_path: Path) -> None:
    tiny = JarEncoder(jar(tmp_path / "tiny.jar"))
    folder = tmp_path / "vectors"
    texts = ["a fund of bonds"]
    assert settled(folder, None, texts)[0].name == "all-MiniLM-L6-v2"
    VectorCache(folder, tiny).fill(texts)
    assert encoders_of(folder) == {tiny.slug: "tiny"}
    with pytest.raises(ModelError, match="encoded by tiny until now, and all-MiniLM-L6-v2 would") as caught:
        settled(folder, None, texts)
    assert "GRAPHREC_ENCODER=all-MiniLM-L6-v2" in str(caught.value)
    assert settled(folder, str(tmp_path / "tiny.jar"), texts)[0].slug == tiny.slug
