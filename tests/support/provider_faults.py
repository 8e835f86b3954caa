"""Providers that misbehave: a server on loopback that is honest for a while and then commits one fault for ever.

It speaks completions, chats and vLLM's /score, so that every path which calls a model can meet every fault.
"""

import json
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from faulty_server import HTML, closed, half_a_body, listening, raw, redirected, reset_after_headers, send

import overthink
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.collect.rescore.open import open_verification, read_answer_texts
from overthink.collect.rescore.score import collect_scores
from overthink.data.pool import records_of
from overthink.data.pool_scores import answers_of
from overthink.data.verifier_scores import AnswerKey
from overthink.errors import OverthinkError
from overthink.plan.study import checked_plan
from overthink.storage.json_documents import read_plan
from overthink.storage.pool import scan_pool, write_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.collect import collect_levels, collect_traces
from overthink.workflows.resume import open_folder

Truth = dict[str, Any]
Fault = Callable[[BaseHTTPRequestHandler, Truth], None]

SECRET = "sk-planted-0123456789"
WORDS = f"the account is \x1b[31mclosed\x1b[0m, key {SECRET}"
"""What the provider says, with an escape sequence and the key that it was sent."""


def status(code: int, **headers: str) -> Fault:
    body = json.dumps({"error": {"message": WORDS, "type": "injected", "code": None}}).encode()
    return lambda handler, truth: send(handler, code, body, **headers)


