"""Who calls, by the key alone: no header that the caller writes says more than that it holds one."""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from overthink.errors import InputError
from overthink.gateway.request import Refusal
from overthink.governance.deployment.policy import Name
from overthink.paths import open_file
from overthink.storage.json_text import json_value, typed_value

_MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller.

    Attributes:
        principal: Its name.
        organisation: That it belongs to; its own name where the keys file has none.
    """

    principal: str
    organisation: str


EVERYBODY = Identity("everybody", "everybody")
"""The caller where there is no keys file: all share one budget."""


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    principal: Name
    organisation: Name | None = None


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Literal["overthink.keys/1.0.0"] = Field(alias="schema")
    keys: Annotated[list[_Key], Field(min_length=1, max_length=100_000)]


_ADAPTER = TypeAdapter(_Keys)


def read_keys(path: Path) -> Mapping[str, Identity]:
    """Return the callers by the SHA-256 of their keys.

    Raises:
        InputError: Others may read the file, it is not JSON of this schema, or a key is there twice.
    """
    with open_file(path, follow=True) as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise InputError(f"{path} can be read by others (mode {mode:03o}); needed: chmod 600 {path}")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path} has more than {_MOST_BYTES:,} bytes; needed: fewer keys")
    json_value(content, str(path))
    keys = typed_value(_ADAPTER, content, f"{path} is no keys file").keys
    callers = {key.sha256: Identity(key.principal, key.organisation or key.principal) for key in keys}
    if len(callers) < len(keys):
        raise InputError(f"{path} has a key twice; needed: one principal for each")
    return callers


def identify(headers: list[tuple[bytes, bytes]], callers: Mapping[str, Identity] | None) -> Identity:
    """Return the caller of a request.

    Args:
        headers: Names in lower case, and values.
        callers: Callers by the SHA-256 of their keys; None where all are one.

    Raises:
        Refusal: It has no key, several, or one that is not in the file.
    """
    if callers is None:
        return EVERYBODY
    values = [value for name, value in headers if name in (b"authorization", b"x-api-key")]
    if len(values) != 1:
        raise Refusal(401, "unauthorised", "a request needs one key, in Authorization: Bearer or x-api-key")
    scheme, _, token = values[0].partition(b" ")
    key = token.strip() if scheme.lower() == b"bearer" else values[0]
    caller = callers.get(hashlib.sha256(key).hexdigest())
    if caller is None:
        raise Refusal(401, "unauthorised", "this key is not known")
    return caller
