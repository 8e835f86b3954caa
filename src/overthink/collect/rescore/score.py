"""Scoring of existing answers through Inspect's `eval`, so that every verifier call is logged."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as File
from typing import cast

from inspect_ai import Task, task_with
from inspect_ai.solver import Generate, Solver, TaskState, solver

from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError, aggregate_scores, steps_of
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.sampling import completion_of, sampling_spec
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation, Prefix, Segment
from overthink.collect.rescore.open import AnswerText, VerificationSession
from overthink.collect.scoring.judging import AnswerJudge, Judgement
from overthink.collect.scoring.replay import Replay, evaluated_model, judge_completion
from overthink.collect.session.failures import Boundary
from overthink.collect.session.open import solver_of
from overthink.collect.session.run import NO_SAMPLE_LIMITS, evaluate, number_samples
from overthink.data.missing_rungs import TraceKey
from overthink.data.verifier_scores import AnswerKey, AnswerScore
from overthink.errors import InputError
from overthink.plan.study import TaskPlan

MAX_UNREADABLE = 3
"""Number of unreadable first scores that indicate a wrong setting, rather than hard answers."""

NO_TEXT = "the rung was added later, so its thinking is not in the log"
LOST = "its text is not in the logs"

OnScore = Callable[[AnswerScore], None]


def collect_scores(session: VerificationSession, *, log_dir: File, on_score: OnScore) -> None:
    """Score every answer, passing each score to `on_score` at once.

    Args:
        session: The opened verification.
        log_dir: Folder of Inspect's logs, which hold the texts sent to the verifier.
        on_score: Callback for every score, readable or not.

    Raises:
        InputError: The verifier does not work with its settings.
        StoppedError: The server is unavailable; scores so far are kept.
        KeyboardInterrupt: The user interrupted the run.
    """
    boundary = Boundary(patience=session.patience, resume="repeat the command")
    sink = _ScoreSink(session.verifier.name, on_score)
    for name, (task_plan, task) in session.tasks.items():
        places = _by_draw([key for key in session.texts if key[0] == name])
        questions = [sample for sample in number_samples(task, session.plan) if str(sample.id) in places]
        scoring_task = task_with(
            task,
            dataset=questions,
            solver=_scoring_solver(session, task_plan, task, places, boundary, sink),
            scorer=None,
            metrics=None,
            epochs=max(map(len, places.values())),
            **NO_SAMPLE_LIMITS,
        )
        evaluate(scoring_task, session.model, session.plan, log_dir, boundary=boundary)
    sink.finish()


class _ScoreSink:
    """Sink of scores. Unreadable first scores are held back until one is readable: the settings may be wrong."""

    def __init__(self, verifier: str, on_score: OnScore) -> None:
        self._verifier = verifier
        self._on_score = on_score
        self._held: list[AnswerScore] = []
        self._has_read = False

    def add(self, score: AnswerScore) -> None:
        """Pass a score on, or hold it back.

        Raises:
            InputError: None of the first answers got a score.
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
        if len(self._held) >= MAX_UNREADABLE:
            self.finish()

    def finish(self) -> None:
        """Refuse a verifier without any readable score.

        Raises:
            InputError: No answer got a score.
        """
        if self._held:
            raise InputError(
                f"verifier {self._verifier} gave no score to any of the first {len(self._held)} answers "
                f"({self._held[-1].reason}); nothing was kept. Check its settings, and how it is served."
            )


KeysByQuestion = Mapping[str, Sequence[tuple[int, list[AnswerKey]]]]
"""Draws by question, each with the keys of the answers to score."""


def _by_draw(keys: Sequence[AnswerKey]) -> dict[str, list[tuple[int, list[AnswerKey]]]]:
    by_question: dict[str, dict[int, list[AnswerKey]]] = defaultdict(lambda: defaultdict(list))
    for key in sorted(keys):
        by_question[key[2]][key[3]].append(key)
    return {question: sorted(draws.items()) for question, draws in by_question.items()}


def _scoring_solver(
    session: VerificationSession,
    task_plan: TaskPlan,
    task: Task,
    keys: KeysByQuestion,
    boundary: Boundary,
    sink: _ScoreSink,
) -> Solver:
    """Return a solver that scores the answers of one draw; only the verifier calls the model."""
    replay = Replay(solver_of(task), task=task_plan.task)
    judge = AnswerJudge(list(task.scorer or ()), task_plan)
    continuations: list[Continuation] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        nonlocal continuations
        draws = keys[str(state.sample_id)]
        if state.epoch > len(draws):
            return state
        with boundary.trace():
            if session.verifier_plan.verifier.asks_model:
                continuations = continuations or [continuation_for(evaluated_model())]
            for key in draws[state.epoch - 1][1]:
                context = await _trace_context(session, task_plan, key[:-1], state, replay, judge, continuations)
                with boundary.deliberate():
                    sink.add(await _score_answer(session, context, key))
        return state

    @solver(name="verify")
    def verify(verifier: str) -> Solver:  # the log shows this argument
        return solve

    return verify(session.verifier_plan.label)


async def _trace_context(
    session: VerificationSession,
    task_plan: TaskPlan,
    trace: TraceKey,
    state: TaskState,
    replay: Replay,
    judge: AnswerJudge,
    continuations: Sequence[Continuation],
) -> TraceContext:
    """Return the trace context for the verifier, as during collection."""
    prompt = await replay.prompt(state)
    for change in session.prompt_changes.get(trace[1], ()):
        prompt = change.prompt(prompt, state.metadata or {})
    budgets = session.plan.budgets or ()
    spec = sampling_spec(session.plan, task_plan, trace=trace, budgets=budgets, prompt=prompt, state=state)

    async def grade(answer: Segment) -> Judgement:
        completion, cut = completion_of(session.plan, spec, answer.text), not answer.is_complete
        return await judge_completion(replay, judge, state, completion, is_truncated=cut, usage=answer.model_usage())

    # verifiers that do not call the model never use the continuation
    continuation = continuations[0] if continuations else cast("Continuation", None)
    return TraceContext(continuation, spec, UsageMeter(), tuple(prompt), grade)


async def _score_answer(session: VerificationSession, context: TraceContext, key: AnswerKey) -> AnswerScore:
    text = session.texts[key]
    if text.thought is None:
        return AnswerScore(key, None, 0, NO_TEXT)
    path = ReasoningPath(Prefix(""), steps=steps_of(text.thought), ended=text.ended)
    try:
        scores = await _verifier_scores(session, context, path, text)
    except UnreadableScoreError as gap:
        return AnswerScore(key, None, gap.tokens, gap.reason)
    how = session.aggregate
    return AnswerScore(key, scores.scores[0] if how is None else aggregate_scores(scores.scores, how), scores.tokens)


async def _verifier_scores(
    session: VerificationSession, context: TraceContext, path: ReasoningPath, text: AnswerText
) -> Scores:
    if session.aggregate is None:
        return await session.verifier.answer(context, path, text.answer)
    return await session.verifier.solution(context, path, text.answer)
