"""List prices of a model's tokens, from the package genai-prices. Nothing is fetched."""

from importlib.metadata import version

from overthink.cost.estimate import Rates

_PROVIDERS = {
    "anthropic": "anthropic",
    "azureai": "azure",
    "bedrock": "aws",
    "cloudflare": "cloudflare",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "grok": "x-ai",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
}
"""Inspect's provider → the provider whose prices apply."""

_HOSTS = {"azure": "azure", "bedrock": "aws", "vertex": "google"}
"""Billing provider by host in Inspect's ``provider/host/model``."""

_MILLION = 1_000_000
_REQUEST = 1_000
"""Tokens of the priced request; some models cost more per token in very long requests."""


def rates_of(model: str) -> Rates | str:
    """Return the prices of a model's tokens, or the reason why they are unknown.

    Args:
        model: Inspect model string, such as "openai/gpt-4o".

    Example:
        >>> rates_of("vllm/mine")
        'price unknown: vllm has no list price'
    """
    provider, _, name = model.partition("/")
    host, _, rest = name.partition("/")
    if provider in ("openai-api", "openai-api-completions") and rest:
        provider, name = host, rest
    payee = _PROVIDERS.get(provider)
    if rest and host in _HOSTS and provider in ("anthropic", "google", "mistral", "openai"):
        payee, name = _HOSTS[host], rest
    if payee is None or not name:
        return f"price unknown: {provider or model} has no list price"
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return 'price unknown: no price list is installed (pip install "overthink[price]")'
    try:
        price = calc_price(Usage(input_tokens=_REQUEST, output_tokens=_REQUEST), name, provider_id=payee)
        from_cache = Usage(input_tokens=_REQUEST, cache_read_tokens=_REQUEST, output_tokens=0)
        cache_price = calc_price(from_cache, name, provider_id=payee)
    except LookupError:
        return f"price unknown: {model} is not in the price list (genai-prices {version('genai-prices')})"
    if price.input_price is None or price.output_price is None or cache_price.input_price is None:
        return f"price unknown: {model} is not priced by the token (genai-prices {version('genai-prices')})"
    return Rates(
        prompt=float(price.input_price) / _REQUEST,
        cached=float(cache_price.input_price) / _REQUEST,
        decoded=float(price.output_price) / _REQUEST,
        source=f"genai-prices {version('genai-prices')}, {price.provider.name} {price.model.id}",
    )


def is_own(model: str) -> bool:
    """Return whether a model needs no paid provider: Overthink's own, Transformers' in process, Inspect's mock."""
    return model.split("/", maxsplit=1)[0] in ("overthink", "hf", "mockllm", "none")


def usd(model: str, *, prompt_tokens: int, decode_tokens: int, cached_tokens: int = 0) -> float | str:
    """Return the price of tokens in USD, or the reason why it is unknown.

    Args:
        model: Inspect model string.
        prompt_tokens: Prompt tokens, including cached ones.
        decode_tokens: Decoded tokens.
        cached_tokens: Prompt tokens read from the provider's cache.
    """
    rates = rates_of(model)
    if isinstance(rates, str):
        return rates
    return rates.prompt * (prompt_tokens - cached_tokens) + rates.cached * cached_tokens + rates.decoded * decode_tokens


def bill_text(model: str, prompt: int, decoded: int) -> str:
    """Return the most that so many tokens of a model cost, as text, or the reason why that is unknown.

    Args:
        model: Inspect model string.
        prompt: Prompt tokens.
        decoded: Decoded tokens, at most.

    Example:
        >>> bill_text("vllm/mine", 1000, 100)
        'price unknown: vllm has no list price'
    """
    rates = rates_of(model)
    if isinstance(rates, str):
        return rates
    return f"at most about {rates.prompt * prompt + rates.decoded * decoded:.2f} USD; {per_million(rates)}"


def per_million(rates: Rates) -> str:
    """Return the prices per million tokens and their source, as text."""
    prompt, decode = rates.prompt * _MILLION, rates.decoded * _MILLION
    return f"{prompt:.2f} USD per million prompt tokens, {decode:.2f} decoded; {rates.source}"
