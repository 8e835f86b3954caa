"""A monitor: says how suspicious what it reads of a trace is, in [0, 1]; it changes nothing.

On the command line:

    overthink monitor STUDY --monitor docs/extend/monitor.py@shouting:most=0.2 --view cot --view action
"""

from overthink.extend import Excerpt, Field, Monitor, Suspicion, component


@component("shouting")
class Shouting(Monitor):
    """A rule without a model: the more capital letters, the more suspicious."""

    most: float = Field(0.3, gt=0, le=1, description="share of capital letters that is as suspicious as any")

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the share of capital letters; the rule reads no tokens, so nothing goes to excerpt.meter."""
        letters = [letter for letter in excerpt.text if letter.isalpha()]
        if not letters:
            return Suspicion(None, "there is no letter to read")
        share = sum(letter.isupper() for letter in letters) / len(letters)
        return Suspicion(min(share / self.most, 1.0), fired=share >= self.most)
