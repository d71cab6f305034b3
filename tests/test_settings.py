from pathlib import Path

import pytest

from graphrec.errors import SettingsError
from graphrec.schema import Roles
from graphrec.settings import FILE_NAME, RoleOverrides, Settings, StoreLogin, read_settings


def write(folder: Path, content: str) -> Path:
    (folder / FILE_NAME).write_text(content, encoding="utf-8")
    return folder


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}) == Settings()
    assert Settings().home == Path(".graphrec")
    assert Settings().store is None


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
    assert read_settings(tmp_path, {"GRAPHREC_STORE": "", "GRAPHREC_SEED": ""}) == Settings()


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
    with pytest.raises(SettingsError, match="^GRAPHREC_MIN_CONFIDENCE 'high' is not a number; correct or unset it$"):
        read_settings(tmp_path, {"GRAPHREC_MIN_CONFIDENCE": "high"})


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
        ("sed = 1", "has an unknown key sed; the nearest known one is seed"),
        ("zzz = 1", "has an unknown key zzz; the nearest known one is "),
        ("[roles]\nmingroup = 1", "has an unknown key roles.mingroup; the nearest known one is roles.min_group"),
        ('password = "x"', "holds password; secrets come from the environment only: set NEO4J_PASSWORD"),
        ('seed = "1"', "seed = '1' is not a whole number; correct it"),
        ("seed = true", "seed = True is not a whole number; correct it"),
        ("store = 1", "store = 1 is not a text; correct it"),
        ("roles = 1", "roles = 1 is not a table; correct it"),
        ("[roles]\nrelevant = [1]", "roles.relevant = [1] is not a list of texts; correct it"),
        ("[roles]\nmin_group = 0", "roles.min_group 0 is below 1; want 1 or more"),
        ("[roles.weights]\nA = true", "roles.weights = {'A': True} is not a table of numbers; correct it"),
        ('language = "de"', "language 'de' is no language of the reasons; want one of en, zh"),
        ("min_confidence = 1", "min_confidence 1 is no confidence; want a number from 0 to below 1"),
        ("min_confidence = true", "min_confidence = True is not a number; correct it"),
        ('log_level = "loud"', "log_level 'loud' is no log level; want one of debug, info, warning, error"),
        ("seed =", "is not TOML: Invalid value (at end of document); correct it"),
    ],
)
def test_what_a_file_may_not_say(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, content), {})
    assert str(caught.value).startswith(f"{tmp_path / FILE_NAME} ")
    assert message in str(caught.value)


def test_what_the_environment_may_not_say(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^GRAPHREC_SEED 'x' is not a whole number; correct or unset it$"):
        read_settings(tmp_path, {"GRAPHREC_SEED": "x"})
    with pytest.raises(SettingsError, match=r"^GRAPHREC_LOG_LEVEL 'x' is no log level; want one of debug, info"):
        read_settings(tmp_path, {"GRAPHREC_LOG_LEVEL": "x"})
    with pytest.raises(SettingsError, match=r"^--log-level 'x' is no log level; want one of debug, info"):
        read_settings(tmp_path, {}, log_level="x")
