"""The verifier that ``overthink/simulated`` brings: it reads the marks of quality at the beginning of its steps."""

from overthink.collect.pieces import encode
from overthink.collect.simulated import uniform
from overthink.collect.simulated_turn import SHAKY, SOUND
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.verifier import Scored

SCORES = {SOUND: 0.9, SHAKY: 0.1}
"""By mark: the score of the step."""

UNMARKED = 0.5
"""The score of what has no mark where no marked step stands before it; elsewhere it is as good as those before."""


class SimulatedVerifier:
    """Tells sound steps from shaky ones, and reads every step that it is shown.

    Args:
        error: Share of steps that it takes for the opposite: 0 for a perfect verifier, 0.5 for one that knows nothing,
            1 for one that is always wrong.
    """

    name = "simulated"
    models: tuple[str, ...] = ()

    def __init__(self, error: float = 0.0) -> None:
        self._error = error

    async def steps(self, means: Means, path: Path, *, last_only: bool) -> Scored:
        """Score the steps of a path."""
        scores = self._scores(path.steps)
        return Scored(scores[-1:] if last_only else scores, len(encode("".join(path.steps))))

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer by the steps that led to it."""
        return Scored(self._scores((*path.steps, ""))[-1:], len(encode(path.text + answer)))

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score the steps of a path, and the answer by them."""
        return Scored(self._scores((*path.steps, "")), len(encode(path.text + answer)))

    def _scores(self, steps: tuple[str, ...]) -> tuple[float, ...]:
        marked: list[float] = []
        scores = []
        for step in steps:
            mark = self._marked(step)
            if mark is not None:
                marked.append(mark)
            before = sum(marked) / len(marked) if marked else UNMARKED
            scores.append(before if mark is None else mark)
        return tuple(scores)

    def _marked(self, step: str) -> float | None:
        for mark, score in SCORES.items():
            if step.startswith(mark):
                return 1 - score if uniform("verifier", step) < self._error else score
        return None
