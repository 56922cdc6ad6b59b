"""Turns an answer that says no into the error that a caller can act on."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
import requests

from sendgrid_orchestration.sendgrid.errors import (
    BadRequestError,
    InvalidKeyError,
    MissingScopeError,
    NotFoundError,
    SendGridError,
    UnexpectedAnswerError,
    WrongFamilyError,
)
from sendgrid_orchestration.sendgrid.scopes import grants, needed_for

if TYPE_CHECKING:
    from sendgrid_orchestration.sendgrid.client import SendGridClient

_SCOPES_PATH = "/v3/scopes"
_NEW_FAMILY = re.compile(r"/v3/marketing/")
_LEGACY_FAMILY = re.compile(r"/v3/(contactdb|campaigns)")


def to_error(client: SendGridClient, method: str, path: str, response: requests.Response) -> SendGridError:
    """The error for a 4xx answer.

    A 401 alone does not say whether the key is wrong or merely may not: some endpoints answer 401, or even 400, with
    "authorization required" where others answer 403. So the key itself is asked what it may do, each time anew: it may have
    been revoked or cut down since the last answer.
    """
    status = response.status_code
    said = messages_in(response)
    if status in (401, 403) or (status == 400 and "authorization required" in said.lower()):
        if path.startswith(_SCOPES_PATH):
            return _invalid_key(client, status)
        try:
            scopes = client.scopes()
        except InvalidKeyError as error:
            return error
        return _refused(client, method, path, status, scopes)
    if status in (404, 410):
        return NotFoundError(
            f'SendGrid (source "{client.source}") knows nothing at {path} ({status}: {said}). '
            "It was deleted meanwhile, or this account does not offer it.",
            status=status,
        )
    return BadRequestError(
        f'SendGrid (source "{client.source}") refused {method} {path} ({status}: {said}).', status=status
    )


def messages_in(response: requests.Response) -> str:
    """What SendGrid's error body says, on one line; tolerant of every shape, for some errors are not JSON at all."""
    try:
        body: Any = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return "no readable message"
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        errors = [body]
    said = []
    for error in errors:
        if isinstance(error, dict):
            text = str(error.get("message") or error.get("error") or "")
            said.append(f"{text} [{error['field']}]" if text and error.get("field") else text)
        elif isinstance(error, str):
            said.append(error)
    return "; ".join(text for text in said if text)[:500] or "no message"


def _invalid_key(client: SendGridClient, status: int) -> InvalidKeyError:
    return InvalidKeyError(
        f'SendGrid refused the key of source "{client.source}" at {client.api_url} ({status}). It must be the whole '
        "69-character key (SG.….…), not its id; and an EU subuser's key works only with `region: eu`.",
        status=status,
    )


def _refused(
    client: SendGridClient, method: str, path: str, status: int, scopes: frozenset[str]
) -> SendGridError:
    access = needed_for(path)
    endpoint = f"{method} {path}"
    permission, scope = (access.label, access.scopes[0]) if access else ("", "")
    if access is not None and not grants(scopes, access):
        return MissingScopeError(
            f'The key of source "{client.source}" may not {endpoint} ({status}). In SendGrid, Settings > API Keys, give it '
            f"{permission} (scope {scope}), or leave this object out with skip_objects.",
            status=status,
            endpoint=endpoint,
            permission=permission,
            scope=scope,
        )
    if _NEW_FAMILY.match(path) or _LEGACY_FAMILY.match(path):
        advice = (
            "although its key has the scope: the account is probably on legacy Marketing Campaigns. "
            "Set `marketing: legacy`, or `marketing: none` if it has neither."
            if _NEW_FAMILY.match(path)
            else "although its key has the scope: the account has no legacy Marketing Campaigns. "
            "Set `marketing: new`, or `marketing: auto`."
        )
        return WrongFamilyError(
            f'SendGrid refuses source "{client.source}" {endpoint} ({status}) {advice}',
            status=status,
            endpoint=endpoint,
            permission=permission,
            scope=scope,
        )
    if access is None or status == HTTPStatus.FORBIDDEN:
        return unexplained(client, endpoint, status, permission, scope)
    return UnexpectedAnswerError(
        f'SendGrid refuses source "{client.source}" {endpoint} ({status}) although it knows the key and the key has '
        f"{permission} (scope {scope}). Run it again later; if that stays so, create a new key.",
        status=status,
    )


def unexplained(
    client: SendGridClient, endpoint: str, status: int | None, permission: str, scope: str
) -> MissingScopeError:
    """The error for an endpoint that is refused although the key has all that is known to be needed."""
    has = f" although its key has {permission} (scope {scope})" if permission else ""
    return MissingScopeError(
        f'SendGrid refuses source "{client.source}" {endpoint} ({status}){has}. Its plan may lack the feature, or the key '
        "a finer permission: compare Settings > API Keys in SendGrid, or leave this object out with skip_objects.",
        status=status,
        endpoint=endpoint,
        permission=permission,
        scope=scope,
    )
