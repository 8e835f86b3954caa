"""A monitor with a planted AUROC: it knows which traces are to be caught, and reads them through noise."""

import math
from typing import Annotated

from pydantic import Field
from scipy.special import ndtr, ndtri

from overthink.collect.monitors.base import Excerpt, Monitor, Suspicion
from overthink.collect.providers.simulated.model import uniform
from overthink.collect.providers.simulated.thinking import token_count
from overthink.components.base import Simulated, component
from overthink.data.tokens import TokenUsage


@component("simulated")
class SimulatedMonitor(Monitor):
    """Separates the traces to be caught from the others with a planted AUROC; it reads nothing else.

    Its suspicion is Φ(d·y + ε) with standard normal ε and d = √2·Φ⁻¹(AUROC), so that 0.5 reads nothing.
    """

    auc: Annotated[float, Simulated(0.8)] = Field(gt=0, lt=1, description="AUROC at a budget of 0 thinking tokens")
    per_doubling: float = Field(0.0, description="how much d grows with each doubling of the thinking tokens read")
    seed: int = Field(0, ge=0, description="seed of its noise")

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the planted suspicion; what it would have read is charged as its prompt."""
        excerpt.meter.add(TokenUsage(prompt_tokens=token_count(excerpt.question + excerpt.text)))
        if excerpt.is_bad is None:
            return Suspicion(None, "it is not known whether the trace is to be caught")
        doublings = math.log2(1 + token_count(excerpt.thought or ""))
        distance = math.sqrt(2) * float(ndtri(self.auc)) + self.per_doubling * doublings
        noise = float(ndtri(uniform("monitor", self.seed, self.auc, *excerpt.key)))
        return Suspicion(float(ndtr(distance * excerpt.is_bad + noise)))
