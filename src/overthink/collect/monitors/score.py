"""Scoring of existing traces by monitors through Inspect's `eval`, so that every call of theirs is logged."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.solver import Generate, Solver, TaskState, solver

from overthink.collect.monitors.base import HIDDEN, Excerpt, Suspicion, suspicion_of
from overthink.collect.monitors.registry import MonitorPlan
from overthink.collect.monitors.texts import TraceText
from overthink.collect.providers.attempts import Patience
from overthink.collect.rescore.open import NO_MODEL
from overthink.collect.session.failures import Boundary
from overthink.collect.session.open import open_model
from overthink.collect.session.prompt_length import LETTERS_PER_TOKEN
from overthink.collect.session.run import evaluate
from overthink.cost.prices import bill_text, is_own
from overthink.data.oversight import HONEST, OversightRow, RedTeam, View
from overthink.data.oversight_pool import OverseenRung
from overthink.data.projections import Projection, Reading, packed
from overthink.data.tokens import NO_USAGE
from overthink.data.visible import visible

NO_LOG = "its text is in no log that is there"
"""Reason of a row whose trace cannot be read."""

_PROMPT_LETTERS = 900
"""Letters of a monitor's own prompt, about."""

OnRow = Callable[[OversightRow], None]
OnReading = Callable[[Projection], None]


@dataclass(frozen=True, slots=True)
class Attack:
    """Which attack policy an arm follows.

    Attributes:
        policy: Label of the policy; :data:`~overthink.data.oversight.HONEST` for none, None where it is unknown.
        red_team: What the policy knows of the monitor.
    """

    policy: str | None = HONEST
    red_team: RedTeam | None = None


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """Settings of a run of Inspect's eval that monitors need.

    Attributes:
        concurrency: Samples, and requests, at once.
        grader: None: nothing is graded.
        limit: None: every question that has a trace to score.
    """

    concurrency: int = 16
    grader: str | None = None
    limit: int | None = None


