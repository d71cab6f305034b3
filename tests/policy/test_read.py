"""policy.toml: what is wrong in it is named with file and line; which file is the policy of a home."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.config.settings import read_settings
from graphrec.errors import PolicyError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.policy.read import home_policy, parse_policy, read_policy
from graphrec.policy.rules import Rule, default_policy
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
        ('version = "3"', "", "a.toml: version is missing; correct it"),
        ('version = "3"', "version = 3", "a.toml line 2: version = 3 is not a text; correct it"),
        ('version = "3"', 'vershion = "3"', "a.toml line 2: unknown key vershion; the nearest known one is version"),
        (
            'version = "3"',
            'version = "built-in"',
            "a.toml line 2: version = 'built-in' names the rules of a home without a file; take another",
        ),
        ("severity =", "severty =", "a.toml line 12: unknown key rule.severty; the nearest known one is rule.severity"),
        (
            '"warn"',
            '"warning"',
            "a.toml line 12: rule.severity = 'warning' is not one of refuse, review, warn; correct it",
        ),
        ('"allow"', "true", "a.toml line 13: rule.missing = True is not one of allow, refuse; correct it"),
        ('id = "kind"', 'id = "held"', "a.toml line 10: there are two rules held; give each its own id"),
        (
            'id = "kind"',
            'id = "a kind"',
            "a.toml line 10: rule.id = 'a kind' is not a plain name of letters, digits, - and _; correct it",
        ),
        (
            'id = "kind"',
            'id = "kind\\n"',
            "a.toml line 10: rule.id = 'kind\\n' is not a plain name of letters, digits, - and _; correct it",
        ),
        ('sentence = "held already"\n', "", "a.toml line 5: rule.sentence is missing; correct it"),
        ('"held already"', '""', "a.toml line 7: rule.sentence = '' is not a text that is not empty; correct it"),
        (
            '["low", "high"]',
            '["low"]',
            "a.toml line 4: levels.risk = ['low'] is not a list of two texts or more, each once, lowest first; correct",
        ),
        (
            '["low", "high"]',
            '["a", "a"]',
            "a.toml line 4: levels.risk = ['a', 'a'] is not a list of two texts or more, each once, lowest first; corr",
        ),
        ('["low", "high"]', '["low", 1]', "a.toml line 4: levels.risk holds 1; want a list of two texts or more, each"),
        (
            'missing = "allow"',
            "protected = true",
            'a.toml line 9: rule kind: protected = true and reason = "…" go together: protected columns are read where '
            "a law asks for it, and the reason names it",
        ),
        ("[[rule]]\n", "[[rule]\n", "a.toml line 5 is not TOML: Expected ']]' at the end of an array declaration"),
        ("[[rule]]\n", "[rule]\n", "a.toml line 9 is not TOML: Cannot "),
        ('"not held"', '"not"', "a.toml line 8: rule held: is no condition: invalid syntax"),
        ("product.kind !=", "product.kind\n!", "a.toml line 16: rule kind: is no condition: invalid syntax"),
        (
            '"not held"',
            f'"{"not " * 5000}held"',
            "a.toml line 8: rule held: nests more than 64 deep; divide it into several rules",
        ),
        (
            '"not held"',
            f'"{"not " * 70}held"',
            "a.toml line 8: rule held: nests more than 64 deep; divide it into several rules",
        ),
        (
            '"not held"',
            f'"{"(" * 300}held{")" * 300}"',
            "a.toml line 8: rule held: is no condition: too many nested parentheses",
        ),
        (
            "product.kind !=",
            f"product.a == 1 and\nproduct.kind == {'1 + ' * 5000}1 and\nproduct.kind !=",
            "a.toml line 15: rule kind: nests more than 64 deep; divide it into several rules",
        ),
        (
            "product.kind !=",
            f"product.a == 1 and\nproduct.kind == {'1' * 400} and product.kind !=",
            "a.toml line 16: rule kind: holds a number of more than 64 bits; no column has such a value",
        ),
        (
            '"not held"',
            f'"product.a == {"1" * 5000}"',
            "a.toml line 8: rule held: holds a number of more than 64 bits; no column has such a value",
        ),
        (
            '"not held"',
            '"product.a == 1e400"',
            "a.toml line 8: rule held: holds a number of more than 64 bits; no column has such a value",
        ),
        (
            '"not held"',
            f'"product.a in [{"1, " * 40_000}]"',
            "a.toml line 8: rule held: has 120,015 characters; a condition has at most 100,000: divide it",
        ),
        ('"not held"', f'"{"product." * 6000}a == 1"', "a.toml line 8: rule held: nests more than 64 deep; divide it"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    begin = time.process_time()
    with pytest.raises(PolicyError) as caught:
        parse_policy(TEXT.replace(old, new, 1), "a.toml")
    found = str(caught.value)
    assert found.startswith(message)
    assert found.isprintable()
    assert len(found) < 300
    assert time.process_time() - begin < 10


def test_a_long_flat_condition_is_read() -> None:
    long = " or ".join(["held"] * 10_000)
    policy = parse_policy(TEXT.replace("not held", long), "a.toml")
    assert policy.rules[0].require == long
    assert len(policy.hash) == 64


def test_a_policy_file_that_nests_too_deep_ends_in_one_line(own_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    for content in ("a = " + "[" * 500 + "]" * 500, TEXT.replace("not held", "not " * 5000 + "held")):
        file.write_text(content, encoding="utf-8")
        result = CliRunner().invoke(app, ["--home", str(own_home.path), "--policy", str(file), "recommend", "C003"])
        assert (result.exit_code, result.stdout) == (3, "")
        assert result.stderr.startswith(f"error: {file} line ")
        assert result.stderr.count("\n") == 1


def test_a_home_has_its_own_policy_unless_another_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home_policy(home, snapshot) == default_policy(snapshot)
    assert [rule.id for rule in default_policy(snapshot).rules] == ["held", "offered"]
    (tmp_path / "policy.toml").write_text(TEXT, encoding="utf-8")
    assert home_policy(home, snapshot).version == "3"
    other = tmp_path / "other.toml"
    other.write_text(TEXT.replace('"3"', '"4"'), encoding="utf-8")
    assert home_policy(Home(tmp_path, other), snapshot).version == "4"
    with pytest.raises(PolicyError, match=r"none.toml cannot be read: No such file or directory; correct the path"):
        home_policy(Home(tmp_path, tmp_path / "none.toml"), snapshot)


def test_settings_name_a_policy(tmp_path: Path) -> None:
    (tmp_path / "graphrec.toml").write_text('policy = "rules.toml"', encoding="utf-8")
    assert read_settings(tmp_path, {}).policy == tmp_path / "rules.toml"
    assert read_settings(tmp_path, {"GRAPHREC_POLICY": "env.toml"}).policy == Path("env.toml")
    assert read_settings(tmp_path, {"GRAPHREC_POLICY": "env.toml"}, policy="option.toml").policy == Path("option.toml")


def test_a_policy_that_does_not_fit_is_refused_at_start(own_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT.replace("product.kind !=", "product.kin !="), encoding="utf-8")
    result = CliRunner().invoke(app, ["--home", str(own_home.path), "--policy", str(file), "recommend", "C003"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        f"error: {file} line 15: rule kind: there is no product.kin; the nearest is product.kind\n"
    )
    assert read_policy(file).version == "3"
