"""Mutated documents of a study, each read by the commands that read it: an answer or one clear error, never nonsense.

``python tests/support/fuzz_documents.py SEED RUNS`` prints every fault with what gave it.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import mutations
import polars as pl
from mutations import Mutation

import overthink
from overthink.data.decisions import TraceDecisions
from overthink.data.pool import records_of
from overthink.data.record import StudyQuestion
from overthink.data.tokens import CutShort, TokenUsage
from overthink.data.verifier_scores import AnswerScore
from overthink.errors import InputError
from overthink.storage import journal
from overthink.storage.json_documents import read_backtest, read_plan, read_questions, write_questions
from overthink.storage.oversight import read_oversight_journal
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import ScoreFile, read_scores, read_verified, scores_by
from overthink.workflows.resume import stored_traces

INPUTS = Path(__file__).parents[1] / "golden" / "inputs"
BACKTEST = Path(overthink.__file__).parent / "storage" / "data" / "forecast_backtest.json"
FACTS = '{"revision": "r1", "developer": "somebody", "hardware": "H100"}'

_SHARE_OF_OTHERS = 0.5
"""Share of mutations that a second command reads."""

Read = Callable[[Path], str]
"""Folder of a study → what a command says about it."""


class Document(NamedTuple):
    """A document of a study.

    Attributes:
        path: Its path in the folder.
        mutate: How its format is changed.
        read: The command that shows what it says.
        others: Commands that read it as well.
        shows: Whether each of its fields shows in what that command says.
    """

    path: str
    mutate: Callable[[bytes, Random], Mutation]
    read: Read
    others: tuple[Read, ...] = ()
    shows: bool = True


def _analyse(folder: Path) -> str:
    study = overthink.analyse(folder)
    page = replace(study, about=replace(study.about, created_at="")).html()
    return page + repr((study.findings, study.request, study.assumptions, study.models, study.about.estimate))


def _labelled(folder: Path) -> str:
    options = overthink.AnalysisOptions(labels=folder / "labels.csv")
    return repr(overthink.analyse(folder, options=options).request.analysis.human)


def _statement(folder: Path) -> str:
    return (
        overthink.statement(folder, write=False, facts=folder / "facts.json")
        .statement.model_copy(update={"created": ""})
        .model_dump_json()
    )


def _check(folder: Path) -> str:
    return overthink.check(folder / "statement.json", study=folder).text()


def _compare(folder: Path) -> str:
    return overthink.compare([folder, folder.with_name("whole")]).json()


def _label(folder: Path) -> str:
    (folder / "sheet.csv").unlink(missing_ok=True)
    return repr(overthink.label(folder, folder / "sheet.csv", per_rung=1))


def _resume(folder: Path) -> str:
    return repr(stored_traces(StudyFolder(folder), read_plan(folder / "plan.json")))


def _failures(folder: Path) -> str:
    return repr(journal.has_failures(folder / "journal.jsonl"))


def _read(path: str, read: Callable[[Path], object]) -> Read:
    return lambda folder: repr(read(folder / path))


DOCUMENTS = (
    Document("plan.json", mutations.of_json, _analyse, (_statement, _check, _compare, _label, _resume)),
    Document("analysis.json", mutations.of_json, _analyse, (_statement, _check, _compare)),
    Document("estimate.json", mutations.of_json, _analyse),
    Document("models.json", mutations.of_json, _analyse, (_compare,)),
    Document("verified.json", mutations.of_json, _read("verified.json", read_verified), (_analyse, _statement)),
    Document("findings.json", mutations.of_json, _statement, (_check, _analyse)),
    Document("pool.parquet", mutations.of_parquet, _analyse, (_statement, _check, _compare, _label)),
    Document("statement.json", mutations.of_json, _check, shows=False),
    Document("facts.json", mutations.of_json, _statement),
    Document("labels.csv", mutations.of_bytes, _labelled, shows=False),
    Document("questions.json", mutations.of_json, _read("questions.json", read_questions)),
    Document("journal.jsonl", mutations.of_lines, _resume, (_failures, _analyse)),
    Document("unfinished.jsonl", mutations.of_lines, _read("unfinished.jsonl", journal.read_unfinished), (_analyse,)),
    Document("waves.jsonl", mutations.of_lines, _read("waves.jsonl", journal.read_waves), (_analyse, _statement)),
    Document("decisions.jsonl", mutations.of_lines, _read("decisions.jsonl", journal.read_decisions)),
    Document("logs/thoughts.jsonl", mutations.of_lines, _read("logs/thoughts.jsonl", journal.read_thoughts)),
    Document("verified.jsonl", mutations.of_lines, _read("verified.jsonl", lambda p: (scores_by(p), read_scores(p)))),
    Document(
        "latent.jsonl",
        mutations.of_lines,
        _read("latent.jsonl", lambda p: (journal.latent_setting(p), journal.read_latent(p))),
    ),
    Document("oversight.jsonl", mutations.of_lines, _read("oversight.jsonl", read_oversight_journal)),
    Document("backtest.json", mutations.of_json, _read("backtest.json", read_backtest)),
)


def make_study(folder: Path) -> None:
    """Write a study with every document that a study can have."""
    shutil.copytree(INPUTS / "by-answer", folder)
    study = StudyFolder(folder)
    rows = records_of(read_pool(study.pool))[:12]
    names = sorted({row.question for row in records_of(read_pool(study.pool))})
    with journal.journal_file(study.journal) as file:
        for key in dict.fromkeys((row.question, row.draw) for row in rows):
            file.append(tuple(row for row in rows if (row.question, row.draw) == key))
    first = rows[0]
    key = first.task, first.arm, first.question, first.draw
    with journal.unfinished_file(study.unfinished) as file:
        file.append(CutShort(*key, TokenUsage(prompt_tokens=5, decoded_tokens=7), 1))
    with journal.decisions_file(study.decisions) as file:
        file.append(TraceDecisions(*key, (("monitor", 1, "", (True, False)),), donor=("t", "q", 1)))
    study.logs.mkdir()
    with journal.thoughts_file(study.thoughts) as file:
        file.append((*key, (1, 2, 3)))
    with journal.wave_file(study.waves) as file:
        file.append(journal.WaveDraws(task="other", draws=dict.fromkeys(names, 2)))
        file.append(journal.WaveDraws(task="other", draws=dict.fromkeys(names, 1)))
    verifier = read_verified(study.verified)
    assert verifier is not None
    with ScoreFile(study.scores, verifier) as file:
        file.append(AnswerScore((*key, 30), 0.5, 12))
    write_questions(study.questions, {first.task: tuple(StudyQuestion(n, True, "ab" * 32) for n in names)})
    (folder / "labels.csv").write_text(
        "task,arm,estimand,question,draw,rung,label\n"
        + "".join(
            f"{r.task},{r.arm},{r.estimand},{r.question},{r.draw},{r.rung},{r.value or 0:g}\n"
            for r in records_of(read_pool(study.pool))
            if r.estimand == "forced"
        )
    )
    (folder / "facts.json").write_text(FACTS)
    shutil.copy(BACKTEST, folder / "backtest.json")
    with tempfile.TemporaryDirectory() as scratch:
        overthink.latent("simulated:n=2,steps=3", out=Path(scratch, "latent"))
        for path in (study.latent, study.oversight_journal):
            shutil.copy(Path(scratch, "latent", path.name), path)
    overthink.report(folder)
    (folder / "statement.json").write_text(overthink.statement(folder, write=False).json())


@contextmanager
def _study() -> Iterator[Path]:
    """A study with all documents, beside one that stays whole."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        study = Path(scratch, "study")
        make_study(study)
        copy_whole(study)
        yield study


