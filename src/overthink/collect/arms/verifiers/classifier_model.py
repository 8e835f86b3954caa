"""A Hugging Face sequence classifier in this process: loaded once, returning the logits of one text at a time.

Safety check of a folder with a Hugging Face model: no pickle, no foreign code, no download.
"""

import inspect
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overthink.collect.arms.verifiers.base import UnreadableScoreError
from overthink.errors import InputError
from overthink.paths import path_kind, read_file

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""File extensions of weights that can run code when loaded."""

OWN_CODE = (None, "eager", "sdpa", "batched_mm", "grouped_mm")
"""PyTorch's own implementations of attention and experts. Other names make Transformers download a kernel (code)."""

MAX_JSON_BYTES = 64 * 2**20
"""Maximum bytes of a JSON file; the index of the largest models has about 10 MB."""


def checked_folder(model: str) -> Path:
    """Return the folder of a model, checked to hold only weights and plain settings.

    Args:
        model: Path of the folder.

    Returns:
        Its absolute path.

    Raises:
        InputError: It is no folder, has no safetensors weights, or its settings need code or weights from elsewhere.
    """
    folder = Path(model)
    if path_kind(folder) != "a folder":
        raise InputError(
            f"verifier classifier: model={model} is no folder. Needed: a folder with config.json, safetensors weights "
            f"and a tokenizer. Nothing is fetched from a hub; do that first: hf download ORG/NAME --local-dir FOLDER"
        )
    if (folder / "adapter_config.json").exists():
        raise _refusal(folder, "holds an adapter, which needs another model; merge the two and save them as one")
    _check_settings(folder)
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        _check_index(folder)
    elif not (folder / WEIGHTS).is_file():
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        problem = f"its weights are pickled ({pickles[0]}), which can run code" if pickles else "it holds no weights"
        raise _refusal(folder, f"{problem}; needed: {WEIGHTS}, as save_pretrained of Transformers writes it")
    return folder.resolve()


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object from a file of the folder.

    Raises:
        InputError: The file is missing, too large, or no JSON object.
    """
    try:
        read = json.loads(read_file(file, follow=True, most=MAX_JSON_BYTES))
    except InputError as fault:
        raise _refusal(file.parent, str(fault)) from fault
    except (ValueError, RecursionError) as fault:
        raise _refusal(file.parent, f"{file.name} is missing or cannot be read ({type(fault).__name__})") from fault
    if not isinstance(read, dict):
        raise _refusal(file.parent, f"{file.name} is no JSON object")
    return read


def _check_settings(folder: Path) -> None:
    config = read_json(folder / "config.json")
    for key in ("quantization_config", "transformers_weights"):
        if config.get(key) is not None:
            raise _refusal(folder, f"config.json has {key}; needed: plain weights in {WEIGHTS}")
    for name, value in _settings_within(config):
        if name.endswith(("implementation", "implementation_internal")) and value not in OWN_CODE:
            raise _refusal(
                folder, f"config.json asks for {name}={str(value)[:80]!r}; needed: eager, sdpa or no such line"
            )


def _check_index(folder: Path) -> None:
    files = read_json(folder / INDEX).get("weight_map")
    if not isinstance(files, dict) or not files:
        raise _refusal(folder, f"{INDEX} has no weight_map")
    for name in {str(value) for value in files.values()}:
        if Path(name).name != name or not name.endswith(".safetensors") or not (folder / name).is_file():
            raise _refusal(folder, f"{INDEX} names {name[:80]!r}; needed: safetensors files beside it")


def _settings_within(config: Any) -> Iterator[tuple[str, Any]]:
    """Yield every setting, including those of nested configurations."""
    if isinstance(config, dict):
        yield from config.items()
    if isinstance(config, dict | list):
        for inner in config.values() if isinstance(config, dict) else config:
            yield from _settings_within(inner)


def _refusal(folder: Path, why: str) -> InputError:
    return InputError(f"verifier classifier: {folder} cannot be used: {why}.")


NO_MAX_LENGTH = 10**9
"""Tokenizers without a maximum length report a larger number than this."""

PROBE = "1 + 1 = 2"
"""Test input of a newly opened classifier, so that a broken one is refused before the run."""

FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""Errors of PyTorch if model and tokenizer do not match, or memory is insufficient."""


