"""The generated pages are current, and nothing that a person can call is missing from them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec import queries
from graphrec.cli.commands import COMMANDS
from tools import docs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(docs.PAGES))
def test_generated_pages_are_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == docs.PAGES[name](), "run: make docs"


def test_every_command_and_option_has_a_sentence() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^## graphrec (\S+)$", page, re.MULTILINE) == list(COMMANDS)
    parts = re.findall(r"^(?:Arguments|Options):\n((?:  .+\n|\n(?=  ))+)", page, re.MULTILINE)
    assert len(parts) >= len(COMMANDS)
    for line in "".join(parts).splitlines():
        if re.match(r"^  (-|<|[a-z_]+ <)", line):
            assert re.search(r"\S {2,}\S", line) or len(line) > 24, f"{line.strip()} has no help"


def test_every_analyst_query_is_documented_with_its_parameters() -> None:
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    for query in queries.library():
        section = page.partition(f"## {query.name}\n")[2].partition("\n## ")[0]
        assert query.question in section
        assert query.question.endswith("?")
        assert all(f"* `{one.name}` ({one.kind}" in section for one in query.parameters)


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme, f"README.md does not name docs/{page.name}"


@pytest.mark.parametrize(
    "page", ["README.md", "CHANGELOG.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_records_of_decisions_are_short_and_in_one_form() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(file.name[:4])}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


@pytest.mark.slow
def test_the_site_is_whole_and_asks_no_other_host(tmp_path: Path) -> None:
    """Strict: a page outside the navigation, a dead link and a missing anchor are errors."""
    command = [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--quiet", "--site-dir", tmp_path]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))  # each page, and the one for what is not found
    asked = re.compile(r"""<(?:script|link|img)[^>]+(?:src|href)=["']?(https?:)?//""")
    assert not [page.name for page in pages if asked.search(page.read_text("utf-8"))]
