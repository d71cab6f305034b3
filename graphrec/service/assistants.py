"""The tools that a person's own assistant asks the bank with: the Model Context Protocol over the use cases.

The tools answer with the objects of `--json`, as the role of the key sees them; refusals and failures are one line. Two
transports: standard input and output for a program that this machine starts, and HTTP with the keys of the service.
"""

import asyncio
import json
import math
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mcp_types as types
import msgspec
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from msgspec import to_builtins
from starlette.types import ASGIApp, Receive, Scope, Send

from graphrec import __version__, queries
from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.errors import GraphrecError, UsageError
from graphrec.schema import EXACT
from graphrec.service.access.limits import Busy
from graphrec.service.access.roles import ALLOWED, ROLES, Caller, Role
from graphrec.service.core import Refusal, Service, ServiceOptions
from graphrec.service.problems import problem, problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

INSTRUCTIONS = (
    "Answers about the customers and products of one bank, from its own model and policy. Every list, score and reason "
    "comes from a tool; a statement that no tool returned is not the bank's. What the policy refuses is not offered."
)
_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_LENGTH = {"type": "integer", "minimum": 1, "maximum": 100}
_LANGUAGE = {"type": "string", "pattern": "^[a-z]{2,3}$", "description": "Of the reasons: en, de, zh."}
_AMOUNT = {"type": "number", "minimum": 0, "maximum": 1e12}
_AS_OF = {"type": "string", "description": "Only what was known before this date."}


