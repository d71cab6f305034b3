"""policy.toml: what is wrong in it is named with file and line; which file is the policy of a home."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.config.settings import read_settings
from graphrec.errors import PolicyError
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.policy.default import default_policy
from graphrec.policy.read import home_policy, parse_policy, read_policy
from graphrec.policy.rules import Rule
from tests.banks import bank_snapshot

TEXT = '''# rules
version = "3"
[levels]
risk = ["low", "high"]
[[rule]]
id = "held"
sentence = "held already"
require = "not held"
[[rule]]
id = "kind"
sentence = "{product.kind}"
severity = "warn"
missing = "allow"
require = """
product.kind != "fund"
"""
'''


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The small bank."""
    return bank_snapshot(tmp_path_factory.mktemp("bank") / "snapshot")


def test_a_policy_is_what_its_file_says() -> None:
    policy = parse_policy(TEXT, "a.toml")
    assert (policy.version, policy.source, policy.levels) == ("3", "a.toml", {"risk": ("low", "high")})
    condition = 'product.kind != "fund"\n'
    assert policy.rules == (
        Rule("held", "held already", "not held"),
        Rule("kind", "{product.kind}", condition, severity="warn", missing="allow"),
    )
    assert [rule.lines["require"] for rule in policy.rules] == [8, 15]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "3"', "", 'a.toml has no version; a policy starts with version = "1" or another name'),
        ('version = "3"', "version = 3", "a.toml: version = 3 is not a text; correct it"),
        ('version = "3"', 'vershion = "3"', "a.toml: unknown key vershion; the nearest is version"),
        ("severity =", "severty =", "a.toml line 12: unknown key severty; the nearest is severity"),
        ('"warn"', '"warning"', "a.toml line 12: rule kind: severity = 'warning'; want refuse or warn"),
        ('"allow"', "true", "a.toml line 13: missing = True is not a text; correct it"),
        ('"allow"', '"pass"', "a.toml line 13: rule kind: missing = 'pass'; want refuse or allow"),
        ('id = "kind"', 'id = "held"', "a.toml has two rules held; give each its own id"),
        ('id = "kind"', 'id = "a kind"', "a.toml line 9: id 'a kind' is no plain name; want letters, digits, - and _"),
        (
            'sentence = "held already"\n',
            "",
            "a.toml line 5: a rule has an id, a sentence and what it requires; sentence is not there",
        ),
        (
            '["low", "high"]',
            '["low"]',
            "a.toml: levels.risk = ['low']; want two texts or more, each once, lowest first",
        ),
        (
            '["low", "high"]',
            '["a", "a"]',
            "a.toml: levels.risk = ['a', 'a']; want two texts or more, each once, lowest first",
        ),
        (
            'missing = "allow"',
            "protected = true",
            'a.toml line 9: rule kind: protected = true and reason = "…" go together: protected columns are read where '
            "a law asks for it, and the reason names it",
        ),
        ("[[rule]]\n", "[[rule]\n", "a.toml is not TOML: Expected ']]' at the end of an array declaration"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(TEXT.replace(old, new, 1), "a.toml")
    assert str(caught.value).startswith(message)


def test_a_home_has_its_own_policy_unless_another_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home_policy(home, snapshot) == default_policy(snapshot)
    assert [rule.id for rule in default_policy(snapshot).rules] == ["held", "offered"]
    (tmp_path / "policy.toml").write_text(TEXT, encoding="utf-8")
    assert home_policy(home, snapshot).version == "3"
    other = tmp_path / "other.toml"
    other.write_text(TEXT.replace('"3"', '"4"'), encoding="utf-8")
    assert home_policy(Home(tmp_path, other), snapshot).version == "4"
    with pytest.raises(PolicyError, match=r"none.toml cannot be read: No such file or directory; name another one"):
        home_policy(Home(tmp_path, tmp_path / "none.toml"), snapshot)


def test_settings_name_a_policy(tmp_path: Path) -> None:
    (tmp_path / "graphrec.toml").write_text('policy = "rules.toml"', encoding="utf-8")
    assert read_settings(tmp_path, {}).policy == tmp_path / "rules.toml"
    assert read_settings(tmp_path, {"GRAPHREC_POLICY": "env.toml"}).policy == Path("env.toml")
    assert read_settings(tmp_path, {"GRAPHREC_POLICY": "env.toml"}, policy="option.toml").policy == Path("option.toml")


def test_a_policy_that_does_not_fit_is_refused_at_start(served_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT.replace("product.kind !=", "product.kin !="), encoding="utf-8")
    result = CliRunner().invoke(app, ["--home", str(served_home.path), "--policy", str(file), "recommend", "C003"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        f"error: {file} line 15: rule kind: there is no product.kin; the nearest is product.kind\n"
    )
    assert read_policy(file).version == "3"
