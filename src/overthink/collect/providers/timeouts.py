"""Timeouts and retries of requests. Every request has a time limit, so no server fault hangs a study."""

TRIES = 5
"""Attempts per request before its trace is marked errored; Inspect's own default is no limit."""

SECONDS = 120.0
"""Time limit of one attempt in seconds, without decoding."""

SECONDS_PER_TOKEN = 1.0
"""Additional seconds per token of the decoding limit: slower than any usable server."""

PAUSE = 3.0
"""Seconds before the second attempt of Overthink's own requests; each further pause is twice as long."""


def seconds_for(max_tokens: int) -> int:
    """Return the time limit of one attempt in seconds.

    Args:
        max_tokens: Maximum number of tokens to decode.
    """
    return round(SECONDS + SECONDS_PER_TOKEN * max_tokens)
