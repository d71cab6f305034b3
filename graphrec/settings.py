"""Settings of one run: graphrec.toml, over it the environment, over that the options of the command line.

Secrets come from the environment only. Nothing is read at import.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from graphrec import log
from graphrec.errors import SettingsError
from graphrec.home import Home
from graphrec.schema import LANGUAGES, Roles

__all__ = ["FILE_NAME", "LOG_LEVELS", "Home", "RoleOverrides", "Settings", "StoreLogin", "read_settings"]

FILE_NAME = "graphrec.toml"
LOG_LEVELS = ("debug", "info", "warning", "error")
_SECRETS = {"username": "NEO4J_USERNAME", "password": "NEO4J_PASSWORD", "token": "NEO4J_PASSWORD"}


@dataclass(frozen=True)
class RoleOverrides:
    """Roles of graphrec.toml; each one that is given replaces that of the mappings."""

    user: str | None = None
    product: str | None = None
    interactions: tuple[str, ...] | None = None
    weights: Mapping[str, float] | None = None
    relevant: tuple[str, ...] | None = None
    metapaths: tuple[str, ...] | None = None
    min_group: int | None = None

    def apply(self, roles: Roles) -> Roles:
        """The roles of a mapping with those given here in their place."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(roles, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class StoreLogin:
    """How to sign in to a store; its text never shows the password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None


@dataclass(frozen=True)
class Settings:
    """What a run was told."""

    store: str | None = None
    """`neo4j://…`, `bolt://…` or a path; none: the embedded store in the home."""
    home: Path = Path(".graphrec")
    """Folder of one bank's data."""
    encoder: str = "all-MiniLM-L6-v2"
    """Text encoder: the packaged one, another name, or a path."""
    seed: int = 0
    """Seed of everything that draws."""
    log_level: str = "warning"
    """debug, info, warning or error."""
    log_format: log.Format = "text"
    """`text` or `json`: the form of log lines."""
    log_file: Path | None = None
    """File that log lines at info or above are appended to; none: `logs/YYYY-MM.log` in the home."""
    policy: Path | None = None
    """A policy that stands over the home's policy.toml."""
    record: bool = True
    """Whether lists and explanations go into the decision record."""
    language: str = "en"
    """Language of the reasons: one of schema.LANGUAGES."""
    min_confidence: float = 0.0
    """Confidence below which a product is left out of a list."""
    roles: RoleOverrides = RoleOverrides()
    """Roles that stand over those of the mappings."""
    login: StoreLogin = field(default_factory=StoreLogin)
    """From the environment only."""
    file: Path | None = None
    """The graphrec.toml that was read."""


def read_settings(
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    home: str | None = None,
    store: str | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
    log_file: str | None = None,
    policy: str | None = None,
) -> Settings:
    """The settings in force: options, over the environment, over graphrec.toml in `folder`.

    Args:
        folder: where graphrec.toml is looked for; default the current one. GRAPHREC_CONFIG names another file.
        environment: default os.environ.
        home, store, log_level, log_format, log_file, policy: options of the command line; None or empty when not given.

    Raises:
        SettingsError: a file, key or value is not usable.
    """
    environment = os.environ if environment is None else environment
    file = _find(folder or Path(), environment)
    values = _from_file(file) if file else {}
    values.update(_from_environment(environment))
    options: dict[str, Any] = {"store": store, "log_level": log_level, "log_format": log_format}
    for name, path in (("home", home), ("policy", policy), ("log_file", log_file)):
        options[name] = Path(path) if path else None
    values.update({name: value for name, value in options.items() if value})
    _check_level(values.get("log_level"), "--log-level")
    _check_format(values.get("log_format"), "--log-format")
    login = StoreLogin(
        environment.get("NEO4J_USERNAME"), environment.get("NEO4J_PASSWORD"), environment.get("NEO4J_DATABASE")
    )
    return Settings(**values, login=login, file=file)


def _find(folder: Path, environment: Mapping[str, str]) -> Path | None:
    named = environment.get("GRAPHREC_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"GRAPHREC_CONFIG names {named}, which is no file; correct or unset it")
        return Path(named)
    file = folder / FILE_NAME
    return file if file.is_file() else None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}; correct it") from error
    kinds: dict[str, Any] = {
        "store": str,
        "home": str,
        "encoder": str,
        "seed": int,
        "log_level": str,
        "log_format": str,
        "log_file": str,
        "policy": str,
        "record": bool,
        "language": str,
        "min_confidence": float,
        "roles": dict,
    }
    for key, value in content.items():
        _check_key(file, key, kinds, prefix="")
        _check_kind(file, key, value, kinds[key])
    _check_level(content.get("log_level"), f"{file} log_level")
    _check_format(content.get("log_format"), f"{file} log_format")
    _check_language(content.get("language"), f"{file} language")
    _check_confidence(content.get("min_confidence"), f"{file} min_confidence")
    for key in ("home", "policy", "log_file"):
        if key in content:
            content[key] = file.parent / content[key]
    if "store" in content and "://" not in content["store"]:
        content["store"] = str(file.parent / content["store"])
    if "roles" in content:
        content["roles"] = _roles(file, content["roles"])
    return content


