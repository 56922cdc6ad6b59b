"""/v3/marketing/contacts: the sample, the lookups, upserts and deletes as jobs, exports."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    base_url,
    body_of,
    number_in,
)
from sendgrid_orchestration.simulator.imports import MOST_BYTES, MOST_CONTACTS

_CONTACTS = "/v3/marketing/contacts"
_SAMPLE = 50
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


async def sample(request: Request) -> Response:
    """The fifty newest contacts, sorted by address, and how many there are in all."""
    account = account_of(request)
    newest = [int(number) for number in account.book.numbers()[-_SAMPLE:]]
    shown = sorted(_documents(request, account, newest), key=lambda contact: str(contact["email"]))
    url = f"{base_url(request)}{_CONTACTS}"
    return answer({"result": shown, "contact_count": account.contact_count(), "_metadata": {"self": url}})


async def count(request: Request) -> Response:
    """How many contacts there are, and how many are paid for."""
    number = account_of(request).contact_count()
    return answer(
        {
            "contact_count": number,
            "billable_count": number,
            "billable_breakdown": {"total": number, "breakdown": {}},
        }
    )


async def one_contact(request: Request) -> Response:
    """One contact by its id."""
    account = account_of(request)
    number = account.book.with_id(request.path_params["contact_id"])
    if number is None:
        raise Refusal(404, "contact not found", "contact_id", parameter="id")
    return answer(_documents(request, account, [number])[0])


async def batch(request: Request) -> Response:
    """Up to a hundred contacts by their ids; ids that are not known are left out."""
    account = account_of(request)
    ids = (await body_of(request)).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise Refusal(400, "ids must have between 1 and 100 elements", "ids")
    numbers = [number for number in map(account.book.with_id, map(str, ids)) if number is not None]
    return answer({"result": _documents(request, account, numbers)})


async def search_emails(request: Request) -> Response:
    """Contacts by address: 404 where none is known, 400 where one is no address."""
    account = account_of(request)
    emails = (await body_of(request)).get("emails")
    if not isinstance(emails, list) or not 1 <= len(emails) <= 100:
        raise Refusal(400, "emails must have between 1 and 100 elements", "emails")
    for email in emails:
        if not isinstance(email, str) or not _ADDRESS.fullmatch(email):
            raise Refusal(400, "one or more emails are invalid", "emails")
    result: dict[str, Any] = {}
    for email in emails:
        number = account.book.with_email(email)
        result[email] = (
            {"error": "contact not found"}
            if number is None
            else {"contact": _documents(request, account, [number])[0]}
        )
    return answer({"result": result}, 200 if any("contact" in found for found in result.values()) else 404)


async def upsert(request: Request) -> Response:
    """Take contacts in; they are written by a job."""
    account = account_of(request)
    if len(await request.body()) > MOST_BYTES:
        raise Refusal(413, "request body too large")
    body = await body_of(request)
    contacts = body.get("contacts")
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= MOST_CONTACTS:
        raise Refusal(400, f"contacts must have between 1 and {MOST_CONTACTS} elements", "contacts")
    list_ids = body.get("list_ids") or []
    known = {field.id for field in account.fields.custom}
    for contact in contacts:
        if not isinstance(contact, dict) or not any(
            contact.get(name) for name in ("email", "phone_number_id", "external_id", "anonymous_id")
        ):
            raise Refusal(
                400, "at least one identifier is required", "contacts", error_id="missing_identifier"
            )
        if unknown := set(contact.get("custom_fields") or ()) - known:
            raise Refusal(400, f"invalid custom field id: {sorted(unknown)[0]}", "custom_fields")
    if any(list_id not in account.membership.lists for list_id in list_ids):
        raise Refusal(400, "invalid list id", "list_ids")
    return answer({"job_id": account.imports.upsert(contacts, list_ids)}, 202)


async def delete(request: Request) -> Response:
    """Delete some contacts, or all, by a job."""
    account = account_of(request)
    if request.query_params.get("delete_all_contacts") == "true":
        return answer({"job_id": account.imports.delete(None)}, 202)
    ids = [one for one in request.query_params.get("ids", "").split(",") if one]
    if not ids:
        raise Refusal(400, "ids is required", "ids", parameter="ids")
    return answer({"job_id": account.imports.delete(ids)}, 202)


async def import_status(request: Request) -> Response:
    """How far a job is."""
    try:
        return answer(account_of(request).imports.told(request.path_params["job_id"]))
    except KeyError as error:
        raise Refusal(404, "import job not found", "id") from error


async def create_export(request: Request) -> Response:
    """Start an export."""
    account, body = account_of(request), await body_of(request)
    file_type: Any = body.get("file_type") or "csv"
    size = body.get("max_file_size", 5000)
    if file_type not in ("csv", "json"):
        raise Refusal(400, "file_type must be csv or json", "file_type")
    if not isinstance(size, int) or size < 1:
        raise Refusal(400, "max_file_size must be a positive number", "max_file_size")
    try:
        job = account.exports.create(
            list(body.get("list_ids") or []), list(body.get("segment_ids") or []), file_type, size
        )
    except KeyError as error:
        raise Refusal(404, f"list or segment {error.args[0]} not found", "list_ids") from error
    return answer({"id": job.id, "_metadata": {"self": f"{_exports_url(request)}/{job.id}"}}, 202)


async def export_status(request: Request) -> Response:
    """How far an export is, and its links once it is ready."""
    try:
        told = account_of(request).exports.poll(request.path_params["export_id"])
    except KeyError as error:
        raise Refusal(404, "export not found", "id") from error
    return answer(told | {"_metadata": {"self": f"{_exports_url(request)}/{told['id']}"}})


async def exports(request: Request) -> Response:
    """Every export of late."""
    shown = account_of(request).exports.all()[: number_in(request, "page_size", 100, 1, 1000)]
    return answer({"result": shown, "_metadata": {"self": _exports_url(request)}})


def _exports_url(request: Request) -> str:
    return base_url(request) + request.url.path.partition("/exports")[0] + "/exports"


def _documents(request: Request, account: Account, numbers: list[int]) -> list[dict[str, Any]]:
    answers = account.book.documents(numbers)
    for number, document in zip(numbers, answers, strict=True):
        document["list_ids"], document["segment_ids"] = account.membership.of_contact(number)
        document["_metadata"] = {"self": f"{base_url(request)}{_CONTACTS}/{document['id']}"}
    return answers


ROUTES = [
    Route(_CONTACTS, sample, methods=["GET"]),
    Route(_CONTACTS, upsert, methods=["PUT"]),
    Route(_CONTACTS, delete, methods=["DELETE"]),
    Route(f"{_CONTACTS}/count", count, methods=["GET"]),
    Route(f"{_CONTACTS}/batch", batch, methods=["POST"]),
    Route(f"{_CONTACTS}/search/emails", search_emails, methods=["POST"]),
    Route(f"{_CONTACTS}/imports/{{job_id}}", import_status, methods=["GET"]),
    Route(f"{_CONTACTS}/exports", create_export, methods=["POST"]),
    Route(f"{_CONTACTS}/exports", exports, methods=["GET"]),
    Route(f"{_CONTACTS}/exports/{{export_id}}", export_status, methods=["GET"]),
    Route(f"{_CONTACTS}/{{contact_id}}", one_contact, methods=["GET"]),
]
