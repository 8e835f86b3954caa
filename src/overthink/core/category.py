"""What a token can be spent on: the closed list of the ledger."""

from enum import StrEnum


class Category(StrEnum):
    """What a token was spent on. Every category but ``CACHED`` is apart from the others."""

    PROMPT = "prompt"  # read, cached ones included
    CACHED = "cached"  # those of the prompt that the server had already
    THINKING = "thinking"  # decoded, and kept as thinking
    ANSWER = "answer"  # decoded, and kept as an answer
    PROBE = "probe"  # decoded to look at a trace on its way
    REJECTED = "rejected"  # decoded, and thrown away by a guard or a monitor
    PRUNED = "pruned"  # decoded in a branch that a search gave up
    CANCELLED = "cancelled"  # decoded for an answer that never came
    VERIFIER = "verifier"  # of a model that scores steps or answers
    GUARD = "guard"  # of a model that watches and steers
    JUDGE = "judge"  # of a model that grades, which measures and is no part of the strategy