def copy_whole(study: Path) -> None:
    """Copy a study to a folder beside it, which stays whole."""
    shutil.copytree(study, study.with_name("whole"))


def run(seed: int, runs: int) -> list[str]:
    """Return a line for each mutation that was taken badly; none where all were refused or showed.

    Args:
        seed: Seed of the mutations.
        runs: Number of mutations, shared out evenly over the documents.
    """
    faults: list[str] = []
    with _study() as folder:
        said = {read: read(folder) for read in {document.read for document in DOCUMENTS}}
        for number, document in enumerate(islice(cycle(DOCUMENTS), runs)):
            dice, path = Random(f"{seed}:{number}"), folder / document.path
            content = path.read_bytes()
            is_torn = dice.random() < 0.25
            mutation = (mutations.of_bytes if is_torn else document.mutate)(content, dice)
            path.write_bytes(mutation.content)
            answer, fault = _taken(document.read, path, mutation)
            shows = document.shows and not (is_torn and path.suffix == ".parquet")  # much of a file is never shown
            if answer == said[document.read] and shows and not mutation.is_same | _is_derived(path, mutation):
                fault = "it says the same as without the mutation"
            if fault is None and document.others and dice.random() < _SHARE_OF_OTHERS:
                _, fault = _taken(dice.choice(document.others), path, mutation)
            if fault is not None:
                faults.append(f"{seed}:{number} {document.path}, {mutation.words}: {fault}")
            path.write_bytes(content)
    return faults


def _is_derived(path: Path, mutation: Mutation) -> bool:
    """Whether a field is worked out anew from other files, or stood at its default, or is the plan's to say."""
    names = {*mutation.names}
    if path.name == "oversight.jsonl":  # counts of nothing
        return names <= {"agent", "overseer"} and "remove" in mutation.words
    if path.name != "analysis.json":
        return False
    return bool(names & {"verified", "parties", "primary_registered"}) or (
        names <= {"assumed", "unit"} and mutation.words.startswith("remove")
    )


def _taken(read: Read, path: Path, mutation: Mutation) -> tuple[str | None, str | None]:
    """Return what a command says of a study with a mutated document, and what is wrong with how it took it."""
    folder = path.parents[path.parent.name == "logs"]
    try:
        return read(folder), None
    except InputError as failure:
        message = str(failure)
        words = message.replace("-", "_")
        is_about_file = message.startswith(str(path))
        if is_about_file and mutation.names and not any(name.replace("-", "_") in words for name in mutation.names):
            return None, f"names no field: {message[:300]}"
        is_named = str(folder) in message or message.startswith("task ")  # a curve, of which there is one source
        return None, None if is_named else f"names no file: {message[:300]}"
    except Exception as failure:  # noqa: BLE001 - any other error is a fault
        return None, f"ends with {type(failure).__name__}: {str(failure)[:300]}"
    except BaseException as failure:
        if not isinstance(failure, pl.exceptions.PanicException):
            raise
        return None, f"ends with a panic: {str(failure)[:300]}"


if __name__ == "__main__":
    for line in run(int(sys.argv[1]), int(sys.argv[2])):
        sys.stdout.write(line + "\n")
