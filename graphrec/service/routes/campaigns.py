"""Paths about campaigns: planned, listed, and what came of them."""

from pathlib import Path as File
from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from graphrec.app import jobs
from graphrec.service import schemas
from graphrec.service.core import Length, Service, json_response

Campaign = Annotated[
    str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="As `GET /v1/campaigns` names it.")
]
Adviser = Annotated[str | None, Query(max_length=500, description="Only customers of this adviser.")]
Channel = Annotated[str | None, Query(max_length=64, description="Only contacts by this channel.")]
Skip = Annotated[int, Query(ge=0, le=10**7, description="How many of the best ones are left out.")]
FILE = File("campaign.toml")
"""What a failure calls a file that is sent."""


class Campaigns:
    """The handlers of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    async def campaigns(self, request: Request) -> Response:
        """The campaigns of the home; for an adviser those that are delivered and name own customers."""
        adviser = request.state.caller.adviser
        return await self._service.run(lambda: json_response({"campaigns": self._bank.campaigns(adviser)}))

    async def plan_campaign(self, sent: schemas.CampaignText) -> Response:
        """Plan a campaign: who hears about what. A plan that takes longer than a request may is made all the same."""
        asked = jobs.PlanCampaign(FILE, sent.toml)

        def left() -> Response:
            headers = {"Cache-Control": "no-store", "Location": "/v1/campaigns"}
            return json_response({"state": "planning"}, headers, 202)

        return await self._service.run_or_leave(lambda: json_response(named(self._bank.plan_campaign(asked))), left)

    async def campaign(self, campaign: Campaign) -> Response:
        """What the plan of a campaign came to, as it was made."""
        return await self._service.run(lambda: json_response(named(self._bank.planned_campaign(campaign))))

    async def campaign_contacts(
        self,
        request: Request,
        campaign: Campaign,
        adviser: Adviser = None,
        channel: Channel = None,
        skip: Skip = 0,
        k: Length = 50,
    ) -> Response:
        """Who hears about what, best first; after the delivery with reasons. An adviser sees own customers."""
        own = request.state.caller.adviser
        asked = jobs.ListContacts(campaign, own or adviser, own is not None, channel, skip, k)
        return await self._service.run(lambda: json_response(self._bank.campaign_contacts(asked)))

    async def campaign_report(self, campaign: Campaign) -> Response:
        """What those who were contacted did, beside the control."""
        asked = jobs.ReportCampaign(campaign)
        return await self._service.run(lambda: json_response(self._bank.report_campaign(asked)))


def named(plan: object) -> dict[str, object]:
    """A plan without the file of the machine that it is kept in."""
    return {name: value for name, value in vars(plan).items() if name != "file"}
