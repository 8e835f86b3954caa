"""Lines of a usage ledger, each with the hash of the one before: a line that is changed, moved or left out is noticed.

That the last lines were taken away is noticed where the store of the gateway is at hand, which keeps where every
ledger ended at the last request.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from overthink.errors import InputError
from overthink.storage.json_text import json_value, typed_value

USAGE_SCHEMA = "overthink.usage/1.0.0"
START = "0" * 64
"""Hash before the first line."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
End = Literal["complete", "cut", "refused", "disconnect", "upstream", "lapse", "uncounted"]


class Entry(BaseModel):
    """What one request used; no text of it is kept.

    Attributes:
        seq: Number of the line, from 0.
        at: Seconds since 1970, by the store.
        statement: Id of the statement.
        policy: SHA-256 of the policy.
        principal: Caller.
        organisation: That of the caller.
        model: Name of the model.
        family: Of requests that count as one; empty where tries are not counted.
        tries: Samples that count as tries.
        prompt_tokens: Of the prompt.
        generated_tokens: Of all samples, thinking and answers.
        thinking_tokens: Most of one sample.
        effort: Effort that went upstream.
        counted: By the provider, or estimated.
        end: How the request ended.
        beyond: What went beyond the evaluation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    schema_: Literal["overthink.usage/1.0.0"] = Field(default="overthink.usage/1.0.0", alias="schema")
    seq: Count
    at: float
    statement: str
    policy: str
    principal: str
    organisation: str
    model: str
    family: str
    tries: Count
    prompt_tokens: Count
    generated_tokens: Count
    thinking_tokens: Count
    effort: str | None
    counted: Literal["provider", "estimate"]
    end: End
    beyond: tuple[str, ...] = ()


_ENTRY = TypeAdapter(Entry)


def chain_line(entry: Mapping[str, object], previous: str) -> tuple[str, str]:
    """Return the line of an entry, and its hash.

    Args:
        entry: The entry as JSON fields.
        previous: Hash of the line before; :data:`START` for the first.
    """
    body = json.dumps({**entry, "previous": previous}, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body[:-1]},"hash":"{digest}"}}\n', digest


def read_chain(content: bytes, name: str) -> Iterator[Entry | str]:
    """Yield every entry of a ledger, and a text for every fault of its chain.

    Args:
        content: The file.
        name: Its name in messages.

    Raises:
        InputError: A line is no entry of this schema.
    """
    previous = START
    lines = content.split(b"\n")
    if lines[-1]:
        yield f"line {len(lines)} is cut short: its writer died"
    for number, line in enumerate(lines[:-1], 1):
        fields = json_value(line, f"{name}, line {number}")
        if not isinstance(fields, dict) or fields.get("schema") != USAGE_SCHEMA:
            raise InputError(f"{name}, line {number} is no entry of a usage ledger; needed: schema {USAGE_SCHEMA!r}")
        stored, before = fields.pop("hash", None), fields.pop("previous", None)
        entry = typed_value(_ENTRY, json.dumps(fields), f"{name}, line {number} is no entry")
        _, digest = chain_line(fields, str(before))
        if before != previous:
            yield f"line {number} does not follow the line before it: one was changed, moved or left out"
        if stored != digest:
            yield f"line {number} was changed: its hash is {digest[:12]}…, not {str(stored)[:12]!r}"
        if entry.seq != number - 1:
            yield f"line {number} has number {entry.seq}: lines are missing"
        previous = str(stored)
        yield entry


def chain_ends(content: bytes) -> tuple[str, int, str]:
    """Return the hash of a ledger's first line, which it has, the number of its whole lines, and the last's hash."""
    lines = content.split(b"\n")[:-1]
    return _hash_of(lines[0]), len(lines), _hash_of(lines[-1])


def missing_end(content: bytes, heads: Mapping[str, tuple[int, str]]) -> str | None:
    """Return what is missing at the end of a ledger, by where the gateway's store says that it ended; None if nothing.

    Args:
        content: The file.
        heads: By the hash of a first line the number of lines, and the hash of the last.
    """
    lines = content.split(b"\n")[:-1]
    number, last = heads.get(_hash_of(lines[0]), (0, "")) if lines else (0, "")
    if number == 0:
        return "the store knows no ledger that begins like it"
    if len(lines) < number:
        return f"it ends after line {len(lines):,}; the store knows {number:,}: the last were taken away"
    if _hash_of(lines[number - 1]) != last:
        return f"line {number} is another than the store knows"
    return None


def _hash_of(line: bytes) -> str:
    return str(json.loads(line)["hash"])
