"""The one way in which this project talks to SendGrid's API.

One session policy for every call: keep-alive, a bearer key that never leaves the API's own host, time limits, retries with
jittered back-off that respect what SendGrid asks for, and the account's limit shared with every other client of this process.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from sendgrid_orchestration.sendgrid import failures
from sendgrid_orchestration.sendgrid.errors import (
    RateLimitedError,
    SendGridUnavailableError,
    UnexpectedAnswerError,
)
from sendgrid_orchestration.sendgrid.limits import exhausted, limit_of, told_to_wait
from sendgrid_orchestration.settings import Source

logger = logging.getLogger(__name__)

USER_AGENT = "sendgrid-orchestration"
Params = Mapping[str, str | int | Sequence[str] | None]
"""Query parameters; one that has several values is given once for each, one that has None not at all."""


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a client is.

    Attributes:
        attempts: how often a request is sent before its failure counts; waiting for the rate limit is not counted.
        first_wait: seconds before the second attempt; doubles each time.
        longest_wait: a single pause is never longer, unless SendGrid asks for it.
        total_wait: all pauses of one request together.
        connect_timeout: seconds to reach SendGrid.
        read_timeout: seconds between two bytes of the answer.
        first_poll: seconds before a job is asked for the first time; grows.
        longest_poll: seconds between two questions at the most.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    total_wait: float = 900.0
    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    first_poll: float = 0.5
    longest_poll: float = 30.0


class SendGridClient:
    """A conversation with one account.

    Args:
        api_url: the API's address, without a trailing slash. No request with the key goes anywhere else.
        api_key: the key; only ever read into the header.
        subuser: on whose behalf a parent account asks.
        source: the source's name, for messages.
        policy: how patient to be.
        sleep: how to wait; tests pass their own.
    """

    def __init__(
        self,
        api_url: str,
        api_key: SecretStr,
        subuser: str | None = None,
        *,
        source: str = "sendgrid",
        policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self.source = source
        self.policy = policy or RetryPolicy()
        self.sleep = sleep
        self._limit = limit_of(self.api_url, api_key.get_secret_value(), subuser)
        self._session = requests.Session()
        # As an auth object and not as a header: requests would let an entry in ~/.netrc replace a header.
        self._session.auth = _Bearer(api_key)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"Accept": "application/json", "User-Agent": USER_AGENT})
        if subuser:
            self._session.headers["on-behalf-of"] = subuser

    @classmethod
    def for_source(cls, source: Source, policy: RetryPolicy | None = None) -> Self:
        """The client of a configured source.

        Raises:
            SettingsError: its key is missing.
        """
        key = source.api_key.read(f'API key of source "{source.name}"')
        return cls(source.api_url, key, source.subuser, source=source.name, policy=policy)

    def __repr__(self) -> str:
        return f"SendGridClient({self.api_url!r}, source={self.source!r})"

    def get(self, path: str, params: Params | None = None) -> Any:
        """Read something. See `request` for what may be raised."""
        return self.request("GET", path, params=params)

    def post(self, path: str, body: Any = None, *, repeatable: bool = False) -> Any:
        """Make something. See `request` for what may be raised.

        Args:
            path: from `/v3` on.
            body: sent as JSON.
            repeatable: making it twice does no harm, so that a lost answer may be asked for again.
        """
        return self.request("POST", path, body=body, repeatable=repeatable)

    def put(self, path: str, body: Any) -> Any:
        """Replace or upsert something. See `request` for what may be raised."""
        return self.request("PUT", path, body=body)

    def patch(self, path: str, body: Any, params: Params | None = None) -> Any:
        """Change something. See `request` for what may be raised."""
        return self.request("PATCH", path, params=params, body=body)

    def delete(self, path: str, params: Params | None = None) -> Any:
        """Delete something. See `request` for what may be raised."""
        return self.request("DELETE", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        repeatable: bool | None = None,
    ) -> Any:
        """Ask, as often as the policy allows, and return the answer's JSON (None where it has no body).

        Raises:
            InvalidKeyError: 401.
            MissingScopeError: the key may not (403, or what SendGrid says instead).
            WrongFamilyError: the account is on the other Marketing Campaigns.
            NotFoundError: 404.
            BadRequestError: any other 4xx.
            RateLimitedError: 429 for longer than the policy's patience.
            SendGridUnavailableError: 5xx or no answer, through every attempt.
            UnexpectedAnswerError: a redirect, or not JSON.
        """
        url = self._url(path)
        may_repeat = method != "POST" if repeatable is None else repeatable or method != "POST"
        waited, attempt = 0.0, 0
        while True:
            waited += self._wait_for_limit(path, waited)
            response = self._send(method, url, params, body)
            if isinstance(response, requests.Response):
                if exhausted(response.headers) and response.ok:
                    self._limit.rest(path, told_to_wait(response.headers) or 0.0)
                if response.status_code == 429:
                    attempt += 1
                    waited += self._rest_after_429(path, response, attempt, waited)
                    continue
                if response.status_code < 500:
                    return self._read(method, path, response)
            attempt += 1
            # A refused connection carried nothing to SendGrid; only an answer that got lost may have done something.
            harmless = may_repeat or isinstance(response, requests.ConnectTimeout)
            if attempt >= self.policy.attempts or waited >= self.policy.total_wait or not harmless:
                raise self._unavailable(method, path, response, attempt)
            pause = self._back_off(attempt)
            if isinstance(response, requests.Response):
                pause = (
                    max(pause, told_to_wait(response.headers) or 0.0)
                    if response.status_code == 503
                    else pause
                )
            logger.info(
                'SendGrid (source "%s") %s at %s %s; attempt %s follows in %.1f s.',
                self.source,
                _trouble(response),
                method,
                path,
                attempt + 1,
                pause,
            )
            waited += self._pause(pause)

    def scopes(self) -> frozenset[str]:
        """What the key may do now. Any valid key may ask this (promise S9).

        Raises:
            InvalidKeyError: the key is not known.
        """
        answer = self.get("/v3/scopes")
        listed = answer.get("scopes") if isinstance(answer, dict) else None
        return frozenset(str(scope) for scope in listed or ())

    def path_of(self, link: str) -> str:
        """The path and query of a paging link, once it is known to lead to our own API.

        Raises:
            UnexpectedAnswerError: it leads elsewhere; following it would hand the key to a stranger.
        """
        ours, theirs = urlsplit(self.api_url), urlsplit(link)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise UnexpectedAnswerError(
                f'SendGrid (source "{self.source}") gave a link to the next page at {theirs.netloc}, which is not '
                f"{ours.netloc}. It was not followed. If base_url names a proxy, let the proxy rewrite links to itself."
            )
        path = theirs.path.removeprefix(ours.path)
        return f"{path}?{theirs.query}" if theirs.query else path

    def _url(self, path: str) -> str:
        assert path.startswith("/v3"), "paths begin at /v3; a whole URL would choose its own host"
        return f"{self.api_url}{path}"

    def _send(
        self, method: str, url: str, params: Params | None, body: Any
    ) -> requests.Response | requests.RequestException:
        with self._limit.slot():
            try:
                return self._session.request(
                    method,
                    url,
                    params=None if params is None else {k: v for k, v in params.items() if v is not None},
                    data=None if body is None else orjson.dumps(body),
                    headers=None if body is None else {"Content-Type": "application/json"},
                    timeout=(self.policy.connect_timeout, self.policy.read_timeout),
                    allow_redirects=False,
                )
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                return error
            except requests.exceptions.ContentDecodingError as error:
                return error

    def _read(self, method: str, path: str, response: requests.Response) -> Any:
        if 300 <= response.status_code < 400:
            target = urlsplit(response.headers.get("Location", "")).netloc or "another address"
            raise UnexpectedAnswerError(
                f'SendGrid (source "{self.source}") redirects {method} {path} to {target}. It was not followed, for the '
                "key would have gone there. Check base_url and region.",
                status=response.status_code,
            )
        if response.status_code >= 400:
            raise failures.to_error(self, method, path, response)
        if not response.content.strip():
            if method == "GET":
                raise UnexpectedAnswerError(
                    f'SendGrid (source "{self.source}") answered {method} {path} with nothing at all. '
                    "The tables stay as they are. Check base_url: a proxy may stand in between.",
                    status=response.status_code,
                )
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise UnexpectedAnswerError(
                f'SendGrid (source "{self.source}") answered {method} {path} with something that is not JSON '
                f"({response.headers.get('Content-Type', 'no content type')}, {len(response.content)} bytes). "
                "Check base_url: a proxy or a login page may stand in between.",
                status=response.status_code,
            ) from error

    def _wait_for_limit(self, path: str, waited: float) -> float:
        needed = self._limit.wait_needed(path)
        if needed > 0:
            self._check_patience(path, needed, waited)
            self._pause(needed)
        return needed

    def _rest_after_429(self, path: str, response: requests.Response, attempt: int, waited: float) -> float:
        asked = told_to_wait(response.headers)
        needed = asked if asked is not None else self._back_off(attempt)
        # A little more than asked, each a different little, so that waiting clients do not return all at once.
        needed += random.uniform(0.05, 0.25)  # noqa: S311
        self._limit.rest(path, needed)
        self._check_patience(path, needed, waited)
        logger.info('SendGrid limits source "%s" at %s; going on in %.1f s.', self.source, path, needed)
        return 0.0  # the pause itself is made, and counted, before the next attempt

    def _check_patience(self, path: str, needed: float, waited: float) -> None:
        if waited + needed > self.policy.total_wait:
            raise RateLimitedError(
                f'SendGrid limits source "{self.source}" at {path} and asks to wait {needed:.0f} s more, after '
                f"{waited:.0f} s of waiting. Run it again later, or let fewer programs use this account at once.",
                status=429,
            )

    def _back_off(self, attempt: int) -> float:
        longest = min(self.policy.longest_wait, self.policy.first_wait * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def _pause(self, seconds: float) -> float:
        self.sleep(seconds)
        return seconds

    def _unavailable(
        self,
        method: str,
        path: str,
        response: requests.Response | requests.RequestException,
        attempts: int,
    ) -> SendGridUnavailableError:
        status = response.status_code if isinstance(response, requests.Response) else None
        times = "once" if attempts == 1 else f"{attempts} times"
        return SendGridUnavailableError(
            f'SendGrid (source "{self.source}") {_trouble(response)} at {method} {path}, {times} in a row. '
            "See https://status.sendgrid.com and the network; the next run tries again.",
            status=status,
        )


class _Bearer(AuthBase):
    """Puts the key into the header, and shows it to nobody else."""

    def __init__(self, api_key: SecretStr) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        return request


def _trouble(response: requests.Response | requests.RequestException) -> str:
    if isinstance(response, requests.Response):
        return f"answered {response.status_code}"
    if isinstance(response, requests.Timeout):
        return "did not answer in time"
    return "broke the connection" if "Chunked" in type(response).__name__ else "could not be reached"
