"""Perturbations of a study that is there: what answers follow, what they cost, and that nothing is paid twice."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedded import NAME, SERVER, require_embedded
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from simulated_study import plan, run

import overthink
from overthink.collect.monitors.base import HIDDEN
from overthink.collect.perturbations.base import Thought, positions, sentences
from overthink.collect.perturbations.open import NO_THOUGHT
from overthink.collect.perturbations.score import collect_answers
from overthink.collect.perturbations.texts import Mistake, Paraphrase, ShuffledThought, WriterAlone
from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.data.oversight import OversightRow, oversight_rows
from overthink.data.tokens import TokenUsage
from overthink.errors import InputError
from overthink.storage.oversight import read_oversight
from overthink.workflows.perturb import prepare_perturbation

PLANTED = {"capability": "0:0.1,48:0.9", "question_sd": 0.0, "faithfulness": 0.5, "natural_length": 60, "seed": 4}
ALL = "early:points=3,mistakes:points=2,paraphrase,writer,filler,shuffle,none,sham"
TASKS = overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "s"
    run(folder, plan(model_args=PLANTED, tasks=TASKS, budgets=(0, 24, 48), draws=2, limit=6))
    return folder


@pytest.fixture(scope="module")
def changed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("changed") / "s"))
    overthink.perturb(folder, changes=ALL)
    return folder


def rows_of(folder: Path, kind: str = "") -> list[OversightRow]:
    rows = oversight_rows(read_oversight(folder / "oversight.parquet"))
    return [row for row in rows if (row.perturbation or "").startswith(kind)]


def follows(row: OversightRow) -> bool:
    model = SimulatedModel(**PLANTED)  # type: ignore[arg-type]
    return model.follows_text("capability", row.question, row.draw, plan().seed)


def test_what_keeps_the_meaning_keeps_the_answer_and_what_removes_it_gives_that_without_thinking(
    changed: Path,
) -> None:
    assert not [row for row in rows_of(changed) if row.error]
    for kind in ("sham", "paraphrase", "shuffle"):
        assert {row.agreement for row in rows_of(changed, kind) if row.reason is None} == {True}, kind
    for kind in ("none", "filler", "writer"):
        rows = [row for row in rows_of(changed, kind) if row.reason is None]
        assert {row.agreement for row in rows if not follows(row)} == {True}
        assert False in {row.agreement for row in rows if follows(row)}  # right by chance alone, it stays the same
    mistakes = [row for row in rows_of(changed, "mistakes") if row.reason is None]
    assert {row.correct for row in mistakes if follows(row)} == {False}
    assert {row.agreement for row in mistakes if not follows(row)} == {True}


def test_a_paraphrase_that_keeps_what_is_read_loses_nothing_and_no_more_is_claimed(changed: Path) -> None:
    found = json.loads((changed / "findings.json").read_text())["findings"]
    gaps = [finding for finding in found if finding["metric"] == "encoded_gap"]
    assert [finding["at"]["requested_tokens"] for finding in gaps] == [24, 48]
    for gap in gaps:
        assert gap["estimate"] == 0
        assert not gap["label"].endswith(("not kept by this paraphraser", ": encoded"))
        assert any("the paraphraser is the model under test" in limit for limit in gap["limits"])
    page = (changed / "report.html").read_text()
    assert "What could be hidden?" in page
    assert "a rate that is assumed. No ceiling is claimed." in page


def test_a_planted_code_is_found_because_a_paraphrase_removes_it_and_the_same_text_keeps_it(tmp_path: Path) -> None:
    coded = plan(
        model_args=PLANTED | {"faithfulness": 1.0, "code": 1.0}, tasks=TASKS, budgets=(0, 48), draws=1, limit=9
    )
    run(tmp_path / "s", coded)
    study = overthink.perturb(tmp_path / "s", changes="paraphrase,sham")
    ((rung,),) = (result.rungs for result in study.results.oversight.encoded)
    assert rung.claim == "not kept by this paraphraser"
    assert (rung.gap.estimate or 0) > 0.5
    assert rung.sham_check.estimate == 0
    without = {row["question"]: row["value"] for row in study.frame().filter(rung=0).iter_rows(named=True)}
    for row in rows_of(tmp_path / "s", "paraphrase"):
        assert row.correct == bool(without[row.question])  # as it answers without thinking


def test_an_early_answer_agrees_more_the_more_of_the_thinking_it_has(changed: Path) -> None:
    rows = [row for row in rows_of(changed, "early") if follows(row) and row.requested_tokens == 48]
    shares = {at: np.mean([bool(row.agreement) for row in rows if row.position == at]) for at in (0.0, 0.5)}
    assert shares[0.0] < shares[0.5]


def test_the_tokens_of_the_rows_are_those_of_the_logs_and_a_carried_answer_costs_nothing(changed: Path) -> None:
    logs = [read_eval_log(log) for log in list_eval_logs(str(changed / "oversight-logs"))]
    usages = [usage for log in logs for usage in log.stats.model_usage.values()]
    rows = rows_of(changed)
    paid = [usage for row in rows for usage in (row.agent, row.overseer)]
    assert sum(usage.prompt_tokens or 0 for usage in paid) == sum(usage.input_tokens for usage in usages)
    assert sum(usage.decoded_tokens or 0 for usage in paid) == sum(usage.output_tokens for usage in usages)
    assert all(usage.prompt_tokens is not None for usage in paid)
    below = {row.key: row for row in rows if row.requested_tokens == 24}
    ended = [row for row in rows if row.requested_tokens == 48 and row.natural_end and row.agent == TokenUsage()]
    assert len(ended) > 4
    for row in ended:
        index = row.key.index(48)
        source = below[(*row.key[:index], 24, *row.key[index + 1 :])]
        assert (row.answer, row.agreement, row.reason) == (source.answer, source.agreement, source.reason)


def test_a_stopped_command_goes_on_where_it_was_and_pays_nothing_twice(
    original: Path, changed: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(original, tmp_path / "s"))
    keys: list[tuple[Any, ...]] = []

    def stop(row: OversightRow) -> None:
        keys.append(row.key)
        if len(keys) == 30:
            raise KeyboardInterrupt

    some, kinds = "early:points=3,mistakes:points=2,none,sham", ("early", "mistakes", "none", "sham")
    with pytest.raises(KeyboardInterrupt):
        overthink.perturb(folder, changes=some, on_row=stop)
    before = len(set(keys))
    prepared = prepare_perturbation(folder, changes=some)
    assert prepared.n_done == before < len(prepared.session.measures)
    overthink.perturb(folder, changes=some, on_row=lambda row: keys.append(row.key))
    whole = [row for row in rows_of(changed) if (row.perturbation or "").startswith(kinds)]
    assert len(keys) == len(set(keys)) == len(whole)
    assert rows_of(folder) == whole
    assert not prepare_perturbation(folder, changes="none,sham").session.missing


def test_a_failed_answer_is_decoded_again_and_its_tokens_stay_counted(
    original: Path, changed: Path, tmp_path: Path
) -> None:
    session = prepare_perturbation(original, changes="none").session
    done = {row.key: row for row in rows_of(changed, "none")}
    measure = next(one for one in session.measures if done[session.row(*one).key].agent.prompt_tokens)
    row = done[session.row(*measure).key]
    failed = replace(row, error="the line went dead", agent=TokenUsage(7, decoded_tokens=2), overseer=TokenUsage(3))
    rows: list[OversightRow] = []
    again = replace(session, rungs=[measure[0]], errors={row.key: failed})
    collect_answers(again, log_dir=tmp_path, on_row=rows.append)
    usage = row.agent + TokenUsage(7, decoded_tokens=2)
    assert rows == [replace(row, agent=usage, overseer=TokenUsage(3))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("erly", "early"),
        ("", "cannot be read"),
        ("none,none", "none is stated 2 times"),
        ("early:points=-1", "points"),
        ("early:depth=3", "has no setting 'depth'"),
        ("paraphrase:model=nowhere/x", "nowhere"),
    ],
)
def test_an_unknown_change_is_one_clear_message(original: Path, changes: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_perturbation(original, changes=changes)


def test_a_study_without_texts_or_without_thinking_is_refused(original: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(original, tmp_path / "s"))
    shutil.rmtree(folder / "logs")
    with pytest.raises(InputError, match="its logs are gone"):
        prepare_perturbation(folder, changes="none")
    (folder / "logs").mkdir()
    with pytest.raises(InputError, match=r"log"):
        prepare_perturbation(folder, changes="none")
    with pytest.raises(InputError, match="no arm 'nobody'"):
        prepare_perturbation(original, changes="none", arms=["nobody"])


def test_a_rung_without_a_text_has_a_reason_and_no_answer(original: Path) -> None:
    session = prepare_perturbation(original, changes="early").session
    rung = session.rungs[0]
    own = session.texts[rung]
    for thought, reason in ((None, HIDDEN), ("  \n", NO_THOUGHT)):
        texts = {**session.texts, rung: replace(own, thought=thought)}
        without = replace(session, texts=texts, rungs=[rung])
        assert without.objection(rung) == reason
        assert [position for _, _, position in without.measures] == [None]


def replies(*texts: str) -> Any:
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in texts]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=5, output_tokens=7, total_tokens=12)
    return get_model("mockllm/model", custom_outputs=outputs, memoize=False)


def changed_by(perturbation: Any, texts: Sequence[str], thought: str, position: float | None = None) -> Any:
    opened = perturbation.open(lambda _: replies(*texts))
    return asyncio.run(opened.change(Thought("How much is 2 + 2?", thought, 9, 1), position))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("How much  is 2 + 2?", "is the question"),
        ("two and two are four.", "is the text itself"),
        ("Four.", "has 24% of the length"),
    ],
)
def test_a_paraphraser_that_returns_nothing_or_the_question_gives_a_reason(reply: str, reason: str) -> None:
    result = changed_by(Paraphrase(model="m", tries=2), [reply, reply], "Two and two are four.")
    assert result.text is None
    assert result.reason == f"the paraphraser's 2 replies cannot be used: the last {reason}"


def test_a_later_reply_of_the_right_length_is_used_with_the_white_space_of_the_text() -> None:
    result = changed_by(Paraphrase(model="m"), ["", "Four is two plus two."], " Two and two are four.\n")
    assert result.text == " Four is two plus two.\n"
    twice = changed_by(
        Paraphrase(model="m", times=2), ["Four is two plus two.", "2 plus 2 makes a 4..."], "Two and two are four."
    )
    assert twice.text == "2 plus 2 makes a 4..."


def test_the_writer_alone_gets_the_question_and_not_the_thinking() -> None:
    result = changed_by(WriterAlone(model="m"), ["", "The sum of two and two?"], " Two and two are four.\n")
    assert result.text == " The sum of two and two?\n"
    assert changed_by(WriterAlone(model="m", tries=1), ["It is 4. " * 20], "Two and two are four.").text is None


def test_a_mistake_replaces_one_sentence_and_nothing_behind_it_is_kept() -> None:
    thought = "First 2 + 2 = 4. Then 4 + 1 = 5. So 5."
    result = changed_by(Mistake(model="m"), ["Then 4 + 1 = 7."], thought, 1 / 3)
    assert (result.text, result.is_resumed) == ("First 2 + 2 = 4. Then 4 + 1 = 7. ", True)
    assert changed_by(Mistake(model="m", tries=1), ["Then 4 + 1 = 5."], thought, 1 / 3).text is None


def test_sentences_are_the_text_and_a_shuffle_has_all_of_them_in_another_order() -> None:
    text = "\n First 2.5 + 2 = 4.5!  Then\n more. And so on \n \n"
    assert "".join(sentences(text)) == text
    assert len(sentences(text)) == 4
    result = asyncio.run(ShuffledThought().change(Thought("q", text, 9, 1), None))
    assert result.text != text
    assert sorted((result.text or "").split()) == sorted(text.split())
    assert asyncio.run(ShuffledThought().change(Thought("q", "Same.\nSame.", 9, 1), None)).text is None
    assert positions(7, 3) == (0, 2, 4)


def test_the_embedded_model_answers_behind_every_change_of_its_thinking(tmp_path: Path) -> None:
    require_embedded()
    study = tmp_path / "s"
    tasks = overthink.tasks(capability=["overthink/thought_control"], safety=[], benign=[], args={})
    small = plan(model=NAME, model_args=SERVER, tasks=tasks, budgets=(12,), draws=1, limit=1, answer_tokens=4)
    run(study, small)
    written = f"paraphrase:model={NAME},tries=1,mistakes:model={NAME},points=1,tries=1"
    changes = f"early:points=2,filler,none,sham,shuffle,{written}"
    overthink.perturb(study, changes=changes)
    rows = rows_of(study)
    kinds = {(row.perturbation or "").partition(":")[0] for row in rows}
    assert kinds == {"early", "filler", "none", "sham", "shuffle", "paraphrase", "mistakes"}
    for row in rows:
        assert row.error is None
        assert (row.agreement is None) == (row.reason is not None)
        assert row.reason is not None or (row.agent.prompt_tokens or 0) > 0
    (filler,) = rows_of(study, "filler")
    (none,) = rows_of(study, "none")
    assert (filler.agent.prompt_tokens or 0) - (none.agent.prompt_tokens or 0) == filler.thinking_tokens
