"""Prices: known, unknown with the reason, and never fetched."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from overthink.cost.prices import per_million, rates_of, usd


def price_list(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A price list of one model, at 2 and 10 USD per million, half a dollar for cached; returns what was asked."""
    asked: list[tuple[str, str]] = []

    def calc_price(usage: dict[str, int], name: str, *, provider_id: str) -> SimpleNamespace:
        asked.append((provider_id, name))
        if name == "unheard-of":
            raise LookupError(name)
        cached = usage.get("cache_read_tokens", 0)
        prompt = 2e-6 * (usage["input_tokens"] - cached) + 0.5e-6 * cached
        return SimpleNamespace(
            input_price=None if name == "free-text" else prompt,
            output_price=10e-6 * usage["output_tokens"],
            model=SimpleNamespace(id=name),
            provider=SimpleNamespace(name=provider_id),
        )

    module = ModuleType("genai_prices")
    module.Usage = lambda **counts: counts  # type: ignore[attr-defined]
    module.calc_price = calc_price  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "genai_prices", module)
    monkeypatch.setattr("overthink.cost.prices.version", lambda _: "1.2.3")
    return asked


def test_tokens_are_charged_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    price_list(monkeypatch)
    assert usd("openai/gpt", prompt_tokens=1_000_000, decode_tokens=100_000) == pytest.approx(3.0)
    assert usd("openai/gpt", prompt_tokens=1_000_000, decode_tokens=0, cached_tokens=1_000_000) == pytest.approx(0.5)
    assert usd("openai/gpt", prompt_tokens=0, decode_tokens=0) == 0
    rates = rates_of("openai/gpt")
    assert not isinstance(rates, str)
    assert per_million(rates) == "2.00 USD per million prompt tokens, 10.00 decoded; genai-prices 1.2.3, openai gpt"


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("openai/gpt", ("openai", "gpt")),
        ("openai/azure/gpt", ("azure", "gpt")),
        ("anthropic/bedrock/claude", ("aws", "claude")),
        ("grok/grok-4", ("x-ai", "grok-4")),
        ("openrouter/meta/llama", ("openrouter", "meta/llama")),
        ("openai-api/deepseek/chat", ("deepseek", "chat")),
        ("openai-api-completions/together/org/model", ("together", "org/model")),
    ],
)
def test_the_price_is_that_of_whoever_sends_the_bill(
    model: str, asked: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = price_list(monkeypatch)
    rates_of(model)
    assert set(seen) == {asked}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("vllm/mine", "price unknown: vllm has no list price"),
        ("openai", "price unknown: openai has no list price"),
        ("openai/unheard-of", "price unknown: openai/unheard-of is not in the price list (genai-prices 1.2.3)"),
        ("openai/free-text", "price unknown: openai/free-text is not priced by the token (genai-prices 1.2.3)"),
    ],
)
def test_an_unknown_price_has_a_reason_and_is_never_zero(
    model: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    price_list(monkeypatch)
    assert rates_of(model) == reason
    assert usd(model, prompt_tokens=1, decode_tokens=1) == reason


def test_without_a_price_list_the_way_to_get_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert rates_of("openai/gpt") == 'price unknown: no price list is installed (pip install "overthink[price]")'


def test_the_real_price_list_knows_common_models_and_asks_no_network() -> None:
    pytest.importorskip("genai_prices", reason="genai-prices is not installed (the extra `price`)")
    for model in ("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro"):
        rates = rates_of(model)
        assert not isinstance(rates, str)
        assert 0 < rates.cached < rates.prompt < rates.decoded < 1e-3
