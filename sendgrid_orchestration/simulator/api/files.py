"""The download server: pre-signed links as S3 serves them, on a port of its own.

A link carries its permission. S3 refuses a request that brings another one in the Authorization header, and so does this: a
client that sends its SendGrid key here is found out.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.imports import UPLOAD_HEADER

_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
)


class _Refusal(Exception):
    """Ends a request with an error in S3's shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, _XML.format(code=code, message=message)


def build(account: Account) -> Starlette:
    """The download server of this account."""

    def permit(request: Request) -> None:
        if "authorization" in request.headers:
            raise _Refusal(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified",
            )
        expires = request.query_params.get("X-Expires-At", "")
        signature = request.query_params.get("X-Amz-Signature", "")
        if not account.links.is_genuine(request.url.path, expires, signature):
            raise _signature_mismatch()
        if int(expires) <= account.now():
            raise _Refusal(403, "AccessDenied", "Request has expired")

    async def download(request: Request) -> Response:
        permit(request)
        part = request.path_params["name"].partition("_")[0]
        try:
            content, _ = account.exports.download(request.path_params["export_id"], int(part) - 1)
        except (KeyError, ValueError) as error:
            raise _no_such_key() from error
        return StreamingResponse(content, media_type="binary/octet-stream")

    async def upload(request: Request) -> Response:
        name, value = UPLOAD_HEADER
        if request.headers.get(name) != value:
            raise _signature_mismatch()
        permit(request)
        try:
            account.imports.upload(request.path_params["job_id"], await request.body())
        except KeyError as error:
            raise _no_such_key() from error
        return Response()

    async def errors(request: Request) -> Response:
        permit(request)
        try:
            return Response(account.imports.errors(request.path_params["job_id"]), media_type="text/csv")
        except KeyError as error:
            raise _no_such_key() from error

    return Starlette(
        routes=[
            Route("/email-contact-exports/{export_id}/{name}", download, methods=["GET"]),
            Route("/contact-imports/{job_id}", upload, methods=["PUT"]),
            Route("/contact-import-errors/{job_id}", errors, methods=["GET"]),
        ],
        exception_handlers={_Refusal: _refused, 404: _not_found},
    )


def _signature_mismatch() -> _Refusal:
    message = "The request signature we calculated does not match the signature you provided."
    return _Refusal(403, "SignatureDoesNotMatch", message)


def _no_such_key() -> _Refusal:
    return _Refusal(404, "NoSuchKey", "The specified key does not exist.")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refusal)
    return Response(error.body, error.status, media_type="application/xml")


async def _not_found(request: Request, _: Exception) -> Response:
    return await _refused(request, _no_such_key())
