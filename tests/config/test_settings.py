"""Settings: options over environment over file over defaults; what is wrong is one line with its place."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec.config.settings import FILE_NAME, RoleOverrides, Settings, StoreLogin, read_settings
from graphrec.errors import SettingsError
from graphrec.schema import Roles
from graphrec.store import open_store

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, content: str) -> Path:
    (folder / FILE_NAME).write_text(content, encoding="utf-8")
    return folder


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}) == Settings()
    assert Settings().home == Path(".graphrec")
    assert Settings().store is None
    assert Settings().encoder is None, "the script of the texts decides"


def test_options_stand_over_the_environment_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'store = "bolt://file"\nhome = "bank"\nseed = 7\nlog_level = "info"\nencoder = "tiny"\n')
    file = read_settings(tmp_path, {})
    assert (file.store, file.home, file.seed) == ("bolt://file", tmp_path / "bank", 7)
    assert (file.log_level, file.encoder, file.file) == ("info", "tiny", tmp_path / FILE_NAME)
    environment = {"GRAPHREC_STORE": "bolt://env", "GRAPHREC_HOME": "env", "GRAPHREC_SEED": "8"}
    over = read_settings(tmp_path, environment)
    assert (over.store, over.home, over.seed, over.encoder) == ("bolt://env", Path("env"), 8, "tiny")
    option = read_settings(tmp_path, environment, home="option", store="there", log_level="debug")
    assert (option.store, option.home, option.log_level) == ("there", Path("option"), "debug")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    names = ("GRAPHREC_STORE", "GRAPHREC_SEED", "GRAPHREC_HOME", "GRAPHREC_CONFIG", "NEO4J_PASSWORD")
    assert read_settings(tmp_path, dict.fromkeys(names, "")) == Settings()


def test_a_store_path_is_relative_to_the_file(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, 'store = "graph"'), {}).store == str(tmp_path / "graph")


def test_another_file_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 3")
    assert read_settings(tmp_path, {"GRAPHREC_CONFIG": str(tmp_path / "mine.toml")}).seed == 3
    with pytest.raises(
        SettingsError, match="GRAPHREC_CONFIG names nowhere.toml, which is no file; correct or unset it"
    ):
        read_settings(tmp_path, {"GRAPHREC_CONFIG": "nowhere.toml"})


def test_language_and_confidence(tmp_path: Path) -> None:
    write(tmp_path, 'language = "zh"\nmin_confidence = 0.5\n')
    settings = read_settings(tmp_path, {})
    assert (settings.language, settings.min_confidence) == ("zh", 0.5)
    settings = read_settings(tmp_path, {"GRAPHREC_LANGUAGE": "en", "GRAPHREC_MIN_CONFIDENCE": "0.25"})
    assert (settings.language, settings.min_confidence) == ("en", 0.25)


def test_the_login_comes_from_the_environment_and_is_not_shown(tmp_path: Path) -> None:
    names = {"NEO4J_USERNAME": "ann", "NEO4J_PASSWORD": "hush", "NEO4J_DATABASE": "bank"}
    settings = read_settings(tmp_path, names)
    assert settings.login == StoreLogin("ann", "hush", "bank")
    assert "hush" not in repr(settings)


def test_role_overrides_replace_those_that_are_given(tmp_path: Path) -> None:
    write(tmp_path, '[roles]\nmin_group = 10\nrelevant = ["HOLDS"]\n[roles.weights]\nVIEWED = 0.5\n')
    roles = Roles("Customer", "Product", ("BOUGHT", "HOLDS"), relevant=("BOUGHT",))
    changed = read_settings(tmp_path, {}).roles.apply(roles)
    assert changed == Roles("Customer", "Product", ("BOUGHT", "HOLDS"), {"VIEWED": 0.5}, ("HOLDS",), None, 10)
    assert RoleOverrides().apply(roles) == roles


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sed = 1", " line 1: unknown key sed; the nearest known one is seed"),
        ("# a\nzzz = 1", " line 2: unknown key zzz; the nearest known one is "),
        ("[roles]\nmingroup = 1", " line 2: unknown key roles.mingroup; the nearest known one is roles.min_group"),
        ("roles.wieghts = {A = 1}", " line 1: unknown key roles.wieghts; the nearest known one is roles.weights"),
        (
            'password = "hush"',
            " line 1: password is a secret, and secrets come from the environment only: set NEO4J_PASSWORD and delete",
        ),
        (
            '[roles]\ntoken = "hush"',
            " line 2: roles.token is a secret, and secrets come from the environment only: set NEO4J_PASSWORD and",
        ),
        ('seed = "1"', " line 1: seed = '1' is not a whole number of at least 0 and below 4,294,967,296; correct it"),
        ("seed = true", " line 1: seed = True is not a whole number of at least 0 and below 4,294,967,296; correct it"),
        ("seed = -1", " line 1: seed = -1 is not a whole number of at least 0 and below 4,294,967,296; correct it"),
        ("store = 1", " line 1: store = 1 is not a text; correct it"),
        ('store = ""', " line 1: store = '' is not a text that is not empty; correct it"),
        ("roles = 1", " line 1: roles = 1 is not a table; correct it"),
        ("[roles]\nrelevant = [1]", " line 2: roles.relevant holds 1; want a list of texts; correct it"),
        ('[roles]\nrelevant = "A"', " line 2: roles.relevant = 'A' is not a list of texts; correct it"),
        ("[roles]\nmin_group = 0", " line 2: roles.min_group = 0 is not a whole number of at least 1; correct it"),
        ("[roles.weights]\nA = 1\nB = true", " line 3: roles.weights.B = True is not a number; correct it"),
        ('language = ""', " line 1: language = '' is not a text that is not empty; correct it"),
        ("min_confidence = 1", " line 1: min_confidence = 1 is not a number of at least 0 and below 1; correct it"),
        ("min_confidence = true", " line 1: min_confidence = True is not a number of at least 0 and below 1; correct"),
        ("min_confidence = nan", " line 1: min_confidence = nan is not a finite number; correct it"),
        ('log_level = "loud"', " line 1: log_level = 'loud' is not one of debug, error, info, warning; correct it"),
        ("sql_seconds = 0", " line 1: sql_seconds = 0 is not a number above 0 and at most 1,000,000; correct it"),
        ("seed =", " line 1 is not TOML: Invalid value (at end of document); correct it"),
    ],
)
def test_what_a_file_may_not_say(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, content), {})
    assert str(caught.value).startswith(f"{tmp_path / FILE_NAME}{message}")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SEED", "x", "'x' is not a whole number of at least 0 and below 4,294,967,296"),
        ("LOG_LEVEL", "x", "'x' is not one of debug, error, info, warning"),
        ("RECORD", "maybe", "'maybe' is not true or false"),
        ("MIN_CONFIDENCE", "high", "'high' is not a number of at least 0 and below 1"),
        ("MIN_CONFIDENCE", "nan", "'nan' is not a number of at least 0 and below 1"),
        ("MIN_CONFIDENCE", "2", "'2' is not a number of at least 0 and below 1"),
    ],
)
def test_what_the_environment_may_not_say(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path, {f"GRAPHREC_{name}": value})
    assert str(caught.value) == f"GRAPHREC_{name} {message}; correct or unset it"


def test_an_option_is_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--log-level 'x' is not one of debug, error, info, warning; correct it$"):
        read_settings(tmp_path, {}, log_level="x")


def test_an_empty_option_counts_as_unset(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}, home="", store="", log_level="", policy="") == Settings()
    assert read_settings(tmp_path, {"GRAPHREC_HOME": "env"}, home="").home == Path("env")


def test_reading_settings_without_a_file_imports_neither_msgspec_nor_tomllib(tmp_path: Path) -> None:
    code = (
        "import sys; from graphrec.config.settings import read_settings; "
        "read_settings(environment={'GRAPHREC_HOME': 'x', 'GRAPHREC_LOG_LEVEL': 'info', 'GRAPHREC_RECORD': 'false'}); "
        "print(sorted({'msgspec', 'tomllib', 'difflib'} & set(sys.modules)))"
    )
    # The demo leaves a graphrec.toml in the checkout.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "[]\n"


def test_the_login_reaches_the_store_from_the_settings_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[object, ...]] = []
    monkeypatch.setattr("graphrec.store.neo4j.driver.Neo4jStore", lambda *given: opened.append(given))
    monkeypatch.setenv("NEO4J_PASSWORD", "of the environment")
    login = StoreLogin("ann", "hush", "bank")
    open_store("bolt://here", tmp_path / "store", login)
    assert opened == [("bolt://here", tmp_path / "series", login)]
    for file in (ROOT / "graphrec").rglob("*.py"):
        if file.parent.name != "config" and file.name != "log.py":  # The log hides the password wherever it stands.
            assert not re.search(r"environ.*NEO4J_", file.read_text(encoding="utf-8")), file


TAKE_OUT = "holds a name or a password; take them out of the address: they come from NEO4J_USERNAME and NEO4J_PASSWORD"
NO_SCHEME = (
    "looks like a server without its scheme; want neo4j://{}, or for a folder of that name a path such as ./NAME"
)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("neo4j://neo4j:topsecret@127.0.0.1:7687", f"store neo4j://***@127.0.0.1:7687 {TAKE_OUT}"),
        ("bolt+s://ann:topsecret:/a@b@db.example.org/x", f"store bolt+s://***@db.example.org/x {TAKE_OUT}"),
        ("localhost:7687", f"store localhost:7687 {NO_SCHEME.format('localhost:7687')}"),
        ("neo4j:topsecret@db:7687", f"store ***@db:7687 {NO_SCHEME.format('db:7687')}"),
        ("neo4j:/db:7687", f"store db:7687 {NO_SCHEME.format('db:7687')}"),
    ],
)
def test_addresses_that_hold_a_secret_or_no_scheme(tmp_path: Path, address: str, message: str) -> None:
    (tmp_path / "graphrec.toml").write_text(f'store = "{address}"\n')
    for folder, environment, option in (
        (tmp_path, {}, None),
        (tmp_path / "none", {"GRAPHREC_STORE": address}, None),
        (tmp_path / "none", {}, address),
    ):
        with pytest.raises(SettingsError) as caught:
            read_settings(folder, environment, store=option)
        assert str(caught.value) == message
        assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["neo4j://127.0.0.1:7687", "bolt+ssc://[::1]:7687/x", "my/store", "./localhost:7687"]
)
def test_addresses_that_are_as_they_should_be(tmp_path: Path, address: str) -> None:
    assert read_settings(tmp_path, {}, store=address).store == address
