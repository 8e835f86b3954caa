"""Estimated and actual cost of a study, as a text table."""

from overthink.cost.estimate import AmountRange
from overthink.data.tokens import TokenUsage
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.about import About

COST_HEAD = ("", "estimated", "spent")


def cost_rows(about: About) -> list[tuple[str, str, str]]:
    """Return rows of name, estimate and actual cost; empty without an estimate."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return []
    cache_note = f" ({actual.cached_tokens:,} from a cache)" if actual.cached_tokens else ""
    rows = [
        (
            "prompt tokens",
            _about(estimate.prompt_tokens, is_bound=not estimate.in_steps),
            _count(actual.prompt_tokens) + cache_note,
        ),
        ("decoded tokens", _most(estimate.decoded_tokens), _count(actual.decoded_tokens)),
    ]
    if estimate.judge_calls or actual.judge_tokens:
        rows.append(("judge tokens", _about(estimate.judge_tokens), _count(actual.judge_tokens)))
    if actual.n_cut_short:
        rows.append(("of it in traces that were cut short and made again", "none", _usage(actual.retry_usage)))
    rows += [(f"beside it, {name}", "not of the run", _usage(usage)) for name, usage in actual.beside.items()]
    if estimate.usd is None:
        rows.append(
            ("USD", "none" if estimate.free and estimate.judge_free else "unknown", _usd(actual.usd, estimate.free))
        )
    else:
        rows.append(("USD", _usd(estimate.usd, estimate.free), _usd(actual.usd, estimate.free)))
    return rows


def cost_note(about: About) -> str:
    """Return a note on the basis of the cost table."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return ""
    most = "About" if estimate.in_steps else "At most"
    notes = [
        f"{most} {estimate.calls:,} calls were expected; prompts were estimated from their length.",
        f"{estimate.price}.",
    ]
    if actual.n_failed:
        which = "1 trace failed: what it" if actual.n_failed == 1 else f"{actual.n_failed:,} traces failed: what they"
        notes.append(f"{which} took is counted, but for the request that failed itself, which nobody knows.")
    if actual.n_unanswered:
        which = "1 request" if actual.n_unanswered == 1 else f"{actual.n_unanswered:,} requests"
        notes.append(
            f"Unknown, and in no sum: what {which} took that were in flight, or failed, where traces were cut short."
        )
    if actual.beside:
        notes.append("USD are those of the run: monitors and changes of the thinking are beside it, in tokens.")
    return visible(" ".join(notes), PROSE_LIMIT)


def _usage(usage: TokenUsage) -> str:
    text = f"{_count(usage.prompt_tokens)} prompt, {_count(usage.decoded_tokens)} decoded"
    return text if usage.judge_tokens == 0 else f"{text}, {_count(usage.judge_tokens)} judge"


def _most(tokens: AmountRange) -> str:
    return f"{tokens[0]:,.0f} or more" if tokens[1] is None else f"at most {tokens[1]:,.0f}"


def _about(tokens: AmountRange, *, is_bound: bool = True) -> str:
    """Return an estimated count: its upper bound, or its lower bound if unbounded above."""
    if tokens[1] is None:
        return f"about {tokens[0]:,.0f} or more"
    return f"{'up to ' if is_bound else ''}about {tokens[1]:,.0f}"


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _usd(bill: AmountRange | None, free: bool) -> str:
    if bill is None:
        return "none" if free else "unknown"
    low, high = bill
    if high is None:
        return f"{_money(low)} or more"
    return _money(low) if _money(low) == _money(high) else f"{_money(low)} to {_money(high)}"


def _money(usd: float) -> str:
    return f"{usd:,.2f}" if usd >= 0.1 or usd == 0 else f"{usd:.2g}"
