"""A think format: the texts that open and close a model's thinking.

On the command line:

    overthink run … --think docs/extend/think_format.py@reasoning
"""

from overthink.extend import ThinkFormat, component


@component("reasoning")
class Reasoning(ThinkFormat):
    """Thinking between <reasoning> and </reasoning>."""

    open: str = "<reasoning>\n"
    close: str = "\n</reasoning>\n\n"
    stop: tuple[str, ...] = ("</reasoning>",)
    end: str = "</reasoning>"
