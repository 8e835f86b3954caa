"""The table of levels holds against what Inspect's own providers were recorded to send; what is no rung is refused."""

import json
from typing import Any

import pytest
from effort_wire import CAPS, FOLDER, LEVELS, PROVIDERS, REFUSED, UNSET
from inspect_ai.model import get_model

from overthink.collect.providers.effort_families import FAMILIES, RECORDED_WITH, CapRange, EffortFamily, find_family
from overthink.collect.providers.reasoning_levels import check_efforts, check_rungs
from overthink.errors import InputError

RECORDINGS = {provider: json.loads((FOLDER / f"{provider}.json").read_text()) for provider in PROVIDERS}
RECORDED = [(provider, model) for provider, recording in RECORDINGS.items() for model in recording["models"]]


def provider_name(recording: str) -> str:
    """Return Inspect's name of a recorded provider."""
    return recording.removesuffix("-chat")


def of_thinking(body: dict[str, Any]) -> str:
    """Return what a recorded request says of thinking, without the limit on output that grows with it."""
    return json.dumps({name: value for name, value in body.items() if "max" not in name.split(".")[-1].lower()
                       or "reasoning" in name.lower()}, sort_keys=True)  # fmt: skip


def recorded_limit(recording: str, model: str, rung: str) -> int | None:
    """Return the output tokens that Inspect was recorded to request at a level or cap."""
    rungs = RECORDINGS[recording]["models"][model]
    limits = rungs[UNSET] | rungs[rung]
    return next((limits[name] for name in ("max_tokens", "inferenceConfig.maxTokens") if name in limits), None)


def refusal(provider: str, model: str, *efforts: str, limit: int | None = None) -> str:
    """Return with which words efforts are refused; empty if they are not."""
    try:
        check_rungs(f"{provider}/{model}", find_family(provider, model), dict.fromkeys(efforts, limit))
    except InputError as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(("recording", "model"), RECORDED)
def test_the_table_says_what_is_sent(recording: str, model: str) -> None:
    family = find_family(provider_name(recording), model)
    if family is None:
        return
    rungs = RECORDINGS[recording]["models"][model]
    sent = {level: of_thinking(rungs[level]) for level in LEVELS}
    nothing = of_thinking({})
    silent = {level for level in LEVELS if sent[level] == nothing}
    assert silent == {*family.dropped, *({"none"} if family.off else ())}
    for level, other in family.sent_as.items():
        assert sent[level] == sent[other], (level, other)
    rest = [level for level in LEVELS if level not in family.sent_as and level not in silent]
    own = rest if family.levels is None else [level for level in family.levels if level not in silent]
    assert len({sent[level] for level in own}) == len(own), "two rungs would send the same"
    for level, budget in family.budgets.items():
        assert budget in rungs[level].values()


@pytest.mark.parametrize(("recording", "model"), RECORDED)
def test_the_table_says_which_caps_are_sent(recording: str, model: str) -> None:
    family = find_family(provider_name(recording), model)
    if family is None or family.caps is None:
        return
    rungs = RECORDINGS[recording]["models"][model]
    if isinstance(family.caps, CapRange):
        accepted = [of_thinking(rungs[str(cap)]) for cap in CAPS if cap in family.caps]
        assert len(set(accepted)) == len(accepted) > 1
        assert of_thinking({}) not in accepted
    else:
        sent = [rungs[str(cap)] for cap in CAPS]
        assert all(REFUSED in body for body in sent) or len({of_thinking(body) for body in sent}) == 1