@dataclass(frozen=True, eq=False)
class MonitorSession:
    """Opened inputs of monitoring.

    Attributes:
        monitors: The monitors, opened.
        views: What they read.
        rungs: Every rung of every trace, sorted by trace.
        texts: Texts of the rungs, of those that have some.
        attacks: Attack policy of each arm; an arm that is not among them is honest.
        scores: Rows with a score, or a reason for none, by their keys.
        errors: Rows with an error, by their keys: they are measured again, and their tokens stay counted.
        settings: Settings of the run.
        patience: Bounds on waiting for providers.
    """

    monitors: tuple[MonitorPlan, ...]
    views: tuple[View, ...]
    rungs: Sequence[OverseenRung]
    texts: Mapping[OverseenRung, TraceText]
    attacks: Mapping[str, Attack]
    scores: Mapping[tuple[object, ...], OversightRow]
    errors: Mapping[tuple[object, ...], OversightRow] = field(default_factory=dict)
    settings: MonitorSettings = field(default_factory=MonitorSettings)
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def missing(self) -> list[tuple[OverseenRung, MonitorPlan, View]]:
        """What has no row yet, in the order of the rungs."""
        missing = ((rung, plan, view) for rung in self.rungs for plan in self.monitors for view in self.views)
        return [item for item in missing if self.row(*item).key not in self.scores]

    @property
    def is_paid(self) -> bool:
        """Whether a monitor may be billed by a provider."""
        return not all(is_own(name) for plan in self.monitors for name in plan.monitor.models)

    def attack_of(self, rung: OverseenRung) -> Attack:
        """Return the attack policy of a rung's trace: of its sample where that says it, else of its arm."""
        text = self.texts.get(rung)
        return self.attacks.get(rung.arm, Attack()) if text is None or text.attack is None else Attack(text.attack)

    @cached_property
    def has_attacks(self) -> bool:
        """Whether any trace follows an attack policy."""
        return any(self.attack_of(rung).policy not in (None, HONEST) for rung in self.rungs)

    def row(self, rung: OverseenRung, plan: MonitorPlan, view: View) -> OversightRow:
        """Return the row of a rung, a monitor and a view, without a score."""
        attack = self.attack_of(rung)
        return rung.row(
            attack=attack.policy,
            red_team=attack.red_team,
            view=view,
            monitor=plan.label,
            monitor_model=next(iter(plan.monitor.models), None),
            monitor_effort=plan.monitor.thinking,
            correct=rung.correct,
        )

    def estimate(self) -> str:
        """Return the estimated cost as text, a line per monitor."""
        return "\n".join(self._estimate(plan) for plan in self.monitors)

    def _estimate(self, plan: MonitorPlan) -> str:
        monitor, calls, prompt, decoded = plan.monitor, 0, 0, 0
        for rung, other, view in self.missing:
            if other is not plan or rung not in self.texts or rung.source != rung.requested_tokens:
                continue
            text = self.texts[rung]
            extra = 1 if view is View.EXTRACTED else 0
            letters = len(text.question) + len(text.thought or "") + len(text.answer) + _PROMPT_LETTERS
            calls += monitor.calls + extra if monitor.calls else 0
            prompt += (monitor.calls + extra) * (letters // LETTERS_PER_TOKEN)
            decoded += monitor.reply_tokens
        line = f"{plan.label}: {sum(other is plan for _, other, _ in self.missing):,} scores"
        if not monitor.models:
            return visible(f"{line}; no model is called", None)
        line += f", at most {calls:,} calls, about {prompt:,} prompt and {decoded:,} decoded tokens"
        if all(is_own(name) for name in monitor.models):
            return visible(f"{line}; no charge: it runs on this machine", None)
        return visible(f"{line}; {bill_text(monitor.models[0], prompt, decoded)}", None)


def collect_suspicions(
    session: MonitorSession, *, log_dir: Path, on_row: OnRow, on_reading: OnReading = lambda _: None
) -> None:
    """Score every rung that has no score, passing each row to `on_row` at once.

    A rung whose trace had ended below has what that rung has, at no cost. A failed call makes a row with its error and
    the tokens until then, which is measured again by the next command.

    Args:
        session: The opened inputs.
        log_dir: Folder of Inspect's logs, which hold what the monitors read and said.
        on_row: Callback for every row.
        on_reading: Callback for what a probe reads, before its row.

    Raises:
        InputError: A monitor does not work with its settings.
        StoppedError: A server is unavailable; rows so far are kept.
        KeyboardInterrupt: The user interrupted the run.
    """
    missing: dict[str, dict[tuple[object, ...], list[tuple[OverseenRung, MonitorPlan, View]]]] = {}
    for item in session.missing:
        rung = item[0]
        missing.setdefault(f"{rung.task}/{rung.question}", {}).setdefault(rung.trace, []).append(item)
    if not missing:
        return
    boundary = Boundary(patience=session.patience, resume="repeat the command", cause="the monitor works")
    task = Task(
        dataset=MemoryDataset([Sample(id=name, input=name) for name in missing], name="oversight"),
        solver=_monitor_solver(
            session, {name: list(traces.values()) for name, traces in missing.items()}, boundary, (on_row, on_reading)
        ),
        epochs=max(map(len, missing.values())),
        name="oversight",
    )
    evaluate(task, open_model(NO_MODEL, {}), session.settings, log_dir, boundary=boundary)


def _monitor_solver(
    session: MonitorSession,
    traces: Mapping[str, Sequence[Sequence[tuple[OverseenRung, MonitorPlan, View]]]],
    boundary: Boundary,
    callbacks: tuple[OnRow, OnReading],
) -> Solver:
    """Return a solver that scores one trace: all its rungs, monitors and views that have no score."""
    on_row, on_reading = callbacks

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        own = traces[str(state.sample_id)]
        if state.epoch <= len(own):
            below: dict[tuple[object, ...], OversightRow] = {}
            for rung, plan, view in own[state.epoch - 1]:
                with boundary.trace() as failure:
                    row, excerpt = session.row(rung, plan, view), _excerpt(session, rung, plan, view)
                    earlier = below.get((rung.source, plan.label, view)) or _earlier(session, rung, plan, view)
                    if rung.source != rung.requested_tokens and earlier is not None:
                        row = replace(row, score=earlier.score, fired=earlier.fired, reason=earlier.reason)
                    elif isinstance(excerpt, str):
                        row = replace(row, reason=excerpt)
                    else:
                        with boundary.deliberate():
                            suspicion = await suspicion_of(plan.monitor, excerpt, label=plan.label)
                            if suspicion.reading is not None:
                                on_reading(_projection(row, suspicion.reading))
                        row = _with_suspicion(row, suspicion, excerpt)
                if failure:
                    usage = excerpt.meter.usage if isinstance(excerpt, Excerpt) else NO_USAGE
                    row = replace(session.row(rung, plan, view), error=failure[0], overseer=usage)
                else:
                    below[rung.requested_tokens, plan.label, view] = row
                if row.key in session.errors:
                    row = replace(row, overseer=row.overseer + session.errors[row.key].overseer)
                with boundary.deliberate():
                    on_row(row)
        return state

    @solver(name="monitor")
    def monitor(monitors: str) -> Solver:  # the log shows this argument
        return solve

    return monitor(", ".join(plan.label for plan in session.monitors))


def _earlier(session: MonitorSession, rung: OverseenRung, plan: MonitorPlan, view: View) -> OversightRow | None:
    """Return the stored row of the rung that a rung's answer was carried forward from."""
    return session.scores.get(session.row(replace(rung, requested_tokens=rung.source), plan, view).key)


def _with_suspicion(row: OversightRow, suspicion: Suspicion, excerpt: Excerpt) -> OversightRow:
    return replace(
        row, score=suspicion.score, fired=suspicion.fired, reason=suspicion.reason, overseer=excerpt.meter.usage
    )


def _projection(row: OversightRow, reading: Reading) -> Projection:
    """Return a reading under the names of its row."""
    names = row.task, row.arm, row.question, row.draw, row.requested_tokens, row.effort
    tables = (packed(table) for table in (reading.activations, reading.prompt, reading.words))
    shape = len(reading.activations), reading.length
    return Projection(*names, str(row.view), str(row.monitor), *shape, *tables)


def _excerpt(session: MonitorSession, rung: OverseenRung, plan: MonitorPlan, view: View) -> Excerpt | str:
    """Return what a monitor reads of a rung, or why it cannot; a simulated one alone knows what is to be caught."""
    text = session.texts.get(rung)
    if text is None:
        return NO_LOG
    if text.thought is None and view is not View.ACTION:
        return HIDDEN
    policy = session.attack_of(rung).policy
    is_bad = (None if policy is None else policy != HONEST) if session.has_attacks else rung.behaviour
    key = (*rung.trace, rung.source, rung.effort, str(view))  # it names the arm
    return Excerpt(
        view=view,
        question=text.question,
        thought=None if view is View.ACTION else text.thought,
        answer=None if view is View.COT else text.answer,
        sample=(text.log, rung.question, text.epoch),
        is_whole=rung.is_highest,
        key=key if plan.is_simulated else (hashlib.sha256(repr(key).encode()).hexdigest(),),
        is_bad=is_bad if plan.is_simulated else None,
    )


def open_monitors(plans: Sequence[MonitorPlan]) -> tuple[MonitorPlan, ...]:
    """Return the monitors with their models opened.

    Raises:
        InputError: One cannot be opened.
    """
    return tuple(replace(plan, monitor=plan.monitor.open()) for plan in plans)
