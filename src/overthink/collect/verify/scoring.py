"""Score answers that are there already, through Inspect's own eval, so that every call of a verifier is in a log."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as File
from typing import cast

from inspect_ai import Task, task_with
from inspect_ai.solver import Generate, Solver, TaskState, solver

from overthink.collect.boundary import Boundary
from overthink.collect.collection import evaluate, numbered
from overthink.collect.continuation import Continuation, Prefix, continuation_for
from overthink.collect.judging import Judge, Judgement
from overthink.collect.opening import solver_of
from overthink.collect.replay import Replay, evaluated_model
from overthink.collect.thinking import Means, Path
from overthink.collect.till import Till
from overthink.collect.verify.opened import OpenedVerification
from overthink.collect.verify.solved import Solved
from overthink.collect.verify.steps import steps_of
from overthink.collect.verify.verifier import Scored, UnreadableScoreError, aggregated
from overthink.collect.way_of import completion_of, way_of
from overthink.core.added_rungs import Row
from overthink.core.verified import AnswerScore, Place
from overthink.errors import InputError
from overthink.plan import TaskPlan

PATIENCE = 3
"""Answers at the beginning without a readable score that mean a wrong setting, and not hard answers."""

NO_TEXT = "the rung was added later, so its thinking is not in the log"
LOST = "its text is not in the logs"

OnScore = Callable[[AnswerScore], None]


def collect_scores(opened: OpenedVerification, *, log_dir: File, on_score: OnScore) -> None:
    """Score every answer, and hand each score over as soon as it is there.

    Args:
        opened: What to score, and who scores.
        log_dir: Where Inspect writes its logs; they hold the texts of what a verifier was shown.
        on_score: Told of every score, and of every gap that was paid for.

    Raises:
        InputError: The verifier cannot be used as it was named.
        StoppedError: The server is gone; what was scored is kept.
        KeyboardInterrupt: The user stopped it.
    """
    boundary = Boundary(patience=max(3, opened.plan.concurrency))
    teller = _Teller(opened.verifier.name, on_score)
    for name, (task_plan, task) in opened.tasks.items():
        places = _by_draw([place for place in opened.texts if place[0] == name])
        questions = [sample for sample in numbered(task, opened.plan) if str(sample.id) in places]
        wrapped = task_with(
            task,
            dataset=questions,
            solver=_scoring(opened, task_plan, task, places, boundary, teller),
            scorer=None,
            metrics=None,
            epochs=max(map(len, places.values())),
        )
        evaluate(wrapped, opened.model, opened.plan, log_dir, boundary=boundary)
    teller.finish()


class _Teller:
    """Hands scores over. The first gaps are held back until a score is read: they may come from a wrong setting."""

    def __init__(self, verifier: str, on_score: OnScore) -> None:
        self._verifier = verifier
        self._on_score = on_score
        self._held: list[AnswerScore] = []
        self._has_read = False

    def tell(self, score: AnswerScore) -> None:
        """Hand a score over, or hold it back.

        Raises:
            InputError: The first answers all got no score.
        """
        if score.score is not None and not self._has_read:
            self._has_read = True
            for held in self._held:
                self._on_score(held)
            self._held.clear()
        if self._has_read or score.reason in (NO_TEXT, LOST):
            self._on_score(score)
            return
        self._held.append(score)
        if len(self._held) >= PATIENCE:
            self.finish()

    def finish(self) -> None:
        """Refuse a verifier whose scores could never be read.

        Raises:
            InputError: No answer got a score.
        """
        if self._held:
            raise InputError(
                f"verifier {self._verifier} gave no score to any of the first {len(self._held)} answers "
                f"({self._held[-1].reason}); nothing was kept. Check its settings, and how it is served."
            )


Places = Mapping[str, Sequence[tuple[int, list[Place]]]]
"""By question: its draws, each with the answers to score."""


def _by_draw(places: Sequence[Place]) -> dict[str, list[tuple[int, list[Place]]]]:
    grouped: dict[str, dict[int, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for place in sorted(places):
        grouped[place[2]][place[3]].append(place)
    return {question: sorted(draws.items()) for question, draws in grouped.items()}


def _scoring(
    opened: OpenedVerification, task_plan: TaskPlan, task: Task, places: Places, boundary: Boundary, teller: _Teller
) -> Solver:
    """A solver that scores the answers of one draw; it asks the model nothing that the verifier does not ask."""
    replay = Replay(solver_of(task), task=task_plan.task)
    judge = Judge(list(task.scorer or ()), task_plan)
    ways: list[Continuation] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        nonlocal ways
        draws = places[str(state.sample_id)]
        if state.epoch > len(draws):
            return state
        with boundary.trace():
            if opened.named.part.asks_model:
                ways = ways or [continuation_for(evaluated_model())]
            for place in draws[state.epoch - 1][1]:
                means = await _means(opened, task_plan, place[:-1], state, replay, judge, ways)
                with boundary.deliberate():
                    teller.tell(await _scored(opened, means, place))
        return state

    @solver(name="verify")
    def verify(verifier: str) -> Solver:  # the log shows this argument
        return solve

    return verify(opened.named.label)


async def _means(
    opened: OpenedVerification,
    task_plan: TaskPlan,
    trace: Row,
    state: TaskState,
    replay: Replay,
    judge: Judge,
    ways: Sequence[Continuation],
) -> Means:
    """What a verifier may ask with, as the trace had it when it was collected."""
    prompt = await replay.prompt(state)
    asked = "\n".join(message.text for message in prompt)
    budgets = opened.plan.budgets or ()
    way = way_of(
        opened.plan, task_plan, trace=trace, budgets=budgets, prompt=asked, state=state, model=evaluated_model()
    )

    async def grade(answer: str, cut: bool) -> Judgement:
        done = await replay.answered(state, completion_of(opened.plan, way, answer))
        return await judge(done, state.target, truncated=cut)

    # a verifier that does not ask the model never touches the continuation, so there need not be one
    continuation = ways[0] if ways else cast("Continuation", None)
    return Means(continuation, way, Till(), tuple(prompt), grade)


async def _scored(opened: OpenedVerification, means: Means, place: Place) -> AnswerScore:
    text = opened.texts[place]
    if text.thought is None:
        return AnswerScore(place, None, 0, NO_TEXT)
    path = Path(Prefix(""), steps=steps_of(text.thought), ended=text.ended)
    try:
        said = await _said(opened, means, path, text)
    except UnreadableScoreError as gap:
        return AnswerScore(place, None, gap.tokens, gap.reason)
    how = opened.aggregate
    return AnswerScore(place, said.scores[0] if how is None else aggregated(said.scores, how), said.tokens)


async def _said(opened: OpenedVerification, means: Means, path: Path, text: Solved) -> Scored:
    if opened.aggregate is None:
        return await opened.verifier.answer(means, path, text.answer)
    return await opened.verifier.solution(means, path, text.answer)
