"""Pre-signed links, as S3 has them: whoever holds one may use it until it expires, and needs no key."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

from sendgrid_orchestration.simulator.clock import iso


class Links:
    """Makes links to the download server, and checks those that are used.

    Attributes:
        base_url: where that server is.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.base_url = ""
        self._clock = clock
        self._secret = uuid.uuid4().bytes

    def make(self, path: str, seconds: int, *, since: float | None = None, headers: str = "host") -> str:
        """A link to a path.

        Args:
            path: what it permits to read or write.
            seconds: how long it works.
            since: from when on, in unix seconds; from now on where None.
            headers: the names of the headers that a request must bring, as S3 writes them.
        """
        begins = self._clock() if since is None else since
        expires = int(begins) + seconds
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": "SIMULATED/us-east-1/s3/aws4_request",
            "X-Amz-Date": (iso(begins) or "").replace("-", "").replace(":", ""),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": headers,
            "X-Expires-At": str(expires),
            "X-Amz-Signature": self._signature(path, str(expires)),
        }
        return f"{self.base_url}{path}?{urlencode(query)}"

    def is_genuine(self, path: str, expires: str, signature: str) -> bool:
        """Whether a link with this signature was made here."""
        return hmac.compare_digest(self._signature(path, expires).encode(), signature.encode())

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()
