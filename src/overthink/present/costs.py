"""What a study was expected to take beside what it took, as a small table of words."""

from overthink.core.cut_short import Paid
from overthink.core.spending import Range
from overthink.present.about import About
from overthink.present.names import PROSE_LIMIT, visible

COST_HEAD = ("", "estimated", "spent")


def cost_rows(about: About) -> list[tuple[str, str, str]]:
    """Name, estimate and fact, a row each; empty where there was no estimate."""
    told, took = about.estimate, about.spent
    if told is None or took is None:
        return []
    cached = f" ({took.cached_tokens:,} from a cache)" if took.cached_tokens else ""
    rows = [
        ("prompt tokens", _about(told.prompt_tokens, bounded=not told.in_steps), _count(took.prompt_tokens) + cached),
        ("decoded tokens", _most(told.decoded_tokens), _count(took.decoded_tokens)),
    ]
    if told.judge_calls or took.judge_tokens:
        rows.append(("judge tokens", _about(told.judge_tokens), _count(took.judge_tokens)))
    if took.cut_short:
        rows.append(("of it in traces that were cut short and made again", "none", _made_again(took.made_again)))
    if told.usd is None:
        rows.append(("USD", "none" if told.free and told.judge_free else "unknown", _usd(took.usd, told.free)))
    else:
        rows.append(("USD", _usd(told.usd, told.free), _usd(took.usd, told.free)))
    return rows


def cost_note(about: About) -> str:
    """What the table rests on."""
    told, took = about.estimate, about.spent
    if told is None or took is None:
        return ""
    most = "About" if told.in_steps else "At most"
    notes = [f"{most} {told.calls:,} calls were expected; prompts were estimated from their length.", f"{told.price}."]
    if took.failed:
        which = "1 trace failed: what it" if took.failed == 1 else f"{took.failed:,} traces failed: what they"
        notes.append(f"{which} took is counted, but for the request that failed itself, which nobody knows.")
    if took.unanswered:
        which = "1 request" if took.unanswered == 1 else f"{took.unanswered:,} requests"
        notes.append(f"Not counted: what {which} of traces that were cut short took without an answer.")
    return visible(" ".join(notes), PROSE_LIMIT)


def _made_again(paid: Paid) -> str:
    told = f"{_count(paid.prompt_tokens)} prompt, {_count(paid.decoded_tokens)} decoded"
    return told if paid.judge_tokens == 0 else f"{told}, {_count(paid.judge_tokens)} judge"


def _most(expected: Range) -> str:
    return f"{expected[0]:,.0f} or more" if expected[1] is None else f"at most {expected[1]:,.0f}"


def _about(expected: Range, *, bounded: bool = True) -> str:
    """A count that was itself estimated: the most that it may come to, or the least where nothing bounds it."""
    if expected[1] is None:
        return f"about {expected[0]:,.0f} or more"
    return f"{'up to ' if bounded else ''}about {expected[1]:,.0f}"


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _usd(bill: Range | None, free: bool) -> str:
    if bill is None:
        return "none" if free else "unknown"
    low, high = bill
    if high is None:
        return f"{_money(low)} or more"
    return _money(low) if _money(low) == _money(high) else f"{_money(low)} to {_money(high)}"


def _money(usd: float) -> str:
    return f"{usd:,.2f}" if usd >= 0.1 or usd == 0 else f"{usd:.2g}"
