"""How long a server is waited for. Every request has an end, so that no fault of a server hangs a study."""

TRIES = 5
"""Tries of one request before its trace is marked errored; Inspect's own default is to try for ever."""

SECONDS = 120.0
"""Seconds that one try may take, apart from decoding."""

SECONDS_PER_TOKEN = 1.0
"""Seconds more for every token that it may decode: slower than any server that is worth waiting for."""

PAUSE = 3.0
"""Seconds before the second try of what we ask of a server ourselves; each further pause is twice as long."""


def seconds_for(max_tokens: int) -> int:
    """Seconds that one try of a request may take.

    Args:
        max_tokens: The most tokens that it may decode.
    """
    return round(SECONDS + SECONDS_PER_TOKEN * max_tokens)
