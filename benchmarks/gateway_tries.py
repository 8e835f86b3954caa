"""Tries of a gateway: how many edited requests are counted as the same one, and how many different ones are joined.

    OVERTHINK_DATA=FOLDER python benchmarks/gateway_tries.py [--families 500] [--edits 20]

500 families are the 450 prompts of XSTest, which are near twins by design, and 50 questions on advanced AI risk. Every
try is one edit of the closed list. "joined" is the share of XSTest's prompts that stand in one family with another.
The threshold is chosen on every other family, as the highest that counts 95 % of their tries, and scored on the rest.
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
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
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


def share_found(own: Fingerprint, original: Fingerprint) -> float:
    """The overlap where the store compares the two at all, which takes a common band; else 0."""
    same_band = own.exact == original.exact or any(a == b for a, b in zip(own.bands, original.bands, strict=True))
    return overlap(own, original) if same_band else 0.0


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
    prints = [fingerprint(text) for text in texts]
    start = time.perf_counter()
    edits = [(i, kind, fingerprint(text)) for i, kind, text in tries]
    hashed = time.perf_counter()
    found = np.array([share_found(own, prints[i]) for i, _, own in edits])
    chooses = np.array([i % 2 == 0 for i, _, _ in edits])
    enough = [value for value in THRESHOLDS if (found[chooses] >= value).mean() >= 0.95]
    chosen = max(enough, default=THRESHOLDS[0])
    counted: dict[str, list[bool]] = defaultdict(list)
    halves: dict[bool, list[bool]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch:
        ledger = SqliteLedger(Path(scratch) / "store.db", seconds=600)

        def family(print_of: Fingerprint) -> str:
            grant = ledger.reserve(
                Demand((Counter("all", 2**40, None),), 1, 0, 1, 1, replace(print_of, threshold=chosen))
            )
            ledger.settle(Reservation(grant.id), use=1, prompt=0, tries=1)
            return grant.family

        families = [family(own) for own in prints]
        begin = time.perf_counter()
        for i, kind, own in edits:
            is_counted = family(own) == families[i]
            counted[kind].append(is_counted)
            halves[i % 2 == 0].append(is_counted)
        done = time.perf_counter()
        ledger.close()
    every = halves[True] + halves[False]
    print(f"threshold chosen on every other family: {chosen} ({(found[chooses] >= chosen).mean():.1%} of their tries)")
    print(
        f"{len(every):,} tries in {len(texts)} families through the store: {np.mean(every):.1%} counted, "
        f"{np.mean(halves[True]):.1%} of the families that chose it, {np.mean(halves[False]):.1%} of the others "
        f"({(hashed - start) / len(every) * 1e3:.2f} ms to hash, {(done - begin) / len(every) * 1e3:.2f} ms to store)"
    )
    print("  " + ", ".join(f"{kind} {np.mean(counted[kind]):.1%}" for kind in KINDS))
    print(f"  {len(set(families[: len(twins)]))} families of {len(twins)} prompts of XSTest")
    near = np.array([max(overlap(a, b) for j, b in enumerate(prints[: len(twins)]) if j != i)
                     for i, a in enumerate(prints[: len(twins)])])  # fmt: skip
    shares = {kind: np.array([s for s, (_, k, _) in zip(found, edits, strict=True) if k == kind]) for kind in KINDS}
    print("threshold  counted  " + "  ".join(f"{kind:>11}" for kind in KINDS) + "  joined (XSTest)")
    for threshold in THRESHOLDS:
        row = [float((share >= threshold).mean()) for share in shares.values()]
        whole = float((np.concatenate(list(shares.values())) >= threshold).mean())
        print(f"{threshold:9.2f}  {whole:7.1%}  " + "  ".join(f"{share:11.1%}" for share in row)
              + f"  {(near >= threshold).mean():.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
