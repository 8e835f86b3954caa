"""Think formats: texts that open the thinking, close it at a rung, and ask for the answer."""

from typing import ClassVar, Self

from pydantic import ConfigDict, model_validator

from overthink.components.base import Component, build, component
from overthink.components.registry import Registry

ANSWER_LINE = "ANSWER:"
"""Inspect's convention: a prompt that asks for a final line `ANSWER: …` gets exactly that cue."""


class ThinkFormat(Component):
    """Thinking format of one kind of model.

    At a rung the trace is cut, ``close`` ends the thinking, a cue asks for the answer, and the answer is decoded with
    a token limit of its own. If the model stopped thinking by itself, the same close and cue are applied, so one
    curve never mixes two elicitations of an answer (decisions/0002).

    Attributes:
        open: Beginning of the assistant's turn (omitted if the chat template has it already).
        close: Text inserted at a rung to end the thinking.
        stop: Text with which the model ends its thinking itself, besides its end of turn.
        cue: Text that asks for the answer, if the prompt does not ask for an ``ANSWER:`` line.
        answer_stop: Text that ends an answer to the cue.
        end: End of the thinking inside the turn; "" if thinking and answer are one text.
    """

    model_config = ConfigDict(validate_default=True, strict=True)

    role: ClassVar[str] = "think format"

    open: str
    close: str
    stop: tuple[str, ...] = ()
    cue: str = ""
    answer_stop: tuple[str, ...] = ()
    end: str = ""

    @model_validator(mode="after")
    def _texts(self) -> Self:
        """Check that the thinking has an end, and that no empty text stops it."""
        if not self.close:
            raise ValueError("close is empty; needed: the text that ends the thinking at a rung")
        if "" in (*self.stop, *self.answer_stop):
            raise ValueError("stop and answer_stop hold an empty text, which every text contains; leave it out")
        return self

    def visible(self, turn: str) -> str:
        r"""Return the visible part of a turn given without its opening: the text after the end of the thinking.

        Example:
            >>> think_format("think").visible("hm</think>4"), think_format("think").visible("hm")
            ('4', '')
            >>> think_format("plain").visible("2+2 is 4")
            'Let me think step by step.\n2+2 is 4'
        """
        return turn.partition(self.end)[2] if self.end else self.open + turn


@component("plain")
class PlainText(ThinkFormat):
    """Thinking and answer are one text."""

    open: str = "Let me think step by step.\n"
    close: str = "\n\n"
    cue: str = "Final response:"


@component("think")
class ThinkTags(ThinkFormat):
    """Thinking between <think> and </think>."""

    open: str = "<think>\n"
    close: str = "\n</think>\n\n"
    stop: tuple[str, ...] = ("</think>",)
    end: str = "</think>"


@component("think-opened")
class OpenedThinkTags(ThinkTags):
    """Thinking up to </think>, where the chat template writes <think>, which cannot be queried from its server."""

    open: str = ""


THINK_FORMATS: Registry[ThinkFormat] = Registry(ThinkFormat, (PlainText, ThinkTags, OpenedThinkTags), option="--think")
"""Think formats by name."""


def think_format(name: str) -> ThinkFormat:
    """Return the think format of this name, or of a file as ``FILE.py@NAME``.

    Raises:
        InputError: No format has this name, or it has no texts that open and close the thinking.
    """
    return build(THINK_FORMATS.look_up(name), {}, option="--think")


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
    return base.model_copy(
        update={
            "cue": chosen,
            "stop": (*base.stop, chosen) if chosen else base.stop,
            "answer_stop": ("\n",) if chosen == ANSWER_LINE else base.answer_stop,
        }
    )
