"""Chain of revisions: draft, critique, draft, and so on, all on one path.

Drafts of a chain of revisions, and the selection of the draft to answer from.

Sequential revision: draft, critique, revise, within one chain (Madaan et al. 2023; Snell et al. 2024).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Protocol, Self

from pydantic import Field, PrivateAttr

from overthink.collect.arms.component import StepperSetup, Strategy
from overthink.collect.arms.strategies.tree import (
    charged_scores,
    join_cut_step,
    open_search_verifier,
    verifier_model_names,
)
from overthink.collect.arms.verifiers.base import Verifier
from overthink.collect.ladder.decisions import draw_order
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Thinker, TraceContext, insert_text
from overthink.collect.providers.continuation import Prefix
from overthink.collect.scoring.judging import canonical
from overthink.components.base import Simulated, component
from overthink.data.record import Category
from overthink.plan.study import Plan


@dataclass(frozen=True, slots=True)
class Draft:
    """A complete draft with its answer.

    Attributes:
        path: The chain up to the draft's end.
        answer: Its answer.
    """

    path: ReasoningPath
    answer: str


class Selection(Protocol):
    """Protocol: selects the draft of a chain to answer from."""

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Inspect a new draft, once, and return it."""
        ...

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the draft to answer from, of at least one; the last of ties."""
        ...


class Majority:
    """Selects the most frequent answer; the last one of ties.

    Example:
        >>> drafts = [Draft(ReasoningPath(prefix=None), answer) for answer in ("7", "ANSWER: 42", "42.", "7", "9")]
        >>> Majority().select(drafts).answer, Majority().select(drafts[:3]).answer
        ('7', '42.')
    """

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Return the draft unchanged: only its answer counts."""
        return draft

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the last draft with the most frequent answer; unreadable answers have no vote."""
        votes = Counter(vote for vote in (canonical(draft.answer) for draft in drafts) if vote is not None)
        return _last_best(drafts, [votes[canonical(draft.answer) or ""] for draft in drafts])


class ByVerifier:
    """Selects the draft with the highest verifier score of its answer."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Return the draft with its score."""
        scores = await charged_scores(context, self._verifier.answer(context, draft.path, draft.answer))
        return replace(draft, path=replace(draft.path, score=None if scores is None else scores[-1]))

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the last draft with the highest score; one without a score only if no draft has one."""
        return _last_best(drafts, [-1.0 if draft.path.score is None else draft.path.score for draft in drafts])


def _last_best(drafts: Sequence[Draft], worth: Sequence[float]) -> Draft:
    return drafts[max(range(len(drafts)), key=lambda number: (worth[number], number))]


ANSWER = "{answer}"
"""Placeholder of the draft's answer in a critique cue."""


class Chain:
    """Revises in one trace. Only complete drafts count; before the first one, the answer is from the current path.

    Its segments are draft, critique, draft, … in turn. Each ends where the model ends its thinking, or at its share.
    Thinking after the selected draft is charged as pruned, and the decoded answers of drafts as probes.
    """

    def __init__(self, context: TraceContext, setup: StepperSetup, how: "Revision") -> None:
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
        chosen = self._select().path if self._drafts else self._path
        n_pruned = self._path.tokens - chosen.tokens
        self._context.meter.charge(Category.PRUNED, n_pruned - self._pruned)
        self._pruned = n_pruned
        return replace(chosen, ended=self._over)  # the end of a draft is not the end of its chain

    def _select(self) -> Draft:
        if not self._context.decisions.draws_candidates:
            return self._how.selection.select(self._drafts)
        names = [str(number) for number in range(len(self._drafts))]
        return self._drafts[draw_order(self._context.spec.seed, names, "draft", len(names))[0]]

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


MAJORITY = "majority"

CRITIQUE = f"My answer so far is: {ANSWER}. Let me look for mistakes in it."
"""Default text after a draft."""

REVISE = "Now let me write an improved solution with these mistakes put right."
"""Default text after a critique."""


@component("revise")
class Revision(Strategy):
    """Draft, critique, revise within one chain; a vote of the drafts or a verifier selects."""

    decides: ClassVar[Literal["", "steps", "candidates"]] = "candidates"
    rounds: Annotated[int, Simulated(2)] = Field(ge=1, description="revisions after the first draft")
    share: Annotated[float, Simulated(0.2)] = Field(
        ge=0.001, le=1, description="share of the highest budget that each draft and each critique may think for"
    )
    verifier: Annotated[str, Simulated(MAJORITY)] = Field(
        description=f"who selects a draft: {MAJORITY}, or a verifier of answers"
    )
    critique: str = Field(CRITIQUE, description=f"text behind a draft; {ANSWER} is its answer; ours")
    revise: str = Field(REVISE, description="text behind a critique; ours")
    _selection: Selection = PrivateAttr(default_factory=Majority)

    @property
    def max_decode_factor(self) -> float:
        """Every revision is a critique and a draft."""
        return 2.0 + float(self.rounds)

    @property
    def models(self) -> tuple[str, ...]:
        """Models of the verifier."""
        return () if self.verifier == MAJORITY else verifier_model_names(self.verifier)

    @property
    def selection(self) -> Selection:
        """Selection of the draft to answer from."""
        return self._selection

    def open(self, plan: Plan) -> Self:
        """Return the strategy with its verifier opened.

        Raises:
            InputError: The verifier cannot be opened.
        """
        if self.verifier == MAJORITY:
            return self
        opened = self.model_copy()
        opened._selection = ByVerifier(open_search_verifier(self.verifier, plan))
        return opened

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return Chain(context, setup, self)
