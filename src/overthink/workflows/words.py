"""The words of the commands as keyword arguments: which words each function takes, and the options that they make.

A word is an option of the command with underscores for hyphens, and its values are spelled alike. One that may be
repeated takes a text or a list. None, or nothing in a list, leaves it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

from overthink.cost.units import Unit
from overthink.data import parameters
from overthink.errors import InputError
from overthink.governance.thresholds.registry import day_of
from overthink.plan.k_reference import read_k_reference
from overthink.workflows import arguments as arg
from overthink.workflows.option_words import OneOrMore
from overthink.workflows.request import AnalysisOptions, parse_assumptions
from overthink.workflows.sources import Checkpoints, Errored, Invalid, ReadOptions


class TaskWords(TypedDict, total=False):
    """What each task measures."""

    axis: str | None
    high: str | None
    scorer: str | None
    capability: OneOrMore
    safety: OneOrMore
    benign: OneOrMore


class ReadWords(TaskWords, total=False):
    """How logs and tables are read."""

    reader: str | None
    ladder: str | None
    max_rows: int | None


class ModelWords(TypedDict, total=False):
    """Sizes of models, and the hardware."""

    model_shape: OneOrMore
    flop_per_byte: float | None


class AssumptionWords(TypedDict, total=False):
    """Assumptions about the model, which change no finding."""

    training_flop: str | float | None
    assume: OneOrMore | Mapping[str, str | float]
    as_of: str | date | None


class CurveWords(TypedDict, total=False):
    """Which curves are primary, what K counts, and selectors from outside."""

    primary: OneOrMore
    k_reference: str | float | None
    selector: OneOrMore


class IntervalWords(TypedDict, total=False):
    """Intervals and margins."""

    level: float | None
    seed: int | None
    margin: float | None


class AnalyseWords(ReadWords, AssumptionWords, ModelWords, CurveWords, IntervalWords, total=False):
    """Words of `overthink analyse`."""

    checkpoints: Checkpoints | None
    errored: Errored | None
    invalid: Invalid | None
    hypothesis: str | tuple[int, ...] | None
    labels: str | Path | None
    stopping: Literal["fixed", "first_success"] | None


class CompareWords(ReadWords, ModelWords, CurveWords, IntervalWords, total=False):
    """Words of `overthink compare`."""

    by: Literal["tokens", "flop", "effective-flop", "usd", "seconds"] | None


class ReportWords(AssumptionWords, ModelWords, CurveWords, total=False):
    """Words of `overthink report`."""

    format: OneOrMore


class LabelWords(TaskWords, total=False):
    """Words of `overthink label`."""


_READING = (*TaskWords.__annotations__, "reader", "ladder", "max_rows", "checkpoints", "errored", "invalid")
_PLAIN = ("level", "seed", "margin", "hypothesis", "stopping", "flop_per_byte")
"""Words of an analysis that are fields of its options as they stand."""

OptionsT = TypeVar("OptionsT", ReadOptions, AnalysisOptions)


def reading(words: Mapping[str, Any], read: ReadOptions | None = None) -> ReadOptions:
    """Return how logs and tables are read.

    Args:
        words: Words of a command, those of its analysis among them.
        read: Options to which the words are added; None for the defaults.

    Raises:
        TypeError: A word has a value of another type.
        InputError: A value is impossible, or stated by a word and in the options.
    """
    present = _present({name: words[name] for name in _READING if name in words})
    for name in ("capability", "safety", "benign"):
        if name in present:
            present[name] = texts(present[name], name)
    return _with_fields(read or ReadOptions(), {name: (name, value) for name, value in present.items()}, "read")


def analysis(words: Mapping[str, Any], options: AnalysisOptions | None = None) -> AnalysisOptions:
    """Return how rows are analysed.

    Args:
        words: Words of a command, those of its reading among them.
        options: Options to which the words are added; None for the defaults.

    Raises:
        TypeError: A word has a value of another type.
        InputError: A value cannot be read or is impossible, or stated by a word and in the options.
    """
    from overthink.collect.model_info.info import read_shapes

    present = _present(words)
    fields: dict[str, tuple[str, Any]] = {name: (name, present[name]) for name in _PLAIN if name in present}
    if "labels" in present:
        arg.a_path(present["labels"], "labels")
        fields["labels"] = "labels", Path(present["labels"])
    for word, field in {"primary": "primary", "selector": "selectors"}.items():
        if word in present:
            fields[field] = word, texts(present[word], word)
    if "k_reference" in present:
        reference = present["k_reference"]
        fields["k_reference"] = "k_reference", read_k_reference(reference) if isinstance(reference, str) else reference
    if "by" in present:
        fields["unit"] = "by", _unit(present["by"])
    if "model_shape" in present:
        fields["shapes"] = "model_shape", read_shapes(texts(present["model_shape"], "model_shape"))
    assumption = next((name for name in AssumptionWords.__annotations__ if name in present), None)
    if assumption is not None:
        fields["assumptions"] = assumption, _assumptions(present)
    return _with_fields(options or AnalysisOptions(), fields, "options")


def texts(value: object, name: str) -> tuple[str, ...]:
    """Return a text, or a list of texts, as texts.

    Raises:
        TypeError: It is neither.

    Example:
        >>> texts("base.eval", "files"), texts(["a", "b"], "files")
        (('base.eval',), ('a', 'b'))
    """
    return (value,) if isinstance(value, str) else parameters.texts(value, name)


def format_names(formats: str | Sequence[str], name: str = "format") -> list[str]:
    """Return names of formats, of which a text may hold several with commas.

    Raises:
        TypeError: They are no texts.
        InputError: There is none.

    Example:
        >>> format_names(["html", "SVG, pdf"])
        ['html', 'svg', 'pdf']
    """
    names = [word.strip().lower() for text in texts(formats, name) for word in text.split(",")]
    if not any(names):
        raise InputError(f"{name} is empty; needed: one or more of html, svg, png, pdf, or leave it out")
    return names


def report_formats(form: str | Sequence[str] | None, formats: str | Sequence[str] | None) -> list[str]:
    """Return names of formats of a report, which two words state; the page alone where neither does.

    Raises:
        TypeError: They are no texts.
        InputError: Both words state some, or one is empty.
    """
    if form is not None and formats is not None:
        raise InputError("format and formats are both stated, and are names of the same word; leave one out")
    stated, name = (formats, "formats") if form is None else (form, "format")
    return ["html"] if stated is None else format_names(stated, name)


def _present(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words that are not left out."""
    return {name: value for name, value in words.items() if value is not None and not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset | dict) and not value


