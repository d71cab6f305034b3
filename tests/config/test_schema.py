"""The JSON schemas of docs/schema: what the code says, and they know every key of the shipped files."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphrec.config.schema import schema_text
from graphrec.config.settings_file import SettingsFile
from graphrec.loading.mapping.file import MappingFile
from graphrec.policy.file import PolicyFile

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schema"
FILES = {
    "mapping": [*(ROOT / "loaders").glob("*.toml"), ROOT / "tests" / "data" / "tiny_bank" / "bank.toml"],
    "policy": [ROOT / "tests" / "data" / "policy.toml"],
}


def faults(schema: dict[str, Any], whole: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    """Keys that a schema does not know and required ones that are absent."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    for option in schema.get("anyOf", ()):
        if not isinstance(value, dict) or "$ref" in option or option.get("type") == "object":
            yield from faults(option, whole, value, at)
    if isinstance(value, list):
        for inner in value:
            yield from faults(schema.get("items", {}), whole, inner, at)
    if not isinstance(value, dict):
        return
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{at}.{key} is missing" for key in schema.get("required", ()) if key not in value)
    for key, inner in value.items():
        if key in known or isinstance(more, dict):
            yield from faults(known.get(key, more), whole, inner, f"{at}.{key}")
        elif not more:
            yield f"{at}.{key} is unknown"


@pytest.mark.parametrize(("kind", "file"), [(kind, file) for kind, files in FILES.items() for file in files])
def test_shipped_files_fit_their_schema(kind: str, file: Path) -> None:
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    assert list(faults(schema, schema, content, kind)) == []
    next(iter(content["rule"] if kind == "policy" else content["edges"].values()))["wieght"] = 1
    assert len(list(faults(schema, schema, content, kind))) == 1


def test_every_key_has_a_description() -> None:
    for file in sorted(SCHEMAS.iterdir()):
        schema = json.loads(file.read_text(encoding="utf-8"))
        for name, table in schema.get("$defs", {file.stem: schema}).items():
            without = [key for key, value in table["properties"].items() if "description" not in value]
            assert without == [] or (name == "MappingFile" and without == ["source"]), f"{file.name} {name}"


@pytest.mark.parametrize(
    ("name", "title", "kind"),
    [
        ("graphrec", "graphrec.toml", SettingsFile),
        ("mapping", "a mapping of graphrec", MappingFile),
        ("policy", "policy.toml", PolicyFile),
    ],
)
def test_the_schemas_are_what_the_code_says(name: str, title: str, kind: type) -> None:
    """`make docs` writes them."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(title, kind)
