"""Settings of one run: options of the command line, over the environment, over graphrec.toml, over the defaults.

Secrets come from the environment alone. Nothing is read at import; settings are read once and handed down.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from graphrec import log
from graphrec.config.document import read_toml
from graphrec.errors import SettingsError
from graphrec.frozen import dataclass
from graphrec.schema import EXACT, VIEWS, Roles, View

__all__ = ["FILE_NAME", "LOG_LEVELS", "LogLevel", "RoleOverrides", "Settings", "StoreLogin", "read_settings"]

LogLevel = Literal["debug", "info", "warning", "error"]
_HOST = re.compile(r"([^/\\]*@)?(\[[0-9a-fA-F:.]+\]|[^/\\:@]+):\d{1,5}(/\w*)?|[^/\\]+@[^/\\]+")
"""An address with a port, or with a login, and nothing before it."""
_SCHEME = re.compile(r"(neo4j|bolt)(\+s|\+ssc)?:/?(?!/)", re.IGNORECASE)
FILE_NAME = "graphrec.toml"
LOG_LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
NO_POLICY: Literal["none"] = "none"
"""In place of the policy's file: lists are made without one."""
PATHS = ("home", "policy", "log_file")
"""Keys that are paths; in graphrec.toml they are relative to its folder."""
_WORDS: dict[str, dict[str, Any]] = {
    "log_level": {word: word for word in LOG_LEVELS},
    "log_format": {word: word for word in log.FORMATS},
    "view": {word: word for word in VIEWS},
    "record": {"true": True, "false": False},
    "require_record": {"true": True, "false": False},
    "require_approval": {"true": True, "false": False},
}
"""What words of variables and options mean; all other values go through `convert_value`, whose import takes 20 ms."""


@dataclass(frozen=True)
class RoleOverrides:
    """Roles of graphrec.toml; each one that is set replaces that of the mappings."""

    user: str | None = None
    product: str | None = None
    interactions: tuple[str, ...] | None = None
    weights: Mapping[str, float] | None = None
    relevant: tuple[str, ...] | None = None
    held: tuple[str, ...] | None = None
    repeatable: str | None = None
    metapaths: tuple[str, ...] | None = None
    min_group: int | None = None
    most_alike: int | None = None

    def apply(self, roles: Roles) -> Roles:
        """The roles of a mapping with these overrides."""
        set_here = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(roles, **{name: value for name, value in set_here.items() if value is not None})


@dataclass(frozen=True)
class StoreLogin:
    """How to sign in to a store; its text never shows the password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "StoreLogin":
        """The login of NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE; an empty variable is unset.

        Args:
            environment: default os.environ.
        """
        environment = os.environ if environment is None else environment
        return cls(*(environment.get(f"NEO4J_{name}") or None for name in ("USERNAME", "PASSWORD", "DATABASE")))


@dataclass(frozen=True)
class BrokerLogin:
    """How to sign in to a broker of Kafka; its text never shows the password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str | None = None
    """Of SASL; None: SCRAM-SHA-512."""
    ca: str | None = None
    """File with the certificate that signed the broker's; None: those that the system trusts."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "BrokerLogin":
        """The login of KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_MECHANISM and KAFKA_CA; an empty variable is unset.

        Args:
            environment: default os.environ.
        """
        environment = os.environ if environment is None else environment
        names = ("USERNAME", "PASSWORD", "MECHANISM", "CA")
        return cls(*(environment.get(f"KAFKA_{name}") or None for name in names))


@dataclass(frozen=True)
class Settings:
    """The settings in force."""

    store: str | None = None
    """`neo4j://…`, `bolt://…` or a path; None: the embedded store in the home."""
    home: Path = Path(".graphrec")
    """Folder of one bank's data."""
    encoder: str | None = None
    """Text encoder: a name, a folder, a .jar or an address; None: the script of the texts decides."""
    seed: int = 0
    """Seed of all random draws."""
    log_level: LogLevel = "warning"
    """debug, info, warning or error."""
    log_format: log.Format = "text"
    """`text` or `json`: the form of log lines."""
    log_file: Path | None = None
    """File that log lines at info or above are appended to; None: `logs/YYYY-MM.log` in the home."""
    policy: Path | Literal["none"] | None = None
    """A policy that replaces the home's policy.toml; `none`: lists are made without one."""
    policy_hash: str | None = None
    """The first digits of the hash that the policy must have; None: any."""
    record: bool = True
    """Whether lists and explanations go into the decision record."""
    require_record: bool = False
    """Whether an answer that cannot be recorded is refused."""
    require_approval: bool = False
    """Whether only a model that is approved is made live."""
    actor: str | None = None
    """Who asks, for the decision record."""
    language: str = "en"
    """Language of all that is said: en, de, zh, or one of the home's own."""
    view: View = EXACT
    """Who reads the answers that commands print: one of schema.VIEWS."""
    today: date | None = None
    """The date of answers; None: the UTC date of the clock."""
    max_age: int | None = None
    """Days after which facts are too old to answer from; None: they never are."""
    min_confidence: float = 0.0
    """Confidence below which a product is left out of a list."""
    ask_url: str | None = None
    """Address of a language model that words the answers of `graphrec ask`; None: templates do."""
    ask_model: str | None = None
    """Name of that model there."""
    sql_seconds: float = 1800.0
    """Seconds that one statement of a mapping may run."""
    roles: RoleOverrides = RoleOverrides()
    """Roles that replace those of the mappings."""
    login: StoreLogin = field(default_factory=StoreLogin)
    """From the environment alone."""
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
    """The settings in force: options, over the environment, over graphrec.toml in `folder`, over the defaults.

    Args:
        folder: where graphrec.toml is looked for; default the current one. GRAPHREC_CONFIG names another file.
        environment: default os.environ; an empty variable is unset.
        home, store, log_level, log_format, log_file, policy: options of the command line; None or empty: not given.

    Raises:
        SettingsError: a file, key or value is not usable.
    """
    environment = os.environ if environment is None else environment
    file = _find(folder or Path(), environment)
    values = _from_file(file) if file else {}
    values |= _from_environment(environment)
    options = {"home": home, "store": store, "policy": policy}
    options |= {"log_level": log_level, "log_format": log_format, "log_file": log_file}
    values |= {name: _typed(name, value, f"--{name.replace('_', '-')}") for name, value in options.items() if value}
    for name in PATHS:
        if name in values and not _is_no_policy(name, values[name]):
            values[name] = Path(values[name])
    if "store" in values:
        _check_address(str(values["store"]))
    return Settings(**values, login=StoreLogin.from_environment(environment), file=file)


