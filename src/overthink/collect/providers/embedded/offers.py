"""What a source of weights has: its bytes, with the size and the SHA-256 that are demanded of them."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overthink.collect.providers.embedded.registry import FileSource
from overthink.collect.providers.embedded.weights import check_gguf
from overthink.errors import InputError
from overthink.paths import open_file

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
