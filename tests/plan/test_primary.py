"""Which curves a declaration names, and the one error where it names none."""

import pytest

from overthink.data.ids import CurveKey
from overthink.errors import InputError
from overthink.plan.analysis import check_primary, is_primary
from overthink.plan.study import checked_plan

CURVES = [
    CurveKey(axis, task, arm, "exact", "forced")
    for axis, task, arm in (
        ("capability", "pack/sums", "base"),
        ("safety", "jailbreaks", "base"),
        ("safety", "jailbreaks", "wait"),
    )
]


NAMED = {
    "safety": 2,
    "sums": 1,
    "pack/sums": 1,
    "sums/base": 1,
    "base": 2,
    "jailbreaks/wait": 1,
    "jail*": 2,
    "*": 3,
    "Safety": 0,
    "jail": 0,
    "pack": 0,
}


@pytest.mark.parametrize(("pattern", "count"), NAMED.items())
def test_a_declaration_names_curves(pattern: str, count: int) -> None:
    assert sum(is_primary(curve, (pattern,)) for curve in CURVES) == count


def test_each_declaration_must_name_a_curve() -> None:
    check_primary((), CURVES)
    check_primary(("sums", "safety"), CURVES)
    with pytest.raises(InputError, match=r"--primary sum matches no curve .* jailbreaks/wait \(safety\)"):
        check_primary(("sums", "sum"), CURVES)


def test_a_plan_without_a_declaration_has_the_hash_it_had() -> None:
    fields = {"model": "m", "tasks": [{"task": "t", "axis": "capability", "high": "correct"}], "budgets": (0, 64)}
    without, declared = (checked_plan(**fields, draws=2, seed=0, primary=primary) for primary in ((), ("t",)))
    assert '"primary"' not in without.to_json()
    assert '"primary"' in declared.to_json()
    assert without.sha256() != declared.sha256()
