"""Notes on how the answers of logs ended, and on what of their usage is unknown: the numbers behind the gates."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from overthink.collect.inspect_logs.endings import UNREAD
from overthink.collect.inspect_logs.hidden_thinking import hidden_note
from overthink.collect.inspect_logs.missing_samples import LOST
from overthink.collect.inspect_logs.set_aside import SampleRules, names_of
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.collect.inspect_logs.usage_gaps import UsageGap


def invalid_note(traces: Sequence[LogTrace], rules: SampleRules) -> list[str]:
    """Return a note on the samples that the evaluator marked as invalid, with their ids.

    Args:
        traces: All samples of the logs.
        rules: What they count as.
    """
    invalid = [trace for trace in traces if trace.ending.is_invalid]
    if not invalid:
        return []
    names = names_of(dict.fromkeys(trace.question for trace in invalid))
    lost = {trace.path for trace in invalid} - {trace.path for trace in traces if not trace.ending.is_invalid}
    empty = f" Nothing else is in {names_of(PurePath(path).name for path in sorted(lost))}." if lost else ""
    effect = (
        "they count (--invalid count)"
        if rules.invalid == "count"
        else "they are left out; --invalid count reads them like the others"
    )
    return [f"{len(invalid)} of {len(traces)} samples are marked as invalid ({names}): {effect}.{empty}"]


def ending_notes(traces: Sequence[LogTrace], rules: SampleRules) -> list[str]:
    """Return notes on cuts, empty answers, refusals, errors, fallbacks, thinking in the text and hidden thinking.

    Args:
        traces: The samples that count.
        rules: What those with an error count as.
    """
    return [
        *_end_note(traces),
        *_call_note(traces),
        *_error_note(traces, rules),
        *_fallback_notes(traces),
        *_thinking_note(traces),
        *hidden_note([trace.ending.hidden for trace in traces]),
        *_unread_note(traces),
    ]


def usage_notes(traces: Sequence[LogTrace]) -> list[str]:
    """Return notes on token counts that are no measurement, with the share that is known.

    Args:
        traces: The samples that count.
    """
    gaps = Counter(trace.gap for trace in traces if trace.gap is not None)
    notes = []
    restored = gaps.pop(UsageGap.RESTORED, 0)
    if restored:
        notes.append(
            f"{restored} of {len(traces)} samples {UsageGap.RESTORED.value}; their times are unknown, as a cache "
            "answers at once."
        )
    if gaps:
        reasons = ", ".join(f"{count} {gap}" for gap, count in gaps.items())
        thinking = sum(trace.tokens.thinking_tokens is not None for trace in traces) / len(traces)
        generated = sum(trace.tokens.decoded_tokens is not None for trace in traces) / len(traces)
        notes.append(
            f"Of {len(traces)} samples {reasons}: unknown, and not 0. Thinking tokens are known for {thinking:.0%} of "
            f"the samples, generated tokens for {generated:.0%}."
        )
    return notes


def _end_note(traces: Sequence[LogTrace]) -> list[str]:
    ends: Counter[str] = Counter()
    for trace in traces:
        ending, limit = trace.ending, trace.summary.limit
        if limit or ending.is_cut:
            ends[f"cut ({f'limit of {limit}' if limit else ending.stop_reason})"] += 1
        elif ending.is_filtered:
            ends[
                "stopped by a content filter, which counts as a refusal unless something was scored as given before it"
            ] += 1
        elif ending.is_refusal_error:
            ends["refused by an error, which counts as a refusal"] += 1
        elif ending.is_unclosed:
            ends["ended inside their thinking"] += 1
        elif ending.is_empty and not trace.summary.error:
            ends["empty"] += 1
    if not ends:
        return []
    kinds = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    return [f"{ends.total()} of {len(traces)} answers did not end plainly: {kinds}."]


def _call_note(traces: Sequence[LogTrace]) -> list[str]:
    """Return a note on answers that are mere calls of tools, where others are text: a judge of texts read nothing."""
    n_calls = sum(trace.ending.is_bare_call for trace in traces)
    if n_calls in (0, len(traces)):
        return []
    note = (
        f"{n_calls} of {len(traces)} answers hold no text, but a call of a tool that was not run, an image or a file; "
        "they count as scored. If the scorer reads text alone, it read nothing there."
    )
    return [note]


def _error_note(traces: Sequence[LogTrace], rules: SampleRules) -> list[str]:
    errors = [trace for trace in traces if trace.summary.error and not trace.ending.is_refusal_error]
    errors = [trace for trace in errors if trace.summary.error != LOST]
    if not errors:
        return []
    n_scored = sum(bool(trace.values) for trace in errors)
    note = f"{len(errors)} of {len(traces)} samples ended with an error"
    if rules.errored == "set-aside":
        return [f"{note}; they have no value (--errored set-aside), {n_scored} of them in spite of a score."]
    scored = f"{n_scored} have a score all the same, which counts as in Inspect (--errored set-aside leaves it out)"
    without = "count as wrong on the capability axis (--errored wrong)" if rules.errored == "wrong" else "have no value"
    return [f"{note}: {scored}, and {len(errors) - n_scored} {without}."]


def _fallback_notes(traces: Sequence[LogTrace]) -> list[str]:
    own = Counter(trace.ending.fallback for trace in traces if trace.ending.fallback is not None)
    judges = Counter(trace.ending.judge_fallback for trace in traces if trace.ending.judge_fallback is not None)
    notes = []
    if own:
        models = ", ".join(f"{count} by {model}" for model, count in own.items())
        notes.append(
            f"{own.total()} of {len(traces)} samples were answered by another model in place of the evaluated one "
            f"({models}): they are no evidence on it, and have no value."
        )
    if judges:
        models = ", ".join(f"{count} by {model}" for model, count in judges.items())
        notes.append(
            f"In {judges.total()} of {len(traces)} samples another model stood in for a grader or another model of the "
            f"task ({models}): they were measured otherwise than the rest, and have no value."
        )
    return notes


def _thinking_note(traces: Sequence[LogTrace]) -> list[str]:
    n_found = sum(bool(trace.ending.found_inside) or trace.ending.target_inside for trace in traces)
    n_judged = sum(bool(trace.ending.judged_inside) for trace in traces)
    if not (n_found or n_judged):
        return []
    note = (
        f"{max(n_judged, n_found)} of {len(traces)} answers hold their thinking as text (<think> or the like), and "
        f"their scorers read it: in {n_found} the answer stands in the thinking alone. Those have no value, nor has "
        "any of them on the safety and benign axes; score the text behind it."
    )
    return [note]


def _unread_note(traces: Sequence[LogTrace]) -> list[str]:
    n_unread = sum(trace.ending is UNREAD and trace.summary.error != LOST for trace in traces)
    return [f"{n_unread} samples cannot be read in full; how their answers ended is unknown."] if n_unread else []
