"""/v3/marketing/contacts: the sample, the lookups, upserts and deletes as jobs, exports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

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
    choice_of,
    flag_of,
    number_in,
    number_of,
    text_of,
    texts_of,
)
from sendgrid_orchestration.simulator.contacts import COLUMNS, IDENTIFIERS
from sendgrid_orchestration.simulator.imports import (
    MOST_ALTERNATE_EMAILS,
    MOST_BYTES,
    MOST_CONTACTS,
    TEXT_FIELDS,
    UPLOAD_HEADER,
    RowError,
)
from sendgrid_orchestration.simulator.query import QueryError, Test, contact_test

_CONTACTS = "/v3/marketing/contacts"
_SAMPLE = 50
_MOST_LOOKED_UP = 100
_BLOCK = 1000
_SEARCH_SECONDS = 20

_IDENTIFIER_TYPES = {kind.replace("_", "").upper(): kind for kind in IDENTIFIERS}
"""How a request to delete an identifier spells them: EMAIL, PHONENUMBERID …"""

_SEARCHED = {name: name for name in (*COLUMNS[:17], *IDENTIFIERS, "list_ids", "segment_ids")} | {
    "contact_id": "id"
}
"""What a search may ask for beside custom fields, and under which key a contact has it."""


async def sample(request: Request) -> Response:
    """The fifty newest contacts, sorted by address, and how many there are in all."""
    account = account_of(request)
    newest = [int(number) for number in account.book.numbers()[-_SAMPLE:]]
    shown = sorted(documents(request, account, newest), key=lambda contact: str(contact["email"]))
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
        raise Refusal(404, "contact not found", "contact_id")
    return answer(documents(request, account, [number])[0])


async def batch(request: Request) -> Response:
    """Up to a hundred contacts by their ids; ids that are not known are left out."""
    account = account_of(request)
    ids = texts_of(await body_of(request), "ids", 1, _MOST_LOOKED_UP)
    numbers = [number for number in map(account.book.with_id, ids) if number is not None]
    return answer({"result": documents(request, account, numbers)})


async def search(request: Request) -> Response:
    """The first fifty contacts that meet an SGQL condition, and how many do in all."""
    account = account_of(request)
    query = text_of(await body_of(request), "query", 1)
    if query is None:
        raise Refusal(400, "query is required", "query")
    custom = {field.name.lower(): f"custom {field.id}" for field in account.fields.custom}
    names = {field.id: field.name for field in account.fields.custom}
    try:
        test = contact_test(query, custom | _SEARCHED)
    except QueryError as error:
        raise Refusal(400, str(error), "query") from error
    found, count = await asyncio.to_thread(_meeting, account, test, names)
    url = f"{base_url(request)}{_CONTACTS}/search"
    shown = documents(request, account, found)
    return answer({"result": shown, "contact_count": count, "_metadata": {"self": url}})


async def search_emails(request: Request) -> Response:
    """Contacts by address, also by an alternate one: 404 where none is known, 400 where one is no address."""
    emails = texts_of(await body_of(request), "emails", 1, _MOST_LOOKED_UP)
    book = account_of(request).book

    def found(email: str) -> int | None:
        number = book.with_email(email)
        return book.with_alternate_email(email) if number is None else number

    return _looked_up(request, "emails", [email.lower() for email in emails if email], found, "email")


async def search_identifiers(request: Request) -> Response:
    """Contacts by identifiers of one kind: 404 where none is known."""
    kind = request.path_params["kind"]
    if kind not in IDENTIFIERS:
        raise Refusal(400, "invalid identifier type", "identifier_type", parameter="identifier_type")
    values = texts_of(await body_of(request), "identifiers", 1, _MOST_LOOKED_UP)
    book = account_of(request).book
    if kind == "email":
        values = [value.lower() for value in values]
    return _looked_up(request, "identifiers", values, lambda value: book.with_identifier(kind, value), kind)


async def upsert(request: Request) -> Response:
    """Take contacts in; they are written by a job."""
    account = account_of(request)
    if len(await request.body()) > MOST_BYTES:
        raise Refusal(413, "request body too large")
    body = await body_of(request)
    contacts = body.get("contacts")
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= MOST_CONTACTS:
        raise Refusal(400, f"contacts must have between 1 and {MOST_CONTACTS} elements", "contacts")
    list_ids = _lists_of(account, body, 400)
    for number, contact in enumerate(contacts):
        _check_contact(account, contact, f"contacts[{number}]")
    known = {field.id for field in account.fields.custom}
    if unknown := {name for contact in contacts for name in contact.get("custom_fields", {})} - known:
        message = f"invalid custom field ids supplied - {','.join(sorted(unknown))}"
        raise Refusal(400, message, "contacts.custom_fields")
    return answer({"job_id": account.imports.upsert(contacts, list_ids)}, 202)


async def start_import(request: Request) -> Response:
    """Say where the CSV of an import is to be put; a job reads it once it is there."""
    account, body = account_of(request), await body_of(request)
    if body.get("file_type") != "csv":
        raise Refusal(400, "file_type must be csv", "file_type")
    mappings = body.get("field_mappings")
    if not isinstance(mappings, list) or not mappings:
        raise Refusal(400, "field_mappings must have at least 1 element", "field_mappings")
    known = {field.id for field in account.fields.custom} | account.fields.reserved.keys() | {None}
    for field_id in mappings:
        if not isinstance(field_id, str | None) or field_id not in known:
            raise Refusal(400, f"invalid field id in field_mappings: {field_id}", "field_mappings")
    job_id, link = account.imports.expect_upload(mappings, _lists_of(account, body, 404))
    headers = [dict(zip(("header", "value"), UPLOAD_HEADER, strict=True))]
    return answer({"job_id": job_id, "upload_uri": link, "upload_headers": headers})


async def delete_identifier(request: Request) -> Response:
    """Take one identifier from a contact, by a job."""
    account, body = account_of(request), await body_of(request)
    contact_id = request.path_params["contact_id"]
    kind = body.get("identifier_type")
    if not isinstance(kind, str) or kind not in _IDENTIFIER_TYPES:
        message = f"identifier_type must be one of {', '.join(_IDENTIFIER_TYPES)}"
        raise Refusal(400, message, "identifier_type")
    value = text_of(body, "identifier_value", 1)
    if value is None:
        raise Refusal(400, "identifier_value is required", "identifier_value")
    if account.book.with_id(contact_id) is None:
        raise Refusal(404, "contact not found", "contact_id")
    return answer(
        {"job_id": account.imports.delete_identifier(contact_id, _IDENTIFIER_TYPES[kind], value)}, 202
    )


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
    file_type, size = export_format(body)
    wanted = texts_of(body, "list_ids"), texts_of(body, "segment_ids")
    try:
        job = account.exports.create(*wanted, file_type, size)
    except KeyError as error:
        raise Refusal(404, f"list or segment {error.args[0]} not found", "list_ids") from error
    return answer({"id": job.id, "_metadata": {"self": f"{_exports_url(request)}/{job.id}"}}, 202)


def export_format(body: dict[str, Any]) -> tuple[Literal["csv", "json"], int]:
    """In which form an export is asked for, and how many megabytes a file may have."""
    chosen = choice_of(body, "file_type", ("csv", "json"), "csv")
    if "notifications" in body:
        if not isinstance(body["notifications"], dict):
            raise Refusal(400, "notifications must be an object", "notifications")
        flag_of(body["notifications"], "email")
    return "json" if chosen == "json" else "csv", number_of(body, "max_file_size", 5000, 1, 1 << 31)


async def export_status(request: Request) -> Response:
    """How far an export is, and its links once it is ready."""
    return answer(export_told(request))


def export_told(request: Request) -> dict[str, Any]:
    """What an export says when it is asked once more."""
    try:
        told = account_of(request).exports.poll(request.path_params["export_id"])
    except KeyError as error:
        raise Refusal(404, "export not found", "id") from error
    return told | {"_metadata": {"self": f"{_exports_url(request)}/{told['id']}"}}


async def exports(request: Request) -> Response:
    """Every export of late."""
    shown = account_of(request).exports.all()[: number_in(request, "page_size", 100, 1, 1000)]
    return answer({"result": shown, "_metadata": {"self": _exports_url(request)}})


def _exports_url(request: Request) -> str:
    return base_url(request) + request.url.path.partition("/exports")[0] + "/exports"


def documents(request: Request, account: Account, numbers: list[int]) -> list[dict[str, Any]]:
    """Contacts as the API gives them."""
    answers = account.book.documents(numbers)
    belongs = account.membership.of_contacts(numbers)
    for document, (document["list_ids"], document["segment_ids"]) in zip(answers, belongs, strict=True):
        document["_metadata"] = {"self": f"{base_url(request)}{_CONTACTS}/{document['id']}"}
    return answers


def _looked_up(
    request: Request, name: str, values: list[str], find: Callable[[str], int | None], kind: str
) -> Response:
    """Who has each of these identifiers; a refusal where nobody has any of them, or where one cannot be one."""
    account = account_of(request)
    for value in values:
        try:
            account.imports.check_identifiers({kind: value})
        except RowError as error:
            raise Refusal(400, str(error), name) from error
    numbers = {value: number for value in values if (number := find(value)) is not None}
    if not numbers:
        raise Refusal(404, "no contacts found", name)
    shown = dict(zip(numbers, documents(request, account, list(numbers.values())), strict=True))
    result: dict[str, Any] = {
        value: {"contact": shown[value]} if value in shown else {"error": "contact not found"}
        for value in values
    }
    return answer({"result": result})


def _meeting(account: Account, test: Test, custom: dict[str, str]) -> tuple[list[int], int]:
    """The first contacts that meet a condition, and how many do in all."""
    began, found, count = time.monotonic(), list[int](), 0
    numbers = [int(number) for number in account.book.numbers()]
    for start in range(0, len(numbers), _BLOCK):
        if time.monotonic() - began > _SEARCH_SECONDS:
            raise Refusal(408, "request timed out")
        block = numbers[start : start + _BLOCK]
        shown, belongs = account.book.documents(block), account.membership.of_contacts(block)
        for number, document, (lists, segments) in zip(block, shown, belongs, strict=True):
            record = document | {"list_ids": lists, "segment_ids": segments}
            record |= {f"custom {one}": document["custom_fields"].get(name) for one, name in custom.items()}
            if test(record):
                count += 1
                if len(found) < _SAMPLE:
                    found.append(number)
    return found, count


def _lists_of(account: Account, body: dict[str, Any], status: int) -> list[str]:
    """The lists that contacts shall be put into; a refusal with this status where one does not exist."""
    list_ids = texts_of(body, "list_ids")
    if unknown := [one for one in list_ids if one not in account.membership.lists]:
        raise Refusal(status, f"list ids not found: {','.join(unknown)}", "list_ids")
    return list_ids


def _check_contact(account: Account, contact: object, place: str) -> None:
    """What SendGrid looks at before it takes a contact; whether values are too long shows when they are written."""
    if not isinstance(contact, dict):
        raise Refusal(400, "a contact must be an object", place)
    for name in TEXT_FIELDS & contact.keys():
        if not isinstance(contact[name], str):
            raise Refusal(400, f"{name} must be a string", f"{place}.{name}")
    texts_of(contact, "alternate_emails", 0, MOST_ALTERNATE_EMAILS)
    custom = contact.get("custom_fields", {})
    if not isinstance(custom, dict) or not all(isinstance(v, str | int | float) for v in custom.values()):
        raise Refusal(400, "custom_fields must be an object of strings and numbers", f"{place}.custom_fields")
    if not any(contact.get(kind) for kind in IDENTIFIERS):
        message = "at least one identifier is required"
        raise Refusal(400, message, f"{place}.identifier", error_id="missing_identifier")
    if account.imports.refuses_invalid:
        try:
            account.imports.check_identifiers(contact)
        except RowError as error:
            raise Refusal(400, str(error), f"{place}.identifier") from error


ROUTES = [
    Route(_CONTACTS, sample, methods=["GET"]),
    Route(_CONTACTS, upsert, methods=["PUT"]),
    Route(_CONTACTS, delete, methods=["DELETE"]),
    Route(f"{_CONTACTS}/count", count, methods=["GET"]),
    Route(f"{_CONTACTS}/batch", batch, methods=["POST"]),
    Route(f"{_CONTACTS}/search", search, methods=["POST"]),
    Route(f"{_CONTACTS}/search/emails", search_emails, methods=["POST"]),
    Route(f"{_CONTACTS}/search/identifiers/{{kind}}", search_identifiers, methods=["POST"]),
    Route(f"{_CONTACTS}/imports", start_import, methods=["PUT"]),
    Route(f"{_CONTACTS}/imports/{{job_id}}", import_status, methods=["GET"]),
    Route(f"{_CONTACTS}/exports", create_export, methods=["POST"]),
    Route(f"{_CONTACTS}/exports", exports, methods=["GET"]),
    Route(f"{_CONTACTS}/exports/{{export_id}}", export_status, methods=["GET"]),
    Route(f"{_CONTACTS}/{{contact_id}}/identifiers", delete_identifier, methods=["DELETE"]),
    Route(f"{_CONTACTS}/{{contact_id}}", one_contact, methods=["GET"]),
]
