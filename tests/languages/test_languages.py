"""Languages: no text is lacking, every placeholder is filled, and nothing English is said in another language."""

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec import languages
from graphrec.cli import app
from graphrec.errors import SettingsError
from graphrec.home import Home
from graphrec.languages import LANGUAGES, OPEN, VOICES, Language, language_of, missing
from tests.served import copied

FOLDER = Path(languages.__file__).parent
ENGLISH = language_of("en")


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_language_lacks_a_text(code: str) -> None:
    found = language_of(code)
    assert missing(found.texts, ENGLISH.texts) == []
    stems = {re.sub(rf"\.({'|'.join(VOICES)})$", "", key) for key in ENGLISH.texts}
    for key in found.texts:
        if key.partition(".")[0] not in OPEN:
            assert re.sub(rf"\.({'|'.join(VOICES)})$", "", key) in stems, f"nobody says {key}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_placeholder_is_filled(code: str, tmp_path: Path) -> None:
    # A file of a home is checked whole; a copy of a shipped one passes.
    (tmp_path / f"{code}x.toml").write_text((FOLDER / f"{code}.toml").read_text("utf-8"), "utf-8")
    assert language_of(f"{code}x", tmp_path).texts == language_of(code).texts


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_text_is_the_english_one(code: str) -> None:
    """But for what has no words, such as a comma, and words that are the same."""
    same = {
        key
        for key, text in language_of(code).texts.items()
        if ENGLISH.texts.get(key) == text and re.search(r"[a-z]{2}", re.sub(r"\{\w+\}", "", text))
    }
    words = {f"words.{name}" for name in ("Genre", "Index", "Region", "Studio")}
    assert same <= {"forms.nouns", "heads.name", "heads.term", "page.portfolio", *words}


@pytest.mark.slow
def test_every_text_is_said_somewhere() -> None:
    folder = Path(languages.__file__).parent.parent
    files = [path for form in ("*.py", "*.html") for path in folder.rglob(form)]
    lines = {line for path in files for line in path.read_text("utf-8").splitlines()}
    code = "\n".join(line for line in lines if '"' in line or "." in line)
    unnamed = {
        "kinds", "lists", "parts", "confidence", "against", "reasons", "things", "policy", "first", "roles", "commands",
    }  # fmt: skip

    def is_begun(table: str, name: str) -> bool:
        """Whether a page joins a name that begins all of its kind, such as "page.alert_", and a state."""
        heads = [name[: at + 1] for at, letter in enumerate(name) if letter == "_"]
        return any(f'"{table}.{head}" ~' in code or f'"{head}{{' in code for head in heads)

    for key in ENGLISH.texts:
        table, _, name = key.partition(".")
        name = re.sub(rf"\.({'|'.join(VOICES)})$", "", name)
        if table not in OPEN and table not in unnamed:
            said = f"{table}.{name}" in code or f'{name}"' in code
            assert said or is_begun(table, name), f"nobody says {key}"


def test_what_rounds_to_nothing_has_no_minus() -> None:
    assert (ENGLISH.percent(-0.2), ENGLISH.number(-0.00004, 4, sign=True)) == ("0%", "+0.0000")


def test_numbers_and_dates_are_written_as_people_write_them() -> None:
    written = {
        code: (found.number(12345.678, 2), found.number(-0.5, 1, sign=True), found.percent(7.25, 1), found.given(0.38))
        for code, found in ((code, language_of(code)) for code in LANGUAGES)
    }
    assert written == {
        "en": ("12,345.68", "-0.5", "7.2%", "0.38"),
        "de": ("12.345,68", "-0,5", "7,2 %", "0,38"),
        "zh": ("12,345.68", "-0.5", "7.2%", "0.38"),
    }
    day = datetime(2026, 3, 5)  # noqa: DTZ001 - only its day is written
    assert [language_of(code).date(day) for code in LANGUAGES] == ["5 March 2026", "5. März 2026", "2026年3月5日"]
    assert language_of("de").joined(["A", "B", "C"]) == "A, B und C"
    assert language_of("zh").joined(["A", "B"], "or") == "A 或 B"


