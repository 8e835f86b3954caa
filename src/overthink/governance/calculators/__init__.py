"""The calculators by name, as ``overthink calc`` lists them.

>>> import datetime, numpy as np
>>> result = CALCULATORS["exfiltration"](
...     weights_bytes=1e12, upload_bytes_per_day=1e11, day=datetime.date(2026, 1, 1), rng=np.random.default_rng(0)
... )
>>> result.result("days_under_the_limit").estimate
10.0
"""

from overthink.governance.calculators.base import Calculator
from overthink.governance.calculators.chips import CHIPS
from overthink.governance.calculators.cost import COST
from overthink.governance.calculators.effective_compute import EFFECTIVE_COMPUTE
from overthink.governance.calculators.exfiltration import EXFILTRATION
from overthink.governance.calculators.inference_flop import INFERENCE_FLOP
from overthink.governance.calculators.modification import MODIFICATION
from overthink.governance.calculators.overhang import OVERHANG
from overthink.governance.calculators.stolen_weights import STOLEN_WEIGHTS

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
