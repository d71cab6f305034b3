"""Paths about models: which there are, which answers, who validated and approved it, its card, what moved since."""

from typing import Annotated, Literal

from fastapi import Path, Request
from starlette.responses import Response

from graphrec.app import jobs, requests
from graphrec.service import schemas
from graphrec.service.core import Record, Service, json_response

ModelFolder = Annotated[str, Path(max_length=80, pattern="^[a-z0-9@-]+$", description="As `GET /v1/models` names it.")]


class Models:
    """The handlers of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    async def models(self) -> Response:
        """The models of the home, the one that answers by default marked `live`."""
        return await self._service.run(
            lambda: json_response({"models": self._bank.models(), "history": self._bank.switches()})
        )

    async def promote_model(self, request: Request, model: ModelFolder) -> Response:
        """Make a model live; it answers from the next request on."""
        return await self._switch(request, "promote", model)

    async def roll_back_model(self, request: Request) -> Response:
        """Make live what was live before."""
        return await self._switch(request, "rollback")

    async def follow_models(self, request: Request) -> Response:
        """Make the newest model live again, as before any promotion."""
        return await self._switch(request, "follow")

    async def _switch(
        self, request: Request, action: Literal["promote", "rollback", "follow"], model: str | None = None
    ) -> Response:
        asked = requests.SwitchModel(action, model, by=request.state.caller.id)
        return await self._service.run(lambda: json_response(self._bank.switch_model(asked)))

    async def set_standing(self, request: Request, model: ModelFolder, sent: schemas.StepIn) -> Response:
        """A model validated, approved by another key than the one that validated it, or retired."""
        asked = requests.SetStanding(sent.step, model, sent.reason, request.state.caller.id)
        return await self._service.run(lambda: json_response(self._bank.set_standing(asked)))

    async def model_card(self, model: ModelFolder) -> Response:
        """The card of a model: what it is, what it was fitted on, how good it is, who approved it."""
        asked = requests.AskModelCard(model)
        return await self._service.run(lambda: json_response(self._bank.model_card(asked)))

    async def monitor(self, record: Record = True) -> Response:
        """What changed in the inputs, the lists and their outcomes since the live model was fitted."""
        return await self._service.run(lambda: json_response(self._bank.monitor(jobs.Monitor(record=record))))
