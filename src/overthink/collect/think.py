"""Think formats: how a model's thinking opens, how it is closed at a rung, and how the answer is asked for."""

from dataclasses import dataclass, replace

from overthink.errors import InputError

ANSWER_LINE = "ANSWER:"
"""Inspect's own convention: a prompt that asks for a final line `ANSWER: …` gets exactly that cue."""


@dataclass(frozen=True, slots=True)
class ThinkFormat:
    """How one kind of model thinks.

    At a rung the trace is cut, ``close`` ends the thinking, a cue asks for the answer, and the answer is read with
    an allowance of its own. Where the model stopped thinking by itself the same close and cue are applied, so one
    curve never mixes two ways of reading an answer (decisions/0002).

    Attributes:
        name: What ``--think`` calls it.
        open: What the assistant's turn starts with (left out where the chat template already wrote it).
        close: Written at a rung to end the thinking.
        stop: Text by which the model ends its thinking itself, besides its end of turn.
        cue: Asks for the answer where the prompt does not ask for an ``ANSWER:`` line.
        answer_stop: Text that ends an answer to the cue.
        end: What ends the thinking inside the turn; "" where thinking and answer are one text.
    """

    name: str
    open: str
    close: str
    stop: tuple[str, ...]
    cue: str
    answer_stop: tuple[str, ...]
    end: str = ""

    def visible(self, turn: str) -> str:
        r"""What a reader of the answer sees of a whole turn, its opening left out: nothing before the thinking ends.

        Example:
            >>> think_format("think").visible("hm</think>4"), think_format("think").visible("hm")
            ('4', '')
            >>> think_format("plain").visible("2+2 is 4")
            'Let me think step by step.\n2+2 is 4'
        """
        return turn.partition(self.end)[2] if self.end else self.open + turn


THINK_FORMATS = (
    ThinkFormat(
        name="plain",
        open="Let me think step by step.\n",
        close="\n\n",
        stop=(),
        cue="Final response:",
        answer_stop=(),
    ),
    ThinkFormat(
        name="think",
        open="<think>\n",
        close="\n</think>\n\n",
        stop=("</think>",),
        cue="",
        answer_stop=(),
        end="</think>",
    ),
    ThinkFormat(
        name="think-opened",  # the chat template writes <think>, and its server cannot be asked whether it does
        open="",
        close="\n</think>\n\n",
        stop=("</think>",),
        cue="",
        answer_stop=(),
        end="</think>",
    ),
)


def think_format(name: str) -> ThinkFormat:
    """The built-in think format of that name.

    Raises:
        InputError: No format has this name.
    """
    for known in THINK_FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in THINK_FORMATS)
    raise InputError(f"unknown think format {name!r}; the built-in ones are: {names}")


def for_prompt(base: ThinkFormat, prompt: str, *, cue: str | None) -> ThinkFormat:
    """The format as it is used for one prompt.

    Args:
        base: The model's format.
        prompt: All text of the captured messages.
        cue: The evaluator's own cue; None chooses by the prompt's own words.

    Returns:
        The format with its cue settled. A model that writes the cue itself has stopped thinking. An ``ANSWER:`` line
        is one line, so it ends at the line's end.
    """
    if cue is not None:
        chosen = cue
    else:
        chosen = ANSWER_LINE if ANSWER_LINE in prompt else base.cue
    return replace(
        base,
        cue=chosen,
        stop=(*base.stop, chosen) if chosen else base.stop,
        answer_stop=("\n",) if chosen == ANSWER_LINE else base.answer_stop,
    )
