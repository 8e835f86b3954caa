"""A verifier's scores for a study that is there: what they select, what they cost, and that nothing is paid twice."""

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core_pools import answer_key, is_forced
from pooling_server import PoolingServer
from simulated_study import plan, run

import overthink
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.simulated.thinking import encode, turn_of
from overthink.collect.rescore.open import read_answer_texts
from overthink.data.pool import records_of
from overthink.data.pool_scores import answers_of
from overthink.data.record import RungRecord
from overthink.data.verifier_scores import AnswerScore
from overthink.errors import InputError, StoppedError
from overthink.storage.pool import read_pool
from overthink.storage.verifier_scores import read_scores
from overthink.workflows.compare import compare
from overthink.workflows.verify import prepare_verification, score_answers

PLANTED = {"capability": "flat", "safety": "flat", "step_gain": 6.0, "question_sd": 0.5, "natural_length": 100}
TASKS = overthink.tasks(capability=["overthink/arithmetic"], safety=["overthink/secret"], benign=[], args={})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "s"
    run(folder, plan(model_args=PLANTED, tasks=TASKS, budgets=(0, 30, 60), draws=4, limit=4))
    return folder


@pytest.fixture(scope="module")
def verified(original: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, overthink.Study]:
    """The study with the scores of a verifier without an error, of one that is always wrong, and of an oracle."""
    folder = tmp_path_factory.mktemp("verified")
    given = {"good": "simulated:aggregate=mean", "inverted": "simulated:error=1"}
    made = {"good": scored(original, given["good"], out=folder / "good")}
    made["inverted"] = scored(original, given["inverted"], by="answer", out=folder / "inverted")
    oracle = "rollouts:n=2,tokens=0,against=target"
    return made | {"oracle": scored(original, oracle, by="answer", out=folder / "oracle")}


@pytest.fixture
def study(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "s"))


def scored(study: Path, verifier: str = "simulated:aggregate=mean", **given: Any) -> overthink.Study:
    named = {"by": "steps"} | given
    ready = prepare_verification(study, verifier=verifier, **named)  # type: ignore[arg-type]
    return score_answers(replace(ready, session=replace(ready.session, patience=Patience(pause=0.001))))


def forced(rows: Sequence[RungRecord]) -> dict[tuple[object, ...], RungRecord]:
    return {answer_key(row): row for row in rows if is_forced(row)}


def value(study: overthink.Study, metric: str, *, k: int, axis: str = "capability", rung: int = 2) -> float:
    (found,) = (f for f in study.find(metric=metric, axis=axis) if f.at.k == k and f.at.rung == rung)
    assert found.estimate is not None
    return found.estimate


def test_scores_are_added_and_nothing_else_is_paid(original: Path, verified: dict[str, overthink.Study]) -> None:
    made = verified["good"]
    assert made.folder is not None
    study = made.folder.path
    before = forced(records_of(read_pool(original / "pool.parquet")))
    after = forced(records_of(read_pool(study / "pool.parquet")))
    texts = read_answer_texts(study / "logs", list(after))  # type: ignore[arg-type]
    carried = 0
    for place, row in after.items():
        assert replace(row, verifier_score=None, verifier_tokens=0) == before[place]
        text = texts[place]  # type: ignore[index]
        assert text.thought is not None
        turn = turn_of(text.thought)
        marked = turn.sound + turn.shaky
        wanted = (0.9 * turn.sound + 0.1 * turn.shaky) / marked if marked else 0.5
        assert row.verifier_score == pytest.approx(wanted, abs=1e-9)
        if row.natural_end and row.generated_tokens == 0:
            carried += 1
            assert row.verifier_tokens == 0
        else:
            assert row.verifier_tokens == len(encode(text.thought + text.answer))
    assert carried > 0
    assert made.about.notes[0] == "Answers of base: scored by simulated:error=0.0, mean of the steps."
    assert overthink.analyse(study).findings == made.findings


def test_a_good_verifier_selects_as_its_scores_say_and_an_inverted_one_the_opposite(
    verified: dict[str, overthink.Study],
) -> None:
    good, inverted = verified["good"], verified["inverted"]
    for axis in ("capability", "safety"):
        one = value(good, "best_at_k", k=1, axis=axis)
        best, worst = (value(found, "best_at_k", k=4, axis=axis) for found in (good, inverted))
        assert best > one + 0.1 > one - 0.1 > worst
    assert value(good, "weighted_majority_at_k", k=4) > value(inverted, "weighted_majority_at_k", k=4)
    by_question = defaultdict(list)
    for row in records_of(good.pool):
        if is_forced(row) and row.axis == "capability" and row.rung == 2:
            by_question[row.question].append((row.verifier_score, row.value))
    tops = {question: max(score for score, _ in tries) for question, tries in by_question.items()}
    means = [np.mean([one for score, one in tries if score == tops[q]]) for q, tries in by_question.items()]
    assert value(good, "best_at_k", k=4) == pytest.approx(np.mean(means))