def changed(change: Callable[[Truth], object]) -> Fault:
    """The honest reply with something changed in it."""

    def fault(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
        change(truth)
        send(handler, 200, json.dumps(truth).encode())

    return fault


def text(value: Any) -> Fault:
    return changed(lambda truth: set_text(truth, value))


def set_text(truth: Truth, value: Any) -> None:
    if "data" in truth:
        truth["data"][0]["score"] = value
    elif "text" in (choice := truth["choices"][0]):
        choice["text"] = value
    else:
        choice["message"]["content"] = value


def counts(value: Any) -> Fault:
    return changed(lambda truth: truth["usage"].update(dict.fromkeys(truth["usage"], value)))


def no_choices(truth: Truth) -> None:
    truth["data" if "data" in truth else "choices"] = None


def endless(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    """A body without end, as fast as it is read."""
    _begin(handler)
    block = b" " * 2**18
    while True:
        handler.wfile.write(block)


def drip(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    """A body without end, a letter at a time: never silent for long."""
    _begin(handler)
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def silent(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    time.sleep(600)


def _begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()


def bomb(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    """A body of 100 kB that unpacks to 100 MB."""
    packer, block = zlib.compressobj(wbits=31), b" " * 2**20
    body = b"".join([*(packer.compress(block) for _ in range(100)), packer.flush()])
    send(handler, 200, body, Content_Encoding="gzip")


def huge(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    """An honest reply, but for 100 MB of text."""
    set_text(truth, "HERE")
    before, after = json.dumps(truth).encode().split(b"HERE")
    _begin(handler)
    for piece in (before, *[b"42 " * 2**18] * 134, after):
        handler.wfile.write(piece)


def refused(handler: BaseHTTPRequestHandler, truth: Truth) -> None:
    """From now on nothing listens there."""
    closed(handler, truth)
    threading.Thread(target=_stop, args=(handler.server,), daemon=True).start()


def _stop(server: Any) -> None:
    server.shutdown()
    server.server_close()


DAY = "86400"

FAULTS: dict[str, Fault] = {
    "401": status(401),
    "403": status(403),
    "404-unknown-model": status(404),
    "429": status(429),
    "429-for-a-day": status(429, Retry_After=DAY),
    "429-until-a-date": status(429, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"),
    "429-negative": status(429, Retry_After="-5"),
    "429-garbage": status(429, Retry_After="soon"),
    "500": status(500),
    "html": raw(HTML, "text/html"),
    "empty": raw(b""),
    "cut-json": raw(b'{"choices": [{"text": "4'),
    "deep-json": raw(b"[" * 2000 + b"]" * 2000),
    "choices-null": changed(no_choices),
    "text-is-a-list": text([["42"]]),
    "usage-words": counts("many"),
    "endless": endless,
    "drip": drip,
    "silent": silent,
    "reset": reset_after_headers,
    "half-a-body": half_a_body,
    "closed": closed,
    "refused": refused,
    "redirect-loop": redirected,
    "gzip-bomb": bomb,
    "usage-10**30": counts(10**30),
    "usage-negative": counts(-3),
    "usage-fraction": counts(1.5),
    "usage-nan": counts(float("nan")),
    "finish-unknown": changed(lambda truth: truth.get("choices", [{}])[0].update(finish_reason="tired")),
    "half-a-character": text("ANSWER: 42 \ud83d"),
    "100-MB": huge,
}
"""What a provider may do for ever, by name."""

GRADE, STEPS = "GRADE: C", re.compile(r"steps (\d+) to (\d+)")


class Provider:
    """A server at ``url``: ``victim`` names the model that meets the fault, behind its first ``spare`` replies.

    ``once`` names a number of faults behind which the server is honest again.
    """

    def __init__(self, fault: str | None = None, *, victim: str = "m", spare: int = 4, times: float = float("inf")):
        self.fault, self.victim, self.spare, self.times = fault, victim, spare, times
        self.requests: list[Mapping[str, Any]] = []
        self.met = 0
        self._lock = threading.Lock()
        self.port = 0
        self.listen()
        self.root = f"http://127.0.0.1:{self.port}"
        self.service = f"p{self.port}"  # Inspect keeps a model by its name, with the address that it had

    def listen(self) -> None:
        self._server = listening(self.serve, self.port)
        self.port = self._server.server_port

    def mend(self) -> None:
        if self.fault == "refused":
            self.listen()
        self.fault = None

    def close(self) -> None:
        _stop(self._server)

    def asked(self) -> int:
        """Number of requests of the victim."""
        with self._lock:
            return sum(request["model"] == self.victim for request in self.requests)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if handler.path.endswith("/apply-template"):
            prompt = "\n".join(message["content"] for message in body["messages"]) + "\n"
            return send(handler, 200, json.dumps({"prompt": prompt}).encode())
        truth = honest(handler.path, body)
        if truth is None:
            return send(handler, 404, b'{"error": "not found"}')
        with self._lock:
            self.requests.append(body)
            own = sum(request["model"] == self.victim for request in self.requests)
            hit = self.fault is not None and body["model"] == self.victim and own > self.spare and self.met < self.times
            self.met += hit
        if hit and self.fault is not None:
            return FAULTS[self.fault](handler, truth)
        return send(handler, 200, json.dumps(truth).encode())


def honest(path: str, body: Mapping[str, Any]) -> Truth | None:
    """What a good provider answers; None where there is nothing."""
    if path.endswith("/score"):
        data = [{"index": number, "score": 0.5} for number, _ in enumerate(body["text_2"])]
        return {"model": body["model"], "data": data, "usage": usage(7, 0)}
    if path.endswith("/chat/completions"):
        said = answer(str(body["messages"][-1]["content"]))
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        kind, tokens = "chat.completion", 1 + len(said) // 4
    elif path.endswith("/completions"):
        thinks = not body["prompt"].endswith("ANSWER:")
        tokens = body["max_tokens"] if thinks else 2
        said, reason = (" abc" * tokens, "length") if thinks else (" 42", "stop")
        choice = {"index": 0, "text": said, "finish_reason": reason, "logprobs": None}
        kind = "text_completion"
    else:
        return None
    common = {"id": "1", "object": kind, "created": 0, "model": body["model"]}
    return common | {"choices": [choice], "usage": usage(50, tokens)}


def usage(prompt: int, decoded: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": decoded, "total_tokens": prompt + decoded}


def answer(prompt: str) -> str:
    """What a model says: the grade, a score per step, or the answer."""
    if "GRADE:" in prompt:
        return GRADE
    if steps := STEPS.search(prompt):
        return "\n".join(f"STEP {number}: 7" for number in range(int(steps[1]), int(steps[2]) + 1))
    return "ANSWER: 42"


TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match, model_graded_qa
from inspect_ai.solver import generate

@task
def asked(graded: bool = False):
    samples = [Sample(input=f"Question {i}. End with a line ANSWER: N", target="42", id=i) for i in range(10)]
    return Task(dataset=samples, solver=generate(), scorer=model_graded_qa() if graded else match())
"""


@dataclass(frozen=True)
class Way:
    """A path on which a model is called.

    Attributes:
        victim: The model that meets the fault: "m", under test, or "g", which judges.
        plan: What the plan of its study says.
        graded: A model grades the answers.
        verifier: Who scores the answers afterwards.
    """

    victim: str
    plan: Mapping[str, Any]
    graded: bool = False
    verifier: str | None = None


LADDER: Mapping[str, Any] = {"api": "openai-api-completions", "budgets": (32, 64), "answer_tokens": 32}
WAYS = {
    "ladder": Way("m", LADDER),
    "efforts": Way("m", {"api": "openai-api", "efforts": ("low", "high")}),
    "turns": Way("m", {"api": "openai-api", "turns": (1, 2)}),
    "verify-judge": Way("g", LADDER, verifier="judge:model=openai-api/{service}/g,tokens=64"),
    "verify-endpoint": Way("g", LADDER, verifier="endpoint:url={root},model=g,kind=score,separator=none"),
    "grader-ladder": Way("g", LADDER, graded=True),
    "grader-turns": Way("g", {"api": "openai-api", "turns": (1, 2)}, graded=True),
    "grader-efforts": Way("g", {"api": "openai-api", "efforts": ("low", "high")}, graded=True),
}
"""The paths on which a model is called, by name."""


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        code: Its exit code; None for an error that is none of Overthink's own.
        message: What it said; "" at a good end.
        seconds: Seconds until then.
        requests: Requests that it made of the victim.
        values: Values and errors of the study at its good end: at once, or mended and resumed.
        again: Requests of the victim by the mended run; 0 without one.
    """

    code: int | None
    message: str
    seconds: float
    requests: int
    values: frozenset[float | str | None]
    again: int


Bounded = Callable[[Any], Any]
"""Returns a session with short bounds on waiting."""


def meet(
    name: str, fault: str | None, folder: Path, bounded: Bounded, *, resumes: bool = True, **provided: Any
) -> Ending:
    """The ending of a run whose provider commits a fault, and what a resumed run finds once it is mended."""
    way = WAYS[name]
    provider = Provider(fault, victim=way.victim, **provided)
    with environment(provider):
        try:
            run = (
                verification(way, provider, folder, bounded) if way.verifier else study(way, provider, folder, bounded)
            )
            start, before = time.monotonic(), provider.asked()
            code, message, done = 0, "", list[float | str | None]()
            try:
                done = run(False)
            except OverthinkError as error:
                code, message = error.exit_code, str(error)
            except Exception as error:  # noqa: BLE001 - what must not happen
                code, message = None, f"{type(error).__name__}: {error}"
            seconds, requests = time.monotonic() - start, provider.asked() - before
            provider.mend()
            if code and resumes:
                done = run(True)
            return Ending(code, message, seconds, requests, frozenset(done), provider.asked() - before - requests)
        finally:
            provider.close()


@contextmanager
def environment(provider: Provider) -> Iterator[None]:
    """The address and the key of the provider, where Inspect looks for them."""
    service = provider.service.upper()
    named = {f"{service}_BASE_URL": f"{provider.root}/v1", f"{service}_API_KEY": SECRET}
    os.environ.update(named)
    try:
        yield
    finally:
        for name in named:
            del os.environ[name]


Values = list[float | str | None]


def study(way: Way, provider: Provider, folder: Path, bounded: Bounded) -> Callable[[bool], Values]:
    """What collects the study, or goes on with it, and returns its values and errors; nothing is analysed."""
    file = folder / "theirs.py"
    file.write_text(TASK)
    fields = dict(way.plan)
    arguments = {"graded": True} if way.graded else {}
    plan = checked_plan(
        overthink="0",
        model=f"{fields.pop('api')}/{provider.service}/m",
        grader=f"openai-api/{provider.service}/g" if way.graded else None,
        tasks=overthink.tasks(capability=[f"{file}@asked"], safety=[], benign=[], args=arguments),
        draws=1,
        seed=1,
        concurrency=4,
        **fields,
    )
    store = StudyFolder(folder / "s")

    def collect(resume: bool) -> Values:
        session = bounded(overthink.prepare(plan))
        with open_folder(store, plan, resume=resume) as existing:
            if plan.efforts is None:
                source = collect_traces(session, store, existing, lambda _: None, lambda *_: None)
            else:
                source = collect_levels(session, store, lambda _: None)
        write_pool(store.pool, source.pool)
        return [row.error or row.value for row in records_of(source.pool)]

    return collect


def verification(way: Way, provider: Provider, folder: Path, bounded: Bounded) -> Callable[[bool], Values]:
    """What scores the answers of a study, which is collected first, or goes on with it, and returns the scores."""
    study(way, provider, folder, bounded)(False)
    verifier = str(way.verifier).format(service=provider.service, root=provider.root)
    plan = read_plan(folder / "s" / "plan.json")
    scores: dict[AnswerKey, float | None] = {}

    def collect(resume: bool) -> Values:
        keys = answers_of(scan_pool(folder / "s" / "pool.parquet"), ("base",)) - scores.keys()
        texts = read_answer_texts(folder / "s" / "logs", keys)
        session = open_verification(plan, read_verifier(verifier, model=plan.model), by="answer", texts=texts)
        keep = lambda score: scores.update({score.place: score.score})  # noqa: E731
        collect_scores(bounded(session), log_dir=folder / "v", on_score=keep)
        return [scores.get(key) for key in answers_of(scan_pool(folder / "s" / "pool.parquet"), ("base",))]

    return collect
