"""/v3/suppression and /v3/asm: who must not be mailed, and which groups people left.

The suppression lists cut a long answer off without a word: whoever does not ask for more pages has read only the first.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    body_of,
    flag_of,
    number_in,
    offset_page,
    texts_of,
)
from sendgrid_orchestration.simulator.imports import ADDRESS
from sendgrid_orchestration.simulator.ledger import Suppressed

_COLUMNS = {
    "bounces": ("created", "email", "reason", "status"),
    "blocks": ("created", "email", "reason", "status"),
    "invalid_emails": ("created", "email", "reason"),
    "spam_reports": ("created", "email", "ip"),
    "unsubscribes": ("created", "email"),
}
_MOST = 500
_FAR = 1 << 40


async def suppression(request: Request) -> Response:
    """A page of one list, the newest first."""
    kind = _kind(request)
    rows = _between(request, list(account_of(request).ledger.suppressions[kind].values()))
    if prefix := request.query_params.get("email"):
        rows = [row for row in rows if row.email.startswith(prefix.rstrip("%"))]
    rows.sort(key=lambda row: (-row.created, row.email))
    return answer([_document(kind, row) for row in offset_page(request, rows, _MOST, _MOST)])


async def forget(request: Request) -> Response:
    """Take addresses off a list: some, or all."""
    rows = account_of(request).ledger.suppressions[_kind(request)]
    body = await body_of(request)
    emails = texts_of(body, "emails")
    for email in list(rows) if flag_of(body, "delete_all") else emails:
        rows.pop(email, None)
    return answer(None, 204)


async def one_suppression(request: Request) -> Response:
    """One address on a list, as an array of one or none; or take it off."""
    kind, email = _kind(request), request.path_params["email"]
    rows = account_of(request).ledger.suppressions[kind]
    if request.method == "DELETE":
        if rows.pop(email, None) is None:
            raise Refusal(404, "resource not found")
        return answer(None, 204)
    return answer([_document(kind, rows[email])] if email in rows else [])


async def groups(request: Request) -> Response:
    """Every unsubscribe group."""
    account = account_of(request)
    wanted = request.query_params.getlist("id")
    return answer(
        [
            {
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "is_default": group.is_default,
                "unsubscribes": len(account.ledger.groups[group.id]),
            }
            for group in account.groups
            if not wanted or str(group.id) in wanted
        ]
    )


async def one_group(request: Request) -> Response:
    """One unsubscribe group."""
    account = account_of(request)
    for group in account.groups:
        if group.id == request.path_params["group_id"]:
            return answer(vars(group) | {"unsubscribes": len(account.ledger.groups[group.id])})
    raise Refusal(404, "resource not found")


async def group_members(request: Request) -> Response:
    """Who left one group: addresses and nothing else, all at once. Or put somebody there."""
    account, group_id = account_of(request), request.path_params["group_id"]
    if all(group.id != group_id for group in account.groups):
        raise Refusal(404, "resource not found")
    if request.method == "POST":
        added = texts_of(await body_of(request), "recipient_emails", 1)
        if invalid := [email for email in added if not ADDRESS.fullmatch(email)]:
            raise Refusal(400, f"email '{invalid[0]}' is not valid", "recipient_emails")
        account.ledger.groups[group_id].update(dict.fromkeys(added, account.now()))
        return answer({"recipient_emails": added}, 201)
    return answer(list(account.ledger.groups[group_id]))


async def members_of_all(request: Request) -> Response:
    """Who left which group, with names and times."""
    account = account_of(request)
    names = {group.id: group.name for group in account.groups}
    first, last = number_in(request, "start_time", 0, 0, _FAR), number_in(request, "end_time", _FAR, 0, _FAR)
    rows: list[dict[str, Any]] = [
        {"email": email, "group_id": group_id, "group_name": names[group_id], "created_at": at}
        for group_id, members in list(account.ledger.groups.items())
        for email, at in list(members.items())
        if group_id in names and first <= at <= last
    ]
    rows.sort(key=lambda row: (-row["created_at"], row["email"]))
    return answer(list(offset_page(request, rows, _MOST, _MOST)))


async def groups_of_address(request: Request) -> Response:
    """Which groups one address left."""
    account, email = account_of(request), request.path_params["email"]
    return answer(
        {
            "suppressions": [
                {
                    "id": group.id,
                    "name": group.name,
                    "description": group.description,
                    "is_default": group.is_default,
                    "suppressed": email in account.ledger.groups[group.id],
                }
                for group in account.groups
            ]
        }
    )


async def globally(request: Request) -> Response:
    """Whether one address is unsubscribed from everything; or let it have mail again."""
    email, rows = request.path_params["email"], account_of(request).ledger.suppressions["unsubscribes"]
    if request.method == "DELETE":
        if rows.pop(email, None) is None:
            raise Refusal(404, "resource not found")
        return answer(None, 204)
    return answer({"recipient_email": email} if email in rows else {})


def _kind(request: Request) -> str:
    return request.url.path.split("/")[3]


def _between(request: Request, rows: list[Suppressed]) -> list[Suppressed]:
    first, last = number_in(request, "start_time", 0, 0, _FAR), number_in(request, "end_time", _FAR, 0, _FAR)
    return [row for row in rows if first <= row.created <= last]


def _document(kind: str, row: Suppressed) -> dict[str, Any]:
    return {column: getattr(row, column) for column in _COLUMNS[kind]}


ROUTES = [
    *(Route(f"/v3/suppression/{kind}", suppression, methods=["GET"]) for kind in _COLUMNS),
    *(
        Route(f"/v3/suppression/{kind}", forget, methods=["DELETE"])
        for kind in _COLUMNS
        if kind != "unsubscribes"
    ),
    *(
        Route(f"/v3/suppression/{kind}/{{email}}", one_suppression, methods=["GET", "DELETE"])
        for kind in _COLUMNS
        if kind != "unsubscribes"
    ),
    Route("/v3/asm/groups", groups, methods=["GET"]),
    Route("/v3/asm/groups/{group_id:int}", one_group, methods=["GET"]),
    Route("/v3/asm/groups/{group_id:int}/suppressions", group_members, methods=["GET", "POST"]),
    Route("/v3/asm/suppressions", members_of_all, methods=["GET"]),
    Route("/v3/asm/suppressions/global/{email}", globally, methods=["GET", "DELETE"]),
    Route("/v3/asm/suppressions/{email}", groups_of_address, methods=["GET"]),
]
