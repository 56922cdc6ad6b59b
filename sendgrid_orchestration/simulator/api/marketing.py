"""/v3/marketing: lists, segments of both kinds, field definitions."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api import contacts
from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    base_url,
    body_of,
    page,
    text_of,
)
from sendgrid_orchestration.simulator.clock import iso
from sendgrid_orchestration.simulator.membership import ContactList, Segment

_HOUR = 3600
_SAMPLE = 50
_SAMPLED = (
    "id", "email", "phone_number_id", "external_id", "anonymous_id", "alternate_emails", "first_name", "last_name",
    "address_line_1", "address_line_2", "city", "state_province_region", "postal_code", "country", "list_ids", "segment_ids",
    "custom_fields",
)  # fmt: skip
"""What the contacts of a segment's sample show."""

_LISTS = "/v3/marketing/lists"
_SEGMENTS = "/v3/marketing/segments"


async def lists(request: Request) -> Response:
    """A page of lists."""
    account = account_of(request)
    return page(
        request, list(account.membership.lists.values()), lambda one: _list_document(request, account, one)
    )


async def create_list(request: Request) -> Response:
    """Make an empty list."""
    account = account_of(request)
    name = _new_name(account, await body_of(request))
    if name is None:
        raise Refusal(400, "name is required", "name")
    return answer(_list_document(request, account, account.membership.add_list(name)), 201)


async def one_list(request: Request) -> Response:
    """Read, rename or delete a list."""
    account, found = account_of(request), _list(request)
    if request.method == "DELETE":
        account.delete_list(found.id)
        if request.query_params.get("delete_contacts") == "true":
            ids = [account.book.contact_id(int(n)) for n in account.book.numbers(found.members)]
            return answer({"job_id": account.imports.delete(ids)})
        return answer(None, 204)
    if request.method == "PATCH" and (name := _new_name(account, await body_of(request))) is not None:
        account.rename_list(found.id, name)
    document = _list_document(request, account, found)
    if request.query_params.get("contact_sample") == "true":
        newest = account.membership.list_numbers(found.id)[-_SAMPLE:].tolist()
        document["contact_sample"] = contacts.documents(request, account, newest)
    return answer(document)


async def list_count(request: Request) -> Response:
    """How many contacts a list has."""
    count = len(account_of(request).membership.list_numbers(_list(request).id))
    return answer({"contact_count": count, "billable_count": count})


async def remove_from_list(request: Request) -> Response:
    """Take contacts out of a list, by and by; one contact that does not exist sinks the request."""
    account, found = account_of(request), _list(request)
    ids = [one for one in request.query_params.get("contact_ids", "").split(",") if one]
    if not ids:
        raise Refusal(400, "contact_ids is required", "contact_ids", parameter="contact_ids")
    if any(account.book.with_id(one) is None for one in ids):
        raise Refusal(404, "contact not found", "contact_ids", parameter="contact_ids")
    return answer({"job_id": account.imports.remove_from_list(found.id, ids)}, 202)


async def segments(request: Request) -> Response:
    """Every segment of one kind; this call has no pages."""
    account = account_of(request)
    version = "2" if request.url.path.endswith("/2.0") else "1"
    found = [one for one in account.membership.segments.values() if one.version == version]
    parents = request.query_params.get("parent_list_ids", "").split(",")
    without_parent = request.query_params.get("no_parent_list_id") == "true"
    if wanted := request.query_params.get("ids"):
        found = [one for one in found if one.id in wanted.split(",")]
    elif parents != [""] or without_parent:
        found = [
            one
            for one in found
            if one.parent_list_id in parents or (without_parent and one.parent_list_id is None)
        ]
    told: dict[str, Any] = {"results": [_segment_document(account, one) for one in found]}
    return answer(told | ({"_metadata": {"self": str(request.url)}} if version == "2" else {}))


async def one_segment(request: Request) -> Response:
    """Read one segment with its query, or delete it."""
    account = account_of(request)
    found = account.membership.segments.get(request.path_params["segment_id"])
    version = "2" if "/2.0/" in request.url.path else "1"
    if found is None or found.version != version:
        raise Refusal(404, "segment not found", "segment_id")
    if request.method == "DELETE":
        account.delete_segment(found.id)
        return answer(None if version == "2" else {}, 202)
    document = _segment_document(account, found) | {"query_dsl": found.query_dsl}
    if version == "2":
        # The list does not have these.
        document |= {"refreshes_used": 1, "max_refreshes": 2, "last_refreshed_at": iso(found.updated_at)}
    if version == "1" or request.query_params.get("contacts_sample") != "false":
        newest = account.membership.segment_numbers(found.id)[-_SAMPLE:].tolist()
        shown = contacts.documents(request, account, newest)
        document["contacts_sample"] = [{name: one[name] for name in _SAMPLED} for one in shown]
    return answer(document)


async def field_definitions(request: Request) -> Response:
    """SendGrid's own fields and the account's."""
    return answer(account_of(request).fields.document(f"{base_url(request)}/v3/marketing/field_definitions"))


def _list(request: Request) -> ContactList:
    found = account_of(request).membership.lists.get(request.path_params["list_id"])
    if found is None:
        raise Refusal(404, "list not found", "id", parameter="id")
    return found


def _new_name(account: Account, body: dict[str, Any]) -> str | None:
    name = text_of(body, "name", 1, 100)
    if any(one.name == name for one in account.membership.lists.values()):
        raise Refusal(400, "a list with the specified name already exists", "name")
    return name


def _list_document(request: Request, account: Account, one: ContactList) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "contact_count": len(account.membership.list_numbers(one.id)),
        "_metadata": {"self": f"{base_url(request)}{_LISTS}/{one.id}"},
    }


def _segment_document(account: Account, one: Segment) -> dict[str, Any]:
    count = one.reported_count
    sampled = account.now() // _HOUR * _HOUR
    document: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "contacts_count": len(account.membership.segment_numbers(one.id)) if count is None else count,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
        "sample_updated_at": iso(sampled),
        "next_sample_update": iso(sampled + _HOUR),
    }
    if one.version == "1":
        return document | ({"parent_list_id": one.parent_list_id} if one.parent_list_id else {})
    return document | {
        "parent_list_ids": [one.parent_list_id] if one.parent_list_id else None,
        "query_version": "2",
        "status": {"query_validation": "VALID", "error_message": ""},
    }


ROUTES = [
    Route(_LISTS, lists, methods=["GET"]),
    Route(_LISTS, create_list, methods=["POST"]),
    Route(f"{_LISTS}/{{list_id}}", one_list, methods=["GET", "PATCH", "DELETE"]),
    Route(f"{_LISTS}/{{list_id}}/contacts/count", list_count, methods=["GET"]),
    Route(f"{_LISTS}/{{list_id}}/contacts", remove_from_list, methods=["DELETE"]),
    Route(f"{_SEGMENTS}/2.0", segments, methods=["GET"]),
    Route(f"{_SEGMENTS}/2.0/{{segment_id}}", one_segment, methods=["GET", "DELETE"]),
    Route(_SEGMENTS, segments, methods=["GET"]),
    Route(f"{_SEGMENTS}/{{segment_id}}", one_segment, methods=["GET", "DELETE"]),
    Route("/v3/marketing/field_definitions", field_definitions, methods=["GET"]),
]
