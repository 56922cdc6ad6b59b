"""/v3/contactdb and /v3/campaigns: the legacy Marketing Campaigns, as accounts from before 2019 have them."""

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
    number_in,
    offset_page,
)
from sendgrid_orchestration.simulator.contacts import COLUMNS, Numbers, legacy_id
from sendgrid_orchestration.simulator.membership import ContactList, Segment
from sendgrid_orchestration.simulator.senders import USUAL_SENDER

_DB = "/v3/contactdb"


async def lists(request: Request) -> Response:
    """Every list; this call has no pages."""
    account = account_of(request)
    return answer({"lists": [_list(account, one) for one in account.membership.lists.values()]})


async def one_list(request: Request) -> Response:
    """One list."""
    return answer(_list(account_of(request), _list_of(request)))


async def list_recipients(request: Request) -> Response:
    """A page of a list's recipients."""
    return _page(request, account_of(request).membership.list_numbers(_list_of(request).id))


async def segments(request: Request) -> Response:
    """Every segment; this call has no pages."""
    account = account_of(request)
    return answer({"segments": [_segment(account, one) for one in account.membership.segments.values()]})


async def one_segment(request: Request) -> Response:
    """One segment."""
    return answer(_segment(account_of(request), _segment_of(request)))


async def segment_recipients(request: Request) -> Response:
    """A page of a segment's recipients."""
    return _page(request, account_of(request).membership.segment_numbers(_segment_of(request).id))


async def recipients(request: Request) -> Response:
    """A page of all recipients; pages may be empty before the end, which is told by a 404."""
    account = account_of(request)
    if account.empty_legacy_pages and number_in(request, "page", 1, 1, 1 << 30) in account.empty_legacy_pages:
        return answer({"recipients": []})
    skipped = sum(1 for n in account.empty_legacy_pages if n < number_in(request, "page", 1, 1, 1 << 30))
    return _page(request, account.book.numbers(), skipped=skipped)


async def one_recipient(request: Request) -> Response:
    """One recipient."""
    account = account_of(request)
    return answer(_documents(account, [_number_of(request, account)])[0])


async def recipient_lists(request: Request) -> Response:
    """The lists that one recipient is in."""
    account = account_of(request)
    ids, _ = account.membership.of_contact(_number_of(request, account))
    return answer({"lists": [_list(account, account.membership.lists[one]) for one in ids]})


async def recipient_count(request: Request) -> Response:
    """How many recipients there are."""
    return answer({"recipient_count": account_of(request).contact_count()})


async def search(request: Request) -> Response:
    """Recipients by address."""
    account = account_of(request)
    number = account.book.with_email(request.query_params.get("email", ""))
    found = [] if number is None else _documents(account, [number])
    return answer({"recipients": found})


async def custom_fields(request: Request) -> Response:
    """The account's own fields."""
    custom = account_of(request).fields.custom
    return answer(
        {
            "custom_fields": [
                {"id": n, "name": f.name, "type": f.field_type.lower()} for n, f in enumerate(custom, 1)
            ]
        }
    )


async def reserved_fields(_: Request) -> Response:
    """SendGrid's fields."""
    text = ("first_name", "last_name", "email")
    dates = ("created_at", "updated_at", "last_emailed", "last_clicked", "last_opened")
    return answer(
        {
            "reserved_fields": [
                *({"name": name, "type": "text"} for name in text),
                *({"name": name, "type": "date"} for name in dates),
                {"name": "my_custom_field", "type": "text"},
            ]
        }
    )


async def status(_: Request) -> Response:
    """Whether SendGrid is behind with its work."""
    return answer({"status": [{"id": "worker_delay", "value": "0"}]})


async def campaigns(request: Request) -> Response:
    """Campaigns, the newest first."""
    account = account_of(request)
    sent = [one for one in account.mailings.bulk if one.phase == "send" and not one.is_newsletter]
    found = [
        {
            "id": mailing.legacy_id,
            "title": mailing.name,
            "subject": mailing.template.subject,
            "sender_id": USUAL_SENDER,
            "list_ids": [
                one.legacy_id for one in account.membership.lists.values() if one.name in mailing.audience
            ],
            "segment_ids": [],
            "categories": list(mailing.categories),
            "suppression_group_id": mailing.unsubscribe_group,
            "custom_unsubscribe_url": "",
            "ip_pool": "marketing",
            "html_content": "",
            "plain_content": "",
            "status": "Sent",
            "editor": "code",
        }
        for mailing in sorted(sent, key=lambda mailing: -mailing.when)
    ]
    return answer({"result": list(offset_page(request, found, 10, 500))})


async def create_export(request: Request) -> Response:
    """Start an export; lists and segments go by number here."""
    account, body = account_of(request), await body_of(request)
    file_type, size = contacts.export_format(body)
    lists = {one.legacy_id: one.id for one in account.membership.lists.values()}
    segments = {one.legacy_id: one.id for one in account.membership.segments.values()}
    chosen = [
        [_numbered(known, one, name) for one in _numbers_of(body, name)]
        for known, name in ((lists, "list_ids"), (segments, "segment_ids"))
    ]
    job = account.exports.create(chosen[0], chosen[1], file_type, size)
    return answer({"id": job.id, "_metadata": {"self": f"{base_url(request)}{_DB}/exports/{job.id}"}}, 202)