def test_every_family_has_met_a_recording_or_shares_its_provider_with_one() -> None:
    met = [find_family(provider_name(recording), model) for recording, model in RECORDED]
    alone = [family for family in FAMILIES if family not in met]
    providers = {provider_name(recording) for recording in RECORDINGS}
    assert {family.provider for family in FAMILIES} <= providers
    assert len(alone) <= 9, [(family.provider, family.models) for family in alone]
    assert all(family.source for family in FAMILIES)
    assert {recording["inspect_ai"] for recording in RECORDINGS.values()} == {RECORDED_WITH}


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("openai/o3", "low medium high"),
        ("openai/o4-mini-2025-04-16", "low medium high"),
        ("openai/gpt-5", "minimal low medium high"),
        ("openai/gpt-5-mini-2025-08-07", "minimal low medium high"),
        ("openai/gpt-5-pro", "high"),
        ("openai/gpt-5.1", "none low medium high"),
        ("openai/gpt-5.4-mini", "none low medium high xhigh"),
        ("openai/gpt-5.6-luna", "none low medium high xhigh max"),
        ("openai/gpt-6-astra", "low medium high xhigh max"),
        ("anthropic/claude-3-7-sonnet-20250219", "none minimal low medium high xhigh"),
        ("anthropic/claude-sonnet-4-20250514", "none minimal low medium high xhigh"),
        ("anthropic/claude-haiku-4-5-20251001", "none minimal low medium high xhigh"),
        ("anthropic/claude-opus-4-6", "none low medium high max"),
        ("anthropic/claude-opus-4-8", "none low medium high xhigh max"),
        ("anthropic/claude-opus-5-5", "low medium high xhigh max"),
        ("google/gemini-2.5-pro", "minimal low medium high xhigh"),
        ("google/gemini-3.1-pro", "low medium high"),
        ("google/gemini-3-flash-preview", "none minimal low medium high"),
        ("google/gemini-3.7-flash", "none low medium high"),
        ("deepseek/deepseek-v4-pro", "none low high max"),
        ("grok/grok-4.3", "low medium high"),
        ("grok/grok-4.6", "low medium high xhigh"),
        ("mistral/mistral-medium-3-5", "none high"),
        ("groq/openai/gpt-oss-120b", "low medium high"),
        ("bedrock/us.anthropic.claude-opus-4-7-v1:0", "low medium high xhigh max"),
    ],
)
def test_levels_of_a_model_pass_and_all_others_are_refused_with_those_it_has(model: str, levels: str) -> None:
    provider, _, name = model.partition("/")
    accepted = {level for level in LEVELS if not refusal(provider, name, level)}
    assert accepted == set(levels.split())
    for level in set(LEVELS) - accepted:
        assert f"--efforts {level}: " in refusal(provider, name, level)
        assert f"It has {', '.join(levels.split())}" in refusal(provider, name, level)


@pytest.mark.parametrize(
    ("model", "level", "words"),
    [
        ("openai/gpt-5.1", "minimal", "has no level minimal"),
        ("openai/gpt-5.2", "max", "has no level max. It has none, low, medium, high, xhigh"),
        (
            "openrouter/any/model",
            "max",
            "sends openrouter/any/model the level xhigh for max, which is no rung of its own",
        ),
        ("anthropic/claude-sonnet-4-6", "xhigh", "the level high for xhigh"),
        ("anthropic/claude-sonnet-4-5", "max", "the level xhigh for max"),
        ("anthropic/claude-fable-5", "none", "nothing for none, so it would think by its own default"),
        ("google/gemini-3.1-pro", "none", "nothing for none"),
        ("groq/qwen/qwen3-32b", "none", "nothing for none"),
        ("groq/qwen/qwen3-32b", "xhigh", "Sent as they are: low, medium, high"),
        ("together/deepseek-ai/DeepSeek-V4-Pro", "minimal", "the level low for minimal"),
        ("moonshot/kimi-k3", "low", "the level max for low"),
        ("grok/grok-4", "high", "no levels and no caps"),
        ("openai/gpt-4o", "low", "no levels and no caps"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "high", "give caps in tokens, 1,024 or more"),
        ("openai/gpt-99", "hgh", "is no level of Inspect; needed: levels of none, minimal"),
        ("vllm/any", "LOW", "is no level of Inspect"),
        ("mockllm/model", "full", "is no level of Inspect"),
    ],
)
def test_a_level_that_is_no_rung_is_refused_with_its_reason(model: str, level: str, words: str) -> None:
    provider, _, name = model.partition("/")
    assert words in refusal(provider, name, level)


