"""A guard: says how safe the thinking so far is; an arm acts on it with `safethink` or `monitor`.

On the command line:

    overthink run … --arms "safethink:guard=docs/extend/guard.py@word-list:words=bomb,scale=probability,tau=0.5,m=3,b=2"
"""

from overthink.extend import Field, Guard, GuardScore, ReasoningPath, TraceContext, component


@component("word-list")
class WordList(Guard):
    """Thinking with a word of a list is unsafe."""

    words: str = Field(description="the words, with | between them")

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Return 1 for safe thinking, else 0; the list reads no tokens."""
        text = path.text.lower()
        return GuardScore(float(not any(word in text for word in self.words.lower().split("|"))), tokens=0)
