"""A reversible toy tokenizer: one integer per piece of up to four bytes."""

from collections.abc import Iterable

PIECE = 4
"""Bytes per piece; about an English word with its space."""


def encode(text: str) -> list[int]:
    """Return the token ids of a text: each piece's UTF-8 bytes after a leading 1, read as an integer.

    Example:
        >>> decode(encode("naïve, 42"))
        'naïve, 42'
    """
    data = text.encode("utf-8", "surrogatepass")
    return [int.from_bytes(b"\x01" + data[i : i + PIECE]) for i in range(0, len(data), PIECE)]


def decode(ids: Iterable[int]) -> str:
    """Return the text of token ids. A truncated character becomes the replacement character."""
    return b"".join(piece.to_bytes((piece.bit_length() + 7) // 8)[1:] for piece in ids).decode("utf-8", "replace")
