"""Outputs of NVIDIA's NeMo-Skills: `output-rs0.jsonl`, `output-rs1.jsonl` … of a benchmark, or one `output.jsonl`.

It writes the draws of a benchmark into files by their random seed, one line per problem and in the same order, and
adds a field for every way in which an answer was judged.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overthink.components.base import component
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.formats.reader import (
    NotedFrame,
    Reader,
    count,
    files_of,
    frame_of_rows,
    is_any,
    number,
    objects_of,
    read_each,
)

_PATTERN = "output*.jsonl"
_SEEDED = re.compile(r"output-rs(?P<seed>\d+)\.jsonl")
_PLAIN = re.compile(r"output(-greedy)?\.jsonl")
_RESULTS = "eval-results"
"""Folder of the benchmarks, which names neither the model nor a setting."""

_PROMPT = re.compile(r"prompt([-_]?\d+)?$")
"""Folder of a prompt within its benchmark, as the pipeline of robustness makes them."""

_MARKS = (
    "generation",
    "num_generated_tokens",
    "predicted_answer",
    "expected_answer",
    "symbolic_correct",
    "judgement",
    "is_correct",
)
"""Fields of an output; a line has two of them at least."""

_JUDGED = ("symbolic_correct", "is_correct", "is_correct-plus")
_IDS = ("id", "question_id", "problem_id", "task_id", "sample_index", "unique_id", "index", "idx")
_TEXTS = ("problem", "question")
_MEASURED = re.compile(r"time|_async_position")
"""Fields of a run, which another one of the same outputs has otherwise."""

_LEAST_OF_A_COPY = 5
"""Outputs of a file of which a copy is told."""

_OUT_OF_CONTEXT = re.compile(r"context|max(imum)?[ _]?(model[ _]?)?(len|tokens)|too long", re.IGNORECASE)


@component("nemo-skills")
class NemoSkillsReader(Reader):
    """Outputs of NeMo-Skills: a file output-rs0.jsonl or output.jsonl, or a folder of them."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is such a file, or a folder that holds some."""
        return is_any(_outputs(path), _is_output)

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per problem, seed and way of judging; a benchmark is a task, and each seed a draw."""
        folders: dict[Path, list[Path]] = {}
        for file in _outputs(path):
            folders.setdefault(file.parent, []).append(file)
        if not folders:
            raise InputError(f"{path} holds no output-rs0.jsonl or output.jsonl; needed: outputs of NeMo-Skills")
        notes: list[str] = []
        chosen: list[Path] = []
        for files in folders.values():
            seeded = [file for file in files if _SEEDED.fullmatch(file.name)]
            if seeded and len(files) > len(seeded):
                plain = next(file for file in files if file not in seeded)
                notes.append(
                    f"{plain} was left out: it is one answer without a seed, beside {len(seeded)} files of draws."
                )
            chosen += seeded or files[:1]
        contents, unread = read_each(chosen, _judged_lines)
        lines = dict(contents)
        rows: list[dict[str, Any]] = []
        for folder in folders:
            own = {file: lines[file] for file in chosen if file.parent == folder and file in lines}
            for copy, original in _copies(own).items():
                del own[copy]
                notes.append(f"{copy} was left out: its outputs are those of {original.name}, and copies are no draws.")
            if own:
                rows += _Benchmark(*_names(path, folder), own).rows()
        return NotedFrame(frame_of_rows(rows), tuple(notes), tuple(unread))


def _outputs(path: Path) -> list[Path]:
    files = [file for file in files_of(path, _PATTERN) if _PLAIN.fullmatch(file.name) or _SEEDED.fullmatch(file.name)]
    return sorted(files, key=lambda file: (file.parent, _seed(file)))


def _seed(file: Path) -> int:
    match = _SEEDED.fullmatch(file.name)
    return int(match["seed"]) if match else -1


def _copies(lines: Mapping[Path, list[dict[str, Any]]]) -> dict[Path, Path]:
    """Return the files whose outputs another one holds, too, with that one.

    So are those of a seed that was copied, or that was run without sampling. A few outputs may be alike by chance.
    """
    first: dict[str, Path] = {}
    copies: dict[Path, Path] = {}
    for file, own in lines.items():
        outputs = [{name: line[name] for name in line if _MEASURED.search(name) is None} for line in own]
        content = hashlib.sha256(json.dumps(outputs, sort_keys=True, default=str).encode()).hexdigest()
        if len(own) >= _LEAST_OF_A_COPY and content in first:
            copies[file] = first[content]
        first.setdefault(content, file)
    return copies


def _is_output(line: Mapping[str, Any]) -> bool:
    return sum(mark in line for mark in _MARKS) >= 2


@dataclass(frozen=True)
class _Benchmark:
    """The outputs of one folder.

    Attributes:
        task: Name of the benchmark.
        arm: The folders above it, which name the model or a setting; "base" where there are none.
        lines: The lines of each file of draws.
    """

    task: str
    arm: str
    lines: Mapping[Path, list[dict[str, Any]]]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per problem, seed and way of judging."""
        name = _id(self.lines.values())
        if name is None:
            self._refuse_other_problems()
        for file, lines in self.lines.items():
            for position, line in enumerate(lines, start=1):
                shared = {
                    "question": str(position if name is None else line[name]),
                    "task": self.task,
                    "arm": self.arm,
                    "draw": max(_seed(file), 0),
                    **_ending(line),
                    "generated_tokens": count(line.get("num_generated_tokens")),
                    "thinking_tokens": count(line.get("num_reasoning_tokens")),
                    "prompt_tokens": count(line.get("num_input_tokens")),
                    "seconds": number(line.get("generation_time")),
                }
                for scorer, value in _ways(line).items():
                    yield shared | {"scorer": scorer, "value": value}

    def _refuse_other_problems(self) -> None:
        """Raise an error where a line of two files is not the same problem."""
        (first_file, first_lines), *others = self.lines.items()
        for file, lines in others:
            if len(lines) != len(first_lines):
                raise InputError(
                    f"{file} has {len(lines)} lines and {first_file} {len(first_lines)}, and no field "
                    f"({', '.join(_IDS)}) names the problem; needed: a line per problem in each, in one order"
                )
            for position, (line, first) in enumerate(zip(lines, first_lines, strict=True), start=1):
                name = next((name for name in (*_TEXTS, "expected_answer") if line.get(name) != first.get(name)), None)
                if name is not None:
                    raise InputError(
                        f"{file}, row {position}, has another {name} than row {position} of {first_file}, and no "
                        f"field ({', '.join(_IDS)}) names the problem; needed: the same order in each"
                    )


