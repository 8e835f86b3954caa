"""What a model's tokens cost, from the prices that the package genai-prices carries. Nothing is fetched."""

from importlib.metadata import version

from overthink.core.spending import Rates

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
"""Inspect's ``provider/host/model``: who sends the bill."""

_MILLION = 1_000_000
_REQUEST = 1_000
"""Tokens of the request that is priced: some models cost more per token in very long ones."""


def rates_of(model: str) -> Rates | str:
    """The prices of a model's tokens, or why they are unknown.

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
        plain = calc_price(Usage(input_tokens=_REQUEST, output_tokens=_REQUEST), name, provider_id=payee)
        from_cache = Usage(input_tokens=_REQUEST, cache_read_tokens=_REQUEST, output_tokens=0)
        cached = calc_price(from_cache, name, provider_id=payee)
    except LookupError:
        return f"price unknown: {model} is not in the price list (genai-prices {version('genai-prices')})"
    if plain.input_price is None or plain.output_price is None or cached.input_price is None:
        return f"price unknown: {model} is not priced by the token (genai-prices {version('genai-prices')})"
    return Rates(
        prompt=float(plain.input_price) / _REQUEST,
        cached=float(cached.input_price) / _REQUEST,
        decoded=float(plain.output_price) / _REQUEST,
        source=f"genai-prices {version('genai-prices')}, {plain.provider.name} {plain.model.id}",
    )


def is_own(model: str) -> bool:
    """Whether a model needs no provider: our own and Inspect's mock."""
    return model.split("/", maxsplit=1)[0] in ("overthink", "mockllm", "none")


def usd(model: str, *, prompt: int, decoded: int, cached: int = 0) -> float | str:
    """The price of some tokens in USD, or why it is unknown.

    Args:
        model: Inspect model string.
        prompt: Prompt tokens, the cached ones among them.
        decoded: Decoded tokens.
        cached: Prompt tokens that the provider took from its cache.
    """
    rates = rates_of(model)
    if isinstance(rates, str):
        return rates
    return rates.prompt * (prompt - cached) + rates.cached * cached + rates.decoded * decoded


def per_million(rates: Rates) -> str:
    """The prices in words: per million tokens, and where they are from."""
    prompt, decoded = rates.prompt * _MILLION, rates.decoded * _MILLION
    return f"{prompt:.2f} USD per million prompt tokens, {decoded:.2f} decoded; {rates.source}"