def test_a_language_of_the_home(tmp_path: Path) -> None:
    text = (FOLDER / "en.toml").read_text("utf-8")
    (tmp_path / "xy.toml").write_text(text.replace("goes well with", "suits"), "utf-8")
    assert language_of("xy", tmp_path).say("reasons.learned", things="A") == "suits A"
    # One that is called like a shipped one stands over its texts and may have few.
    (tmp_path / "de.toml").write_text('[reasons]\nlearned = "passt zu {things}"\n', "utf-8")
    german: Language = language_of("de", tmp_path)
    assert german.say("reasons.learned", things="A") == "passt zu A"
    assert german.say("heads.rank") == "Rang"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[heads]\nrank = 'Rang'\n",
            r"xy\.toml lacks \d+ texts: .*heads\.product.*; write them, as in the English file",
        ),
        ("[heads]\nrank = 3\n", r"heads\.rank is 3, which is no text; put it in quotes"),
        ("[heads\n", r"xy\.toml cannot be read: .*; correct or remove it"),
    ],
)
def test_an_unusable_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "xy.toml").write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=message):
        language_of("xy", tmp_path)


def test_what_a_file_says_too_much_is_refused(tmp_path: Path) -> None:
    for content, message in (
        ('[heads]\nrnak = "Rang"\n', r"de\.toml has texts that nobody says: heads\.rnak; remove them"),
        ('[notes]\nno_list = "nichts für {usr}"\n', r"notes\.no_list names \{usr\}, which is not filled there"),
        ('[notes]\nno_list = "nichts für {user"\n', r"notes\.no_list = .*; write \{\{ for a brace"),
    ):
        (tmp_path / "de.toml").write_text(content, "utf-8")
        with pytest.raises(SettingsError, match=message):
            language_of("de", tmp_path)


def test_a_code_is_no_path(tmp_path: Path) -> None:
    for code in ("../en", "EN", "e", "english", ""):
        with pytest.raises(SettingsError, match="is not known; want one of en, de, zh"):
            language_of(code, tmp_path)


@pytest.mark.parametrize("code", ["de", "zh"])
@pytest.mark.parametrize("voice", VOICES)
def test_no_english_leaks_into_answers(own_home: Home, code: str, voice: str) -> None:
    """Of the words of English texts, answers of other languages have those alone that the bank's data have."""
    english = {
        word.casefold()
        for key, text in ENGLISH.texts.items()
        if key.partition(".")[0] not in ("links", "dates")
        for word in re.findall(r"[A-Za-z]{4,}", re.sub(r"\{\w+\}", "", text))
    }
    other = {
        word.casefold() for text in language_of(code).texts.values() for word in re.findall(r"[A-Za-zÀ-ÿ]{4,}", text)
    }
    data = {
        "bought",
        "viewed",
        "held",
        "offered",
        "rule",
        "fund",
        "bond",
        "sector",
        "kernel",
        "factors",
        "blend",
        "final",
        "customer",
        "product",
        "closed",
    }
    for command in (
        ("recommend", "C008"),
        ("explain", "C008", "P01", "--no-cypher", "--audit"),
        ("why-not", "C008", "P19"),
    ):
        voiced = () if command[0] == "why-not" else ("--voice", voice)
        words = ["--home", str(own_home.path), *command, "--no-policy", "--language", code, *voiced, "--no-record"]
        done = CliRunner().invoke(app, words, prog_name="graphrec")
        assert done.exit_code == 0, done.output
        said = {word.casefold() for word in re.findall(r"[A-Za-zÀ-ÿ]{4,}", done.output.replace("note: ", ""))}
        assert said & english - other - data == set(), command


@pytest.mark.slow
def test_a_home_speaks_a_language_of_its_own(served_home: Home, tmp_path: Path) -> None:
    home = Home(copied(served_home, tmp_path / "home"))
    home.languages.mkdir()
    text = (FOLDER / "en.toml").read_text("utf-8").replace('"everything else"', '"the remainder"')
    (home.languages / "xy.toml").write_text(text, "utf-8")
    words = ["--home", str(home.path), "recommend", "C008", "--no-policy", "--language", "xy", "--reasons", "1"]
    done = CliRunner().invoke(app, [*words, "--no-record"], prog_name="graphrec")
    assert "the remainder" in done.stdout
    recorded = CliRunner().invoke(app, [*words, "--json"], prog_name="graphrec")
    plain = json.loads(recorded.stdout)
    replayed = CliRunner().invoke(app, ["--home", str(home.path), "replay", str(plain["record"])], prog_name="graphrec")
    assert replayed.exit_code == 0, replayed.output


def test_one_language_is_read_where_one_is_spoken() -> None:
    code = (
        "import sys; from graphrec.languages import language_of, _shipped; language_of('de'); "
        "print(_shipped.cache_info().currsize, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