def test_a_verification_that_was_stopped_goes_on_and_pays_nothing_twice(
    study: Path, verified: dict[str, overthink.Study]
) -> None:
    told: list[AnswerScore] = []

    def stop(score: AnswerScore) -> None:
        told.append(score)
        if len(told) == 10:
            raise StoppedError("the power went")

    wanted = prepare_verification(study, verifier="simulated:aggregate=mean", by="steps")
    with pytest.raises(StoppedError, match="the power went"):
        score_answers(wanted, on_score=stop)
    assert not [row for row in records_of(read_pool(study / "pool.parquet")) if row.verifier_score is not None]
    with (study / "verified.jsonl").open("ab") as file:
        file.write(b'{"torn')  # killed while writing
    again: list[AnswerScore] = []
    wanted = prepare_verification(study, verifier="simulated:aggregate=mean", by="steps")
    assert wanted.n_scored == len(told)
    made = score_answers(wanted, on_score=again.append)
    assert not {one.place for one in told} & {one.place for one in again}
    assert len(told) + len(again) == wanted.answers
    assert made.findings == verified["good"].findings
    assert prepare_verification(study, verifier="simulated:aggregate=mean", by="steps").session.texts == {}


def test_the_statement_of_a_verified_study_is_computed_again_with_its_verifier(
    verified: dict[str, overthink.Study], tmp_path: Path
) -> None:
    for name, result in verified.items():
        assert result.folder is not None
        written = overthink.statement(result.folder.path, out=tmp_path / name)
        again = overthink.check(written.path, study=result.folder.path)
        assert again.ok, again.text()


def test_scores_of_another_verifier_are_never_overwritten(verified: dict[str, overthink.Study], tmp_path: Path) -> None:
    assert verified["good"].folder is not None
    study = verified["good"].folder.path
    kept = (study / "pool.parquet").read_bytes()
    with pytest.raises(InputError, match="holds answers scored by simulated:error=0.0, mean.*give --out for a copy"):
        prepare_verification(study, verifier="simulated:aggregate=last", by="steps")
    copy = tmp_path / "copy"
    made = scored(study, "simulated:aggregate=min", out=copy)
    assert (study / "pool.parquet").read_bytes() == kept
    assert {row.verifier_score for row in records_of(made.pool) if is_forced(row)} <= {0.9, 0.1, 0.5}
    assert json.loads((copy / "verified.json").read_text())["aggregate"] == "min"
    assert (copy / "journal.jsonl").stat().st_ino != (study / "journal.jsonl").stat().st_ino
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="is not an empty folder"):
        prepare_verification(study, verifier="simulated:aggregate=min", by="steps", out=tmp_path / "full")
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.long
def test_a_study_that_grows_keeps_its_scores(verified: dict[str, overthink.Study], tmp_path: Path) -> None:
    assert verified["good"].folder is not None
    study = Path(shutil.copytree(verified["good"].folder.path, tmp_path / "s"))
    before = forced(records_of(verified["good"].pool))
    grown = plan(model_args=PLANTED, tasks=TASKS, budgets=(0, 30, 60), draws=5, limit=4)
    made = overthink.run(overthink.prepare(grown), study, resume=True)
    after = forced(records_of(made.pool))
    assert {place: after[place] for place in before} == before
    new = after.keys() - before.keys()
    assert new
    assert all(after[place].verifier_score is None for place in new)
    assert any(f"{len(new)} of {len(after)} answers have no score" in note for note in made.about.notes)
    told: list[AnswerScore] = []
    score_answers(prepare_verification(study, verifier="simulated:aggregate=mean", by="steps"), on_score=told.append)
    assert {one.place for one in told} == answers_of(made.pool, ["base"]) & new


