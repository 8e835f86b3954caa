"""Named seeds: each depends on its purpose, never on the order of execution."""

import hashlib


def seed_for(*names: str | int) -> int:
    """Return a 31-bit seed derived from the names, for instance (study seed, task, question, draw, segment).

    Example:
        >>> seed_for(7, "arithmetic", "q1", 0, 2) == seed_for(7, "arithmetic", "q1", 0, 2)
        True
        >>> seed_for(7, "arithmetic", "q1", 0, 2) == seed_for(8, "arithmetic", "q1", 0, 2)
        False
    """
    digest = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & 0x7FFF_FFFF
