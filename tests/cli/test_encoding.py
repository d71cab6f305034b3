"""Terminals that cannot write every character."""

import os
import subprocess
import sys

import pytest

from graphrec.home import Home
from graphrec.languages import language_of


@pytest.mark.slow
def test_what_an_encoding_does_not_have_fails_no_command(own_home: Home) -> None:
    command = [
        sys.executable,
        "-c",
        "from graphrec.cli import app; app()",
        "--home",
        str(own_home.path),
        "--policy",
        "none",
        "recommend",
        "C001",
        "-k",
        "1",
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*command, "--no-record"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, f"note: {language_of('en').say('notes.no_policy')}\n".encode("ascii"))
    assert done.stdout.decode("ascii").startswith(r"C001 \xb7 blend-final \xb7 as of ")