class ClassifierModel:
    """A sequence classifier with its tokenizer, on the CPU, in the precision of its files.

    Texts are processed one by one, never in a batch: scores are independent, and there is no padding. Special tokens
    in a text are tokenized as plain letters, since the text is untrusted.

    Args:
        model: Its folder.
        cut_front: Truncate the beginning of a text that is too long, instead of refusing it.

    Attributes:
        labels: Names of the outputs, by number.
        multi_label: Whether its configuration declares multi-label classification.
        limit: Maximum number of tokens, special ones included; None without a limit.

    Raises:
        InputError: Transformers or PyTorch is missing, or the folder cannot be used.
    """

    def __init__(self, model: str, *, cut_front: bool) -> None:
        try:
            import torch
            import transformers
        except ImportError as missing:
            raise InputError(
                f"verifier classifier needs {missing.name}. Run: pip install 'overthink[classifier]'"
            ) from missing
        folder = checked_folder(model)
        self._tokenizer, self._model = _load(transformers, folder)
        self._model.eval()
        self._no_grad = torch.inference_mode
        self._cut_front = cut_front
        self._tokenizer.truncation_side = "left"
        self._takes = inspect.signature(self._model.forward).parameters
        self._one_at_a_time = threading.Lock()
        config = self._model.config
        self.labels: dict[int, str] = {int(number): str(name) for number, name in config.id2label.items()}
        self.multi_label: bool = getattr(config, "problem_type", None) == "multi_label_classification"
        self.limit = _limit(self._tokenizer, self._model)
        self._probe(folder)

    def logits(self, text: str) -> tuple[list[float], int]:
        """Classify a text.

        Returns:
            A logit per label, and the number of tokens, special ones included.

        Raises:
            UnreadableScoreError: The text is too long or empty, or the model fails.
        """
        with self._one_at_a_time, self._no_grad():
            inputs, count = self._encode(text)
            try:
                output = self._model(**inputs).logits
            except FAULTS as fault:
                raise UnreadableScoreError(f"the classifier failed: {_in_a_line(fault)}", count) from fault
            return [float(logit) for logit in output[0].tolist()], count

    def _encode(self, text: str) -> tuple[dict[str, Any], int]:
        options: dict[str, Any] = {"return_tensors": "pt", "split_special_tokens": True, "verbose": False}
        inputs = self._tokenizer(text, **options)
        count = int(inputs["input_ids"].shape[-1])
        if count == 0:
            raise UnreadableScoreError("the text has no tokens", 0)
        if self.limit is not None and count > self.limit:
            if not self._cut_front:
                raise UnreadableScoreError(
                    f"the text has {count:,} tokens and the classifier reads at most {self.limit:,}; with cut=front "
                    "it reads the last of them",
                    0,
                )
            inputs = self._tokenizer(text, truncation=True, max_length=self.limit, **options)
            count = int(inputs["input_ids"].shape[-1])
        return {name: value for name, value in inputs.items() if name in self._takes}, count

    def _probe(self, folder: Path) -> None:
        if len(self._tokenizer) <= len(
            set(self._tokenizer.all_special_ids)
        ):  # an empty tokenizer if its files are missing
            raise InputError(f"verifier classifier: the tokenizer in {folder} knows no word; needed: tokenizer.json")
        try:
            logits, _ = self.logits(PROBE)
        except UnreadableScoreError as fault:
            raise InputError(f"verifier classifier: {folder} cannot read a short text ({fault.reason})") from fault
        if len(logits) != len(self.labels) or not all(abs(logit) < float("inf") for logit in logits):
            values = ", ".join(f"{logit:g}" for logit in logits[:4])
            raise InputError(
                f"verifier classifier: {folder} gives {values} for a short text; needed: a finite number for each of "
                f"its {len(self.labels)} labels. Its weights are broken, or overflow in {self._model.dtype}."
            )


def _load(transformers: Any, folder: Path) -> tuple[Any, Any]:
    options = {"local_files_only": True, "trust_remote_code": False}
    load_model = transformers.AutoModelForSequenceClassification.from_pretrained
    try:
        with _quiet(transformers.utils.logging):
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **options)
            model, report = load_model(
                str(folder), use_safetensors=True, dtype="auto", output_loading_info=True, **options
            )
    except Exception as fault:  # these libraries raise any exception for a broken folder
        why = f"cannot be loaded ({_in_a_line(fault)}); its files are broken, or do not belong together"
        if "trust_remote_code" in str(fault):
            why = "needs code of its own, and code from a model's folder is never run"
        raise InputError(f"verifier classifier: {folder} {why}.") from fault
    missing = sorted(report["missing_keys"])
    if missing:
        raise InputError(
            f"verifier classifier: {folder} has no weights for {missing[0]} ({len(missing)} are missing), which would "
            "be drawn at random; needed: a model that was saved as a sequence classifier"
        )
    return tokenizer, model


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """Disable progress bars and weight reports; errors are still raised."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _limit(tokenizer: Any, model: Any) -> int | None:
    """Return the minimum of the tokenizer's and the position limits, the latter reduced by any padding offset."""
    rows = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    behind = max((row.padding_idx + 1 for row in rows if getattr(row, "padding_idx", None) is not None), default=0)
    maxima = (tokenizer.model_max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
    tokens, positions = (
        int(maximum) if isinstance(maximum, int | float) and 0 < maximum < NO_MAX_LENGTH else None for maximum in maxima
    )
    limits = [] if tokens is None else [tokens]
    return min([*limits, positions - behind] if positions is not None else limits, default=None)


def _in_a_line(fault: Exception) -> str:
    first = (str(fault).strip().splitlines() or [""])[0][:200]
    return f"{type(fault).__name__}: {first}"
