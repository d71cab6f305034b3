"""Requests for the list of one customer that are read without FastAPI, whose reading takes longer than their answers'
way through the server.

Only the plainest form is read here: each parameter once, in the form that most callers write. All else is FastAPI's,
which gives the same answer, or says what is wrong.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graphrec.errors import GraphrecError
from graphrec.service.core import Refusal, unslashed

_BEGIN, _END = "/v1/users/", "/recommendations"
_LONGEST = 500
_FLAGS = {"true": True, "false": False}
_FORMS = {
    "k": re.compile("[1-9][0-9]?|100"),
    "model": re.compile("[a-z0-9-]{1,60}"),
    "language": re.compile("[a-z]{2,3}"),
    "lines": re.compile("true|false"),
    "record": re.compile("true|false"),
}
_TAGS = b"if-none-match"


class Asked(NamedTuple):
    """What a request says."""

    user: str
    values: dict[str, Any]
    """By the names of the handler's parameters."""


def read(scope: Scope) -> Asked | None:
    """What a plain request for a list says; None: it is another request, or one that FastAPI reads."""
    path: str = scope["path"]
    if scope["method"] != "GET" or not path.startswith(_BEGIN) or not path.endswith(_END) or scope.get("root_path"):
        return None
    user = path[len(_BEGIN) : -len(_END)]
    if not 0 < len(user) <= _LONGEST or "/" in user:
        return None
    values: dict[str, Any] = {}
    if query := scope["query_string"].decode("latin-1"):
        for part in query.split("&"):
            name, _, text = part.partition("=")
            form = _FORMS.get(name)
            if form is None or name in values or not form.fullmatch(text):
                return None
            values[name] = int(text) if name == "k" else _FLAGS[text] if name in ("lines", "record") else text
    tags = [value for name, value in scope["headers"] if name == _TAGS]
    if len(tags) > 1:
        return None
    if tags:
        values["if_none_match"] = tags[0].decode("latin-1")
    return Asked(unslashed(user), values)


class Direct:
    """Answers what `read` reads.

    Args:
        gate: lets in whose role is allowed a list.
        handler: that of the path.
        failed: the response to an error.
    """

    def __init__(
        self,
        gate: Callable[[Request], Awaitable[None]],
        handler: Callable[..., Awaitable[Response]],
        failed: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self._gate, self._handler, self._failed = gate, handler, failed

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response to one request."""
        scope["path_params"] = {"user": asked.user}
        request = Request(scope, receive)
        try:
            await self._gate(request)
            response = await self._handler(request, asked.user, **asked.values)
        except Refusal as refusal:
            response = refusal.response
        except GraphrecError as error:
            response = await self._failed(request, error)
        await response(scope, receive, send)
