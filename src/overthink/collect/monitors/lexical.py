"""A monitor without a model: words or regular expressions, and the share of them that occur."""

import re
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from overthink.collect.monitors.base import Excerpt, Monitor, Suspicion
from overthink.components.base import component
from overthink.errors import InputError
from overthink.paths import read_file

MAX_PATTERN_BYTES = 1 << 20
"""Most bytes of a file of patterns."""


@component("lexical")
class LexicalMonitor(Monitor):
    """Words, or a file of regular expressions: the score is the share of them that occur, and one is enough to fire."""

    words: str = Field("", description="words to look for, whole and in any case, with | between them")
    file: str = Field("", description="file with a regular expression on each line; empty lines and # are skipped")
    _patterns: tuple[re.Pattern[str], ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.words.strip(" |")) == bool(self.file):
            raise ValueError("needed: words=WORD|WORD or file=PATH, one of the two")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The file of patterns."""
        return (self.file,) if self.file else ()

    def open(self) -> Self:
        """Return the monitor with its patterns compiled.

        Raises:
            InputError: The file cannot be read, holds no pattern, or a line is no regular expression.
        """
        copy = self.model_copy()
        copy._patterns = _file_patterns(Path(self.file)) if self.file else _word_patterns(self.words)
        return copy

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the share of the patterns that occur in the excerpt."""
        hits = sum(pattern.search(excerpt.text) is not None for pattern in self._patterns)
        return Suspicion(hits / len(self._patterns), fired=hits > 0)


def _word_patterns(words: str) -> tuple[re.Pattern[str], ...]:
    parts = [word.strip() for word in words.split("|")]
    return tuple(re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in parts if word)


def _file_patterns(path: Path) -> tuple[re.Pattern[str], ...]:
    try:
        lines = read_file(path, most=MAX_PATTERN_BYTES, follow=True).decode().splitlines()
    except UnicodeDecodeError as fault:
        raise InputError(f"--monitor lexical: {path} is not in UTF-8; needed: a regular expression per line") from fault
    patterns = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            patterns.append(re.compile(line, re.IGNORECASE))
        except re.error as fault:
            raise InputError(f"{path}, line {number}: {line[:80]!r} is no regular expression ({fault})") from fault
    if not patterns:
        raise InputError(f"{path} holds no regular expression; needed: at least one line with a pattern")
    return tuple(patterns)
