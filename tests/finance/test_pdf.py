"""Statements as PDF: where the libraries of Pango are, the same bytes twice; where something lacks, one clear line."""

import builtins
import os
import re
import shutil
import subprocess
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import UsageError
from graphrec.finance.statement.printed import pdf
from tests.finance.test_statement import advised, bank, listed  # noqa: F401 - fixtures

LIBRARIES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")


@cache
def has_libraries() -> bool:
    """Whether WeasyPrint runs here; root on a Debian in CI installs what it wants."""
    weasyprint = pytest.importorskip("weasyprint", reason="graphrec[pdf] is not installed", exc_type=ImportError)
    return weasyprint is not None


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """Skip without the package; without the libraries install them where that is allowed."""
    try:
        has_libraries()
    except OSError as error:
        if not (os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get")):
            pytest.skip(f"no libraries of Pango ({error}); apt-get install {' '.join(LIBRARIES)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *LIBRARIES]):
            subprocess.run(["apt-get", "--quiet", *command], check=True, capture_output=True, env=environment)
        has_libraries()


def letters(made: bytes) -> str:
    """The letters that the fonts of a PDF have, from its maps to Unicode."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    found = ""
    for stream in streams:
        try:
            text = zlib.decompress(stream)
        except zlib.error:
            continue
        if b"beginbfchar" in text:
            for code in re.findall(rb"<[0-9a-fA-F]+> <([0-9a-fA-F]+)>", text):
                found += bytes.fromhex(code.decode()).decode("utf-16-be", "replace")
    return found


def page(language: str, text: str) -> str:
    head = '<head><meta charset="utf-8"><title>x</title></head>'
    return f'<!doctype html><html lang="{language}">{head}<p>{text}</p></html>'


def test_a_statement_as_pdf(advised: Path, bank: Any, tmp_path: Path) -> None:  # noqa: F811
    user, product = next(listed(bank, 3))
    files = [tmp_path / f"{n}.pdf" for n in range(2)]
    runner = CliRunner()
    asked = ["--home", str(advised), "statement", user, product, "--amount", "2000", "--format", "pdf"]
    first = runner.invoke(app, [*asked, "--no-record", "--out", str(files[0])])
    assert first.exit_code == 0, first.output
    runner.invoke(app, [*asked, "--no-record", "--out", str(files[1])])
    made = files[0].read_bytes()
    assert made == files[1].read_bytes(), "the same statement is the same file"
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert {"S", "2", "%"} <= set(letters(made)), "the letters of the text are in its fonts"
    refused = runner.invoke(app, asked)
    assert refused.exit_code == 2
    assert "name a file with --out" in refused.output


def test_german_letters_are_there_and_missing_ones_are_said() -> None:
    assert set("äößüÄ€") <= set(letters(pdf(page("de", "Größe: äöüß, Ä, 5.000,00 €"))))
    said = ""
    try:
        made = pdf(page("zh", "适合性声明"))
    except UsageError as error:
        made, said = b"", str(error)
    # A machine without Chinese fonts says so, and makes no page of boxes.
    assert made or said.startswith('no font here has the letters of the text ("适"')
    assert made or "fonts-noto-cjk" in said
    assert said or set("适合性声明") <= set(letters(made))


def test_without_libraries_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0': no such file")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(UsageError, match=r"the libraries of Pango.*apt-get install libpango-1.0-0.*--format html"):
        pdf(page("en", "x"))
