"""The answer on its way back: whole, or event by event as far as the budget reaches, with a well-formed end."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from overthink.gateway.request import Refusal
from overthink.gateway.session import CHUNK, Session

WRITE_SECONDS = 30.0
"""A caller that takes nothing for so long has gone, or holds a stream open on purpose."""
MOST_ANSWER_BYTES = 64_000_000
MOST_EVENT_BYTES = 4_000_000


class Relay(Response):
    """A stream from the model's server to the caller.

    Args:
        session: The request.
        answer: The answer of the model's server, whose body is not read.
    """

    def __init__(self, session: Session, answer: aiohttp.ClientResponse) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._session, self._answer = session, answer
        self._state: dict[str, Any] = {}
        self._granted = session.grant.tokens
        self._end = "disconnect"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; whatever ends it, the request is settled."""
        tasks = [asyncio.ensure_future(work) for work in (self._send_all(send), _until_gone(receive))]
        alive = KeepAlive(self._session)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            alive.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with anyio.CancelScope(shield=True):
                self._answer.close()
                await self._session.settle(self._end)

    async def _send_all(self, send: Send) -> None:
        await self._write(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for event in events(self._answer):
                body, is_cut = await self._let_through(event)
                if is_cut:
                    self._end = "cut"
                    session = self._session
                    body += session.dialect.end(session.ask, session.meter, self._state)
                if body:
                    await self._body(send, body)
                if is_cut:
                    break
                if self._state.get("end"):
                    self._end = "complete"
                    break
            else:
                raise aiohttp.ClientPayloadError("the stream has no end")
        except (aiohttp.ClientError, ValueError, AttributeError, TypeError, RecursionError):
            self._end = "upstream"
            refusal = Refusal(502, "upstream_fault", "the model's server broke off, or sent what is no stream")
            await self._body(send, f"data: {json.dumps(self._session.dialect.error(refusal))}\n\n".encode())
        except TimeoutError:
            return  # what a caller does not take cannot be ended well either
        await self._write(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _let_through(self, event: bytes) -> tuple[bytes, bool]:
        """Return what of an event may be sent, and whether the stream is cut after it.

        Usage that was not asked for is left out, and what no cap has room for. Before the next event is waited for,
        there is room for a token: a server is not left to generate what cannot be sent.
        """
        session, meter = self._session, self._session.meter
        data = b"\n".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")).decode()
        if not data:
            return event, False
        is_answer = session.dialect.event(data, meter, self._state)
        body = event if is_answer or session.ask.usage else b""
        is_over = self._is_over()
        if not await session.renew() and not session.settings.log_only:
            return b"", True
        if session.settings.log_only:
            if meter.tokens > self._granted:
                self._granted += await session.room(CHUNK)
            return body, False
        most = session.rule.thinking_tokens
        if (meter.least_tokens > session.most and not is_over) or (most is not None and meter.thinking_tokens > most):
            return b"", True
        if session.whole:
            return body, False
        while meter.tokens > self._granted and not is_over:
            room = await session.room(max(CHUNK, meter.tokens - self._granted))
            if room == 0:
                return b"", True
            self._granted += room
        if meter.tokens == self._granted < session.most and not is_over:
            self._granted += await session.room(min(CHUNK, session.most - self._granted))
        return body, meter.tokens == self._granted < session.most and not is_over

    def _is_over(self) -> bool:
        """Whether every sample has said that it ends."""
        is_open: dict[int, bool] = self._state.get("open") or {0: True}
        return bool(self._state.get("end") or self._state.get("stop")) or not any(is_open.values())

    async def _body(self, send: Send, body: bytes) -> None:
        await self._write(send, {"type": "http.response.body", "body": body, "more_body": True})

    @staticmethod
    async def _write(send: Send, message: Any) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await send(message)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the events of a stream, each with the empty line at its end."""
    buffer = b""
    async for part in answer.content.iter_any():
        buffer = (buffer + part).replace(b"\r\n", b"\n")
        *whole, buffer = buffer.split(b"\n\n")
        for event in whole:
            yield event + b"\n\n"
        if len(buffer) > MOST_EVENT_BYTES:
            raise aiohttp.ClientPayloadError("an event has no end")


class KeepAlive:
    """Reports of what was used, again and again, so that the reservation of a slow answer stays.

    Most answers come before the first report, so that nothing runs but a timer.

    Args:
        session: The request.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timer = asyncio.get_running_loop().call_later(session.settings.seconds / 3, self._start)
        self._report: asyncio.Future[None] | None = None

    def cancel(self) -> None:
        """Report no more."""
        self._timer.cancel()
        if self._report is not None:
            self._report.cancel()

    def _start(self) -> None:
        self._report = asyncio.ensure_future(self._again_and_again())

    async def _again_and_again(self) -> None:
        while True:
            await self._session.room(0)
            await asyncio.sleep(self._session.settings.seconds / 3)


async def whole_answer(session: Session, answer: aiohttp.ClientResponse) -> Response:
    """Return an answer that is not streamed, counted and settled; one beyond what was evaluated is not handed over.

    Raises:
        Refusal: The server sent no answer of its dialect, or more thinking than was evaluated.
    """
    content = b""
    async for part in answer.content.iter_any():
        content += part
        if len(content) > MOST_ANSWER_BYTES:
            raise Refusal(502, "upstream_fault", "the model's server sent an answer without end")
    try:
        document = json.loads(content)
        session.dialect.answer(document, session.meter)
        body = json.dumps(document, allow_nan=False)  # in ASCII: half a surrogate pair, which models do send, stays
    except (ValueError, AttributeError, TypeError, RecursionError) as failure:
        raise Refusal(502, "upstream_fault", "the model's server sent no answer of its dialect") from failure
    most, tokens = session.rule.thinking_tokens, session.meter.thinking_tokens
    if most is not None and tokens > most:
        message = (
            f"the model thought {tokens:,} tokens; evaluated: {most:,} (statement {session.settings.policy.statement})"
        )
        session.ask.beyond.append(message)
        if not session.settings.log_only:
            await session.settle("cut")
            raise Refusal(403, "beyond_evaluation", message)
    await session.settle("complete")
    return Response(body, media_type="application/json")
