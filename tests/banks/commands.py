"""Commands of the command line, called in this process: a process of their own costs a second of processor each."""

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from graphrec.cli import app


class Commands:
    """The commands on one home, each with the same options before it."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self._options = ("--home", str(home), *options)

    def run(self, *words: str, code: int = 0) -> Result:
        """Run one command; the exit code is checked, and an error that no command expects is raised."""
        done = CliRunner().invoke(app, [*self._options, *words], prog_name="graphrec", catch_exceptions=False)
        assert done.exit_code == code, done.stderr
        return done

    def json(self, *words: str) -> dict[str, Any]:
        """The one object that a command prints with --json, and nothing else."""
        plain: dict[str, Any] = json.loads(self.run(*words, "--json").stdout)
        return plain
