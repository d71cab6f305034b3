"""Write a typed Python client from the OpenAPI text of the service: one module that needs httpx alone.

    python tools/client.py --out bank_client.py                  # of this version of graphrec
    python tools/client.py --url http://127.0.0.1:8000 --out bank_client.py

Every operation is a method with typed arguments; answers are TypedDicts of the text's schemas, and a problem is raised.
"""

import argparse
import json
import keyword
import re
import tempfile
from pathlib import Path
from typing import Any

HEAD = '''"""A client of graphrec {version}, written by tools/client.py from its OpenAPI text. Do not edit."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

import httpx


class Failed(Exception):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{{problem.get('status')}} {{problem.get('title')}}: {{problem.get('detail')}}")
        self.problem = problem
'''
CLIENT = '''

class Client:
    """Asks the service at an address with a key or a token."""

    def __init__(self, address: str, key: str | None = None, *, http: httpx.Client | None = None) -> None:
        self._http = http or httpx.Client(base_url=address, timeout=30)
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def _ask(self, method: str, path: str, query: dict[str, Any], body: Any = None) -> Any:
        kept = {name: value for name, value in query.items() if value is not None}
        answer = self._http.request(method, path, params=kept, json=body, headers=self._headers)
        if answer.status_code >= 400:
            raise Failed(answer.json())
        return answer.json()
'''
KINDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def kind(schema: dict[str, Any]) -> str:
    """The Python type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(kind(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list[{kind(schema.get('items', {}))}]"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {kind(inner)}]" if isinstance(inner, dict) else "dict[str, Any]"
    return KINDS.get(schema.get("type", ""), "Any")


def typed(name: str, schema: dict[str, Any]) -> str:
    """A schema as a TypedDict."""
    needed = set(schema.get("required", ()))
    fields = []
    for key, one in schema.get("properties", {}).items():
        if not key.isidentifier() or keyword.iskeyword(key):
            continue
        fields.append(f"    {key}: {kind(one)}" if key in needed else f"    {key}: NotRequired[{kind(one)}]")
    text = _line(schema.get("description", name))
    return "\n".join([f"\n\nclass {name}(TypedDict):", f'    """{text}"""', "", *fields])


def method(path: str, verb: str, operation: dict[str, Any]) -> str:
    """An operation as a method."""
    parameters = [one for one in operation.get("parameters", ()) if one["in"] in ("path", "query")]
    placed = [one["name"] for one in parameters if one["in"] == "path"]
    needed = [f"{one['name']}: {kind(one['schema'])}" for one in parameters if one.get("required")]
    optional = [
        f"{one['name']}: {_or_none(kind(one['schema']))} = None" for one in parameters if not one.get("required")
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        needed.append(f"body: {kind(body['schema'])}")
    arguments = ", ".join(["self", *needed, *(["*"] if optional else []), *optional])
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    address = re.sub(r"\{(\w+)\}", lambda match: "{quote(str(" + match[1] + "), safe='')}", path)
    query = ", ".join(f'"{one["name"]}": {one["name"]}' for one in parameters if one["name"] not in placed)
    given = f'"{verb.upper()}", f"{address}", {{{query}}}' + (", body" if body else "")
    return "\n".join(
        [
            f"\n    def {operation['operationId']}({arguments}) -> {kind(answer)}:",
            f'        """{_line(operation.get("summary", ""))}"""',
            f"        found: {kind(answer)} = self._ask({given})",
            "        return found",
        ]
    )


def client(text: dict[str, Any]) -> str:
    """The module of an OpenAPI text."""
    schemas = text.get("components", {}).get("schemas", {})
    parts = [HEAD.format(version=text["info"]["version"])]
    parts += [typed(name, one) for name, one in sorted(schemas.items())]
    parts.append(CLIENT)
    for path, methods in text["paths"].items():
        for verb, operation in methods.items():
            answers = operation["responses"].get("200", {}).get("content", {})
            if "application/json" in answers and operation["operationId"].isidentifier():
                parts.append(method(path, verb, operation))
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _or_none(name: str) -> str:
    return name if "None" in name.split(" | ") else f"{name} | None"


def _line(text: str) -> str:
    return " ".join(text.split()).replace('"""', "'''").replace("\\", "\\\\")


def own_text() -> dict[str, Any]:
    """The OpenAPI text of this version."""
    from graphrec.app.bank import Bank
    from graphrec.config.settings import Settings
    from graphrec.service.application import make_app

    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = make_app(Bank(Settings(home=Path(folder) / "home"))).openapi()
        return found


def main() -> None:
    """Write the client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    if asked.url:
        import httpx

        text = json.loads(httpx.get(f"{asked.url}/openapi.json", timeout=30).text)
    else:
        text = own_text()
    asked.out.write_text(client(text), "utf-8")


if __name__ == "__main__":
    main()
