"""Reasoning levels and caps by provider and family of models, and what Inspect sends for those that a model lacks.

What Inspect sends is recorded at a server on loopback, per provider (docs/hosted.md), and tests hold this table to the
recordings. What a model has comes from its maker, as far as it is published; a family without levels here takes every
level that Inspect sends as it stands, unchecked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from overthink.data.ladder import LEVELS

RECORDED_WITH = "0.3.285"
"""Version of Inspect whose requests the table was held against."""

BY_CLAMP = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Levels in whose place Inspect sends another one, for providers that take low, medium and high."""

_MODERN = ("none", "low", "medium", "high", "xhigh")
_INSPECT = "Inspect's source"
_O_SERIES = "recalled, and said of o1 in enricoros/big-AGI#940"
_GPT_5 = "tables of clients (openai/codex#7449, coder/mux), not read at OpenAI"
_GPT_5_1 = "the API's own error text, quoted in openai/openai-agents-python#2089"
_GPT_5_2 = "the API's own error texts on gpt-5.4 and 5.5, quoted by a client (meerkat-core); gpt-5.2 is recalled"
_BUDGETS = {"minimal": 2048, "low": 4096, "medium": 10_000, "high": 16_000, "xhigh": 32_000}
_GOOGLE = "Google's documentation of thinking (ai.google.dev/gemini-api/docs/thinking) and Inspect's source"
_ANTHROPIC = "Anthropic's SDK (types of its thinking parameter) and Inspect's source"
_GEMINI_3 = {
    "none": "Google documents no way to turn the thinking of Gemini 3 off; at none Inspect sends a budget of 0."
}
_REPLACED = "its thinking takes no cap in tokens any more"
_OFF = "it thinks only where a request says so"


@dataclass(frozen=True, slots=True)
class CapRange:
    """Caps that a provider accepts, in tokens, both ends included.

    Attributes:
        least: The lowest cap above 0.
        most: The highest; None if only the limit on output bounds it.
        has_zero: 0 turns the thinking off.
    """

    least: int
    most: int | None = None
    has_zero: bool = False

    def __contains__(self, cap: int) -> bool:
        if cap == 0:
            return self.has_zero
        return cap >= self.least and (self.most is None or cap <= self.most)

    def __str__(self) -> str:
        ends = f"{self.least:,} or more" if self.most is None else f"{self.least:,} to {self.most:,}"
        return f"0 or {ends}" if self.has_zero else ends


@dataclass(frozen=True, slots=True)
class EffortFamily:
    """Models of one provider that have the same levels.

    Attributes:
        provider: Inspect's name of the provider.
        models: Regular expression found in the name of each model, without its provider.
        levels: The levels that the models have, lowest first; None where it is not published.
        source: Where that is published.
        sent_as: Levels in whose place Inspect sends another one.
        dropped: Levels for which Inspect sends nothing, so that the model thinks by its own default.
        off: Why ``none`` turns the thinking off although Inspect sends nothing for it; None where it sends something.
        budgets: Tokens that Inspect sends in the place of a level, for models that take no level.
        caps: Caps that the models accept; a text says why they accept none; None if unknown.
        remarks: What else must be said of a level, by level.
    """

    provider: str
    models: str
    levels: tuple[str, ...] | None
    source: str
    sent_as: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    off: str | None = None
    budgets: Mapping[str, int] = field(default_factory=dict)
    caps: CapRange | str | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)


def _without_levels(provider: str, models: str, source: str = _INSPECT) -> EffortFamily:
    return EffortFamily(provider, models, (), source, dropped=tuple(LEVELS), caps="it has no thinking to cap")


def _clamped(provider: str, models: str) -> EffortFamily:
    """Return a family whose provider takes low, medium and high, and for which Inspect leaves ``none`` out."""
    return EffortFamily(
        provider, models, ("low", "medium", "high"), _INSPECT, sent_as=BY_CLAMP, dropped=("none",)
    )  # fmt: skip


_CLAUDE_BRIDGED = r"claude-(3-7|[a-z]+-4(-[015])?(-2\d{7})?(-v\d.*|@.*)?$)"
_CLAUDE_NOT_OFF = r"claude-(opus-5-5|fable|mythos)"
_CLAUDE_ADAPTIVE = r"claude-(opus-4-[78]|(opus|sonnet|haiku)-5)"