def _roles(file: Path, content: dict[str, Any]) -> RoleOverrides:
    kinds: dict[str, Any] = {
        "user": str,
        "product": str,
        "interactions": list,
        "weights": dict,
        "relevant": list,
        "metapaths": list,
        "min_group": int,
    }
    for key, value in content.items():
        _check_key(file, key, kinds, prefix="roles.")
        _check_kind(file, f"roles.{key}", value, kinds[key])
    if content.get("min_group", 1) < 1:
        raise SettingsError(f"{file} roles.min_group {content['min_group']} is below 1; want 1 or more")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    return RoleOverrides(**values)


def _check_key(file: Path, key: str, known: Mapping[str, Any], *, prefix: str) -> None:
    if key in known:
        return
    if key in _SECRETS:
        raise SettingsError(f"{file} holds {prefix}{key}; secrets come from the environment only: set {_SECRETS[key]}")
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    raise SettingsError(f"{file} has an unknown key {prefix}{key}; the nearest known one is {prefix}{near}")


def _check_kind(file: Path, key: str, value: Any, kind: type) -> None:
    names: dict[type, str] = {
        str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list of texts",
        dict: "a table",
    }  # fmt: skip
    is_right = isinstance(value, int | float if kind is float else kind)
    is_right = is_right and not (kind in (int, float) and isinstance(value, bool))
    if isinstance(value, list):
        is_right = is_right and all(isinstance(item, str) for item in value)
    if key == "roles.weights" and isinstance(value, dict):
        is_right = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value.values())
    if not is_right:
        want = "a table of numbers" if key == "roles.weights" else names[kind]
        raise SettingsError(f"{file} {key} = {value!r} is not {want}; correct it")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = (
        "store", "home", "encoder", "seed", "log_level", "log_format", "log_file", "policy", "record", "language",
        "min_confidence",
    )  # fmt: skip
    given = {
        name: environment[f"GRAPHREC_{name.upper()}"] for name in names if environment.get(f"GRAPHREC_{name.upper()}")
    }
    values: dict[str, Any] = dict(given)
    for key in ("home", "policy", "log_file"):
        if key in given:
            values[key] = Path(given[key])
    if "seed" in given:
        try:
            values["seed"] = int(given["seed"])
        except ValueError as error:
            raise SettingsError(
                f"GRAPHREC_SEED {given['seed']!r} is not a whole number; correct or unset it"
            ) from error
    if "record" in given:
        if given["record"] not in ("true", "false"):
            raise SettingsError(f"GRAPHREC_RECORD {given['record']!r} is not true or false; correct or unset it")
        values["record"] = given["record"] == "true"
    if "min_confidence" in given:
        values["min_confidence"] = _number(given["min_confidence"], "GRAPHREC_MIN_CONFIDENCE")
    _check_level(given.get("log_level"), "GRAPHREC_LOG_LEVEL")
    _check_format(given.get("log_format"), "GRAPHREC_LOG_FORMAT")
    _check_language(given.get("language"), "GRAPHREC_LANGUAGE")
    _check_confidence(values.get("min_confidence"), "GRAPHREC_MIN_CONFIDENCE")
    return values


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"{where} {text!r} is not a number; correct or unset it") from error


def _check_level(level: str | None, where: str) -> None:
    if level is not None and level not in LOG_LEVELS:
        raise SettingsError(f"{where} {level!r} is no log level; want one of {', '.join(LOG_LEVELS)}")


def _check_format(given: str | None, where: str) -> None:
    if given is not None and given not in log.FORMATS:
        raise SettingsError(f"{where} {given!r} is no form of log lines; want one of {', '.join(log.FORMATS)}")


def _check_language(language: str | None, where: str) -> None:
    if language is not None and language not in LANGUAGES:
        raise SettingsError(f"{where} {language!r} is no language of the reasons; want one of {', '.join(LANGUAGES)}")


def _check_confidence(value: float | None, where: str) -> None:
    if value is not None and not 0 <= value < 1:
        raise SettingsError(f"{where} {value} is no confidence; want a number from 0 to below 1")
