"""The calculators by name, as ``overthink calc`` lists them.

>>> import datetime, numpy as np
>>> result = CALCULATORS["exfiltration"](
...     weights_bytes=1e12, upload_bytes_per_day=1e11, day=datetime.date(2026, 1, 1), rng=np.random.default_rng(0)
... )
>>> result.result("days_under_the_limit").estimate
10.0
"""

from overthink.govern.calculator import Calculator
from overthink.govern.calculators.chips import CHIPS
from overthink.govern.calculators.cost import COST
from overthink.govern.calculators.effective_compute import EFFECTIVE_COMPUTE
from overthink.govern.calculators.exfiltration import EXFILTRATION
from overthink.govern.calculators.inference_flop import INFERENCE_FLOP
from overthink.govern.calculators.modification import MODIFICATION
from overthink.govern.calculators.overhang import OVERHANG
from overthink.govern.calculators.stolen_weights import STOLEN_WEIGHTS

CALCULATORS: dict[str, Calculator] = {
    calculator.name: calculator
    for calculator in (
        EFFECTIVE_COMPUTE,
        INFERENCE_FLOP,
        OVERHANG,
        EXFILTRATION,
        STOLEN_WEIGHTS,
        COST,
        CHIPS,
        MODIFICATION,
    )
}