@dataclass(frozen=True)
class Tool:
    """One tool: what it takes, and the operation of the service whose roles may call it."""

    name: str
    roles: frozenset[Role]
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """What its arguments are, as JSON schema."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }


TOOLS: tuple[Tool, ...] = (
    Tool(
        "recommend",
        ALLOWED["recommendations"],
        "The products that fit one customer best, each with its reasons; what the policy refuses is left out.",
        {"user": _TEXT, "k": _LENGTH, "language": _LANGUAGE, "as_of": _AS_OF},
        ("user",),
    ),
    Tool(
        "explain",
        ALLOWED["explanation"],
        "Everything that the score of one product for one customer is made of.",
        {"user": _TEXT, "product": _TEXT, "language": _LANGUAGE, "as_of": _AS_OF},
        ("user", "product"),
    ),
    Tool(
        "why_not",
        ALLOWED["why_not"],
        "Why a product is not in the list of a customer: the rules that refuse it, or its rank and what it lacks.",
        {"user": _TEXT, "product": _TEXT, "k": _LENGTH, "language": _LANGUAGE, "as_of": _AS_OF},
        ("user", "product"),
    ),
    Tool(
        "find",
        ALLOWED["search"],
        "Products, and for compliance customers, by an id, a name, or words of a text.",
        {"text": _TEXT, "k": _LENGTH},
        ("text",),
    ),
    Tool(
        "audience",
        ALLOWED["audience"],
        "The customers for whom one product ranks best, and how many the policy refuses by which rule.",
        {
            "product": _TEXT,
            "k": _LENGTH,
            "where": {"type": "string", "maxLength": 1000, "description": "Such as user.region == 'North'."},
            "language": _LANGUAGE,
        },
        ("product",),
    ),
    Tool(
        "portrait",
        ALLOWED["portrait"],
        "What is computed of one customer: numbers, tags by the bank's rules with their evidence, what is not known.",
        {"user": _TEXT, "as_of": _AS_OF},
        ("user",),
    ),
    Tool(
        "portfolio",
        ALLOWED["portfolio"],
        "What one customer holds: weights, concentration, volatility; and what a candidate would do to it.",
        {"user": _TEXT, "candidate": _TEXT, "as_of": _AS_OF},
        ("user",),
    ),
    Tool(
        "loan_plans",
        ALLOWED["loan_plans"],
        "Loans and terms that one customer can bear for an amount, what refuses the others, and the largest amount.",
        {"user": _TEXT, "amount": _AMOUNT, "purpose": _TEXT, "as_of": _AS_OF},
        ("user", "amount"),
    ),
    Tool(
        "statement",
        ALLOWED["statement"],
        "The suitability statement of one product for one customer; it is a proposal, and people decide.",
        {"user": _TEXT, "product": _TEXT, "amount": _AMOUNT, "replaces": _TEXT, "language": _LANGUAGE, "as_of": _AS_OF},
        ("user", "product"),
    ),
    Tool(
        "alerts",
        ALLOWED["alerts"],
        "The alerts of the record with their evidence, the oldest first.",
        {"state": {"type": "string", "enum": ["open", "acknowledged", "closed"]}},
    ),
    Tool(
        "query",
        frozenset({"analyst", "auditor", "compliance", "admin"}),
        "A question of the library by its name, or for compliance a read-only Cypher statement; without a query, the "
        "questions that there are.",
        {
            "query": {"type": "string", "minLength": 1, "maxLength": 10_000},
            "parameters": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10_000},
        },
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}
RESOURCES = {
    "graphrec://schema": ("schema", "The labels, edge types and columns of the graph, without personal columns."),
    "graphrec://policy": ("policy", "The rules of what may be shown to whom, in words."),
    "graphrec://model": ("model", "The card of the model that is live: what it was fitted on, and how good it is."),
}


class Denied(Exception):
    """A call that the caller is refused, in one line."""


class Assistants:
    """The tools of one bank.

    Args:
        caller: who asks where the transport does not say; None: every request carries a key.
    """

    def __init__(self, service: Service, caller: Caller | None = None) -> None:
        self._service, self._bank, self._caller = service, service.bank, caller
        self.server: Server[Any] = Server(
            "graphrec",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(self, context: Any, _: Any) -> types.ListToolsResult:
        caller = self._asking(context)
        hints = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
        shown = [
            types.Tool(name=one.name, description=one.description, input_schema=one.schema, annotations=hints)
            for one in TOOLS
            if caller.role in one.roles
        ]
        return types.ListToolsResult(tools=shown)

    async def _call_tool(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        caller = self._asking(context)
        tool, arguments = _BY_NAME.get(params.name), dict(params.arguments or {})
        status = 200
        try:
            if tool is None:
                raise Denied(f"there is no tool {params.name!r}; there are {', '.join(_BY_NAME)}")
            self._let_in(caller, tool)
            _check(tool, arguments)
            found = await self._service.runner.run(lambda: self._answer(tool, caller, arguments))
        except Denied as denied:
            status, text = 403, str(denied)
        except Refusal as refusal:
            status, text = refusal.response.status_code, json.loads(bytes(refusal.response.body))["detail"]
        except Busy:
            status, text = 503, "too much is asked at once; ask again in a second"
        except TimeoutError:
            status, text = 503, f"it took more than {self._service.options.limits.seconds:g} seconds"
        except GraphrecError as error:
            refused = problem_of(error)
            # Who may write a statement is told what is wrong with it.
            own = tool is not None and tool.name == "query" and caller.role == EXACT
            status, text = refused.status_code, str(error) if own else json.loads(bytes(refused.body))["detail"]
        else:
            self._note(caller, tool, arguments, status)
            content = types.TextContent(type="text", text=found.decode())
            return types.CallToolResult(content=[content], structured_content=json.loads(found))
        self._note(caller, tool, arguments, status)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)

    async def _list_resources(self, context: Any, _: Any) -> types.ListResourcesResult:
        self._asking(context)
        shown = [
            types.Resource(uri=uri, name=name, description=about, mime_type="application/json")
            for uri, (name, about) in RESOURCES.items()
        ]
        return types.ListResourcesResult(resources=shown)

    async def _read_resource(self, context: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        self._asking(context)
        uri = str(params.uri)
        if uri not in RESOURCES:
            raise ValueError(f"there is no resource {uri}; there are {', '.join(RESOURCES)}")
        body = await self._service.runner.run(lambda: _encoded(self._resource(RESOURCES[uri][0])))
        content = types.TextResourceContents(uri=uri, mime_type="application/json", text=body.decode())
        return types.ReadResourceResult(contents=[content])

    def _asking(self, context: Any) -> Caller:
        """Who asks: named by the transport, or by the key of the HTTP request."""
        if self._caller is not None:
            return self._caller
        found: Caller = context.request.scope["graphrec.caller"]
        return found

    def _let_in(self, caller: Caller, tool: Tool) -> None:
        if caller.role not in tool.roles:
            raise Denied(f"the role {caller.role} is not allowed {tool.name}")
        if self._service.rates.wait(caller.id):
            raise Denied("too many requests with this key; ask again in a second")

    def _note(self, caller: Caller, tool: Tool | None, arguments: Mapping[str, Any], status: int) -> None:
        """One line of the audit log."""
        ids = {name: arguments[name] for name in ("user", "product") if isinstance(arguments.get(name), str)}
        operation = f"mcp {tool.name}" if tool else "mcp other"
        self._service.audit.add(caller=caller.id, role=caller.role, operation=operation, status=status, **ids)

    def _answer(self, tool: Tool, caller: Caller, given: Mapping[str, Any]) -> bytes:
        """What a tool gives, as JSON."""
        if "user" in given:
            self._service.own(caller, given["user"])
        asked: dict[str, Any] = dict(given)
        self._service.language(asked.get("language"))
        if tool.name == "recommend":
            return _encoded(self._service.seen(self._bank.recommend(requests.Recommend(**asked)), caller))
        if tool.name == "explain":
            return _encoded(self._service.seen(self._bank.explain(requests.Explain(**asked)), caller))
        if tool.name == "why_not":
            return _encoded(self._service.seen_why_not(self._bank.why_not(requests.WhyNot(**asked)), caller))
        if tool.name == "find":
            return _encoded(self._found(caller, **asked))
        if tool.name == "audience":
            return _encoded(self._bank.audience(requests.Audience(**asked, adviser=caller.adviser), caller.role))
        if tool.name == "query":
            return _encoded(self._queried(caller, **asked))
        return _encoded(self._advised(tool.name, asked))

    def _advised(self, name: str, asked: Mapping[str, Any]) -> object:
        """What a bank knows of one customer beside lists; and alerts."""
        if name == "portrait":
            return self._bank.portrait(requests.AskPortrait(**asked))
        if name == "portfolio":
            return self._bank.portfolio(jobs.AskPortfolio(**asked))
        if name == "loan_plans":
            return self._bank.plan_loan(jobs.PlanLoan(**asked))
        if name == "statement":
            return self._bank.statement(requests.AskStatement(**asked)).to_json()
        return {"alerts": self._bank.alerts(jobs.ListAlerts(**asked))}

    def _found(self, caller: Caller, text: str, k: int = 10) -> dict[str, Any]:
        found = self._bank.find(requests.Find(text, k, users=caller.role == EXACT))
        users = [{"id": one.id, "name": one.name, "score": one.score} for one in found.users]
        return {"query": text, "users": users, "products": found.products}

    def _queried(
        self, caller: Caller, query: str | None = None, parameters: Mapping[str, Any] | None = None, limit: int = 1000
    ) -> dict[str, Any]:
        """Rows are exact and of any customer: `compliance` has them; others have what speaks of no customer."""
        if query is None:
            found = self._bank.library().queries
            shown = found if caller.role == EXACT else [one for one in found if queries.speaks_of_nobody(one.name)]
            plain = [{"name": one.name, "question": one.question, "parameters": one.parameters} for one in shown]
            return {"queries": plain}
        if caller.role != EXACT and not queries.speaks_of_nobody(query):
            raise Denied(f"the role {caller.role} reads only questions of the library that speak of no customer")
        named = tuple((name, str(value)) for name, value in (parameters or {}).items())
        rows = self._bank.query(jobs.AskQuery(query, named, limit=limit, timeout=self._service.options.limits.seconds))
        return {
            "name": rows.name,
            "columns": rows.columns,
            "rows": [[_finite(value) for value in row] for row in rows.rows],
            "is_cut": rows.is_cut,
            "notes": rows.notes,
        }

    def _resource(self, name: str) -> object:
        engine = self._bank.opened.engine(self._bank.home, None, self._bank.now())
        if name == "policy":
            policy = engine.policy_name
            return {"policy": policy, "rules": self._bank.explain_policy()}
        if name == "model":
            live = next(one for one in self._bank.models() if one.state == "live")
            meta = engine.model.meta
            weights = [{"term": one.name, "weight": one.weight} for one in meta.description.terms]
            kept = {key: to_builtins(getattr(meta, key)) for key in ("configuration", "notes", "hidden", "versions")}
            return {**vars(live), "terms": weights, **kept}
        schema = engine.schema
        nodes = {
            label: {"columns": {one.name: one.kind for one in node.public_columns() if one.name not in node.protected}}
            for label, node in schema.nodes.items()
        }
        edges = {name: {"source": one.source, "target": one.target} for name, one in schema.edges.items()}
        roles = schema.roles
        return {"nodes": nodes, "edges": edges, "roles": {"user": roles.user, "product": roles.product}}


def local_caller(role: str, adviser: str | None) -> Caller:
    """Who asks on this machine.

    Raises:
        UsageError: there is no such role, or an adviser's id is missing or out of place.
    """
    found: Role | None = next((one for one in ROLES if one == role), None)
    if found is None:
        raise UsageError(f"there is no role {role!r}; want one of {', '.join(ROLES)}")
    if (role == "adviser") != (adviser is not None):
        raise UsageError("--role adviser needs --adviser ID, and no other role takes it")
    return Caller("local", found, adviser)


def serve_stdio(bank: Bank, caller: Caller) -> None:
    """Answer a program that started this one, until it closes standard input."""
    assistants = Assistants(Service(bank, ServiceOptions()), caller)

    async def run() -> None:
        async with stdio_server() as (read, write):
            server = assistants.server
            await server.run(read, write, server.create_initialization_options())

    asyncio.run(run())


def serve_http(bank: Bank, options: ServiceOptions, host: str, port: int) -> None:
    """Answer over HTTP until SIGINT or SIGTERM."""
    import uvicorn

    uvicorn.run(make_app(bank, options, host), host=host, port=port, log_level="warning", access_log=False)


def make_app(bank: Bank, options: ServiceOptions, host: str = "127.0.0.1") -> "Starlette":
    """The HTTP application: the tools at `/mcp`, each request with a key in `Authorization: Bearer`."""
    service = Service(bank, options)
    app = Assistants(service).server.streamable_http_app(
        json_response=True, stateless_http=True, host=host, max_request_body_size=options.limits.body
    )
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> "AsyncIterator[Any]":
        async with inner(app) as state:
            yield state
        service.runner.close()

    app.router.lifespan_context = lifespan
    app.add_middleware(_Keyed, service=service)
    return app


class _Keyed:
    """Lets in those who have a key, and says to the tools who asks."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            from starlette.concurrency import run_in_threadpool
            from starlette.requests import Request

            try:
                # In a thread: a token may need the issuer's keys.
                scope["graphrec.caller"] = await run_in_threadpool(self._service.caller, Request(scope))
            except Refusal as refusal:
                await refusal.response(scope, receive, send)
                return
            if not any(scope["graphrec.caller"].role in tool.roles for tool in TOOLS):
                await problem(403, "forbidden", "the role has no tool")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _check(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Stop where arguments are not those of the tool.

    Raises:
        Denied: they are not.
    """
    for name in tool.required:
        if name not in arguments:
            raise Denied(f"{tool.name} wants {name}")
    for name, value in arguments.items():
        wanted = tool.properties.get(name)
        if wanted is None:
            raise Denied(f"{tool.name} takes no {name}; it takes {', '.join(tool.properties)}")
        kinds = {"string": str, "integer": int, "number": int | float, "object": dict}
        good = isinstance(value, kinds[wanted["type"]]) and not isinstance(value, bool)
        if good and isinstance(value, str):
            good = wanted.get("minLength", 0) <= len(value) <= wanted.get("maxLength", 500)
        if good and isinstance(value, int | float):
            good = wanted["minimum"] <= value <= wanted["maximum"]
        if not good or value not in wanted.get("enum", (value,)):
            raise Denied(f"{tool.name}: {name} is not as its schema says")


def _finite(value: Any) -> Any:
    """A value as JSON has it: NaN and infinities are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return {key: _finite(one) for key, one in value.items()} if isinstance(value, dict) else value


def _encoded(value: object) -> bytes:
    """A value as JSON, as the service writes it."""
    return msgspec.json.encode(value)
