"""A small study on the simulated model, for tests of what happens to studies."""

from pathlib import Path

import overthink
from overthink.plan.study import Plan, checked_plan

SIMULATED = {"capability": "rise", "safety": "decline", "benign": "flat", "natural_length": 40}


def plan(**changes: object) -> Plan:
    fields: dict[str, object] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": SIMULATED,
        "tasks": overthink.tasks(capability=["overthink/arithmetic"], safety=["overthink/secret"], benign=[], args={}),
        "budgets": (0, 8, 32),
        "draws": 2,
        "limit": 3,
        "seed": 5,
    }
    return checked_plan(**(fields | changes))


def one_task(**changes: object) -> Plan:
    """The same with its quicker task alone."""
    secret = overthink.tasks(capability=[], safety=["overthink/secret"], benign=[], args={})
    return plan(**({"tasks": secret} | changes))


def run(folder: Path, wanted: Plan | None = None, **options: object) -> overthink.Study:
    return overthink.run(overthink.prepare(wanted or plan()), folder, **options)  # type: ignore[arg-type]
