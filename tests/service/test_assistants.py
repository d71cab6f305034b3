"""The tools for assistants, with the official client over both transports; roles; the answers of --json."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.assistants import RESOURCES, TOOLS, make_app
from graphrec.service.core import ServiceOptions
from tests.conftest import ROOT

Ask = Callable[[Client], Awaitable[Any]]


def over_stdio(home: Home, role: str, ask: Ask) -> Any:
    """What a client learns from a server that it starts itself."""
    words = [str(ROOT / "cli.py"), "--home", str(home.path), "mcp", "--role", role]
    server = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ), cwd=ROOT)

    async def run() -> Any:
        async with Client(server) as client:
            return await ask(client)

    return asyncio.run(run())


@contextmanager
def listening(bank: Bank) -> Iterator[str]:
    """The address of a server over HTTP."""
    config = uvicorn.Config(make_app(bank, ServiceOptions()), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join()


def over_http(address: str, key: str, ask: Ask) -> Any:
    """What a client with a key learns."""

    async def run() -> Any:
        async with (
            httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as web,
            Client(streamable_http_client(address, http_client=web)) as client,
        ):
            return await ask(client)

    return asyncio.run(run())


def printed(home: Home, *words: str) -> Any:
    """What a command prints with --json."""
    found = CliRunner().invoke(app, ["--home", str(home.path), *words, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


async def everything(client: Client) -> dict[str, Any]:
    """What every tool and every resource gives."""
    calls = {
        "recommend": {"user": "C003", "k": 3},
        "explain": {"user": "C003", "product": "P02"},
        "why_not": {"user": "C003", "product": "P19"},
        "find": {"text": "P02"},
        "audience": {"product": "P02", "k": 3},
        "portrait": {"user": "C003"},
        "statement": {"user": "C003", "product": "P02", "amount": 500},
        "alerts": {"state": "open"},
    }
    found: dict[str, Any] = {"tools": [tool.name for tool in (await client.list_tools()).tools]}
    for name, arguments in calls.items():
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result
        found[name] = json.loads(said(result))
        assert found[name] == result.structured_content
    for uri in [str(one.uri) for one in (await client.list_resources()).resources]:
        found[uri] = json.loads(said(await client.read_resource(uri)))
    return found


def said(result: Any) -> str:
    """The text of the only content of a result."""
    (content,) = getattr(result, "content", None) or result.contents
    return str(content.text)


def without_number(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without the number of its entry."""
    return {name: value for name, value in answer.items() if name != "record"}


@pytest.mark.slow
def test_a_started_server_gives_what_json_gives(home: Home) -> None:
    (home.path / "statement.toml").write_text("", "utf-8")
    found = over_stdio(home, "compliance", everything)
    assert found["tools"] == [tool.name for tool in TOOLS]
    for name, words in {
        "recommend": ("recommend", "C003", "-k", "3"),
        "explain": ("explain", "C003", "P02"),
        "why_not": ("why-not", "C003", "P19"),
        "audience": ("audience", "P02", "-k", "3", "--reasons", "3"),
        "portrait": ("portrait", "C003"),
    }.items():
        expected = printed(home, *words)
        assert without_number(found[name]) == without_number(expected), name
        assert list(found[name]) == list(expected), name  # the same order of keys
    assert (found["statement"]["user"], found["statement"]["decision"]["state"]) == ("C003", "proposed")
    assert found["alerts"] == {"alerts": []}
    assert found["find"]["products"][0]["id"] == "P02"
    assert set(RESOURCES) <= set(found)
    assert "display_name" not in json.dumps(found["graphrec://schema"])  # personal
    assert found["graphrec://model"]["state"] == "live"
    assert isinstance(found["graphrec://policy"]["rules"], list)


@pytest.mark.slow
def test_roles_and_keys_over_http(bank: Bank, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "adviser_of", lambda user: "A1" if user == "C003" else "A2")
    texts = {
        role: keys.make(role, role, "A1" if role == "adviser" else None)[1]
        for role in ("compliance", "adviser", "analyst", "service")
    }

    async def ask(client: Client) -> dict[str, Any]:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        own, other = [await client.call_tool("recommend", {"user": user, "k": 2}) for user in ("C003", "C001")]
        cypher = await client.call_tool("query", {"query": "MATCH (n) RETURN n LIMIT 1"})
        odd = await client.call_tool("recommend", {"user": "C003", "k": 1000})
        strange = await client.call_tool("recommend", {"user": "C003", "language": "xx"})
        loan = await client.call_tool("loan_plans", {"user": "C003", "amount": -1})
        return {
            "tools": tools,
            "own": own,
            "other": other,
            "cypher": cypher,
            "odd": odd,
            "strange": strange,
            "loan": loan,
        }

    with listening(bank) as address:
        found = {role: over_http(address, text, ask) for role, text in texts.items()}
        refused = httpx.post(address, json={}, headers={"Authorization": "Bearer grk_no_key"})
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:graphrec:problem:no-key")
    assert found["compliance"]["tools"] == {tool.name for tool in TOOLS}
    assert found["service"]["tools"] == {"recommend", "explain", "why_not", "portrait", "portfolio", "loan_plans"}
    assert found["analyst"]["tools"] == {"find", "audience", "query"}
    assert found["compliance"]["own"].structured_content["items"][0]["score"] is not None
    assert "score" not in found["service"]["own"].structured_content["items"][0]
    assert not found["adviser"]["own"].is_error
    assert found["adviser"]["other"].is_error
    assert "not one of this adviser's" in said(found["adviser"]["other"])
    assert found["analyst"]["own"].is_error
    assert "the role analyst reads only questions" in said(found["analyst"]["cypher"])
    assert said(found["service"]["strange"]) == "language: 'xx' is not known; want one of en, de, zh"
    assert "k is not as its schema says" in said(found["service"]["odd"])
    assert "amount is not as its schema says" in said(found["service"]["loan"])


def test_every_call_is_logged_without_an_id(bank: Bank, keys: Keys, home: Home) -> None:
    _, key = keys.make("app", "service")
    with listening(bank) as address:
        over_http(address, key, lambda client: client.call_tool("recommend", {"user": "C003"}))
    (file,) = home.logs.glob("access-*.log")
    text = file.read_text("utf-8")
    assert '"operation": "mcp recommend", "status": 200' in text
    assert "C003" not in text
