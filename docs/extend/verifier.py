"""A verifier: scores the steps of a path in [0, 1]; an answer is its last step unless `answer` says otherwise.

On the command line:

    overthink verify STUDY --verifier docs/extend/verifier.py@unhedged:aggregate=min --by steps
    overthink run … --arms "prm-beam:verifier=docs/extend/verifier.py@unhedged:words=perhaps;weight=2"
"""

from overthink.extend import Field, ReasoningPath, Scores, TraceContext, Verifier, component


@component("unhedged")
class Unhedged(Verifier):
    """A rule without a model: the fewer words of doubt in a step, the better."""

    words: str = Field("maybe|perhaps|not sure", description="words of doubt, with | between them")
    weight: float = Field(1.0, gt=0, description="how much each of them lowers the score")

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Return the scores of all steps, or of the last one; the rule reads no tokens."""
        doubts = self.words.lower().split("|")
        counts = [sum(step.lower().count(word) for word in doubts) for step in path.steps]
        scores = tuple(1 / (1 + self.weight * count) for count in counts)
        return Scores(scores[-1:] if last_only else scores, tokens=0)