_OPENAI_FAMILIES = (
    _without_levels("openai", r"^(azure/)?(gpt-4|gpt-3|chatgpt)"),
    EffortFamily("openai", r"^o[134](-mini|-pro)?(-20\d\d|$)", ("low", "medium", "high"), _O_SERIES),
    EffortFamily("openai", r"^gpt-5-pro", ("high",), _GPT_5),
    EffortFamily("openai", r"^gpt-5(-mini|-nano)?(-20\d\d|$)", ("minimal", "low", "medium", "high"), _GPT_5),
    EffortFamily("openai", r"^gpt-5\.1(-20\d\d|$)", ("none", "low", "medium", "high"), _GPT_5_1),
    EffortFamily("openai", r"^gpt-5\.[245](-mini|-nano)?(-20\d\d|$)", _MODERN, _GPT_5_2),
    EffortFamily("openai", r"^gpt-6-astra|^gpt-6\.1-sol", (*_MODERN[1:], "max"), _INSPECT),
    EffortFamily("openai", r"^gpt-5\.6|^gpt-6", (*_MODERN, "max"), _INSPECT),
)

_ANTHROPIC_FAMILIES = (
    _without_levels("anthropic", r"claude-(3-[a-z]|3-5-)"),
    EffortFamily(
        "anthropic",
        _CLAUDE_BRIDGED,
        ("none", *_BUDGETS),
        _ANTHROPIC,
        sent_as={"max": "xhigh"},
        off=_OFF,
        budgets=_BUDGETS,
        caps=CapRange(1024),
    ),
    EffortFamily(
        "anthropic",
        r"claude-[a-z]+-4-6",
        ("none", "low", "medium", "high", "max"),
        _ANTHROPIC,
        sent_as={"minimal": "low", "xhigh": "high"},
        off=_OFF,
        caps=CapRange(1024),
    ),
    EffortFamily(
        "anthropic",
        _CLAUDE_NOT_OFF,
        (*_MODERN[1:], "max"),
        _ANTHROPIC,
        sent_as={"minimal": "low"},
        dropped=("none",),
        caps=_REPLACED,
    ),
    EffortFamily(
        "anthropic", _CLAUDE_ADAPTIVE, (*_MODERN, "max"), _ANTHROPIC, sent_as={"minimal": "low"}, caps=_REPLACED
    ),
)

_GOOGLE_FAMILIES = (
    _without_levels("google", r"gemini-(1\.5|2\.0)"),
    EffortFamily(
        "google",
        r"gemini-2\.5-pro",
        tuple(_BUDGETS),
        _GOOGLE,
        sent_as={"max": "xhigh"},
        dropped=("none",),
        budgets=_BUDGETS,
        caps=CapRange(128, 32_768),
    ),
    EffortFamily(
        "google",
        r"gemini-2\.5-flash-lite",
        ("none", *_BUDGETS),
        _GOOGLE,
        sent_as={"max": "xhigh"},
        budgets=_BUDGETS | {"xhigh": 24_576},
        caps=CapRange(512, 24_576, has_zero=True),
    ),
    EffortFamily(
        "google",
        r"gemini-2\.5-flash",
        ("none", *_BUDGETS),
        _GOOGLE,
        sent_as={"max": "xhigh"},
        budgets=_BUDGETS | {"xhigh": 24_576},
        caps=CapRange(1, 24_576, has_zero=True),
    ),
    EffortFamily(
        "google", r"gemini-3(\.\d+)?-pro", ("low", "medium", "high"), _GOOGLE, sent_as=BY_CLAMP, dropped=("none",)
    ),
    EffortFamily(
        "google",
        r"gemini-3(\.[0-6])?-flash(?!-lite)|gemini-3\.[1-5]-flash-lite",
        ("none", "minimal", "low", "medium", "high"),
        _GOOGLE,
        sent_as={"xhigh": "high", "max": "high"},
        remarks=_GEMINI_3,
    ),
    EffortFamily(
        "google",
        r"gemini-3\.\d+-flash",
        ("none", "low", "medium", "high"),
        _GOOGLE,
        sent_as=BY_CLAMP,
        remarks=_GEMINI_3,
    ),
)

