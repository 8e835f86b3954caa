"""A chain of revisions: a draft, a critique of it, another draft, and so on, all on one path."""

import math
from dataclasses import dataclass, replace

from overthink.collect.continuation import Prefix
from overthink.collect.part import Steered
from overthink.collect.search.draft import Draft, Selection
from overthink.collect.search.steps import joined
from overthink.collect.thinking import LINE_END, Means, Path, written
from overthink.core.category import Category

ANSWER = "{answer}"
"""Stands in a critique cue for the draft's answer."""


@dataclass(frozen=True, slots=True)
class Revising:
    """How a chain revises.

    Attributes:
        rounds: Revisions after the first draft.
        share: Share of the highest budget that each draft and each critique may think for.
        critique: What we write behind a draft; ``{answer}`` stands for its answer.
        revise: What we write behind a critique.
        selection: Which draft is answered from.
    """

    rounds: int
    share: float
    critique: str
    revise: str
    selection: Selection


class Chain:
    """Revises in one trace. A draft counts once it is whole; until one is, the one under way is answered from.

    Its pieces are draft, critique, draft, … in turn. Each ends where the model ends its thinking, or at its share. What
    the chain thought behind the draft that is answered from is charged as pruned, and what was decoded to read the
    answers of drafts as probes.
    """

    def __init__(self, means: Means, steered: Steered, how: Revising) -> None:
        self._means = means
        self._steered = steered
        self._how = how
        self._longest = max(1, math.floor(how.share * means.way.budgets[-1]))
        self._drafts: list[Draft] = []
        self._piece = 0  # even: a draft, odd: a critique
        self._from = 0  # tokens of the chain where the piece began
        self._over = False
        self._pruned = 0

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and what an intervention writes there."""
        self._path = await written(self._means.continuation, Path(opened), self._steered.opening)

    async def to(self, rung: int, budget: int) -> Path:
        """Revise until the budget is used up or the last draft is whole."""
        while not self._over:
            left = self._from + self._longest - self._path.tokens
            if self._path.ended or left <= 0:
                await self._next_piece()
            elif self._path.tokens < budget:
                await self._step(min(left, budget - self._path.tokens))
            else:
                break
        return self._answered_from()

    async def _step(self, room: int) -> None:
        path = self._path
        cut = path.tokens > self._from and not path.text.endswith(LINE_END)  # by the budget below this one
        longer = await self._steered.stepper(path, room)
        self._path = joined(path, longer) if cut else longer

    def _answered_from(self) -> Path:
        chosen = self._how.selection.chosen(self._drafts).path if self._drafts else self._path
        pruned = self._path.tokens - chosen.tokens
        self._means.till.charge(Category.PRUNED, pruned - self._pruned)
        self._pruned = pruned
        return replace(chosen, ended=self._over)  # a draft that ended is not the end of its chain

    async def _next_piece(self) -> None:
        if self._piece % 2:
            cue = self._how.revise
        else:
            draft = await self._read(len(self._drafts))
            self._drafts.append(await self._how.selection.seen(self._means, draft))
            cue = self._how.critique.replace(ANSWER, " ".join(draft.answer.split()))
            self._over = len(self._drafts) > self._how.rounds
        if self._over:
            return
        lead = LINE_END if self._path.text and not self._path.text.endswith(LINE_END) else ""
        going = replace(self._path, ended=False, stop=None)
        self._path = await written(self._means.continuation, going, lead + cue + LINE_END)
        self._piece += 1
        self._from = self._path.tokens

    async def _read(self, number: int) -> Draft:
        """The draft that has just ended, with its answer."""
        means, named = self._means, ("draft", number)
        form = means.way.format
        fork = await means.continuation.append_text(self._path.prefix, form.close + form.cue)
        told = means.way.told("answer", self._path.tokens)
        answer = await means.till.paid(means.continuation.decode(fork, means.way.answering(*named), truth=told))
        means.till.charge(Category.PROBE, answer.tokens)
        return Draft(replace(self._path, answered=named), answer.text)
