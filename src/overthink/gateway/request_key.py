"""The key of a request: by what it is recognised again, and by what near copies of it are.

Equal after normalisation is equal: case, spaces, punctuation, homoglyphs, characters without width, and words of
courtesy at the ends make no other request. Beyond that, requests whose 4-grams overlap by
:data:`THRESHOLD` (Jaccard, estimated by MinHash) count as one; `benchmarks/gateway_tries.py` prints what other
thresholds would join. What is stored of a request are hashes alone, made with the store's own salt.
"""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from datasketch import MinHash

from overthink.gateway.ledger import Fingerprint

GRAM = 4
PERMUTATIONS, ROWS = 128, 4
"""Minima of a signature, and how many of them make a band: nearly every near copy shares one of 32 bands."""
THRESHOLD = 0.55
"""Least overlap of a near copy. On XSTest, whose prompts are near twins by design, it joins one in nine with another;
0.5 would join one in five, and 0.65 would miss a quarter of the requests with words before or after them."""
MOST_CHARACTERS = 4_000
"""Characters of a turn that are compared: its first and its last half of them."""

_HOMOGLYPHS = str.maketrans(
    "аеорсухіјѕԁԛԝһкмтвнгпиαεορινυτκηχγωβɡɑʏøłđħıſƒ@0134578$€",
    "aeopcyxijsdqwhkmtbhrnuaeopivutknxywbgayoldhisfaoleastbse",
)
"""Letters and digits that look like a letter of ASCII, in lower case; ours from confusables of Unicode (UTS 39)."""
_COURTESIES = frozenset(
    re.split(
        " ",
        "please kindly hi hello hey there dear sir madam ok okay thanks thank you many very much in advance cheers "
        "regards kind best so well now um uh just",
    )
)
"""Words that make no other request where they stand at its ends."""


def normalise(text: str) -> str:
    r"""Return a text without what does not make it another request: its words in lower case, of letters and digits.

    Example:
        >>> normalise("  Hello, PLEASE tell\u200bme: how d\u043ees it w0rk?? Thanks!")
        'tellme how does it work'
    """
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS // 2] + " " + text[-MOST_CHARACTERS // 2 :]
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(
        letter for letter in text if unicodedata.category(letter) not in ("Mn", "Me", "Cf", "Cc", "Co", "Cn")
    )
    words = re.findall(r"[^\W_]+", text.translate(_HOMOGLYPHS))
    first, last = 0, len(words)
    while first < last and words[first] in _COURTESIES:
        first += 1
    while last > first and words[last - 1] in _COURTESIES:
        last -= 1
    return " ".join(words[first:last] or words)


def grams(text: str) -> set[str]:
    """Return the 4-grams of a normalised text without its spaces; a shorter text is one gram."""
    letters = text.replace(" ", "")
    return {letters[i : i + GRAM] for i in range(max(1, len(letters) - GRAM + 1))}


def exact_key(parts: Sequence[str], salt: bytes) -> str:
    """Return the hash of a request: of its model, and its normalised system prompt and last turn of the user."""
    digest = hashlib.blake2b(key=salt[:64], digest_size=20)
    for part in parts:
        letters = part.replace(" ", "").encode("utf-8", "replace")
        digest.update(len(letters).to_bytes(8, "big") + letters)
    return digest.hexdigest()


@cache
def _minhash(salt: bytes) -> tuple[MinHash, threading.Lock]:
    """Return a MinHash to use again and again: its permutations take longer to make than those of a text to apply."""
    seed = int.from_bytes(hashlib.blake2b(b"minhash", key=salt[:64], digest_size=4).digest(), "big")
    return MinHash(num_perm=PERMUTATIONS, seed=seed, hashfunc=_number), threading.Lock()


def _number(gram: bytes) -> int:
    """Return a hash of 32 bits, which is that of datasketch in half its time."""
    return int.from_bytes(hashlib.sha1(gram, usedforsecurity=False).digest()[:4], "little")


@cache
def _factors(salt: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.shake_256(salt + b"bands").digest(8 * PERMUTATIONS), np.uint64)


def signature(texts: set[str], salt: bytes) -> np.ndarray:
    """Return the minima of a set of texts, shape (128,)."""
    minhash, lock = _minhash(salt)
    with lock:
        minhash.clear()
        minhash.update_batch([text.encode("utf-8", "replace") for text in texts])
        return np.asarray(minhash.hashvalues)


def fingerprint_of(
    parts: Sequence[str], salt: bytes, *, scope: str, cap: int | None, window: float | None
) -> Fingerprint:
    """Return how a request is recognised.

    Args:
        parts: Model, system prompt and last turn of the user, each normalised; near copies have the same first two.
        salt: Salt of the store.
        scope: Whose tries are counted together.
        cap: Most tries of one request; None without a cap.
        window: Window of that cap in seconds; None for life.
    """
    *frame, turn = parts
    minima = signature(grams(turn), salt)
    own = exact_key((scope, *frame), salt)  # the same words to another model or after other orders: another request
    lowest = (minima & 0xFF).astype(np.uint8).tobytes()
    return Fingerprint(scope, exact_key(parts, salt), _bands(minima, own, salt), lowest, THRESHOLD, cap, window)


def _bands(minima: np.ndarray, own: str, salt: bytes) -> tuple[int, ...]:
    """Return a hash of 64 bits for every four minima: the sum of each times a random number, and of what is its own."""
    with np.errstate(over="ignore"):
        sums = (minima.astype(np.uint64) * _factors(salt)).reshape(-1, ROWS).sum(axis=1) + np.uint64(int(own[:16], 16))
    return tuple(sums.view(np.int64).tolist())
