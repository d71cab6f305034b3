"""A TOML file that was changed at random is taken, or refused in one line that names the file and the line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphrec.config.convert import convert
from graphrec.config.document import parse_toml
from graphrec.config.settings_file import SettingsFile
from graphrec.errors import GraphrecError, PolicyError, SettingsError, SourceError
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.policy.read import parse_policy

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """\
store = "bolt://here"
home = "bank"
seed = 7
log_level = "info"
record = false
min_confidence = 0.25
[roles]
user = "Customer"
interactions = ["BOUGHT", "VIEWED"]
weights = { BOUGHT = 1, VIEWED = 0.5 }
min_group = 3
"""
TEXTS = {
    "settings": SETTINGS,
    "mapping": (ROOT / "tests" / "data" / "tiny_bank" / "bank.toml").read_text(encoding="utf-8"),
    "policy": (ROOT / "docs" / "policy.md").read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0],
}
READERS: dict[str, tuple[Callable[[str], object], type[GraphrecError]]] = {
    "settings": (lambda text: convert(parse_toml(text, "my.toml", SettingsError), SettingsFile), SettingsError),
    "mapping": (lambda text: parse_mapping(text, "my.toml"), SourceError),
    "policy": (lambda text: parse_policy(text, "my.toml"), PolicyError),
}
PIECES = (
    *('"', "'", '"""', "'''", "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\n", "\\", "-", "1", "true", " "),
    *("nan", "1e999", "2026-01-31", "\x00", "\x1b[31m", "é", "行业", "[" * 60, "a." * 60, "9" * 90, "x" * 400, "not "),
    *('password = "hush"\n', '"\\u0000" = 1\n', "[roles]\n", "[[rule]]\n", "a = [{b = [{}]}]\n"),
)
WHAT = re.compile(r"^my\.toml(: | line \d+: | line \d+ is not TOML: | line \d+ nests | line \d+ has )")


def outcome(kind: str, text: str) -> str | None:
    """The refusal of a text; None when it is taken."""
    read, error = READERS[kind]
    try:
        read(text)
    except error as problem:
        return str(problem)
    return None


def changed(text: str, draw: Callable[[st.SearchStrategy[int]], int]) -> str:
    """A text with a piece put in, a piece cut out, or two lines exchanged."""
    place = draw(st.integers(0, len(text)))
    what = draw(st.integers(0, len(PIECES) + 2))
    if what < len(PIECES):
        return text[:place] + PIECES[what] + text[place:]
    if what == len(PIECES):
        return text[:place] + text[place + draw(st.integers(1, 40)) :]
    lines = text.split("\n")
    one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[other] = (lines[other], lines[one]) if what == len(PIECES) + 1 else (lines[other], lines[other])
    return "\n".join(lines)


@pytest.mark.parametrize("kind", TEXTS)
def test_the_texts_are_taken_as_they_are(kind: str) -> None:
    assert outcome(kind, TEXTS[kind]) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
@given(data=st.data())
@settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_a_changed_text_is_taken_or_refused_in_one_line(kind: str, data: st.DataObject) -> None:
    text = TEXTS[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        text = changed(text, data.draw)
    why = outcome(kind, text)
    if why is not None:
        assert WHAT.match(why), why
        assert why.isprintable(), why
        assert len(why) < 700, why
        if re.search(r"\bpassword\b", why) and "source.files.password is" not in why:  # There it names a file.
            assert "hush" not in why, why
        if (line := re.match(r"my\.toml line (\d+)", why)) is not None:
            assert 1 <= int(line[1]) <= text.count("\n") + 1


@pytest.mark.parametrize("kind", TEXTS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_misspelt_key_is_named_with_its_line(kind: str, data: st.DataObject) -> None:
    lines = TEXTS[kind].split("\n")
    keys = [
        n
        for n, one in enumerate(lines)
        if re.match(r"(version|seed|record|min_group|key|sql|sentence|severity) *=", one)
    ]
    number = data.draw(st.sampled_from(keys))
    lines[number] = "x" + lines[number]
    why = outcome(kind, "\n".join(lines))
    assert why is not None
    assert f"my.toml line {number + 1}: unknown key " in why