def _with_fields(options: OptionsT, fields: Mapping[str, tuple[str, Any]], name: str) -> OptionsT:
    """Return options with other fields, each with the word that states it; none may be stated before."""
    plain = type(options)()
    for field, (word, _) in fields.items():
        if getattr(options, field) != getattr(plain, field):
            raise InputError(
                f"{word} is stated as a word, and {field} in {name}={type(options).__name__}(…); leave one out"
            )
    return replace(options, **{field: value for field, (_, value) in fields.items()})


def _unit(name: object) -> Unit:
    text = parameters.instance(name, "by", str)
    names = [unit.value.replace("_", "-") for unit in Unit]
    if text not in names and text not in list(Unit):
        raise InputError(f"by is {text!r}; needed: one of {', '.join(names)}")
    return Unit(text.replace("-", "_"))


def _assumptions(present: Mapping[str, Any]) -> Any:
    training, inputs, day = (present.get(name) for name in AssumptionWords.__annotations__)
    if not (training is None or isinstance(training, str)):
        with parameters.input_errors():
            training = f"{parameters.real(training, 'training_flop'):g}"
    if isinstance(inputs, Mapping):
        inputs = [f"{name}={value}" for name, value in inputs.items()]
    pairs = () if inputs is None else texts(inputs, "assume")
    return parse_assumptions(training, pairs, None if day is None else day_of(day))
