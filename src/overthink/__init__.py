"""Overthink measures what more thinking does to a model: how much more it can do, and how much less safe it gets.

>>> from overthink import pass_at_k
>>> pass_at_k([4], [1], [1, 2, 4]).round(3).tolist()
[[0.25, 0.5, 1.0]]
"""

import importlib
from typing import TYPE_CHECKING, Any

from overthink._version import __version__ as __version__
from overthink.errors import InputError, OverthinkError, StoppedError

if TYPE_CHECKING:
    from overthink.data.kinds import Kind, Metric
    from overthink.data.record import Axis
    from overthink.forecasts import Forecast, forecast
    from overthink.governance.calculators.effective_compute import effective_compute
    from overthink.governance.calculators.functions import calc
    from overthink.governance.thresholds.lookup import thresholds
    from overthink.plan.study import Plan
    from overthink.stats.commitment import commitment_step
    from overthink.stats.divergence import divergence
    from overthink.stats.first_success import first_success_at_k
    from overthink.stats.judge_correction import correct_judge
    from overthink.stats.oversight.auroc import auroc
    from overthink.stats.oversight.encoded import information_bits, success_bound
    from overthink.stats.oversight.recovered import performance_gap_recovered
    from overthink.stats.oversight.tpr_at_fpr import tpr_at_fpr
    from overthink.stats.pass_at_k import best_at_k, consensus_at_k, majority_at_k, pass_at_k, worst_at_k
    from overthink.stats.shape import shape_verdict
    from overthink.workflows.analyse import analyse, arms, prepare, report, run, tasks
    from overthink.workflows.compare import compare
    from overthink.workflows.experiment import experiment
    from overthink.workflows.exports import every_eval_ever, long_table
    from overthink.workflows.forecast_table import forecast_table
    from overthink.workflows.label import label
    from overthink.workflows.merge import merge
    from overthink.workflows.monitor import monitor
    from overthink.workflows.paper import methods, table
    from overthink.workflows.perturb import perturb
    from overthink.workflows.policy import policy
    from overthink.workflows.request import AnalysisOptions
    from overthink.workflows.samples import samples
    from overthink.workflows.schemas import schema
    from overthink.workflows.sources import ReadOptions
    from overthink.workflows.statement import check, statement
    from overthink.workflows.status import status
    from overthink.workflows.study import Study
    from overthink.workflows.verify import verify

__all__ = [
    "AnalysisOptions",
    "Axis",
    "Forecast",
    "InputError",
    "Kind",
    "Metric",
    "OverthinkError",
    "Plan",
    "ReadOptions",
    "StoppedError",
    "Study",
    "analyse",
    "arms",
    "auroc",
    "best_at_k",
    "calc",
    "check",
    "commitment_step",
    "compare",
    "consensus_at_k",
    "correct_judge",
    "divergence",
    "effective_compute",
    "every_eval_ever",
    "experiment",
    "first_success_at_k",
    "forecast",
    "forecast_table",
    "information_bits",
    "label",
    "latent",
    "long_table",
    "majority_at_k",
    "merge",
    "methods",
    "monitor",
    "pass_at_k",
    "performance_gap_recovered",
    "perturb",
    "policy",
    "prepare",
    "report",
    "run",
    "samples",
    "schema",
    "shape_verdict",
    "statement",
    "status",
    "success_bound",
    "table",
    "tasks",
    "thresholds",
    "tpr_at_fpr",
    "verify",
    "worst_at_k",
]

_HOMES = {
    "AnalysisOptions": "workflows.request",
    "Axis": "data.record",
    "Forecast": "forecasts",
    "Kind": "data.kinds",
    "Metric": "data.kinds",
    "Plan": "plan.study",
    "ReadOptions": "workflows.sources",
    "Study": "workflows.study",
    "auroc": "stats.oversight.auroc",
    "best_at_k": "stats.pass_at_k",
    "calc": "governance.calculators.functions",
    "check": "workflows.statement",
    "commitment_step": "stats.commitment",
    "compare": "workflows.compare",
    "consensus_at_k": "stats.pass_at_k",
    "correct_judge": "stats.judge_correction",
    "divergence": "stats.divergence",
    "effective_compute": "governance.calculators.effective_compute",
    "every_eval_ever": "workflows.exports",
    "experiment": "workflows.experiment",
    "first_success_at_k": "stats.first_success",
    "forecast": "forecasts",
    "forecast_table": "workflows.forecast_table",
    "information_bits": "stats.oversight.encoded",
    "label": "workflows.label",
    "latent": "workflows.latent",
    "long_table": "workflows.exports",
    "majority_at_k": "stats.pass_at_k",
    "merge": "workflows.merge",
    "methods": "workflows.paper",
    "monitor": "workflows.monitor",
    "pass_at_k": "stats.pass_at_k",
    "perturb": "workflows.perturb",
    "policy": "workflows.policy",
    "performance_gap_recovered": "stats.oversight.recovered",
    "samples": "workflows.samples",
    "schema": "workflows.schemas",
    "shape_verdict": "stats.shape",
    "statement": "workflows.statement",
    "status": "workflows.status",
    "success_bound": "stats.oversight.encoded",
    "table": "workflows.paper",
    "thresholds": "governance.thresholds.lookup",
    "tpr_at_fpr": "stats.oversight.tpr_at_fpr",
    "verify": "workflows.verify",
    "worst_at_k": "stats.pass_at_k",
}
"""Module of each public name that is loaded lazily; all others are in `workflows.analyse`."""


def __getattr__(name: str) -> Any:
    """Import a public name on first access; the command line then starts before anything can fail or take time."""
    if name not in __all__:
        raise AttributeError(f"module 'overthink' has no attribute {name!r}")
    return getattr(importlib.import_module(f"overthink.{_HOMES.get(name, 'workflows.analyse')}"), name)


def __dir__() -> list[str]:
    return __all__
