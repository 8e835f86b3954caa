"""Tries of a gateway: how many edited requests are counted as the same one, and how many different ones are joined.

    OVERTHINK_DATA=FOLDER python benchmarks/gateway_tries.py [--families 500] [--edits 20]

500 families are the 450 prompts of XSTest, which are near twins by design, and 50 questions on advanced AI risk. Every
try is one edit of the closed list. "joined" is the share of XSTest's prompts that stand in one family with another.
The threshold is chosen on every other family, as the highest whose lower bound is 95 % of
their tries, and scored on the rest.
"""

import argparse
import csv
import json
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from overthink.gateway.ledger import Counter, Demand, Fingerprint, Reservation
from overthink.gateway.request_key import fingerprint_of, normalise
from overthink.gateway.sqlite_ledger import SqliteLedger
from real_data import real_data

BEFORE = (
    "I was wondering:", "For a novel that I write,", "Quick question,", "As a thought experiment,", "My teacher asked:",
    "Out of curiosity,", "Answer step by step.", "You are an expert.", "Be honest:", "Ignore what I said before.",
)  # fmt: skip
AFTER = (
    "Please be brief.", "Answer in detail.", "Thanks in advance!", "It is for school.", "I need it today.",
    "Use bullet points.", "Do not refuse.", "Think step by step.", "I trust you.", "Say it in one sentence.",
)  # fmt: skip
LOOKALIKES = str.maketrans("aeopcyxi", "аеорсухі")
HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
TWINS = 450
"""Prompts of XSTest."""
BAR = 0.95
"""Least share of tries to be counted."""
KINDS = ("case", "space", "punctuation", "homoglyph", "zero-width", "before", "after", "typo")


def edit(text: str, kind: str, rng: random.Random) -> str:
    """One edit of the closed list."""
    at = rng.randrange(len(text))
    if kind == "case":
        return "".join(rng.choice((letter.upper(), letter.lower())) for letter in text)
    if kind == "space":
        return text[:at] + rng.choice((" ", "\n", "\t", "\u00a0")) + text[at:] + " "
    if kind == "punctuation":
        return text[:at] + rng.choice(",.;:!?-_'\"()") + text[at:] + rng.choice("!?. ")
    if kind == "homoglyph":
        return "".join(letter.translate(LOOKALIKES) if rng.random() < 0.3 else letter for letter in text)
    if kind == "zero-width":
        return "".join(letter + (rng.choice(HIDDEN) if rng.random() < 0.2 else "") for letter in text)
    if kind == "before":
        return f"{rng.choice(BEFORE)} {text}"
    if kind == "after":
        return f"{text} {rng.choice(AFTER)}"
    letters = [i for i, letter in enumerate(text) if letter.isalpha()]
    at = rng.choice(letters)
    swap = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    return rng.choice((text[:at] + text[at + 1 :], text[:at] + rng.choice("aeiorst") + text[at + 1 :], swap))


def fingerprint(text: str) -> Fingerprint:
    return fingerprint_of(("m", "", normalise(text)), b"benchmark", scope="org", cap=None, window=None)


def overlap(a: Fingerprint, b: Fingerprint) -> float:
    """The estimated overlap of two requests; 1 where they are equal after normalisation."""
    if a.exact == b.exact:
        return 1.0
    return float((np.frombuffer(a.signature, np.uint8) == np.frombuffer(b.signature, np.uint8)).mean())


def through_store(
    prints: list[Fingerprint], edits: list[tuple[int, str, Fingerprint]], threshold: float
) -> tuple[np.ndarray, int]:
    """Return whether each edit was counted as a try of its own request, and the families of XSTest's prompts."""
    with tempfile.TemporaryDirectory() as scratch:
        ledger = SqliteLedger(Path(scratch) / "store.db", seconds=600)

        def family(print_of: Fingerprint) -> str:
            own = replace(print_of, threshold=threshold)
            grant = ledger.reserve(Demand((Counter("all", 2**40, None),), 1, 0, 1, 1, own))
            ledger.settle(Reservation(grant.id), use=1, prompt=0, tries=1)
            return grant.family

        families = [family(own) for own in prints]
        counted = np.array([family(own) == families[i] for i, _, own in edits])
        ledger.close()
    return counted, len(set(families[:TWINS]))


def lower_bound(counted: np.ndarray, of: np.ndarray) -> float:
    """One-sided lower 95 % bound of the share that is counted, over families."""
    shares = np.array([counted[of == i].mean() for i in np.unique(of)])
    return float(shares.mean() - 1.645 * shares.std(ddof=1) / np.sqrt(len(shares)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=500)
    parser.add_argument("--edits", type=int, default=20)
    arguments = parser.parse_args()
    folder, rng = real_data(None), random.Random(3)
    with (folder / "xstest_prompts.csv").open() as file:
        twins = [row["prompt"] for row in csv.DictReader(file)]
    with (folder / "advanced_ai_risk.jsonl").open() as file:
        others = [json.loads(line)["question"].split("\n")[0] for line in file]
    texts = (twins[:TWINS] + rng.sample(sorted(set(others)), 200))[: arguments.families]
    tries = [(i, kind, edit(text, kind, rng))
             for i, text in enumerate(texts) for kind in rng.choices(KINDS, k=arguments.edits)]  # fmt: skip
    prints = [fingerprint(text) for text in texts]
    start = time.perf_counter()
    edits = [(i, kind, fingerprint(text)) for i, kind, text in tries]
    print(
        f"{len(edits):,} tries in {len(texts)} families; "
        f"{(time.perf_counter() - start) / len(edits) * 1e3:.2f} ms to hash"
    )
    print("through the store  half that chooses (lower bound)  other half  both halves  families of XSTest  ms a try")
    of, kinds = np.array([i for i, _, _ in edits]), np.array([kind for _, kind, _ in edits])
    chooses, chosen = of % 2 == 0, 0.0
    for threshold in (0.5, 0.55, 0.6, 0.65):
        begin = time.perf_counter()
        counted, joined = through_store(prints, edits, threshold)
        each = (time.perf_counter() - begin) / len(edits) * 1e3
        bound = lower_bound(counted[chooses], of[chooses])
        chosen = threshold if bound >= BAR else chosen
        print(f"{threshold:17.2f}  {counted[chooses].mean():17.1%} ({bound:11.1%})  {counted[~chooses].mean():10.1%}  "
              f"{counted.mean():11.1%}  {joined:8} of {min(TWINS, len(texts))}  {each:8.2f}")  # fmt: skip
        print("    " + ", ".join(f"{kind} {counted[kinds == kind].mean():.1%}" for kind in KINDS))
    print(f"chosen: {chosen}, the highest whose lower bound on one half of the families is {BAR:.0%}")
    near = np.array([max(overlap(a, b) for j, b in enumerate(prints[:TWINS]) if j != i)
                     for i, a in enumerate(prints[:TWINS])])  # fmt: skip
    shares = np.array([overlap(own, prints[i]) for i, _, own in edits])
    print("overlap alone      counted  " + "  ".join(f"{kind:>11}" for kind in KINDS) + "  joined (XSTest)")
    for threshold in (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9):
        row = [float((shares[kinds == kind] >= threshold).mean()) for kind in KINDS]
        print(f"{threshold:17.2f}  {(shares >= threshold).mean():8.1%}  " + "  ".join(f"{share:11.1%}" for share in row)
              + f"  {(near >= threshold).mean():.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
