"""The record that ships is a benchmark's own, can be read, and cannot say that more was right than was tried."""

import json
from pathlib import Path

import pytest
from benchmark import load_benchmark

from overthink.errors import InputError
from overthink.forecasts.backtest import FamilyRecord
from overthink.storage.json_documents import BACKTEST_SCHEMA, read_backtest, shipped_backtest

SHIPPED = Path(__file__).parents[2] / "src/overthink/storage/data/forecast_backtest.json"


def test_what_ships_covers_every_family_and_one_that_took_no_part_in_choosing() -> None:
    shipped = shipped_backtest()
    families = {family.family: family for family in shipped.families}
    assert {"CodeContests", "MATH", "GSM8K-ckpt", "best-of-N jailbreaks"} < set(families)
    assert any(not family.chosen_on for family in shipped.families)
    assert shipped.seeds >= 8
    assert str(shipped.seeds) in shipped.command
    for family in shipped.families:
        parts = 3 if "jailbreaks" in family.family else 4
        assert family.banks == family.models * shipped.seeds * parts
        assert family.forecasts == family.banks * len(family.asked)
        assert family.bound_coverage >= family.coverage


def changed(tmp_path: Path, **changes: object) -> Path:
    document = json.loads(SHIPPED.read_text())
    first, *rest = document["families"]
    file = tmp_path / "record.json"
    file.write_text(json.dumps({**document, "families": [{**first, **changes}, *rest]}))
    return file


@pytest.mark.parametrize(
    "changes", [{"inside": 10**6}, {"forecasts": 0}, {"inside": -1}, {"inside": "many"}, {"surprise": 1}]
)
def test_a_wrong_record_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    assert read_backtest(changed(tmp_path)) == shipped_backtest()
    with pytest.raises(InputError, match="record.json"):
        read_backtest(changed(tmp_path, **changes))


def test_another_document_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"schema": "overthink.plan/1"}))
    with pytest.raises(InputError, match=BACKTEST_SCHEMA):
        read_backtest(file)


@pytest.mark.long
def test_the_benchmark_writes_what_it_measured(data: Path, tmp_path: Path) -> None:
    bench, writer = load_benchmark("forecast"), load_benchmark("forecast_backtest")
    every = [case for case in bench.cases(data, 1) if case.successes.any()]
    shown = [case for family in bench.FAMILIES for case in [c for c in every if c.family == family][5:7]]
    results = bench.measure(shown, None)
    harder = {name: list(getattr(writer, name)(bench, data, 1))[2:4] for name in ("thinned", "rare")}
    for name in harder:
        setattr(writer, name, lambda *_, name=name: iter(harder[name]))
    made = writer.write(bench, data, results, shown, 1, tmp_path / "record.json")
    assert read_backtest(tmp_path / "record.json") == made
    for family, record in zip((*bench.FAMILIES, writer.THINNED, writer.RARE), made.families, strict=True):
        cases = [case for case in (*shown, *harder["thinned"], *harder["rare"]) if case.family == family]
        assert record.banks == len(cases) == 2
        if family in bench.FAMILIES:
            error = results.error(bench.np.array([one.estimate for one in results.made]))[family]
            assert record.mean_error == pytest.approx(error, abs=1e-4)


def test_shares_of_nothing_are_unknown() -> None:
    none = FamilyRecord("f", True, 1, 1, (10,), (100,), 1, 1, 1, 0.1, 0.2, 0.3, 0, 0, 0)
    assert (none.coverage, none.near, none.crossing_coverage) == (1.0, None, None)
