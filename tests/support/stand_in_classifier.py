"""Transformers and PyTorch as far as a classifier needs them, for tests where they are not installed."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from overthink.collect.arms.verifiers.classifier_model import PROBE


class _Ids(list[int]):
    @property
    def shape(self) -> tuple[int, int]:
        return 1, len(self)


class _Logits(list[float]):
    def tolist(self) -> list[float]:
        return list(self)


def stand_in(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    labels: list[str],
    logits: Callable[[str], list[float]],
    *,
    problem: str | None = None,
    longest: int | None = None,
    missing: tuple[str, ...] = (),
) -> list[str]:
    """Install them, and make a folder that they open: a word is a token. The texts that are read come back."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    read: list[str] = []

    class Tokenizer:
        model_max_length = int(1e30) if longest is None else longest
        truncation_side = "right"
        all_special_ids = (0,)

        def __len__(self) -> int:
            return 100

        def __call__(self, text: str, *, max_length: int | None = None, **_: Any) -> dict[str, Any]:
            words = text.split()
            kept = words if max_length is None else words[-max_length:]
            if text != PROBE and max_length is None:
                read.append(text)
            return {"input_ids": _Ids(range(len(kept))), "text": text, "strange": 1}

    class Classifier:
        dtype = "float32"
        config = SimpleNamespace(
            id2label=dict(enumerate(labels)),
            problem_type=problem,
            get_text_config=lambda: SimpleNamespace(max_position_embeddings=None),
        )

        def eval(self) -> None: ...

        def named_modules(self) -> list[Any]:
            return []

        def forward(self, input_ids: Any, text: str) -> Any:
            made = [0.0] * len(labels) if text == PROBE else logits(text)
            return SimpleNamespace(logits=[_Logits(made)])

        __call__ = forward

    def open_model(
        name: str, *, trust_remote_code: bool, local_files_only: bool, use_safetensors: bool, **_: Any
    ) -> Any:
        assert (trust_remote_code, local_files_only, use_safetensors) == (False, True, True)
        if (folder / "broken").exists():
            raise OSError("nothing here\nand more")
        return Classifier(), {"missing_keys": missing}

    logging = SimpleNamespace(
        CRITICAL=50,
        get_verbosity=lambda: 30,
        set_verbosity=lambda _: None,
        is_progress_bar_enabled=lambda: False,
        disable_progress_bar=lambda: None,
    )
    transformers, torch = ModuleType("transformers"), ModuleType("torch")
    transformers.AutoTokenizer = SimpleNamespace(from_pretrained=lambda _, **__: Tokenizer())  # type: ignore[attr-defined]
    transformers.AutoModelForSequenceClassification = SimpleNamespace(from_pretrained=open_model)  # type: ignore[attr-defined]
    transformers.utils = SimpleNamespace(logging=logging)  # type: ignore[attr-defined]
    torch.inference_mode = nullcontext  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return read
