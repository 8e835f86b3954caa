"""Text of decoded tokens, such that the texts of a trace's segments join to the text of the whole."""

from collections.abc import Sequence
from typing import Any

CONTEXT = 8
"""Number of tokens before a segment that decide how its first token is written: a leading space, a split character."""

INCOMPLETE = "\ufffd"
"""Character that a tokenizer writes for the bytes of a character that is not complete."""

SPARE = 16
"""Tokens searched for a stop text beyond one per byte of it: special tokens have no text."""


class Detokenizer:
    """Writes token ids as text, without special tokens.

    Args:
        tokenizer: A Transformers tokenizer, or anything with its ``decode``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def text(self, ids: Sequence[int], *, after: Sequence[int]) -> str:
        """Return the text of tokens behind others.

        A character that is not complete at the end is left to the segment that completes it.

        Args:
            ids: The tokens.
            after: The tokens before them; the last few are read.
        """
        context = list(after[-CONTEXT:])
        before = self._decode(context).rstrip(INCOMPLETE)
        whole = self._decode([*context, *ids]).rstrip(INCOMPLETE)
        return whole[len(before) :] if whole.startswith(before) else self._decode(list(ids)).rstrip(INCOMPLETE)

    def token(self, token: int) -> str:
        """Return the text of one token, special ones included."""
        text: str = self._tokenizer.decode([token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def ends_with_stop(self, ids: Sequence[int], *, after: Sequence[int], stops: Sequence[str]) -> bool:
        """Return whether the last tokens hold a stop text; only as many are read as it may have."""
        if not stops:
            return False
        tail = max(len(stop.encode()) for stop in stops) + SPARE
        text = self.text(ids[-tail:], after=[*after[-CONTEXT:], *ids[-tail - CONTEXT : -tail]])
        return any(stop in text for stop in stops)

    def before_stop(self, ids: list[int], *, after: Sequence[int], stops: Sequence[str]) -> tuple[list[int], str, str]:
        """Return the tokens and the text before the first stop text, and that stop text.

        The tokens are the longest prefix of the ids whose text is a prefix of that text: where a token holds the end of
        the text and the beginning of the stop, it is left out.
        """
        text = self.text(ids, after=after)
        place, stop = min((text.index(stop), stop) for stop in stops if stop in text)
        content = text[:place]
        while ids and not content.startswith(self.text(ids, after=after)):
            ids = ids[:-1]
        return ids, content, stop

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
