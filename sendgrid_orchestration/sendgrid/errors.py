"""What can go wrong in a conversation with SendGrid: one class for each thing that a caller handles differently.

Every message is a sentence that names the source and says what to do. None carries a key or a pre-signed link.
"""

from __future__ import annotations


class SendGridError(Exception):
    """Any of the failures below.

    Attributes:
        status: the HTTP status, where there was an answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class InvalidKeyError(SendGridError):
    """SendGrid does not know the key (401): nothing will work until it is replaced."""


class NotAllowedError(SendGridError):
    """SendGrid knows the key and refuses the endpoint to it.

    Attributes:
        endpoint: method and path.
        permission: what the endpoint needs, as SendGrid's settings call it; empty if that is not known.
        scope: the same as the API calls it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        endpoint: str = "",
        permission: str = "",
        scope: str = "",
    ) -> None:
        super().__init__(message, status=status)
        self.endpoint = endpoint
        self.permission = permission
        self.scope = scope


class MissingScopeError(NotAllowedError):
    """The key is good, and may not do this: another endpoint may well work."""


class WrongFamilyError(NotAllowedError):
    """The endpoint belongs to the Marketing Campaigns family that this account is not on."""


class NotFoundError(SendGridError):
    """There is no such thing (404): never was, or was deleted since we heard of it."""


class BadRequestError(SendGridError):
    """SendGrid understood the request and refuses it (other 4xx): asking again will not help."""


class RateLimitedError(SendGridError):
    """The account's limit stayed exhausted for as long as we were willing to wait (429)."""


class SendGridUnavailableError(SendGridError):
    """No answer, or 5xx, through every retry: asking again later may help."""


class UnexpectedAnswerError(SendGridError):
    """The answer is not what SendGrid documents: not JSON, a redirect, a link to another host."""


class ExportFailedError(SendGridError):
    """SendGrid could not make the export, or the files that it made could not be read whole."""
