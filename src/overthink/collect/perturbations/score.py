"""Answers behind a changed thinking, decoded by the study's own provider and scored by the task's own scorer."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspect_ai import task_with
from inspect_ai.solver import Generate, Solver, TaskState, solver

from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.sampling import SamplingSpec, completion_of, sampling_spec, seed_for
from overthink.collect.perturbations.base import FILLER, ChangedThought, Thought, WriterMeter
from overthink.collect.perturbations.open import Measure, PerturbationSession
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation, Prefix, Segment
from overthink.collect.scoring.judging import AnswerJudge, Judgement
from overthink.collect.scoring.replay import Replay, evaluated_model, judge_completion
from overthink.collect.session.failures import Boundary
from overthink.collect.session.open import solver_of
from overthink.collect.session.run import NO_SAMPLE_LIMITS, evaluate, number_samples
from overthink.data.oversight import OversightRow
from overthink.data.oversight_pool import OverseenRung
from overthink.data.record import GOOD_FROM
from overthink.data.tokens import TokenUsage

OnRow = Callable[[OversightRow], None]

_UNKNOWN_OWN = "the rung's own answer is unknown, so that nothing can agree with it"


def collect_answers(session: PerturbationSession, *, log_dir: Path, on_row: OnRow) -> None:
    """Measure everything without a row, passing each row to `on_row` at once.

    Args:
        session: The opened inputs.
        log_dir: Folder of Inspect's logs, which hold what was sent and answered.
        on_row: Callback for every row.

    Raises:
        InputError: A task cannot be replayed.
        StoppedError: A server is unavailable; rows so far are kept.
        KeyboardInterrupt: The user interrupted the run.
    """
    boundary = Boundary(patience=session.patience, resume="repeat the command")
    for name, (_, task) in session.tasks.items():
        traces: dict[str, dict[tuple[str, int], list[Measure]]] = defaultdict(lambda: defaultdict(list))
        for measure in session.missing:
            rung = measure[0]
            if rung.task == name:
                traces[rung.question][rung.arm, rung.draw].append(measure)
        questions = [sample for sample in number_samples(task, session.plan) if str(sample.id) in traces]
        if not questions:
            continue
        by_question = {question: list(own.values()) for question, own in traces.items()}
        perturbation_task = task_with(
            task,
            dataset=questions,
            solver=_solver(session, name, by_question, boundary, on_row),
            scorer=None,
            metrics=None,
            epochs=max(map(len, by_question.values())),
            **NO_SAMPLE_LIMITS,
        )
        evaluate(perturbation_task, session.model, session.plan, log_dir, boundary=boundary)


@dataclass(frozen=True, eq=False)
class _Trace:
    """What the measures of one trace share."""

    session: PerturbationSession
    state: TaskState
    replay: Replay
    judge: AnswerJudge
    continuation: Continuation
    spec: SamplingSpec
    prompt: Prefix

    async def score(self, answer: Segment) -> Judgement:
        completion, cut = completion_of(self.session.plan, self.spec, answer.text), not answer.is_complete
        usage = answer.model_usage()
        return await judge_completion(self.replay, self.judge, self.state, completion, is_truncated=cut, usage=usage)


def _solver(
    session: PerturbationSession,
    name: str,
    traces: Mapping[str, Sequence[Sequence[Measure]]],
    boundary: Boundary,
    on_row: OnRow,
) -> Solver:
    """Return a solver that measures one trace: all its rungs, perturbations and positions without a row."""
    task_plan, task = session.tasks[name]
    replay, judge = Replay(solver_of(task), task=task_plan.task), AnswerJudge(list(task.scorer or ()), task_plan)
    continuations: list[Continuation] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        own = traces[str(state.sample_id)]
        if state.epoch > len(own):
            return state
        continuations[:] = continuations or [continuation_for(evaluated_model())]
        measures, below = own[state.epoch - 1], dict[tuple[object, ...], OversightRow]()
        trace: _Trace | None = None
        for measure in measures:
            rung, plan, position = measure
            meters = UsageMeter(), WriterMeter()
            row = session.row(*measure)
            with boundary.trace() as failure:
                source = session.row(replace(rung, requested_tokens=rung.source), plan, position).key
                earlier = below.get(source) or session.rows.get(source)
                objection = session.objection(rung)
                if objection is not None:
                    row = replace(row, reason=objection)
                elif rung.source != rung.requested_tokens and earlier is not None:
                    row = _carried(row, earlier)
                else:
                    trace = trace or await _opened(
                        session, name, measures[0][0], state, replay, judge, continuations[0]
                    )
                    row = await _measured(trace, row, measure, *meters)
            if failure:
                row = replace(session.row(*measure), error=failure[0])
                row = replace(row, agent=meters[0].since(0), overseer=meters[1].usage)
            else:
                below[row.key] = row
            if (failed := session.errors.get(row.key)) is not None:
                row = replace(row, agent=row.agent + failed.agent, overseer=row.overseer + failed.overseer)
            with boundary.deliberate():
                on_row(row)
        return state

    @solver(name="perturb")
    def perturb(perturbations: str) -> Solver:  # the log shows this argument
        return solve

    return perturb(", ".join(plan.label for plan in session.perturbations))


async def _opened(
    session: PerturbationSession,
    name: str,
    rung: OverseenRung,
    state: TaskState,
    replay: Replay,
    judge: AnswerJudge,
    continuation: Continuation,
) -> _Trace:
    """Return a trace with its prompt rendered, as during its collection."""
    facts, messages = state.metadata or {}, await replay.prompt(state)
    answers: dict[str, str] = {}
    for change in session.prompt_changes.get(rung.arm, ()):
        messages = change.prompt(messages, facts)
        answers |= change.simulated_answers(facts)
    plan, key = session.plan, rung.trace
    budgets = plan.budgets or ()
    spec = sampling_spec(plan, session.tasks[name][0], trace=key, budgets=budgets, prompt=messages, state=state)
    if spec.truth is not None:
        spec = replace(spec, truth=spec.truth | answers)
    prompt = await continuation.start(list(messages), spec.format.open)
    return _Trace(session, state, replay, judge, continuation, spec, prompt)


async def _measured(
    trace: _Trace, row: OversightRow, measure: Measure, meter: UsageMeter, writer: WriterMeter
) -> OversightRow:
    """Return the row of a measure with its answer, or with the reason why there is none."""
    rung, plan, position = measure
    session, text = trace.session, trace.session.texts[rung].thought or ""
    seed = seed_for(trace.spec.seed, "perturb", plan.label, rung.source or 0)
    thought = Thought(session.texts[rung].question, text, rung.thinking_tokens or 0, seed, writer)
    changed = await plan.perturbation.change(thought, position)
    row = replace(row, seed=seed, overseer=writer.usage)
    if changed.text is None:
        return replace(row, reason=changed.reason)
    answer, resumed = await _decoded(trace, changed, measure, meter)
    judgement = await trace.score(answer)
    own = session.answers.get((*rung.trace, rung.source or 0), (None, None))
    good = None if judgement.value is None else judgement.value >= GOOD_FROM
    agreement = _agreement(own, (judgement.answer, good))
    usage = replace(meter.since(0), thinking_tokens=resumed, answer_tokens=answer.tokens)
    return replace(
        row,
        answer=judgement.answer,
        correct=good,
        agreement=agreement,
        agent=replace(usage, judge_tokens=judgement.judge_tokens),
        overseer=writer.usage,
        reason=_UNKNOWN_OWN if agreement is None else None,
    )


async def _decoded(trace: _Trace, changed: ChangedThought, measure: Measure, meter: UsageMeter) -> tuple[Segment, int]:
    """Return the answer behind a changed thinking, and the tokens that the model thought on before it."""
    rung, plan, position = measure
    continuation, spec, budget, resumed = trace.continuation, trace.spec, rung.source or 0, 0
    prefix = await _appended(continuation, trace.prompt, changed)
    truth = {"thought": changed.text}
    if changed.is_resumed:
        own, whole = changed.text or "", trace.session.texts[rung].thought or ""
        tokens = _token_count(trace.prompt, prefix, own, whole, rung.thinking_tokens or 0)
        if tokens < budget:
            sampling = spec.thinking(budget - tokens, "perturb", plan.label, budget, str(position))
            request = continuation.decode(prefix, sampling, truth=spec.truth_for("think", tokens))
            tail = await meter.send(request)
            prefix, resumed = continuation.append(prefix, tail), tail.tokens
            truth = {"thought": f"{own}{tail.text}"}
    fork = await continuation.append_text(prefix, spec.format.close + spec.format.cue)
    sampling = spec.answering(spec.budgets.index(budget), "answer")
    own_truth = spec.truth_for("answer", rung.thinking_tokens or 0)
    request = continuation.decode(fork, sampling, truth=None if own_truth is None else own_truth | truth)
    return await meter.send(request), resumed


async def _appended(continuation: Continuation, prompt: Prefix, changed: ChangedThought) -> Prefix:
    """Return the prompt with the changed thinking; filler is fitted to its number of tokens where ids are known."""
    text = changed.text or ""
    prefix = await continuation.append_text(prompt, text)
    if changed.filler_tokens and prefix.ids is not None and prompt.ids is not None:
        count = len(prefix.ids) - len(prompt.ids)
        pieces = max(round(changed.filler_tokens * changed.filler_tokens / count), 1) if count else 0
        prefix = await continuation.append_text(prompt, FILLER * pieces)
    return prefix


def _token_count(prompt: Prefix, prefix: Prefix, own: str, whole: str, tokens: int) -> int:
    """Return the tokens of a changed thinking: counted where ids are known, else by its letters."""
    if prompt.ids is not None and prefix.ids is not None:
        return len(prefix.ids) - len(prompt.ids)
    return round(tokens * len(own) / max(len(whole), 1))


def _agreement(own: tuple[str | None, bool | None], new: tuple[str | None, bool | None]) -> bool | None:
    """Return whether two answers are one: by their text where the own one has some, else by their value."""
    if own[0] is not None:
        return own[0] == new[0]
    return None if own[1] is None or new[1] is None else own[1] == new[1]


def _carried(row: OversightRow, earlier: OversightRow) -> OversightRow:
    """Return the row of a rung whose answer is that of a lower one, which costs nothing."""
    names = ("answer", "correct", "agreement", "seed", "reason")
    return replace(row, **{name: getattr(earlier, name) for name in names}, agent=TokenUsage(), overseer=TokenUsage())
