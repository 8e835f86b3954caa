"""The calculators by name, as ``overthink calc`` lists them.

>>> import datetime, numpy as np
>>> result = CALCULATORS["exfiltration"].calculate(
...     weights_bytes=1e12, upload_bytes_per_day=1e11, day=datetime.date(2026, 1, 1), rng=np.random.default_rng(0)
... )
>>> result.result("days_under_the_limit").estimate
10.0
"""

from overthink.components.registry import Registry
from overthink.governance.calculators.base import Calculator
from overthink.governance.calculators.chips import Chips
from overthink.governance.calculators.cost import Cost
from overthink.governance.calculators.effective_compute import EffectiveCompute
from overthink.governance.calculators.exfiltration import Exfiltration
from overthink.governance.calculators.inference_flop import InferenceFlop
from overthink.governance.calculators.modification import ModificationRule
from overthink.governance.calculators.overhang import Overhang
from overthink.governance.calculators.stolen_weights import StolenWeights

CALCULATORS: Registry[Calculator] = Registry(
    Calculator,  # type: ignore[type-abstract]
    (EffectiveCompute, InferenceFlop, Overhang, Exfiltration, StolenWeights, Cost, Chips, ModificationRule),
    option="calc",
)
"""Calculators by name."""