def test_an_oracle_is_called_one_wherever_its_scores_are_used(verified: dict[str, overthink.Study]) -> None:
    made = verified["oracle"]
    metrics = {finding.metric for finding in made.findings}
    assert {"oracle_best_at_k", "oracle_weighted_majority_at_k"} <= metrics
    assert not {"best_at_k", "weighted_majority_at_k"} & metrics
    for finding in made.find(metric="oracle_best_at_k"):
        assert any("ORACLE" in limit for limit in finding.limits)
    assert "ORACLE" in made.about.notes[0]
    assert value(made, "oracle_best_at_k", k=4) == value(made, "pass_at_k", k=4)  # it picks the right one if any is
    assert not [f for f in made.findings if f.kind == "frontier" and "best of" in (f.label or "")]


def test_replies_that_cannot_be_read_are_counted_gaps(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PoolingServer()
    verifier = f"endpoint:url={server.url},model=prm,kind=pooling,separator=<extra_0>,aggregate=last"
    asked = 0

    def now_and_then(reply: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if asked % 5 == 0:
            reply["data"][0]["data"][0][-1] = float("nan")
        return reply

    server.change = now_and_then
    made = scored(study, verifier)
    rows = [row for row in records_of(made.pool) if is_forced(row)]
    own = [row for row in rows if row.verifier_tokens]
    gaps = [row for row in own if row.verifier_score is None]
    assert len(gaps) == len(own) // 5 == asked // 5
    assert sum(row.verifier_tokens or 0 for row in rows) == server.tokens
    assert any(f"{len(gaps)}: a score is NaN, infinite or missing" in note for note in made.about.notes)

    def always(reply: dict[str, Any]) -> dict[str, Any]:
        return reply | {"data": [{"index": 0, "data": [[0.5, 0.5]] * 99}]}

    server.change = always
    with pytest.raises(
        InputError, match="no score to any of the first 3 answers .99 scores for .* steps.; nothing was kept"
    ):
        scored(study, verifier, out=tmp_path / "never", arms=["base"])
    assert read_scores(tmp_path / "never" / "verified.jsonl") == {}
    server.change = lambda reply: reply
    server.statuses = [503] * 10_000
    with pytest.raises(StoppedError, match="status 503"):
        scored(study, verifier, out=tmp_path / "gone")
    server.http.shutdown()
    server.http.server_close()


@pytest.mark.parametrize(
    ("verifier", "given", "told"),
    [
        ("simulated", {}, "add aggregate=last, min, prod or mean"),
        ("simulated:aggregate=mean", {"by": "answer"}, "leave aggregate out"),
        ("simulated:aggregate=mean", {"arms": ["other"]}, "no arm 'other'; it has: base"),
        ("nobody", {}, "knows no 'nobody'"),
        ("endpoint:aggregate=mean", {}, "needs decisions.*url"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    verifier: str, given: dict[str, Any], told: str, original: Path
) -> None:
    before = sorted(original.rglob("*"))
    with pytest.raises(InputError, match=told):
        scored(original, verifier, **given)
    assert sorted(original.rglob("*")) == before


def test_a_study_without_a_ladder_has_no_answers_to_score(original: Path, tmp_path: Path) -> None:
    overthink.analyse(original / "pool.parquet", out=tmp_path / "analysed")
    with pytest.raises(InputError, match="was not collected on a ladder"):
        scored(tmp_path / "analysed")
    with pytest.raises(InputError, match="holds no study"):
        scored(tmp_path / "nowhere")


def test_steps_and_answers_are_compared_at_equal_verifier_tokens(verified: dict[str, overthink.Study]) -> None:
    folders = [made.folder.path for made in verified.values() if made.folder is not None]
    made = compare(folders[:2])
    found = [f for f in made.findings if f.kind == "supervision" and f.axis == "capability" and f.at.rung == 2]
    assert {f.metric for f in found} == {"value", "thinking_tokens", "answer_tokens", "parse_rate"}
    top = [f for f in found if f.metric == "value"][-1]
    assert top.estimate is not None
    assert top.estimate > 0.2
    assert "steps judge 4" in (top.label or "")
    assert len({f.id for f in made.findings}) == len(made.findings)


def test_the_command_line(study: Path, overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, err = overthink("verify", str(study), "--verifier", "simulated:aggregate=mean", "--json", "--yes")
    assert code == 0
    assert "at most 0 decoded tokens; the model under test decodes nothing" in err
    assert "no charge" in err
    assert "weighted_majority_at_k" in {f["metric"] for f in json.loads(out)["findings"]}
    code, _, err = overthink("verify", str(study), "--verifier", "simulated:aggregate=min")
    assert code == 2
    assert "give --out" in err
