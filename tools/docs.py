"""Write docs/cli.md from --help: `make docs`; with --check, say whether it is up to date."""

import subprocess
import sys
from pathlib import Path

from graphrec.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "cli.md"
HEAD = "# Commands\n\nWritten by `make docs` from `--help`. Do not edit.\n"


def help_of(*words: str) -> str:
    """What `graphrec … --help` prints, 100 columns wide."""
    code = f"from graphrec.cli import app; app({[*words, '--help']!r}, prog_name='graphrec')"
    environment = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "PATH": "", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    return "\n".join(line.rstrip() for line in done.stdout.decode().splitlines())


def render() -> str:
    """The whole page."""
    parts = [HEAD, f"## graphrec\n\n```\n{help_of()}\n```\n"]
    parts += [f"## graphrec {name}\n\n```\n{help_of(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


def main() -> None:
    """Write the page, or check it."""
    page = render()
    if "--check" not in sys.argv:
        TARGET.write_text(page, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != page:
        sys.exit("error: docs/cli.md is not what --help says; run: make docs")


if __name__ == "__main__":
    main()
