"""Probes: a planted activation, a projection that a seed fixes, and readings as text."""

import asyncio
import math

import numpy as np
import pytest
from scipy.special import ndtr

from overthink.collect.monitors.base import Excerpt
from overthink.collect.monitors.probe import projection, word_counts
from overthink.collect.monitors.registry import read_monitor
from overthink.data.oversight import View
from overthink.data.projections import is_probe, packed, unpacked
from overthink.errors import InputError


def test_the_simulated_source_has_the_auroc_that_is_planted() -> None:
    source = read_monitor("simulated_probe:auc=0.8", model="overthink/simulated").monitor

    async def first(number: int) -> float:
        excerpt = Excerpt(View.COT, "?", "", None, key=(number,), is_bad=bool(number % 2))
        reading = (await source.judge(excerpt)).reading
        assert reading is not None
        return float(reading.activations[1, 0])

    async def many() -> list[float]:
        return [await first(number) for number in range(600)]

    cells = np.array(asyncio.run(many()))
    good, bad = cells[::2], cells[1::2]
    assert (bad[:, None] > good).mean() == pytest.approx(0.8, abs=0.06)
    assert bad.mean() - good.mean() == pytest.approx(math.sqrt(2) * 0.8416, abs=0.25)
    assert float(ndtr(1.19 / math.sqrt(2))) == pytest.approx(0.8, abs=0.001)


def test_projections_and_words_are_the_same_everywhere() -> None:
    assert projection(6, 2, seed=3)[0].tolist() == pytest.approx(projection(6, 2, seed=3)[0].tolist())
    assert not np.allclose(projection(6, 2, seed=3), projection(6, 2, seed=4))
    assert word_counts("So it is, so").sum() == 5
    assert np.flatnonzero(word_counts("overthink")).tolist() == [50]
    assert unpacked(packed(np.array([[1.5, -2.0]]))).tolist() == [1.5, -2.0]


@pytest.mark.parametrize("text", ["####", packed(np.array([np.nan]))])
def test_a_damaged_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Only base64|Non-base64|finite|padding"):
        unpacked(text)


def test_another_provider_shows_no_activations() -> None:
    with pytest.raises(InputError, match="no other provider shows activations"):
        read_monitor("probe:model=openai/x", model="openai/x")
    with pytest.raises(InputError, match="another model"):
        read_monitor("simulated_probe", model="hf/m")
    assert is_probe(read_monitor("probe:model=hf/m,dims=8", model="hf/m").label)
