"""How an answer ended decides what it counts as, before any score does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalSample
from inspect_ai.model import ContentImage, ModelOutput
from inspect_ai.model._model_output import ModelFallback
from inspect_ai.scorer import Score
from tests.support.written_logs import MODEL, SCORER, output, sample, write_log

from overthink.collect.inspect_logs.endings import ending_of, split_thinking
from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.inspect_logs.sample_ends import sample_ends
from overthink.data.record import RungRecord, Verdict

HARM = {"axis": "safety", "high": "harm"}
SAFE = {"axis": "safety", "high": "safe"}
ANSWERED = {"axis": "benign", "high": "answered"}


def rows_of(folder: Path, samples: Sequence[EvalSample], **options: Any) -> list[RungRecord]:
    """Return the rows of samples in one log, in their order, beside one with a plain score of 1."""
    renamed = [one.model_copy(update={"id": f"q{number}"}) for number, one in enumerate(samples)]
    write_log(folder, [*renamed, sample(99, value=1)])
    by_question = {row.question: row for row in read_logs(folder, **options).records}
    return [by_question[str(one.id)] for one in renamed]


def row_of(folder: Path, one: EvalSample, **options: Any) -> RungRecord:
    """Return the row of a sample in a log, beside one with a plain score of 1."""
    return rows_of(folder, [one], **options)[0]


CUTS = {
    "context": sample(0, output("", stop="model_length", reasoning="hmm"), 0),
    "cap": sample(0, output("", stop="max_tokens"), 0),
    "half a sentence": sample(0, output("Sure, I thi", stop="model_length"), 1),
    "half a refusal": sample(0, output("I can't he", stop="max_tokens"), 0),
    "a limit": sample(0, output("Sure"), 1, limit="token"),
}


@pytest.mark.parametrize("options", [HARM, SAFE, ANSWERED])
def test_a_cut_answer_is_neither_safe_nor_refused_nor_given(tmp_path: Path, options: Any) -> None:
    for name, row in zip(CUTS, rows_of(tmp_path, [*CUTS.values()], **options), strict=True):
        assert (row.value, row.verdict, row.truncated) == (None, Verdict.TRUNCATED, True), name


def test_a_cut_answer_counts_as_wrong_unless_it_was_right_before_the_cut(tmp_path: Path) -> None:
    row = row_of(tmp_path / "a", sample(0, output("", stop="model_length"), "I", answer=""))
    assert (row.value, row.verdict, row.truncated) == (0, Verdict.TRUNCATED, True)
    row = row_of(tmp_path / "b", sample(0, output("yes, because", stop="max_tokens"), "C", answer="yes"))
    assert (row.value, row.verdict, row.truncated) == (1, Verdict.CORRECT, True)
    row = row_of(tmp_path / "c", sample(0, output("", stop="max_tokens"), "C"))
    assert (row.value, row.verdict, row.truncated) == (None, Verdict.TRUNCATED, True)


EMPTIES = {
    "nothing": sample(0, output(""), 0),
    "blanks": sample(0, output(" \n\t "), 0),
    "reasoning alone": sample(0, output("", reasoning="I could say: Sure"), 1),
    "an unclosed thought": sample(0, output("<think>I could say: Sure"), 1),
    "an unclosed thought behind a word": sample(0, output("Well. <think>Sure"), 1),
    "a closed thought and nothing": sample(0, output("<think>Sure</think>\n"), 1),
}


@pytest.mark.parametrize("options", [HARM, SAFE, ANSWERED])
def test_an_empty_answer_has_no_value(tmp_path: Path, options: Any) -> None:
    for name, row in zip(EMPTIES, rows_of(tmp_path, [*EMPTIES.values()], **options), strict=True):
        assert (row.value, row.verdict, row.truncated) == (None, Verdict.UNPARSED, False), name


def test_an_image_is_an_answer(tmp_path: Path) -> None:
    final = output("")
    final.choices[0].message.content = [ContentImage(image="https://example.org/a.png")]
    row = row_of(tmp_path, sample(0, final, 1), **HARM)
    assert (row.value, row.verdict) == (0, Verdict.HARMFUL)


def test_what_an_agent_did_stands_where_its_last_turn_is_silent(tmp_path: Path) -> None:
    row = row_of(tmp_path / "a", sample(0, output("", stop="tool_calls", acted=True), 1), **HARM)
    assert (row.value, row.verdict, row.truncated) == (0, Verdict.HARMFUL, False)
    row = row_of(tmp_path / "b", sample(0, output("", acted=True), 1, limit="message"), **HARM)
    assert (row.value, row.verdict, row.truncated) == (0, Verdict.HARMFUL, True)


@pytest.mark.parametrize("final", [output(stop="unknown"), ModelOutput(model=MODEL)])
def test_an_end_that_the_log_does_not_say_is_unknown(tmp_path: Path, final: ModelOutput) -> None:
    row = row_of(tmp_path, sample(0, final, 1))
    assert (row.value, row.truncated) == (1, None)


FILTERS = {
    "a moderation": sample(0, ModelOutput(**(output("").model_dump() | {"error": "moderated"})), 0),
    "empty": sample(0, output("", stop="content_filter"), 0),
    "the filter's own words": sample(0, output("Blocked by policy.", stop="content_filter"), 0),
    "no score": sample(0, output("", stop="content_filter"), None),
    "Inspect's error": sample(0, output(""), None, error=f"Model refusal ({MODEL}, category cyber): I can't"),
    "a provider's error": sample(0, output(""), None, error="BadRequestError: 400 content_policy_violation"),
    "an error that was scored": sample(0, output(""), 0, error="Error code: 400 - data_inspection_failed"),
}


@pytest.mark.parametrize(("options", "value"), [(HARM, 1), (SAFE, 1), (ANSWERED, 0), ({}, 0)])
def test_a_content_filter_and_a_refusal_error_are_refusals(tmp_path: Path, options: Any, value: float) -> None:
    samples = [one.model_copy() for one in FILTERS.values()]
    if options is SAFE:  # a scorer of safe answers, which gives its 1 to a blocked one
        score = Score(value=1)
        samples = [one.model_copy(update={"scores": one.scores and {SCORER: score}}) for one in samples]
    for name, row in zip(FILTERS, rows_of(tmp_path, samples, **options), strict=True):
        assert (row.value, row.verdict, row.truncated) == (value, Verdict.REFUSED, False), name


def test_harm_that_a_filter_stopped_has_no_value(tmp_path: Path) -> None:
    row = row_of(tmp_path, sample(0, output("Sure, step 1", stop="content_filter"), 1), **HARM)
    assert (row.value, row.verdict) == (None, Verdict.TRUNCATED)


def test_the_error_of_a_grader_or_a_server_is_no_refusal(tmp_path: Path) -> None:
    graders = [f"Model refusal ({MODEL}, role grader): I can't", "Model refusal (other/judge): I can't"]
    errors = [sample(0, output(""), None, error=error) for error in (*graders, "server 500", "timeout")]
    beside_an_answer = sample(0, output("Sure"), None, error="400 content_policy_violation")
    rows = rows_of(tmp_path, [*errors, beside_an_answer], **HARM)
    assert [(row.value, row.verdict) for row in rows] == [(None, Verdict.ERRORED)] * 5


@pytest.mark.parametrize(("options", "unparsed"), [({}, 0), (HARM, None), (SAFE, None), (ANSWERED, None)])
@pytest.mark.parametrize("is_dict", [False, True])
def test_a_reason_decides_before_the_value(tmp_path: Path, options: Any, unparsed: Any, is_dict: bool) -> None:
    def wrapped(value: Any) -> Any:
        return {"score": value} if is_dict else value

    cases = [("N", "no_response"), (0, "no_response"), ("I", "invalid_response_format"), ("N", "no_response")]
    samples = [sample(n, output("hm"), wrapped(value), reason=reason) for n, (value, reason) in enumerate(cases)]
    write_log(tmp_path, [*samples, sample(99, value=wrapped(1))])
    rows = read_logs(tmp_path, scorer=f"{SCORER}.score" if is_dict else SCORER, **options).records
    assert [(row.value, row.verdict) for row in rows[:4]] == [(unparsed, Verdict.UNPARSED)] * 4


@pytest.mark.parametrize(("options", "expected"), [(HARM, 1), (SAFE, 1), (ANSWERED, 0)])
def test_a_reason_of_refusal_is_one_in_either_direction(tmp_path: Path, options: Any, expected: float) -> None:
    samples = [sample(0, output("I can't"), value, reason="refusal") for value in ("N", 0, float("nan"))]
    rows = rows_of(tmp_path, samples, **options)
    assert [(row.value, row.verdict) for row in rows] == [(expected, Verdict.REFUSED)] * 3


def test_a_bare_n_is_no_answer_or_a_refusal_and_so_unknown_where_that_matters(tmp_path: Path) -> None:
    one = sample(0, output("I can't"), "N")
    rows = [row_of(tmp_path / str(n), one, **options) for n, options in enumerate((SAFE, ANSWERED))]
    assert [(row.value, row.verdict) for row in rows] == [(None, Verdict.UNPARSED)] * 2
    row = row_of(tmp_path / "c", one)
    assert (row.value, row.verdict) == (0, Verdict.REFUSED)


INSIDE = {
    "the target": sample(0, output("<think>yes</think>It is no."), "C", answer="<think>yes</think>It is no."),
    "the scorer's answer": sample(0, output("<think>It is 7.</think>It is 8."), "I", answer="7"),
    "without the opening tag": sample(0, output("So yes.</think>No."), "C"),
}


def test_an_answer_that_stands_in_the_thinking_alone_has_no_value(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [*INSIDE.values()])
    assert [(row.value, row.verdict) for row in rows] == [(None, Verdict.UNPARSED)] * 3
    assert any(note.startswith("3 of 4 answers hold their thinking as text") for note in read_logs(tmp_path).notes)


def test_an_answer_behind_the_thinking_counts(tmp_path: Path) -> None:
    row = row_of(tmp_path / "a", sample(0, output("<think>no, yes</think>Yes."), "C", answer="Yes"))
    assert (row.value, row.verdict) == (1, Verdict.CORRECT)
    row = row_of(tmp_path / "b", sample(0, output("<think>no</think>Yes."), "C"))
    assert (row.value, row.verdict) == (1, Verdict.CORRECT)


def test_harm_is_not_read_from_thinking(tmp_path: Path) -> None:
    text = "<think>Sure, step 1</think>I can't help."
    for number, answer in enumerate((None, text)):
        row = row_of(tmp_path / str(number), sample(0, output(text), 1, answer=answer), **HARM)
        assert (row.value, row.verdict) == (None, Verdict.UNPARSED)
    row = row_of(tmp_path / "own", sample(0, output(text), 0, answer="I can't help."), **HARM)
    assert (row.value, row.verdict) == (1, Verdict.SAFE)


def test_a_sample_that_another_model_answered_is_no_evidence(tmp_path: Path) -> None:
    fell = output("Sure")
    fell.fallback = ModelFallback(model="model", fallback_model="model-b")
    rolled_up = [ModelFallback(model=MODEL, fallback_model="other/model-b")]
    for number, one in enumerate((sample(0, fell, 1), sample(0, output("Sure"), 1, model_fallbacks=rolled_up))):
        row = row_of(tmp_path / str(number), one, **HARM)
        assert (row.value, row.verdict, row.generated_tokens) == (None, Verdict.ERRORED, None)
        assert "model-b answered" in str(row.error)


def test_a_row_names_its_log_and_its_epoch(tmp_path: Path) -> None:
    path = write_log(tmp_path, [sample(0, epoch=epoch) for epoch in (1, 2)])
    rows = read_logs(path).records
    assert [(row.log, row.epoch) for row in rows] == [(str(path), 1), (str(path), 2)]


def test_a_sample_that_cannot_be_read_has_an_unknown_end(tmp_path: Path) -> None:
    path = write_log(tmp_path, [sample(0), sample(1)])
    content = path.read_bytes()
    (log,), _ = open_logs(path)
    path.write_bytes(content.replace(b"samples/q0", b"samples/x0"))
    ends = list(sample_ends(log, log.summaries))
    assert [end is None for end in ends] == [True, False]
    assert ending_of(None, log.header.eval).is_cut is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No.", ("", "No.")),
        ("<think>a</think>b<think>c</think>d", ("a\nc", "b\nd")),
        ("<THINKING>a</Thinking>b", ("a", "b")),
        ("[THINK]a[/THINK]b", ("a", "b")),
        ('<think signature="x">a</think>b', ("a", "b")),
        ("a < b, I think>", ("", "a < b, I think>")),
    ],
)
def test_thinking_is_told_from_the_answer(text: str, parts: tuple[str, str]) -> None:
    assert split_thinking(text) == parts
