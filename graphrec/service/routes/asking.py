"""The path of questions in people's own words: one object, or its parts as server-sent events."""

from collections.abc import Iterator
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import Response

from graphrec.ask.asking import Answered, Ask, ask
from graphrec.service import schemas
from graphrec.service.access.roles import Caller
from graphrec.service.core import Service, json_response

STREAM = "text/event-stream"


class Asking:
    """The handler of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, request: Request, question: schemas.Question) -> Response:
        """A question in somebody's own words, answered from records alone.

        A caller that accepts text/event-stream gets the parts as events: intent, evidence, sentence, answer.
        """
        caller, user = request.state.caller, question.user
        request.state.user = user
        is_stream = STREAM in request.headers.get("accept", "")

        def compute() -> Response:
            found = answered(self._service, caller, question)
            if not is_stream:
                return json_response(found.to_json())
            return Response(b"".join(events(found)), headers={"Cache-Control": "no-store"}, media_type=STREAM)

        return await self._service.run(compute)


def answered(service: Service, caller: Caller, question: schemas.Question) -> Answered:
    """The answer that a caller gets; the customer is the one that the request names, and no other.

    Raises:
        Refusal: the customer is another adviser's.
        GraphrecError: the question cannot be answered.
    """
    if question.user is not None:
        service.own(caller, question.user)
    return ask(
        service.bank,
        Ask(
            question.question,
            question.user,
            caller.role,
            question.after,
            service.language(question.language),
            question.k,
            question.as_of,
            question.record,
            asker=caller.id,
            may_name=False,
        ),
    )


def events(found: Answered) -> Iterator[bytes]:
    """An answer as server-sent events; the last one is the whole object."""
    yield _event("intent", {"intent": found.intent, "language": found.language, "refused": found.refused})
    for one in found.evidence:
        yield _event("evidence", one)
    for sentence in found.sentences:
        yield _event("sentence", {"text": sentence})
    yield _event("answer", found.to_json())


def _event(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