async def export_status(request: Request) -> Response:
    """How far an export is."""
    told = contacts.export_told(request)
    if "contact_count" in told:
        told["recipient_count"] = told.pop("contact_count")
    return answer(told)


async def exports(request: Request) -> Response:
    """Every export of late."""
    account, shown = account_of(request), []
    known = account.membership.lists | account.membership.segments
    for one in account.exports.all():
        for kind in ("lists", "segments"):
            one[kind] = [
                part | {"ID": known[part["ID"]].legacy_id} for part in one[kind] if part["ID"] in known
            ]
        shown.append(one)
    return answer({"result": shown, "_metadata": {"self": f"{base_url(request)}{_DB}/exports"}})


def _numbers_of(body: dict[str, Any], name: str) -> list[int]:
    numbers = body.get(name) or []
    if not isinstance(numbers, list) or not all(type(one) is int for one in numbers):
        raise Refusal(400, f"{name} must be an array of integers", name)
    return numbers


def _numbered(known: dict[int, str], number: int, name: str) -> str:
    if number not in known:
        raise Refusal(404, f"{number} not found", name)
    return known[number]


def _page(request: Request, numbers: Numbers, *, skipped: int = 0) -> Response:
    page = number_in(request, "page", 1, 1, 1 << 30) - skipped
    size = number_in(request, "page_size", 100, 1, 1000)
    chosen = [int(number) for number in numbers[(page - 1) * size : page * size]]
    if not chosen:
        raise Refusal(404, "No more pages")
    return answer({"recipients": _documents(account_of(request), chosen)})


def _documents(account: Account, numbers: list[int]) -> list[dict[str, Any]]:
    custom = account.fields.custom
    documents = []
    rows = account.book.rows(numbers)
    for number, row in zip(numbers, rows, strict=True):
        email = row[0]
        contacted = account.ledger.contacted.get(email)
        documents.append(
            {
                "id": legacy_id(email),
                "email": email,
                "first_name": row[1] or None,
                "last_name": row[2] or None,
                "created_at": int(account.book.created[number]),
                "updated_at": int(account.book.updated[number]),
                "last_emailed": contacted.emailed if contacted else None,
                "last_clicked": contacted.clicked if contacted else None,
                "last_opened": contacted.opened if contacted else None,
                "custom_fields": [
                    {"id": n, "name": f.name, "type": f.field_type.lower(), "value": f.legacy(text)}
                    for n, (f, text) in enumerate(zip(custom, row[len(COLUMNS) :], strict=False), 1)
                ],
            }
        )
    return documents


def _number_of(request: Request, account: Account) -> int:
    number = account.book.with_legacy_id(request.path_params["recipient_id"])
    if number is None:
        raise Refusal(404, "Recipient ID does not exist")
    return number


def _list_of(request: Request) -> ContactList:
    for one in account_of(request).membership.lists.values():
        if str(one.legacy_id) == request.path_params["list_id"]:
            return one
    raise Refusal(404, "List ID does not exist")


def _segment_of(request: Request) -> Segment:
    for one in account_of(request).membership.segments.values():
        if str(one.legacy_id) == request.path_params["segment_id"]:
            return one
    raise Refusal(404, "Segment ID does not exist")


def _list(account: Account, one: ContactList) -> dict[str, Any]:
    count = len(account.membership.list_numbers(one.id))
    return {"id": one.legacy_id, "name": one.name, "recipient_count": count}


def _segment(account: Account, one: Segment) -> dict[str, Any]:
    count = len(account.membership.segment_numbers(one.id))
    shown = {"id": one.legacy_id, "name": one.name, "conditions": one.conditions, "recipient_count": count}
    parent = account.membership.lists.get(one.parent_list_id or "")
    return shown | ({"list_id": parent.legacy_id} if parent else {})


ROUTES = [
    Route(f"{_DB}/lists", lists, methods=["GET"]),
    Route(f"{_DB}/lists/{{list_id}}", one_list, methods=["GET"]),
    Route(f"{_DB}/lists/{{list_id}}/recipients", list_recipients, methods=["GET"]),
    Route(f"{_DB}/segments", segments, methods=["GET"]),
    Route(f"{_DB}/segments/{{segment_id}}", one_segment, methods=["GET"]),
    Route(f"{_DB}/segments/{{segment_id}}/recipients", segment_recipients, methods=["GET"]),
    Route(f"{_DB}/recipients", recipients, methods=["GET"]),
    Route(f"{_DB}/recipients/count", recipient_count, methods=["GET"]),
    Route(f"{_DB}/recipients/billable_count", recipient_count, methods=["GET"]),
    Route(f"{_DB}/recipients/search", search, methods=["GET"]),
    Route(f"{_DB}/recipients/{{recipient_id}}", one_recipient, methods=["GET"]),
    Route(f"{_DB}/recipients/{{recipient_id}}/lists", recipient_lists, methods=["GET"]),
    Route(f"{_DB}/custom_fields", custom_fields, methods=["GET"]),
    Route(f"{_DB}/reserved_fields", reserved_fields, methods=["GET"]),
    Route(f"{_DB}/status", status, methods=["GET"]),
    Route(f"{_DB}/exports", create_export, methods=["POST"]),
    Route(f"{_DB}/exports", exports, methods=["GET"]),
    Route(f"{_DB}/exports/{{export_id}}", export_status, methods=["GET"]),
    Route("/v3/campaigns", campaigns, methods=["GET"]),
]
