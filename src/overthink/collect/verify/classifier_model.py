"""A Hugging Face sequence classifier in this process: opened once, and asked for the logits of one text at a time."""

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overthink.collect.verify.classifier_folder import checked_folder
from overthink.collect.verify.verifier import UnreadableScoreError
from overthink.errors import InputError

NOT_TOLD = 10**9
"""A tokenizer that was told no greatest length says a number beyond this."""

PROBE = "1 + 1 = 2"
"""What a classifier reads when it is opened, so that one that cannot read is refused before anything is paid."""

FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What PyTorch raises where a model and its tokenizer do not fit each other, or memory is short."""


class ClassifierModel:
    """A sequence classifier with its tokenizer, on the processor, in the precision that its files have.

    A text is read alone, never in a batch: scores hang on no neighbour, and no padding is needed or counted. What
    looks like a special token in a text is read as letters, since a model under test wrote it.

    Args:
        model: Its folder.
        cut_front: Leave out the beginning of a text that is too long, instead of reading none of it.

    Attributes:
        labels: Names of the outputs, by number.
        multi_label: The labels do not exclude each other, as its configuration says.
        limit: Most tokens that it reads, special ones in; None where nothing limits them.

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
        self._tokenizer, self._model = _loaded(transformers, folder)
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
        """Read a text.

        Returns:
            A logit for every label, and how many tokens were read: special ones in.

        Raises:
            UnreadableScoreError: The text is too long or empty, or the model fails at it.
        """
        with self._one_at_a_time, self._no_grad():
            encoded, count = self._encoded(text)
            try:
                output = self._model(**encoded).logits
            except FAULTS as fault:
                raise UnreadableScoreError(f"the classifier failed: {_in_a_line(fault)}", count) from fault
            return [float(logit) for logit in output[0].tolist()], count

    def _encoded(self, text: str) -> tuple[dict[str, Any], int]:
        how: dict[str, Any] = {"return_tensors": "pt", "split_special_tokens": True, "verbose": False}
        encoded = self._tokenizer(text, **how)
        count = int(encoded["input_ids"].shape[-1])
        if count == 0:
            raise UnreadableScoreError("the text has no tokens", 0)
        if self.limit is not None and count > self.limit:
            if not self._cut_front:
                raise UnreadableScoreError(
                    f"the text has {count:,} tokens and the classifier reads at most {self.limit:,}; with cut=front "
                    "it reads the last of them",
                    0,
                )
            encoded = self._tokenizer(text, truncation=True, max_length=self.limit, **how)
            count = int(encoded["input_ids"].shape[-1])
        return {name: value for name, value in encoded.items() if name in self._takes}, count

    def _probe(self, folder: Path) -> None:
        if len(self._tokenizer) <= len(set(self._tokenizer.all_special_ids)):  # made up where its files are missing
            raise InputError(f"verifier classifier: the tokenizer in {folder} knows no word; needed: tokenizer.json")
        try:
            logits, _ = self.logits(PROBE)
        except UnreadableScoreError as fault:
            raise InputError(f"verifier classifier: {folder} cannot read a short text ({fault.reason})") from fault
        if len(logits) != len(self.labels) or not all(abs(logit) < float("inf") for logit in logits):
            seen = ", ".join(f"{logit:g}" for logit in logits[:4])
            raise InputError(
                f"verifier classifier: {folder} gives {seen} for a short text; needed: a finite number for each of "
                f"its {len(self.labels)} labels. Its weights are broken, or overflow in {self._model.dtype}."
            )


def _loaded(transformers: Any, folder: Path) -> tuple[Any, Any]:
    given = {"local_files_only": True, "trust_remote_code": False}
    opening = transformers.AutoModelForSequenceClassification.from_pretrained
    try:
        with _quiet(transformers.utils.logging):
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **given)
            model, report = opening(str(folder), use_safetensors=True, dtype="auto", output_loading_info=True, **given)
    except Exception as fault:  # a broken folder makes these libraries raise anything
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
    """No progress bars and tables of weights; what is wrong is raised."""
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
    """The least of what tokenizer and positions allow; models that count positions behind padding have fewer."""
    rows = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    behind = max((row.padding_idx + 1 for row in rows if getattr(row, "padding_idx", None) is not None), default=0)
    told = (tokenizer.model_max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
    tokens, positions = (int(one) if isinstance(one, int | float) and 0 < one < NOT_TOLD else None for one in told)
    known = [] if tokens is None else [tokens]
    return min([*known, positions - behind] if positions is not None else known, default=None)


def _in_a_line(fault: Exception) -> str:
    first = (str(fault).strip().splitlines() or [""])[0][:200]
    return f"{type(fault).__name__}: {first}"
