"""Token categories of the ledger: a closed list."""

from enum import StrEnum


class Category(StrEnum):
    """Use of a token. Every category but ``CACHED`` excludes the others."""

    PROMPT = "prompt"  # read, cached ones included
    CACHED = "cached"  # those of the prompt that the server had already
    THINKING = "thinking"  # decoded, and kept as thinking
    ANSWER = "answer"  # decoded, and kept as an answer
    PROBE = "probe"  # decoded to inspect a trace in progress
    REJECTED = "rejected"  # decoded, and discarded by a guard or a monitor
    PRUNED = "pruned"  # decoded in a branch that a search abandoned
    CANCELLED = "cancelled"  # decoded for an answer that was never completed
    VERIFIER = "verifier"  # of a model that scores steps or answers
    GUARD = "guard"  # of a model that watches and steers
    JUDGE = "judge"  # of a model that grades, which measures and is no part of the strategy
