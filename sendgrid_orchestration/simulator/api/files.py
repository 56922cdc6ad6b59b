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

_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
)


def build(account: Account) -> Starlette:
    """The download server of this account."""

    async def download(request: Request) -> Response:
        if "authorization" in request.headers:
            return _refusal(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified",
            )
        expires = request.query_params.get("X-Expires-At", "0")
        signature = request.query_params.get("X-Amz-Signature", "")
        if not expires.isdigit() or signature != account.exports.signature(request.url.path, int(expires)):
            return _refusal(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        if int(expires) <= account.now():
            return _refusal(403, "AccessDenied", "Request has expired")
        part = request.path_params["name"].partition("_")[0]
        try:
            content, _ = account.exports.download(request.path_params["export_id"], int(part) - 1)
        except (KeyError, ValueError):
            return _refusal(404, "NoSuchKey", "The specified key does not exist.")
        return StreamingResponse(content, media_type="binary/octet-stream")

    async def errors(request: Request) -> Response:
        lines = account.imports.errors(request.path_params["job_id"])
        return Response("\n".join(["email,error", *lines]) + "\n", media_type="text/csv")

    return Starlette(
        routes=[
            Route("/email-contact-exports/{export_id}/{name}", download, methods=["GET"]),
            Route("/contact-import-errors/{job_id}", errors, methods=["GET"]),
        ]
    )


def _refusal(status: int, code: str, message: str) -> Response:
    return Response(_XML.format(code=code, message=message), status, media_type="application/xml")
