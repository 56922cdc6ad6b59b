"""/v3/marketing/integrations: by which SendGrid itself sends events on to Segment."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import account_of, answer


async def list_integrations(request: Request) -> Response:
    """All of them at once, write keys and all."""
    account = account_of(request)
    shown = [{**one, "user_id": str(account.profile.user_id)} for one in account.integrations]
    return answer({"result": shown})


ROUTES = [Route("/v3/marketing/integrations", list_integrations, methods=["GET"])]
