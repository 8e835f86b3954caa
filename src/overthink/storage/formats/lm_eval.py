"""Samples of EleutherAI's lm-evaluation-harness: `samples_TASK_DATE.jsonl`, with `results_DATE.json` beside them.

It writes a line per document and filter, with the value of every metric; of several responses to a document it scores
what the filter makes of them, so that a document has one value per run.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from overthink.components.base import component
from overthink.data.number_text import rounded_share
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.formats.reader import (
    NotedFrame,
    Reader,
    config_text,
    files_of,
    fitting_objects,
    frame_of_rows,
    is_any,
    listing,
    mapping,
    number,
    read_each,
    usable_rows,
    whole_object,
)

_PATTERN = "samples_*.jsonl"
_NAME = re.compile(r"samples_(?P<task>.+?)(_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl")
_FIXED = frozenset(
    {
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    }
)
"""Fields of a sample that are no metric."""

_NOT_SETTINGS = frozenset({"until", "max_gen_toks"})
_NOT_FOUND = "[invalid]"
"""What the filters by regular expression answer where nothing matched."""

_RUN_SETTINGS = ("system_instruction_sha", "chat_template_sha", "fewshot_as_multiturn")


@component("lm-eval")
class LmEvalReader(Reader):
    """Samples of lm-evaluation-harness: samples_TASK_DATE.jsonl, or a folder of them."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is such a file, or a folder that holds some."""
        return is_any(files_of(path, _PATTERN), _is_sample)

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per document, metric and filter; several runs of a task and model are its draws."""
        runs, unread = read_each(files_of(path, _PATTERN), _Run.of)
        if not runs:
            raise InputError(f"{path} holds no samples_TASK.jsonl; needed: what lm_eval --log_samples writes")
        runs, notes = _without_copies(runs)
        rows = [row for run in runs for row in run.rows()]
        rows, unusable = usable_rows(path, rows, _faults(runs, rows))
        repeats = max(run.repeats for run in runs)
        if repeats > 1:
            notes.append(
                f"Up to {repeats} responses were drawn for each document; the harness scored what its filter made of "
                "them, so a document has one value."
            )
        return NotedFrame(frame_of_rows(rows), (*notes, *unusable), tuple(unread))


def _is_sample(line: Mapping[str, Any]) -> bool:
    return "doc_id" in line and ("resps" in line or "filtered_resps" in line)


@dataclass(frozen=True)
class _Run:
    """One file of samples.

    Attributes:
        path: The file.
        task: Name of the task.
        date: When it was run, as its name says; "" where it does not.
        results: Results of the run, from the file beside it; empty without one.
        samples: The lines of the file.
    """

    path: Path
    task: str
    date: str
    results: Mapping[str, Any]
    samples: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, path: Path) -> "_Run":
        match = _NAME.fullmatch(path.name)
        task, date = (path.stem, "") if match is None else (match["task"], match["date"] or "")
        samples = fitting_objects(
            path, _is_sample, needed="doc_id, and resps or filtered_resps, as lm-evaluation-harness writes them"
        )
        beside = sorted(path.parent.glob(f"*_{date}.json")) if date else []
        results = whole_object(beside[0]) if beside else {}
        return cls(path, name_text(task), date, results, tuple(samples))

    @property
    def model(self) -> str:
        """Name of the model: from the results, or the folder, whose name is that of the model."""
        stated = self.results.get("model_name")
        return str(stated) if stated else name_text(self.path.parent.name.replace("__", "/")) or "model"

    @property
    def repeats(self) -> int:
        """Responses drawn for a document."""
        return max(
            (len(each) for s in self.samples for each in listing(s.get("resps")) if isinstance(each, list)), default=1
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of documents and responses, equal for a copy and for a repeated run without sampling."""
        parts = [[s["doc_id"], s.get("filter"), s.get("prompt_hash"), s.get("resps")] for s in self.samples]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def is_higher_better(self, metric: str) -> bool:
        """Return whether a higher value is better; True where the results do not say."""
        by_task = mapping(self.results.get("higher_is_better"))
        return mapping(by_task.get(self.task)).get(metric) is not False

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per document, metric and filter."""
        more = {name: self.results.get(name) for name in _RUN_SETTINGS}
        more["num_fewshot"] = mapping(self.results.get("n-shot")).get(self.task)
        more["task_version"] = mapping(self.results.get("versions")).get(self.task)
        for sample in self.samples:
            answer, response = _answer(sample)
            shared = {
                "question": str(sample["doc_id"]),
                "task": self.task,
                "arm": self.model,
                "draw": 0,
                "run_id": self.date or self.path.name,
                "config": config_text(more | _generation(sample)) or "{}",
                "answer": answer,
                "response": response,
            }
            for metric in _metrics(sample):
                name = str(sample.get("filter") or "none")
                scorer = metric if name == "none" else f"{metric},{name}"
                yield shared | {"scorer": scorer, "value": _value(sample.get(metric))}


def _metrics(sample: Mapping[str, Any]) -> list[str]:
    stated = sample.get("metrics")
    if isinstance(stated, list):
        return [str(name) for name in stated]
    return [name for name, value in sample.items() if name not in _FIXED and isinstance(value, int | float)]


def _value(raw: object) -> float | None:
    value = number(raw)
    return None if value is None else rounded_share(value)


def _generation(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of generation: the cap on the output as ``max_tokens``, and the others by their names."""
    arguments = sample.get("arguments")
    each = [*mapping(arguments).values(), *listing(arguments)]  # older versions wrote lists
    first = each[0] if each else None
    parts = [*mapping(first).values(), *listing(first)]
    settings = mapping(parts[1] if len(parts) > 1 else None)
    others = {name: value for name, value in settings.items() if name not in _NOT_SETTINGS}
    return others | {"max_tokens": settings.get("max_gen_toks")}


