"""Overthink's own requests of model servers: chat templates and scores, which Inspect has no call for."""

import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import anyio
import httpx

from overthink.collect.providers.attempts import patience, repeated
from overthink.collect.providers.replies import ReplySizeError, hooks

_PASSING = {408, 409, 425, 429}
"""Status codes below 500 after which another attempt may succeed."""


class ReplyStatusError(RuntimeError):
    """A server replied with an error, or with no JSON.

    Attributes:
        response: The reply.
        status_code: Its status code.
    """

    def __init__(self, response: httpx.Response, problem: str) -> None:
        super().__init__(f"{response.request.url.path} {problem}: {response.text[:200]!r}")
        self.response = response
        self.status_code = response.status_code


@dataclass(frozen=True)
class JsonClient:
    """A server that takes and gives JSON.

    Attributes:
        root: Its address.
        key: Its API key, if it needs one.
        accepted: Status codes that are returned like a success, such as that of a missing endpoint.
    """

    root: str
    key: str | None
    accepted: frozenset[int] = frozenset()

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Return status code and JSON of the reply to a request; None for what is no JSON, with an accepted status.

        Raises:
            CallError: No attempt succeeded; the text has the server's own words.
        """

        async def attempt() -> tuple[int, Any]:
            return self._read(await self.reply(path, body))

        return await repeated(attempt, server=self.root, max_tokens=0, is_passing=is_passing)

    async def reply(
        self, path: str, body: Mapping[str, Any] | None = None, *, seconds: float = math.inf
    ) -> httpx.Response:
        """Return the reply to one attempt, of any status; without a body the request is a GET.

        Args:
            path: Path behind the server's address.
            body: JSON of a POST.
            seconds: Time limit, if it is lower than that of an attempt.

        Raises:
            HTTPError: There was none.
            TimeoutError: It took longer than the time limit of an attempt.
        """
        limit = min(patience().attempt(0), seconds)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        with anyio.fail_after(limit):
            async with httpx.AsyncClient(
                base_url=self.root, headers=headers, timeout=limit, verify=tls(), event_hooks=hooks()
            ) as client:
                return await (client.get(path) if body is None else client.post(path, json=body))

    def _read(self, reply: httpx.Response) -> tuple[int, Any]:
        is_accepted = reply.status_code in self.accepted
        if not reply.is_success and not is_accepted:
            raise ReplyStatusError(reply, f"answered with status {reply.status_code}")
        try:
            return reply.status_code, reply.json()
        except (ValueError, RecursionError) as fault:
            if is_accepted:
                return reply.status_code, None
            raise ReplyStatusError(reply, f"answered with no JSON ({type(fault).__name__})") from fault


def is_passing(error: Exception) -> bool:
    """Return whether another attempt may succeed after this error."""
    if isinstance(error, ReplyStatusError):
        return error.status_code >= 500 or error.status_code in _PASSING or error.status_code < 300
    return isinstance(error, httpx.TransportError | TimeoutError) and not isinstance(error, ReplySizeError)


@cache
def tls() -> ssl.SSLContext:
    """Return the shared TLS context of all clients: loading the certificates takes longer than a small request."""
    return ssl.create_default_context()
