"""Failures as `application/problem+json` (RFC 9457): one line of detail, never a trace."""

import re
from typing import Any

import msgspec
from starlette.responses import Response

from graphrec import errors

#: Kinds of errors: the first that fits says the status and the name of the problem.
_KINDS: tuple[tuple[type[errors.GraphrecError], int, str], ...] = (
    (errors.UnknownId, 404, "unknown-id"),
    (errors.UsageError, 422, "bad-request"),
    (errors.NoPolicy, 409, "no-policy"),
    (errors.PolicyError, 409, "policy"),
    (errors.ExperimentError, 409, "experiments"),
    (errors.NotTrained, 409, "not-trained"),
    (errors.MissingExtra, 501, "missing-extra"),
    (errors.GraphrecError, 503, "not-available"),
)
TITLES = {
    "unknown-id": "There is no such customer, product or entry",
    "bad-request": "The request cannot be read",
    "event-refused": "An event cannot be counted",
    "no-policy": "The home has no policy",
    "policy": "The policy cannot be used",
    "experiments": "The file of experiments cannot be used",
    "not-trained": "There is no model yet",
    "missing-extra": "A package is not installed",
    "not-available": "This cannot be answered now",
    "no-key": "A key is needed",
    "forbidden": "The role is not allowed this",
    "foreign-form": "The form is not of this page",
    "too-many-requests": "Too many requests with this key",
    "busy": "Too many requests at once",
    "too-large": "The body is too large",
    "too-slow": "The answer took too long",
    "not-built": "This is not built yet",
    "not-found": "There is no such path",
    "not-allowed": "The path does not take this method",
}
#: Detail of what went wrong inside: messages of these name files of the machine, which callers need not know.
_FOLDERS = re.compile(r"(?<![\w/])/(?:[^\s/:]+/)+")
"""Of a file: what callers may know is its name."""
_INSIDE = "the operator finds the reason in the log of the service"


def problem(status: int, kind: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem as a response."""
    body: dict[str, Any] = {
        "type": f"urn:graphrec:problem:{kind}",
        "title": TITLES[kind],
        "status": status,
        "detail": detail,
    }
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def problem_of(error: errors.GraphrecError) -> Response:
    """The problem that an error of graphrec is."""
    if isinstance(error, errors.EventRefused):
        return problem(409 if error.kind == "conflict" else 422, "event-refused", str(error))
    status, kind = next((status, kind) for known, status, kind in _KINDS if isinstance(error, known))
    headers = {"Retry-After": "5"} if status == 503 else None
    # The message of an unknown id names near ones, and these may be other customers.
    detail = {404: TITLES["unknown-id"], 422: _FOLDERS.sub("", str(error))}.get(status, _INSIDE)
    return problem(status, kind, detail, headers)
