"""The API put together."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api import (
    breakdowns,
    contactdb,
    contacts,
    files,
    integrations,
    logs,
    mailings,
    marketing,
    marketing_stats,
    senders,
    stats,
    suppressions,
    user,
)
from sendgrid_orchestration.simulator.api.answers import Refusal
from sendgrid_orchestration.simulator.api.gate import Gate
from sendgrid_orchestration.simulator.faults import FaultPlan, RateLimits, RequestLog

ROUTES = [
    *user.ROUTES,
    *marketing.ROUTES,
    *contacts.ROUTES,
    *mailings.ROUTES,
    *senders.ROUTES,
    *integrations.ROUTES,
    *marketing_stats.ROUTES,
    *suppressions.ROUTES,
    *stats.ROUTES,
    *breakdowns.ROUTES,
    *logs.ROUTES,
    *contactdb.ROUTES,
]
"""Every endpoint of the API."""


def build(account: Account, faults: FaultPlan, limits: RateLimits, log: RequestLog) -> Gate:
    """The whole of the simulated SendGrid as one ASGI application for both ports."""
    api = Starlette(
        routes=ROUTES,
        exception_handlers={Refusal: _refused, HTTPException: _not_found},
    )
    # SendGrid knows no other spelling of a path: a slash at its end leads nowhere.
    api.router.redirect_slashes = False
    api.state.account = account
    return Gate(
        _settling(api, account), files.build(account), account=account, faults=faults, limits=limits, log=log
    )


def _settling(api: ASGIApp, account: Account) -> ASGIApp:
    async def settled(scope: Scope, receive: Receive, send: Send) -> None:
        account.imports.settle()
        await api(scope, receive, send)

    return settled


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _not_found(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "method not allowed" if error.status_code == 405 else "resource not found"
    return Refusal(error.status_code, message).response()