def _judged_lines(file: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Return a file with its lines.

    Raises:
        InputError: A line is no output, or was not judged.
    """
    lines = [line for _, line in objects_of(file)]
    wrong = next((line for line in lines if not _is_output(line) or not _ways(line)), None)
    if wrong is not None:
        raise InputError(
            f"{file} holds an output with the fields {', '.join(wrong)[:300]}; needed: one that was judged, with "
            f"{', '.join(_JUDGED)} or judgement, so run the evaluation of NeMo-Skills first"
        )
    return file, lines


def _names(top: Path, folder: Path) -> tuple[str, str]:
    """Return benchmark and arm of a folder: its own name, and those of the folders between it and the one named."""
    between = list(folder.relative_to(top).parts[:-1]) if top in folder.parents else []
    task = folder.resolve().name
    if _PROMPT.match(task) and (between or folder != top):  # BENCHMARK/PROMPT/output-rs0.jsonl
        task, between = (between[-1], [*between[:-1], task]) if between else (folder.resolve().parent.name, [task])
    return name_text(task), name_text("/".join(part for part in between if part != _RESULTS)) or "base"


def _id(lines: Iterable[list[dict[str, Any]]]) -> str | None:
    """Return the field that names a problem: each file has every value of it once."""
    files = list(lines)
    for name in _IDS:
        values = [[line.get(name) for line in own] for own in files]
        if all(None not in own and len({*map(str, own)}) == len(own) for own in values):
            return name
    return None


def _ways(line: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the values of an answer by the way in which it was judged; None where a judge gave no verdict."""
    ways = {name: number(line[name]) for name in _JUDGED if name in line}
    if isinstance(line.get("judgement"), str):
        verdict = line["judgement"].rpartition("Judgement:")[2].strip().lower()
        ways["judge_correct"] = 1.0 if verdict.startswith("yes") else 0.0 if verdict.startswith("no") else None
    return ways


def _ending(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return answer, texts and end of an output; one that ran out of context was cut, and is no error."""
    generation = line.get("_full_generation", line.get("generation"))
    failure = " ".join(str(line[name]) for name in ("error", "detailed_error") if line.get(name))
    is_cut = bool(failure and _OUT_OF_CONTEXT.search(failure))
    return {
        "answer": line.get("predicted_answer", generation or None),
        "response": generation if "generation" in line else "unknown",
        "reasoning": line.get("reasoning_content"),
        "finish_reason": line.get("finish_reason"),
        "limit": "context" if is_cut else None,
        "error": failure if failure and not is_cut else None,
    }
