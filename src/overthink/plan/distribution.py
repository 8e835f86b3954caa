"""Distribution of a run: addresses of the servers that serve its model, and whether its plan can be cut into shards.

They are no part of a plan: another set of servers with the same model gives the same study.
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from overthink.errors import InputError
from overthink.plan.study import Plan

MOST_ENDPOINTS = 256
"""Endpoints of a run."""

_LONGEST = 1_000
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = "127.0.0.1"


def read_endpoints(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of endpoints in their common form: without a slash or `/v1` at the end, in small letters.

    Raises:
        InputError: One is no address, holds a password, or is named twice.

    Example:
        >>> read_endpoints(["http://gpu-1:8000/v1/", "http://[::1]:8001"])
        ('http://gpu-1:8000', 'http://[::1]:8001')
    """
    if len(texts) > MOST_ENDPOINTS:
        raise InputError(f"{len(texts):,} endpoints were named; needed: at most {MOST_ENDPOINTS}")
    urls: dict[str, str] = {}
    for text in texts:
        url = _common_form(text)
        same = url.replace("://localhost", f"://{_LOOPBACK}", 1)
        if same in urls:
            raise InputError(f"--endpoint {text} and {urls[same]} are one server; name every endpoint once")
        urls[same] = url
    return tuple(urls.values())


def _common_form(text: str) -> str:
    """Return one address in its common form.

    Raises:
        InputError: It is none; the message does not repeat what may be a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as fault:
        raise _fault(f"cannot be read ({fault})" if "@" not in text else "cannot be read") from None
    if parts.username is not None or parts.password is not None or "@" in text:
        raise _fault("holds a user name or a password, and addresses are stored; set the key in …_API_KEY instead")
    if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise _fault("holds blanks or letters that an address cannot have, or is far too long")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _fault("has something behind `?` or `#`, which no server of models needs; leave it out")
    steps = {".", ".."} & {*parts.path.split("/")}
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or steps:
        raise _fault(f"{text!r} is no address of a server")
    return _joined(parts, port)


def _joined(parts: SplitResult, port: int | None) -> str:
    host = str(parts.hostname)
    host = f"[{host}]" if ":" in host else host
    end = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{host}{end}{path}"


def _fault(what: str) -> InputError:
    return InputError(f"--endpoint {what}; needed: an address as http://gpu-1:8000, one for each server")


def refuse_shards(plan: Plan) -> None:
    """Raise an error unless shards of a plan give together what one run of it gives.

    Raises:
        InputError: A trace depends on those of other questions, or is read from the logs of the whole study.
    """
    placebo = next((arm.label for arm in plan.arms if arm.placebo_of is not None), None)
    if placebo is not None:
        raise InputError(
            f"--arms {placebo} acts as its arm did on a question drawn from all of the study, and a shard has its own "
            "alone; leave the placebo out, or run the study in one process"
        )
    if plan.efforts is not None:
        raise InputError(
            "--efforts are read from the logs of the whole study, which shards do not have; give --budgets, or run the "
            "study in one process"
        )
