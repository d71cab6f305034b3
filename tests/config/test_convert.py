"""Conversion: what does not fit is named with file, line, key, value and rule."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from graphrec.config.convert import convert, convert_value
from graphrec.config.document import parse_toml
from graphrec.config.names import nearest
from graphrec.errors import SourceError


@dataclass(frozen=True)
class Spec:
    key: str
    columns: tuple[str, ...] = ()
    more: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.key.startswith("bad"):
            raise ValueError(f"key = {self.key!r} is a word that this test refuses")


class Whole(Struct, frozen=True, forbid_unknown_fields=True):
    nodes: dict[str, Spec]
    file: dict[str, str | Spec] = {}
    kind: Literal["b", "a"] = "a"
    refit: bool | str = True
    name: Annotated[str, Meta(pattern="^[a-z]+$", extra={"want": "a name of small letters"})] = "x"
    lists: tuple[tuple[int, ...], ...] = ()
    from_: str | None = None
    any: dict[str, Any] = {}


def converted(text: str) -> Whole:
    return convert(parse_toml(text, "my.toml", SourceError), Whole)


def test_a_document_becomes_typed_objects() -> None:
    whole = converted('[nodes.A]\nkey="k"\ncolumns=["a"]\nmore={x=1}\n[file]\na="p"\nb={key="q"}\n[any]\nz=[{y=1}]')
    assert whole.nodes == {"A": Spec("k", ("a",), {"x": 1.0})}
    assert whole.file == {"a": "p", "b": Spec("q")}
    assert whole.any == {"z": [{"y": 1}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.toml: nodes is missing; correct it"),
        ("nodes = 1", "my.toml line 1: nodes = 1 is not a table of tables; correct it"),
        ("[nodes.A]\n[nodes.B]\nkey=''", "my.toml line 1: nodes.A.key is missing; correct it"),
        ("[nodes.A]\nkey=''\n[nodes.B]\nkey=1", "my.toml line 4: nodes.B.key = 1 is not a text; correct it"),
        ("[nodes.A]\nkye=''", "my.toml line 2: unknown key nodes.A.kye; the nearest known one is nodes.A.key"),
        (
            "[nodes.A]\nkey=''\n[nodes.B]\nkey=''\ncolumns=['a',\n2]",
            "my.toml line 5: nodes.B.columns holds 2; want a list of texts; correct it",
        ),
        (
            "[nodes.A]\nkey=''\nmore.x=1\nmore.y=''",
            "my.toml line 4: nodes.A.more.y = '' is not a number; correct it",
        ),
        (
            "[nodes.A]\nkey='good'\n[nodes.B]\nkey='bad'",
            "my.toml line 3: nodes.B: key = 'bad' is a word that this test refuses; correct it",
        ),
        (
            "[nodes]\n[file]\na=''\nb.kee=1",
            "my.toml line 4: unknown key file.b.kee; the nearest known one is file.b.key",
        ),
        ("[nodes]\n[file]\na=''\nb=1", "my.toml line 4: file.b = 1 is not a text or a table; correct it"),
        (
            "[nodes.A]\nkey='bad - at `$.x`'",
            "my.toml line 1: nodes.A: key = 'bad - at `$.x`' is a word that this test refuses; correct it",
        ),
        ("kind='c'\n[nodes]", "my.toml line 1: kind = 'c' is not one of a, b; correct it"),
        ("refit=1\n[nodes]", "my.toml line 1: refit = 1 is not true or false or a text; correct it"),
        ("name='A'\n[nodes]", "my.toml line 1: name = 'A' is not a name of small letters; correct it"),
        (
            "lists=[[1],[1,\n'a']]\n[nodes]",
            "my.toml line 1: lists holds 'a'; want a list of whole numbers; correct it",
        ),
        ("lists=[1]\n[nodes]", "my.toml line 1: lists holds 1; want a list of lists of whole numbers; correct it"),
        ("from_='" + "x" * 500 + "'\nkind='" + "x" * 500 + "'\n[nodes]", "my.toml line 2: kind = 'xxx"),
        ("kind={password='hush'}\n[nodes]", "my.toml line 1: kind = {…} is not one of a, b; correct it"),
        (
            "password='hush'\n[nodes]",
            "my.toml line 1: password is a secret, and secrets come from the environment only: set NEO4J_PASSWORD and "
            "delete the key",
        ),
    ],
)
def test_what_does_not_fit_is_named(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        converted(text)
    found = str(caught.value)
    assert found == message or (message.endswith("xxx") and found.startswith(message) and len(found) < 200)


def test_values_of_other_places() -> None:
    assert convert_value("7", int, "GRAPHREC_SEED", SourceError) == 7
    assert convert_value({"key": "k"}, Spec, "--param", SourceError) == Spec("k")
    with pytest.raises(SourceError, match=r"^--param: unknown key kye; the nearest known one is key$"):
        convert_value({"kye": "k"}, Spec, "--param", SourceError)
    with pytest.raises(SourceError, match=r"^--param: columns holds 1; want a list of texts; say it otherwise$"):
        convert_value({"key": "k", "columns": [1]}, Spec, "--param", SourceError, advice="say it otherwise")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("nan", float, "--set 'nan' is not a finite number; correct it"),
        ("1e999", float, "--set "),
        ("1" * 400, int, "--set "),
        ("9223372036854775808", int, "--set is a whole number of more than 64 bits; correct it"),
        ("[" * 5000, tuple[str, ...], "--set '[[[["),
        ("true", int, "--set 'true' is not a whole number; correct it"),
    ],
)
def test_texts_that_are_no_number(text: str, kind: Any, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        convert_value(text, kind, "--set", SourceError)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 250


def test_nearest() -> None:
    assert nearest("WIEGHTS", ["weights", "relevant"]) == "weights"
    assert nearest("zzz", ["weights"]) is None


@pytest.mark.slow
def test_processes_that_converted_end_well() -> None:
    """msgspec 0.22 crashed one in five of them at exit."""
    code = "from graphrec.loading import load_mapping; load_mapping('demo')"
    for _ in range(12):
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
