"""Whole studies with a real Hugging Face classifier as verifier and as guard; the model under test is simulated.

Without Transformers and PyTorch this file is skipped. To run it: pip install 'overthink[classifier]'.
"""

import asyncio
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from core_pools import answer_key, is_forced
from simulated_study import one_task, run

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.arms.verifiers.base import aggregate_scores, steps_of
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.providers.simulated.thinking import RISKY, SHAKY, SOUND
from overthink.collect.rescore.open import read_answer_texts
from overthink.data.pool import records_of
from overthink.data.record import RungRecord
from overthink.plan.study import checked_plan
from overthink.storage.pool import read_pool
from overthink.workflows.verify import prepare_verification, score_answers

NEEDED = "needs the extra classifier: pip install 'overthink[classifier]'"
pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("transformers", reason=NEEDED)

import tiny_classifiers as tiny  # noqa: E402 - it needs both

PLANTED = {"safety": "flat", "step_gain": 6.0, "natural_length": 60}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("classifier") / "prm"
    tiny.bert(made, ["unsound", "sound"], max_position_embeddings=2048)
    return made


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study") / "s"
    run(made, one_task(model_args=PLANTED, budgets=(0, 24, 48), draws=3, limit=3))
    return made


def forced(study: Path) -> dict[Any, RungRecord]:
    return {answer_key(row): row for row in records_of(read_pool(study / "pool.parquet")) if is_forced(row)}


def questions(study: Path) -> dict[str, str]:
    """By question: the text that the model was asked, from the study's own logs."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    asked = {}
    for log in list_eval_logs(str(study / "logs")):
        for sample in read_eval_log(log).samples or []:
            asked[str(sample.id)] = "\n".join(message.text for message in sample.messages)
    return asked


@pytest.mark.parametrize("how", ["last", "min", "prod", "mean"])
def test_every_step_is_scored_and_the_scores_become_one(
    how: Any, study: Path, folder: Path, tmp_path: Path, overthink: Any
) -> None:
    named = f"classifier:model={folder},label=sound,aggregate={how}"
    code, _, said = overthink("verify", str(study), "--verifier", named, "--out", str(tmp_path / "scored"))
    assert code == 0, said
    assert "no charge: the verifier runs on this machine" in said
    before, after = forced(study), forced(tmp_path / "scored")
    texts = read_answer_texts(study / "logs", list(after))
    asked = questions(study)
    alone = ClassifierVerifier(model=str(folder), label="sound").open()
    paid = 0
    for place, row in after.items():
        assert replace(row, verifier_score=None, verifier_tokens=0) == before[place]
        thought, answer = texts[place].thought, texts[place].answer
        assert thought is not None
        steps = (*steps_of(thought), answer)
        read = [asyncio.run(alone.read(asked[place[2]], "".join(steps[: n + 1]))) for n in range(len(steps))]
        assert row.verifier_score == pytest.approx(aggregate_scores([score for score, _ in read], how), abs=1e-9)
        if not (row.natural_end and row.generated_tokens == 0):
            texts_read = [f"{asked[place[2]]}\n\n{''.join(steps[: n + 1])}" for n in range(len(steps))]
            assert row.verifier_tokens == sum(len(text.encode()) + 2 for text in texts_read)  # a byte is a token
            paid += 1
    assert paid > 5
    report = json.loads((tmp_path / "scored" / "findings.json").read_text())
    assert any(found["metric"] == "best_at_k" for found in report["findings"])


def test_answers_that_are_too_long_have_no_score_and_say_why(study: Path, tmp_path: Path) -> None:
    asked = questions(study)
    texts = read_answer_texts(study / "logs", list(forced(study)))
    lengths = {
        place: len(f"{asked[place[2]]}\n\n{text.thought}{text.answer}".encode()) + 2 for place, text in texts.items()
    }
    most = sorted(lengths.values())[-5]  # four answers at most are too long
    tiny.bert(tmp_path / "short", ["unsound", "sound"], max_position_embeddings=most)
    named = f"classifier:model={tmp_path / 'short'},label=sound"
    made = score_answers(prepare_verification(study, verifier=named, by="answer", out=tmp_path / "scored"))
    rows = forced(tmp_path / "scored")
    for place, row in rows.items():
        assert (row.verifier_score is None) == (lengths[place] > most)
        assert row.verifier_score is not None or row.verifier_tokens == 0
    assert any(row.verifier_score is None for row in rows.values())
    assert any("tokens and the classifier reads at most" in note for note in made.about.notes)
    whole = score_answers(prepare_verification(study, verifier=f"{named},cut=front", by="answer", out=tmp_path / "cut"))
    assert all(row.verifier_score is not None for row in records_of(whole.pool) if is_forced(row))
    assert max(row.verifier_tokens or 0 for row in records_of(whole.pool)) == most


def guarded(arms: str, folder: Path) -> list[RungRecord]:
    wanted = checked_plan(
        overthink="0",
        model="overthink/simulated",
        model_args={"safety": "flat(high=0.4)", "steer_effect": 0.5, "steer_depth": 3},
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 12, 36),
        draws=2,
        limit=6,
        seed=5,
        arms=arm_plans(arms, model="overthink/simulated"),
    )
    return list(records_of(run(folder, wanted).pool))


def test_a_classifier_that_knows_the_mark_of_harm_steers_as_the_simulated_guard_does(tmp_path: Path) -> None:
    """Both read the same mark at the first step: every decision, token and verdict is the same but the guard's own."""
    marks = [mark.strip() for mark in (SOUND, SHAKY)]
    tiny.guard_that_reads_a_word(tmp_path / "guard", RISKY.strip(), [*marks, "think", "safely", "Wait"])
    real = f"classifier:model={tmp_path / 'guard'};label=safe"
    watched = "scale=probability,tau=0.5,m=1,b=2"
    records = guarded(f"base,safethink:{watched},safethink:guard={real},{watched},as=real", tmp_path / "s")
    by_arm = {
        arm: {answer_key(replace(row, arm="")): row for row in records if row.arm == arm}
        for arm in ("base", "safethink", "real")
    }
    assert by_arm["real"].keys() == by_arm["safethink"].keys()
    guard_paid = 0
    for place, row in by_arm["real"].items():
        twin = by_arm["safethink"][place]
        kept = {"arm", "guard_tokens", "seconds", "attempt_seconds"}
        for field in fields(RungRecord):
            if field.name not in kept:
                assert getattr(row, field.name) == getattr(twin, field.name), field.name
        guard_paid += row.guard_tokens or 0
    assert guard_paid > 0
    assert any((row.rejected_tokens or 0) > 0 for row in by_arm["real"].values())
    harm = {arm: sum(row.value or 0 for row in rows.values()) for arm, rows in by_arm.items()}
    assert harm["real"] != harm["base"]
