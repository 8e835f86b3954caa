"""Chain of revisions: draft, critique, draft, and so on, all on one path."""

import math
from dataclasses import dataclass, replace

from overthink.collect.providers.continuation import Prefix
from overthink.collect.arms.component import StepperSetup
from overthink.collect.arms.strategies.draft import Draft, Selection
from overthink.collect.arms.strategies.steps import join_cut_step
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, TraceContext, insert_text
from overthink.data.category import Category

ANSWER = "{answer}"
"""Placeholder of the draft's answer in a critique cue."""


@dataclass(frozen=True, slots=True)
class RevisionOptions:
    """Options of a chain of revisions.

    Attributes:
        rounds: Revisions after the first draft.
        share: Maximum share of the highest budget per draft and per critique.
        critique: Text inserted after a draft; ``{answer}`` stands for its answer.
        revise: Text inserted after a critique.
        selection: Selection of the draft to answer from.
    """

    rounds: int
    share: float
    critique: str
    revise: str
    selection: Selection


class Chain:
    """Revises in one trace. Only complete drafts count; before the first one, the answer is from the current path.

    Its segments are draft, critique, draft, … in turn. Each ends where the model ends its thinking, or at its share.
    Thinking after the selected draft is charged as pruned, and the decoded answers of drafts as probes.
    """

    def __init__(self, context: TraceContext, setup: StepperSetup, how: RevisionOptions) -> None:
        self._context = context
        self._setup = setup
        self._how = how
        self._longest = max(1, math.floor(how.share * context.spec.budgets[-1]))
        self._drafts: list[Draft] = []
        self._piece = 0  # even: a draft, odd: a critique
        self._from = 0  # tokens of the chain at the beginning of the segment
        self._over = False
        self._pruned = 0

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn and the prefix text of interventions."""
        self._path = await insert_text(self._context.continuation, ReasoningPath(prefix), self._setup.prefix_text)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Revise until the budget is used up or the last draft is complete."""
        while not self._over:
            tokens_left = self._from + self._longest - self._path.tokens
            if self._path.ended or tokens_left <= 0:
                await self._next_piece()
            elif self._path.tokens < budget:
                await self._step(min(tokens_left, budget - self._path.tokens))
            else:
                break
        return self._answer_path()

    async def _step(self, room: int) -> None:
        path = self._path
        cut = path.tokens > self._from and not path.text.endswith(LINE_END)  # by the next lower budget
        longer = await self._setup.stepper(path, room)
        self._path = join_cut_step(path, longer) if cut else longer

    def _answer_path(self) -> ReasoningPath:
        chosen = self._how.selection.select(self._drafts).path if self._drafts else self._path
        n_pruned = self._path.tokens - chosen.tokens
        self._context.meter.charge(Category.PRUNED, n_pruned - self._pruned)
        self._pruned = n_pruned
        return replace(chosen, ended=self._over)  # the end of a draft is not the end of its chain

    async def _next_piece(self) -> None:
        if self._piece % 2:
            cue = self._how.revise
        else:
            draft = await self._read(len(self._drafts))
            self._drafts.append(await self._how.selection.inspect(self._context, draft))
            cue = self._how.critique.replace(ANSWER, " ".join(draft.answer.split()))
            self._over = len(self._drafts) > self._how.rounds
        if self._over:
            return
        lead = LINE_END if self._path.text and not self._path.text.endswith(LINE_END) else ""
        going = replace(self._path, ended=False, stop=None)
        self._path = await insert_text(self._context.continuation, going, lead + cue + LINE_END)
        self._piece += 1
        self._from = self._path.tokens

    async def _read(self, number: int) -> Draft:
        """Return the draft that has just ended, with its answer."""
        context, purpose = self._context, ("draft", number)
        form = context.spec.format
        fork = await context.continuation.append_text(self._path.prefix, form.close + form.cue)
        truth = context.spec.truth_for("answer", self._path.tokens)
        answer = await context.meter.send(
            context.continuation.decode(fork, context.spec.answering(*purpose), truth=truth)
        )
        context.meter.charge(Category.PROBE, answer.tokens)
        return Draft(replace(self._path, answer_key=purpose), answer.text)
