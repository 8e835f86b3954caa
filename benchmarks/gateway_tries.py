"""Tries of a gateway: how many edited requests are counted as the same one, and how many different ones are joined.

    OVERTHINK_DATA=FOLDER python benchmarks/gateway_tries.py [--families 500] [--edits 20]

500 families are the 450 prompts of XSTest, which are near twins by design, and 50 questions on advanced AI risk. Every
try is one edit of the closed list. "joined" is the share of XSTest's prompts that stand in one family with another.
"""

import argparse
import csv
import json
import random
import tempfile
import time
from collections import defaultdict
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
    texts = (twins + rng.sample(sorted(set(others)), 200))[: arguments.families]
    tries = [(i, kind, edit(text, kind, rng))
             for i, text in enumerate(texts) for kind in rng.choices(KINDS, k=arguments.edits)]  # fmt: skip
    tries = [(i, kind, text) for i, kind, text in tries]
    counted: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        ledger = SqliteLedger(Path(scratch) / "store.db", seconds=600)

        def family(print_of: Fingerprint) -> str:
            grant = ledger.reserve(Demand((Counter("all", 2**40, None),), 1, 0, 1, 1, replace(print_of, cap=None)))
            ledger.settle(Reservation(grant.id), use=1, prompt=0, tries=1)
            return grant.family

        originals = [fingerprint(text) for text in texts]
        families = [family(own) for own in originals]
        start = time.perf_counter()
        edits = [(i, kind, fingerprint(text)) for i, kind, text in tries]
        hashed = time.perf_counter()
        for i, kind, own in edits:
            counted[kind].append(family(own) == families[i])
        done = time.perf_counter()
        ledger.close()
    every = [flag for flags in counted.values() for flag in flags]
    print(
        f"{len(every):,} tries in {len(texts)} families: {np.mean(every):.1%} counted "
        f"({(hashed - start) / len(every) * 1e3:.2f} ms to hash, {(done - hashed) / len(every) * 1e3:.2f} ms to store)"
    )
    print("  " + ", ".join(f"{kind} {np.mean(counted[kind]):.1%}" for kind in KINDS))
    print(f"  {len(set(families[: len(twins)]))} families of {len(twins)} prompts of XSTest")
    near = np.array([max(overlap(a, b) for j, b in enumerate(originals[: len(twins)]) if j != i)
                     for i, a in enumerate(originals[: len(twins)])])  # fmt: skip
    shares = {kind: np.array([overlap(own, originals[i]) for i, k, own in edits if k == kind]) for kind in KINDS}
    print("threshold  counted  " + "  ".join(f"{kind:>11}" for kind in KINDS) + "  joined (XSTest)")
    for threshold in (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9):
        row = [float((share >= threshold).mean()) for share in shares.values()]
        whole = float((np.concatenate(list(shares.values())) >= threshold).mean())
        print(f"{threshold:9.2f}  {whole:7.1%}  " + "  ".join(f"{share:11.1%}" for share in row)
              + f"  {(near >= threshold).mean():.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
