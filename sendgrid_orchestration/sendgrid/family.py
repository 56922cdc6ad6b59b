"""Which Marketing Campaigns an account is on: today's, the legacy one (`/v3/contactdb`), or none."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from sendgrid_orchestration.sendgrid import failures
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.errors import (
    MissingScopeError,
    NotAllowedError,
    NotFoundError,
    WrongFamilyError,
)

Family = Literal["new", "legacy", "none"]


def detect(client: SendGridClient, configured: Literal["auto", "new", "legacy", "none"] = "auto") -> Family:
    """The family that answers; an account that has both is read through the new one.

    Args:
        client: whom to ask.
        configured: what the settings say; only `auto` asks.

    Raises:
        MissingScopeError: the key may read neither, so nothing can be said about the account.
    """
    if configured != "auto":
        return configured
    refusals: list[MissingScopeError] = []
    for family, path, params in (
        ("new", "/v3/marketing/lists", {"page_size": 1}),
        ("legacy", "/v3/contactdb/recipients/count", None),
    ):
        try:
            client.get(path, params)
        except MissingScopeError as refusal:
            refusals.append(refusal)
        except (WrongFamilyError, NotFoundError):
            continue
        else:
            return "new" if family == "new" else "legacy"
    if refusals:
        raise refusals[0]
    return "none"


def missing_scope(client: SendGridClient, family: Family, refusal: NotAllowedError) -> MissingScopeError:
    """What a refusal says of the key, for an account whose family is known.

    Args:
        client: whom to ask.
        family: what the endpoint was asked as.
        refusal: of the endpoint.

    Raises:
        WrongFamilyError: it says nothing of the key; the account is on another family than the settings say.
        NotAllowedError: it is no lasting refusal: SendGrid answered 401 to a good key that has the scope.
    """
    if isinstance(refusal, MissingScopeError):
        return refusal
    if refusal.status != HTTPStatus.FORBIDDEN:
        raise refusal
    try:
        found = detect(client)
    except MissingScopeError as meanwhile:
        return meanwhile
    if found != family:
        raise refusal
    return failures.unexplained(client, refusal.endpoint, refusal.status, refusal.permission, refusal.scope)