_BEDROCK_FAMILIES = (
    _without_levels("bedrock", r"claude-(3-[a-z]|3-5-)"),
    EffortFamily("bedrock", _CLAUDE_BRIDGED, (), _INSPECT, dropped=tuple(LEVELS), caps=CapRange(1024)),
    EffortFamily(
        "bedrock",
        r"claude-[a-z]+-4-6",
        ("none", "low", "medium", "high", "max"),
        _INSPECT,
        sent_as={"minimal": "low", "xhigh": "high"},
        off=_OFF,
        caps=CapRange(1024),
    ),
    EffortFamily(
        "bedrock",
        rf"{_CLAUDE_NOT_OFF}|{_CLAUDE_ADAPTIVE}",
        (*_MODERN[1:], "max"),
        _INSPECT,
        sent_as={"minimal": "low"},
        dropped=("none",),
        caps="Inspect sends the level high for every cap",
    ),
    EffortFamily("bedrock", r"gpt-oss|nova", None, _INSPECT, caps="Inspect sends nothing for a cap"),
)

FAMILIES = (
    *_OPENAI_FAMILIES,
    *_ANTHROPIC_FAMILIES,
    *_GOOGLE_FAMILIES,
    *_BEDROCK_FAMILIES,
    EffortFamily(
        "deepseek",
        r"deepseek-v4",
        ("none", "low", "high", "max"),
        "DeepSeek's documentation, as Inspect's source quotes it",
        sent_as={"minimal": "low", "medium": "high", "xhigh": "max"},
        remarks={"low": "Inspect's documentation says that deepseek-v4-pro runs low as high for now."},
    ),
    EffortFamily("deepseek", "", None, _INSPECT, sent_as={"minimal": "low", "medium": "high", "xhigh": "max"}),
    EffortFamily(
        "grok",
        r"grok-3-mini",
        ("low", "high"),
        "xAI's documentation, as Inspect's quotes it",
        sent_as=BY_CLAMP,
        dropped=("none",),
    ),
    _without_levels("grok", r"grok-[23]|grok-4(-latest|-0709.*)?$"),
    EffortFamily(
        "grok", r"multi-agent", None, _INSPECT, sent_as={"minimal": "low", "max": "xhigh"}, dropped=("none",)
    ),
    EffortFamily(
        "grok",
        r"grok-4([.-]fast|[.-]1|\.20|\.[35])",
        ("low", "medium", "high"),
        "xAI's documentation, as Inspect's quotes it",
        sent_as={"minimal": "low", "max": "xhigh"},
        dropped=("none",),
    ),
    EffortFamily(
        "grok",
        r"",
        ("low", "medium", "high", "xhigh"),
        "xAI's documentation, as Inspect's quotes it",
        sent_as={"minimal": "low", "max": "xhigh"},
        dropped=("none",),
    ),
    EffortFamily(
        "mistral",
        r"mistral-(medium|small)",
        ("none", "high"),
        "Mistral's documentation, as Inspect's quotes it",
        sent_as=dict.fromkeys(("minimal", "low", "medium", "xhigh", "max"), "high"),
    ),
    EffortFamily(
        "moonshot", r"^kimi-k3", ("max",), _INSPECT, sent_as=dict.fromkeys(LEVELS[:-1], "max")
    ),
    _clamped("groq", "gpt-oss"),
    EffortFamily("groq", "", None, _INSPECT, sent_as=BY_CLAMP, dropped=("none",)),
    _clamped("together", "gpt-oss"),
    EffortFamily("together", "", None, _INSPECT, sent_as={"minimal": "low"}, dropped=("none",)),
    _clamped("fireworks", "gpt-oss|minimax-m2"),
    EffortFamily("fireworks", "", None, _INSPECT, sent_as={"minimal": "low"}),
    _clamped("sambanova", ""),
    _clamped("ollama", ""),
    EffortFamily("openrouter", "", None, _INSPECT, sent_as={"max": "xhigh"}),
)  # fmt: skip
"""The families, of which the first that a model's name matches holds."""


def find_family(provider: str, model: str) -> EffortFamily | None:
    """Return the family of a model; None for one that is in no family.

    Args:
        provider: Inspect's name of the provider.
        model: Name of the model, without its provider.

    Example:
        >>> find_family("openai", "gpt-5-pro").levels, find_family("openai", "gpt-99")
        (('high',), None)
    """
    return next(
        (family for family in FAMILIES if family.provider == provider and re.search(family.models, model)), None
    )
