"""Who worked for a study and what they charged comes back as it was kept, and a damaged file is refused."""

import json
from pathlib import Path

import pytest

from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles
from overthink.errors import InputError
from overthink.storage.models import Origin, StudyModels, read_models, write_models

SMALL = ModelInfo("overthink/smollm2", ModelShape(1e8, 1e8, layers=30, weight_bytes=0.72), free=True)
HOSTED = ModelInfo("openai/gpt", rates=Rates(2e-6, 1e-6, 1e-5, "a list of prices, 2026-01-02"))
KNOWN = StudyModels(
    {"base": ModelRoles(SMALL), "watched": ModelRoles(SMALL, guards=(HOSTED, SMALL), judges=(HOSTED,))},
    {SMALL.name: Origin("its file", "no charge"), HOSTED.name: Origin("unknown", "a list of prices, 2026-01-02")},
)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    assert read_models(path) is None
    write_models(path, KNOWN)
    assert read_models(path) == KNOWN
    document = json.loads(path.read_text())
    assert document["schema"] == "overthink.models/1"
    assert document["models"][SMALL.name]["shape_source"] == "its file"
    assert document["arms"]["watched"]["guards"] == [HOSTED.name, SMALL.name]


def test_the_model_under_test_is_told_where_there_is_one() -> None:
    found = KNOWN.under_test
    assert found is not None
    assert (found.shape, found.source) == (SMALL.shape, "its file")
    two = StudyModels({**KNOWN.roles, "other": ModelRoles(HOSTED)}, KNOWN.origins)
    assert two.under_test is None
    assert StudyModels({"base": ModelRoles(HOSTED)}, KNOWN.origins).under_test is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told.update(schema="overthink.models/2"), "newer Overthink"),
        (lambda told: told["models"].pop(HOSTED.name), "arms names the model 'openai/gpt'"),
        (lambda told: told["models"][SMALL.name]["shape"].update(layers=-1), "layers is -1"),
        (lambda told: told["models"][SMALL.name].pop("free"), "free"),
        (lambda told: told.pop("arms"), "arms"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: object, why: str) -> None:
    path = tmp_path / "models.json"
    write_models(path, KNOWN)
    told = json.loads(path.read_text())
    change(told)  # type: ignore[operator]
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match=why):
        read_models(path)
