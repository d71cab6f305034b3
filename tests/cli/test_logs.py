"""A nightly run leaves a file that operations can read, and no value of a customer in it."""

import contextlib
import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.banks.commands import Commands
from tests.banks.demo import cut_demo_bank

pytestmark = pytest.mark.slow

PYTHON = [sys.executable, str(Path(__file__).resolve().parents[2] / "cli.py")]
NIGHT = (
    ("load", "demo", "--data", "bank"),
    ("train", "--model", "kernel", "--no-text", "--fixed"),
    ("recommend", "C000016"),
    ("explain", "C000016", "P0001"),
    ("find", "C000016"),
    ("export", "--out", "lists.csv", "-k", "3"),
)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which the commands of a night ran, everything logged to all.log."""
    folder = tmp_path_factory.mktemp("night")

    said: list[str] = []

    def run(*options: str, words: tuple[str, ...], code: int = 0) -> None:
        said.append(Commands(Path("home"), "--policy", "none", *options).run(*words, code=code).stderr)

    with contextlib.chdir(folder):
        run(words=("demo", "--out", "bank"))
        cut_demo_bank(folder / "bank")
        for words in NIGHT:
            options = ("-vv", "--log-format", "json", "--log-file", "all.log")
            run(*options, words=words, code=3 if "P0001" in words else 0)  # there is no such product
        run(words=("export", "--out", "again.csv"))
        run("--log-format", "json", words=("recommend", "nobody at all"), code=3)
        # A process of its own sets up the same.
        alone = [*PYTHON, "--home", "home", "--policy", "none", "--log-format", "json", "find", "C000016"]
        said.append(subprocess.run(alone, capture_output=True, text=True, check=True).stderr)
    lines = [line for text in said for line in text.splitlines() if line.startswith("{")]
    (folder / "stderr.log").write_text("\n".join(lines) + "\n")
    return folder


def test_every_command_leaves_its_line_with_seconds(night: Path) -> None:
    lines = [json.loads(line) for line in (night / "all.log").read_text().splitlines()]
    commands = [line["command"] for line in lines if line["stage"] == "command"]
    assert commands == [words[0] for words in NIGHT]
    assert all(line["seconds"] >= 0 and line["level"] in ("info", "debug") for line in lines)
    assert (night / "stderr.log").read_text().splitlines()


def test_without_an_option_the_log_is_in_the_home_and_holds_what_changed_something(night: Path) -> None:
    # Beside it stands the log of who read what of persons.
    (access,) = (night / "home" / "logs").glob("access-*.log")
    (file,) = (one for one in (night / "home" / "logs").iterdir() if one != access)
    assert re.fullmatch(r"\d{4}-\d\d\.log", file.name)
    lines = [line for line in file.read_text().splitlines() if " INFO command: " in line]
    assert [re.findall(r"command=(\S+)", line) for line in lines] == [["export"]]


def test_no_line_holds_a_value_of_a_customer(night: Path) -> None:
    text = (night / "all.log").read_text() + (night / "stderr.log").read_text()
    text += "".join(file.read_text() for file in (night / "home" / "logs").iterdir())
    with (night / "bank" / "customers.csv").open() as file:
        customers = list(csv.DictReader(file))
    personal = {row[key] for row in customers for key in row if key in PERSONAL}
    assert len(personal) > 500
    words = set(re.findall(r"[\w-]+", text))
    assert not personal & words
    assert not {value for value in personal if value in text}
    assert not {row["customer_id"] for row in customers} & words


PERSONAL = ("birth_date", "display_name")
