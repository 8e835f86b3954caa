"""Think formats: texts that open the thinking, close it at a rung, and ask for the answer."""

from dataclasses import dataclass, replace

from overthink.errors import InputError

ANSWER_LINE = "ANSWER:"
"""Inspect's convention: a prompt that asks for a final line `ANSWER: …` gets exactly that cue."""


@dataclass(frozen=True, slots=True)
class ThinkFormat:
    """Thinking format of one kind of model.

    At a rung the trace is cut, ``close`` ends the thinking, a cue asks for the answer, and the answer is decoded with
    a token limit of its own. If the model stopped thinking by itself, the same close and cue are applied, so one
    curve never mixes two elicitations of an answer (decisions/0002).

    Attributes:
        name: Its name in ``--think``.
        open: Beginning of the assistant's turn (omitted if the chat template has it already).
        close: Text inserted at a rung to end the thinking.
        stop: Text with which the model ends its thinking itself, besides its end of turn.
        cue: Text that asks for the answer, if the prompt does not ask for an ``ANSWER:`` line.
        answer_stop: Text that ends an answer to the cue.
        end: End of the thinking inside the turn; "" if thinking and answer are one text.
    """

    name: str
    open: str
    close: str
    stop: tuple[str, ...]
    cue: str
    answer_stop: tuple[str, ...]
    end: str = ""

    def visible(self, turn: str) -> str:
        r"""Return the visible part of a turn given without its opening: the text after the end of the thinking.

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
        name="think-opened",  # the chat template writes <think>, which cannot be queried from its server
        open="",
        close="\n</think>\n\n",
        stop=("</think>",),
        cue="",
        answer_stop=(),
        end="</think>",
    ),
)


def think_format(name: str) -> ThinkFormat:
    """Return the built-in think format of this name.

    Raises:
        InputError: No format has this name.
    """
    for candidate in THINK_FORMATS:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in THINK_FORMATS)
    raise InputError(f"unknown think format {name!r}; the built-in ones are: {names}")


def for_prompt(base: ThinkFormat, prompt: str, *, cue: str | None) -> ThinkFormat:
    """Return the format for one prompt.

    Args:
        base: The model's format.
        prompt: Text of all captured messages.
        cue: The evaluator's own cue; None to choose it by the prompt.

    Returns:
        The format with its final cue. A model that writes the cue itself has stopped thinking. An ``ANSWER:`` answer
        ends at the end of its line.
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