def _answer(sample: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the answer that the filter found, and the response; of a choice the position of the likeliest option."""
    filtered, responses = listing(sample.get("filtered_resps")), listing(sample.get("resps"))
    likelihoods = [_likelihood(option) for option in filtered]
    if len(filtered) > 1 and None not in likelihoods:
        chosen = str(max(range(len(likelihoods)), key=lambda i: likelihoods[i] or 0.0))
        return chosen, chosen
    first = filtered[0] if filtered else None
    while isinstance(first, list) and first and isinstance(first[0], str | list):
        first = first[0]
    answer = None if first is None or str(first).strip() in ("", _NOT_FOUND) else str(first)
    response = responses[0] if responses else first
    while isinstance(response, list) and response:
        response = response[0]
    return answer, None if response is None else str(response)


def _likelihood(option: object) -> float | None:
    """Return the logarithmic likelihood in a pair of it and whether the option is what greedy decoding says."""
    if not isinstance(option, list) or len(option) != 2 or str(option[1]) not in ("True", "False"):
        return None
    try:
        return float(option[0])
    except (TypeError, ValueError):
        return None


def _without_copies(runs: list[_Run]) -> tuple[list[_Run], list[str]]:
    """Return the runs that differ, and notes on those that do not.

    Raises:
        InputError: One id stands for different documents.
    """
    by_curve: dict[tuple[str, str], list[_Run]] = defaultdict(list)
    notes = []
    for run in runs:
        others = by_curve[run.task, run.model]
        twin = next((other for other in others if other.fingerprint == run.fingerprint), None)
        if twin is not None:
            notes.append(
                f"{run.path.name} was left out: its responses are those of {twin.path.name}, and copies are no draws."
            )
            continue
        _refuse_other_documents(run, others)
        others.append(run)
    return [run for of_curve in by_curve.values() for run in of_curve], notes


def _refuse_other_documents(run: _Run, others: list[_Run]) -> None:
    hashes = {str(sample["doc_id"]): sample.get("doc_hash") for sample in run.samples}
    for other in others:
        for sample in other.samples:
            if hashes.get(str(sample["doc_id"]), sample.get("doc_hash")) != sample.get("doc_hash"):
                raise InputError(
                    f"doc_id {sample['doc_id']} is another document in {run.path} than in {other.path}, though task "
                    f"{run.task} and model {run.model} are the same; needed: runs of the same documents"
                )


def _faults(runs: list[_Run], rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return why metrics are no share of which higher is better, by task and scorer."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    curves = dict.fromkeys((row["task"], row["scorer"]) for row in rows)
    for row in rows:
        if row["value"] is not None:
            values[row["task"], row["scorer"]].append(row["value"])
    faults = {}
    for task, scorer in curves:
        own, metric = values[task, scorer], scorer.partition(",")[0]
        outside = [value for value in own if not 0 <= value <= 1]
        lower = not all(run.is_higher_better(metric) for run in runs if run.task == task)
        reason = (
            "it holds no number for a document"
            if not own
            else f"{len(outside)} of its values are outside [0, 1], such as {outside[0]:g}"
            if outside
            else "lower is better there"
            if lower
            else ""
        )
        if reason:
            faults[task, scorer] = reason
    return faults