def _is_no_policy(name: str, value: str) -> bool:
    return name == "policy" and value == NO_POLICY


def _check_address(address: str) -> None:
    """Refuse an address that holds a secret, and one of a server without its scheme, which would be a folder's name.

    Raises:
        SettingsError: it is one of these; the message masks the secret.
    """
    scheme, _, rest = address.partition("://")
    login, at, _ = rest.rpartition("@")  # a password may hold a slash
    if at:
        shown = f"{scheme}://***@{rest[len(login) + 1 :]}"
        raise SettingsError(
            f"store {shown} holds a name or a password; take them out of the address: they come from NEO4J_USERNAME "
            "and NEO4J_PASSWORD"
        )
    if "://" not in address and (_HOST.fullmatch(address) or _SCHEME.match(address)):
        host = _SCHEME.sub("", address)
        server = host.rpartition("@")[2]
        raise SettingsError(
            f"store {'***@' if '@' in host else ''}{server} looks like a server without its scheme; want "
            f"neo4j://{server}, or for a folder of that name a path such as ./NAME"
        )


def _find(folder: Path, environment: Mapping[str, str]) -> Path | None:
    named = environment.get("GRAPHREC_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"GRAPHREC_CONFIG names {named}, which is no file; correct or unset it")
        return Path(named)
    file = folder / FILE_NAME
    return file if file.is_file() else None


def _from_file(file: Path) -> dict[str, Any]:
    from graphrec.config.convert import convert
    from graphrec.config.settings_file import SettingsFile

    document = read_toml(file, SettingsError)
    values = convert(document, SettingsFile).to_values()
    for key in PATHS:
        if key in values and not _is_no_policy(key, values[key]):
            values[key] = file.parent / values[key]
    if "store" in values and "://" not in values["store"]:
        _check_address(values["store"])
        values["store"] = str(file.parent / values["store"])
    if "roles" in values:
        values["roles"] = RoleOverrides(**values["roles"])
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = [item.name for item in fields(Settings) if item.name not in ("roles", "login", "file")]
    variables = {name: f"GRAPHREC_{name.upper()}" for name in names}
    return {
        name: _typed(name, environment[variable], variable)
        for name, variable in variables.items()
        if environment.get(variable)
    }


def _typed(name: str, text: str, where: str) -> Any:
    """The value that the text of a variable or an option spells."""
    if name in ("store", "language", "encoder", "actor", "ask_url", "ask_model", *PATHS):
        return text
    if text in _WORDS.get(name, {}):
        return _WORDS[name][text]
    if name == "today":
        with suppress(ValueError):
            return date.fromisoformat(text)
    from graphrec.config.convert import convert_value
    from graphrec.config.settings_file import SettingsFile

    advice = "correct or unset it" if where.isupper() else "correct it"
    return convert_value(text, SettingsFile.kind(name), where, SettingsError, advice=advice)
