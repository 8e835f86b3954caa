"""Activations behind a trace up to a rung, projected, as a probe reads them; with what its baselines read.

Activations themselves are never stored: a fixed random projection of each layer is, whose seed is among the settings of
the monitor. A probe has no score of its own: it is trained on all traces of a rung at once, when a study is analysed.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.data.oversight_cells import MonitorScores
from overthink.errors import InputError

PROBES = ("probe", "simulated_probe")
"""Names of monitors that read activations."""

_FLOAT = np.dtype("<f4")


def is_probe(monitor: str) -> bool:
    """Return whether a monitor reads activations, by its label.

    Example:
        >>> is_probe("probe:model=hf/m"), is_probe("text:model=hf/m")
        (True, False)
    """
    return monitor.split(":", 1)[0].split(" ", 1)[0] in PROBES


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a probe reads of one trace up to a rung.

    Attributes:
        activations: (layer, feature) at the last token.
        prompt: (layer, feature) at the last token of the question.
        words: (bucket,) number of words of the text by hash.
        length: Tokens of the text behind the question.
    """

    activations: Array
    prompt: Array
    words: Array
    length: int


@dataclass(frozen=True, slots=True)
class Projection:
    """One line of ``projections.jsonl``: a reading, and whose it is. Arrays are float32, little-endian, in base64.

    Attributes:
        task: Task name, as in the pool.
        arm: Label of the arm, as in the pool.
        question: Question id, as in the pool.
        draw: Number of the trace, as in the pool.
        requested_tokens: Thinking budget of the rung; None where it has no such number.
        effort: The provider's level, where the rung is one.
        view: What was read.
        monitor: Label of the monitor.
        layers: Number of layers.
        length: Tokens of the text behind the question.
        activations: Projected activations at the last token.
        prompt: Those at the last token of the question.
        words: Number of words of the text by hash.
    """

    task: str
    arm: str
    question: str
    draw: int
    requested_tokens: int | None
    effort: str | None
    view: str
    monitor: str
    layers: int
    length: int
    activations: str
    prompt: str
    words: str

    @property
    def key(self) -> tuple[str, str, str, str, str, int, int | None, str]:
        """What names it: monitor, view, task, arm, question, draw, budget and level."""
        place = self.monitor, self.view, self.task, self.arm, self.question
        return (*place, self.draw, self.requested_tokens, self.effort or "")

    def reading(self) -> Reading:
        """Return its arrays.

        Raises:
            InputError: They are damaged.
        """
        try:
            activations, prompt = (unpacked(text).reshape(self.layers, -1) for text in (self.activations, self.prompt))
            words = unpacked(self.words)
        except ValueError as failure:
            raise InputError(
                f"the projection of {self.question!r:.80} is damaged ({failure}); needed: base64 of float32"
            ) from failure
        return Reading(activations, prompt, words, self.length)


def packed(values: Array) -> str:
    """Return an array as text.

    Example:
        >>> unpacked(packed(np.array([0.5, 2.0]))).tolist()
        [0.5, 2.0]
    """
    return base64.b64encode(np.ascontiguousarray(values, dtype=_FLOAT).tobytes()).decode("ascii")


def unpacked(text: str) -> Array:
    """Return the array of a text.

    Raises:
        ValueError: It is no text of :func:`packed`, or holds a number that is not finite.
    """
    values = np.frombuffer(base64.b64decode(text, validate=True), dtype=_FLOAT).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a number is not finite")
    return values


@dataclass(frozen=True, slots=True, eq=False)
class ProbeRuns:
    """Runs of one task with what a probe reads of each. Arrays are (run, …), runs as in the block.

    Attributes:
        block: The runs; a probe has no scores there.
        is_read: Whether the run has a reading.
        activations: (run, layer, feature); 0 without a reading.
        prompts: (run, layer, feature).
        words: (run, bucket).
        lengths: (run,) tokens behind the question.
    """

    block: MonitorScores
    is_read: NDArray[np.bool_]
    activations: Array
    prompts: Array
    words: Array
    lengths: Array


def probe_runs(blocks: Sequence[MonitorScores], projections: Iterable[Projection]) -> tuple[ProbeRuns, ...]:
    """Return the runs of probes with their readings; a run behind the end of its trace has that of the rung below.

    Args:
        blocks: Runs of the table on oversight; those of probes count.
        projections: Their readings.

    Raises:
        InputError: A projection is damaged, or two of one monitor differ in shape.
    """
    readings = {projection.key: projection.reading() for projection in projections}
    runs = (_runs(block, readings) for block in blocks if is_probe(block.monitor))
    return tuple(each for each in runs if each is not None)


def _runs(
    block: MonitorScores, readings: dict[tuple[str, str, str, str, str, int, int | None, str], Reading]
) -> ProbeRuns | None:
    own: list[Reading | None] = []
    last: tuple[object, Reading | None] = (None, None)
    for index in range(len(block.scores)):
        trace = str(block.arms[index]), str(block.questions[index]), int(block.draws[index])
        budget = None if np.isnan(block.requested[index]) else int(block.requested[index])
        names = block.monitor, block.view, block.task
        reading = readings.get((*names, *trace, budget, str(block.efforts[index])))
        if reading is None and block.ended[index] and last[0] == trace:
            reading = last[1]
        last = trace, reading
        own.append(reading)
    first = next((reading for reading in own if reading is not None), None)
    if first is None:
        return None
    shapes = {(item.activations.shape, item.words.shape) for item in own if item is not None}
    if len(shapes) > 1:
        raise InputError(f"projections of {block.monitor:.80} differ in shape: {sorted(shapes)}; needed: one")
    empty = Reading(np.zeros_like(first.activations), np.zeros_like(first.prompt), np.zeros_like(first.words), 0)
    full = [item or empty for item in own]
    return ProbeRuns(
        block,
        np.array([item is not None for item in own]),
        np.stack([item.activations for item in full]),
        np.stack([item.prompt for item in full]),
        np.stack([item.words for item in full]),
        np.array([item.length for item in full], dtype=np.float64),
    )
