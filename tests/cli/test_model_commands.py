"""`model install`, `model list` and `model show`, by their exit codes and what they print."""

import json
from pathlib import Path

import pytest
from loopback_hub import SHA256, WEIGHTS

from overthink.collect.providers.embedded import installed


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    path = tmp_path / "weights.gguf"
    path.write_bytes(WEIGHTS)
    return path


def test_weights_are_installed_listed_and_refused(overthink, file: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("model", "install", "mine", "--from", f"file:{file}", "--sha256", SHA256)
    path = installed.weights_path("mine")
    assert (code, out) == (0, f"installed: {path}\n")
    code, out, _ = overthink("model", "list", "--json")
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)] == ["smollm2", "qwen2.5-coder-0.5b", "mine"]
    path.write_bytes(b"GGUF")
    code, out, err = overthink("model", "list")
    assert (code, "DAMAGED" in out, "was installed with 1,048,600" in err) == (2, True, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("install", "other"), "other is not in the registry (smollm2, qwen2.5-coder-0.5b); needed: one of these"),
        (("install", "../x", "--from", "file:x"), "'../x' cannot be the name of a model"),
        (("install", "x", "--from", "hub:a/b/c.gguf"), "needed: hub:OWNER/REPO/FILE@REVISION or file:PATH"),
        (("install", "x", "--from", "file:nowhere.gguf", "--sha256", SHA256), "which is not there"),
        (("show", "x"), "overthink/x is not installed. Run: overthink model install x --from"),
        (("show", "overthink/qwen2.5-coder-0.5b"), "Run: overthink model install qwen2.5-coder-0.5b"),
        (("list", "--measure", "x"), "overthink/x is not installed"),
    ],
)
def test_what_cannot_be_done_is_one_message(  # type: ignore[no-untyped-def]
    overthink, file: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = overthink("model", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("error:") == 1