@pytest.mark.parametrize("effort", ["hihg", "LOW", "", "-1", "1.5"])
def test_a_misspelt_level_is_refused_before_settings_are_made_of_it(
    effort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for model in ("openai/gpt-5", "mockllm/model"):
        with pytest.raises(InputError, match="is no level of Inspect; needed: levels of none"):
            check_efforts(get_model(model, memoize=False), ["low", effort])


@pytest.mark.parametrize(
    ("model", "accepted", "refused", "words"),
    [
        ("anthropic/claude-sonnet-4-5", (1024, 31_999), (0, 512, 1023), "takes caps of 1,024 or more tokens"),
        ("anthropic/claude-sonnet-4-6", (1024,), (1, 1023), "its levels: none, low, medium, high, max"),
        ("anthropic/claude-opus-4-7", (), (0, 1024, 32_000), "takes no cap in tokens any more"),
        ("anthropic/claude-fable-5", (), (1024, 4096), "its levels: low, medium, high, xhigh, max"),
        ("google/gemini-2.5-pro", (128, 32_768), (0, 127, 32_769), "128 to 32,768"),
        ("google/gemini-2.5-flash", (0, 1, 24_576), (24_577,), "0 or 1 to 24,576"),
        ("google/gemini-2.5-flash-lite", (0, 512), (1, 511), "0 or 512 to 24,576"),
        ("google/gemini-2.0-flash", (), (0, 1024), "no thinking to cap"),
        ("bedrock/us.anthropic.claude-opus-4-7-v1:0", (), (1024, 4096), "the level high for every cap"),
        ("bedrock/openai.gpt-oss-120b-1:0", (), (1024, 4096), "sends nothing for a cap"),
        ("openrouter/anthropic/claude-sonnet-4.5", (1024, 4096), (), ""),
    ],
)
def test_caps_outside_the_range_are_refused(
    model: str, accepted: tuple[int, ...], refused: tuple[int, ...], words: str
) -> None:
    provider, _, name = model.partition("/")
    assert [cap for cap in accepted if refusal(provider, name, str(cap))] == []
    for cap in refused:
        assert words in refusal(provider, name, str(cap))


@pytest.mark.parametrize(
    ("recording", "model", "rung", "words"),
    [
        ("anthropic", "claude-sonnet-4-5", "64000", "at most 64,000 output tokens"),
        ("anthropic", "claude-opus-4-1", "32000", "at most 32,000 output tokens"),
        ("anthropic", "claude-opus-4-1", "xhigh", "the budget for thinking, 32,000, must be lower"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "4096", "at most 2,048 output tokens"),
        ("anthropic", "claude-sonnet-4-5", "32000", ""),
        ("anthropic", "claude-opus-4-1", "high", ""),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "1024", ""),
    ],
)
def test_a_budget_must_stay_below_the_recorded_limit_on_output(
    recording: str, model: str, rung: str, words: str
) -> None:
    found = refusal(recording, model, rung, limit=recorded_limit(recording, model, rung))
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize(
    ("model", "limits", "notes"),
    [
        ("openai/o3", {"low": None}, []),
        ("openai/gpt-99", {"low": None, "high": None}, ["Which levels openai/gpt-99 has is not checked"]),
        ("vllm/openai/gpt-oss-20b", {"low": None}, ["is not checked"]),
        ("anthropic/claude-opus-4-5", {"none": None, "low": None}, ["4-5 nothing: it thinks only", ": low 4,096."]),
        ("anthropic/claude-sonnet-4-6", {"low": 36_096, "high": 48_000}, ["36,096 at low, 48,000 at high"]),
        ("groq/openai/gpt-oss-120b", {"low": 2048, "high": 2048}, ["thinking and answer share, in tokens: 2,048."]),
        ("deepseek/deepseek-v4-pro", {"low": None}, ["runs low as high"]),
        ("deepseek/deepseek-v4-pro", {"none": None, "max": None}, []),
        ("google/gemini-3.5-flash", {"none": None, "high": None}, ["no way to turn the thinking of Gemini 3 off"]),
        ("openrouter/x/y", {"1024": None}, ["Which caps openrouter/x/y takes is not checked"]),
        ("google/gemini-3.1-pro", {"1024": None, "4096": None}, ["Which caps google/gemini-3.1-pro takes is not"]),
        ("google/gemini-2.5-pro", {"1024": None, "4096": None}, []),
    ],
)  # fmt: skip
def test_what_is_sent_in_another_form_or_not_checked_is_said(
    model: str, limits: dict[str, int | None], notes: list[str]
) -> None:
    provider, _, name = model.partition("/")
    found = check_rungs(model, find_family(provider, name), limits)
    assert len(found) == len(notes)
    for sentence, words in zip(found, notes, strict=True):
        assert words in sentence


def model_of(name: str) -> Any:
    return get_model(name, base_url="http://127.0.0.1:9/v1", api_key="none", memoize=False)


@pytest.mark.parametrize(
    ("name", "efforts", "words"),
    [
        ("openai/o3", ("low", "minimal"), "openai/o3 has no level minimal. It has low, medium, high"),
        ("openai/gpt-5.2", ("xhigh", "max"), "has no level max"),
        ("together/openai/gpt-oss-120b", ("high", "xhigh"), "the level high for xhigh"),
        ("deepseek/deepseek-v4-flash", ("medium",), "the level high for medium"),
        ("ollama/gpt-oss:20b", ("none", "low"), "sends ollama/gpt-oss:20b nothing for none"),
        ("sambanova/gpt-oss-120b", ("minimal",), "the level low for minimal"),
    ],
)
def test_inspects_own_providers_are_found_in_the_table(name: str, efforts: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_efforts(model_of(name), efforts)


def test_inspects_own_limit_on_output_is_said() -> None:
    (note,) = check_efforts(model_of("together/openai/gpt-oss-120b"), ("low", "high"))
    assert note.endswith("which thinking and answer share, in tokens: 2,048.")
    assert check_efforts(model_of("openai/gpt-5.1"), ("none", "low", "high")) == ()


def test_a_family_is_a_plain_row() -> None:
    family = find_family("google", "gemini-2.5-flash-lite")
    assert isinstance(family, EffortFamily)
    assert isinstance(family.caps, CapRange)
    assert (1 in family.caps, 0 in family.caps, str(family.caps)) == (False, True, "0 or 512 to 24,576")
