"""The paragraph on methods: what was done, from plan, analysis and findings; what they do not state is unknown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from overthink._version import __version__
from overthink.analysis.families import ADJUSTED
from overthink.analysis.shapes import TOO_FEW
from overthink.data.finding import Finding
from overthink.data.hypothesis import hypothesis_text
from overthink.data.kinds import Kind, Metric
from overthink.data.number_text import count, number_range
from overthink.data.record import Estimand
from overthink.data.verdict_labels import GateLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.plan.analysis import Analysis
from overthink.plan.study import Plan
from overthink.reports import wording
from overthink.reports.paper.plan_words import plan_sentences
from overthink.reports.paper.rung_findings import curve_order, gate_checks
from overthink.reports.report_curves import level_text
from overthink.reports.wording import enumeration, sentence
from overthink.stats.bootstrap import BOOTSTRAP_RESAMPLES
from overthink.stats.gates import CONTROL_MIN, ERRORS_MAX, RISE_MIN, TRUNCATION_MAX, UNPARSED_MAX
from overthink.stats.multiplier_bootstrap import SIGN_RESAMPLES

MOST_NAMES = 12
"""Most tasks, models or rungs that a sentence lists by name."""

READ = (
    "What the levels did to the answers, and what a high score means, was stated or assumed when the logs or tables "
    "were read."
)
NOT_RECORDED = "not recorded in this folder"

_MANIPULATION: Mapping[str, str] = {
    Estimand.EFFORT: f"reasoning tokens of a level at least {RISE_MIN:g} times those of the one below",
    Estimand.FORCED: f"at least {CONTROL_MIN:.0%} of the traces that still thought kept to their budget",
}
_GATE_BOUNDS: Mapping[str, str] = {
    Metric.TRUNCATION: f"at most {TRUNCATION_MAX:.0%} of the answers cut",
    Metric.UNPARSED: f"at most {UNPARSED_MAX:.0%} unread",
    Metric.ERRORS: f"at most {ERRORS_MAX:.0%} of the rows failed",
}


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """What a folder records of a study. None means that it is not recorded.

    Attributes:
        findings: The findings.
        made_with: Version of Overthink that computed them.
        plan_sha256: Hash of the plan.
        pool_sha256: Hash of the pool.
        plan: The plan; None for logs and tables from elsewhere.
        analysis: Options of the analysis.
        seed: Seed of the analysis.
        models: Names of the models under test that the rows state.
        n_unnamed: Rows that name no model; None without rows.
        notes: How logs or tables were read, a sentence each.
    """

    findings: tuple[Finding, ...]
    made_with: str
    plan_sha256: str | None
    pool_sha256: str | None
    plan: Plan | None = None
    analysis: Analysis | None = None
    seed: int | None = None
    models: tuple[str, ...] = ()
    n_unnamed: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its sentences; all texts are visible."""

    heading: str
    sentences: tuple[str, ...]


def methods(record: StudyRecord) -> tuple[Section, ...]:
    """Return what was done, section by section; a section without a sentence is left out.

    Args:
        record: What the folder records.

    Example:
        >>> [section.heading for section in methods(StudyRecord((), "0", None, None))]
        ['Models', 'Sampling', 'Versions']
    """
    values = sorted((f for f in record.findings if f.kind == Kind.VALUE and f.metric == Metric.MEAN), key=curve_order)
    sections = (
        Section("Models", _models(record)),
        Section("Tasks", _tasks(values)),
        Section("Budgets", _budgets(record, values)),
        Section("Reading", tuple(visible(note, PROSE_LIMIT) for note in record.notes)),
        Section("Sampling", plan_sentences(record.plan, is_elsewhere=record.plan_sha256 is not None)),
        Section("Estimates", _estimates(record, values)),
        Section("Verdicts", _verdicts(record)),
        Section("Comparisons and forecasts", _beside(record)),
        Section("Gates", _gates(record)),
        Section("Versions", _versions(record)),
    )
    return tuple(section for section in sections if section.sentences)


def _models(record: StudyRecord) -> tuple[str, ...]:
    named = enumeration([visible(name) for name in record.models], most=MOST_NAMES)
    if record.plan is not None:
        first = f"The model under test was {visible(record.plan.model)}."
        others = set(record.models) - {record.plan.model}
        return (first, f"The rows name {named}.") if others else (first,)
    source = "No model was called: the answers were read from logs or tables that were made elsewhere."
    if record.plan_sha256 is not None:
        source = "The answers are those of a study whose plan is not in this folder."
    if not named:
        return source, f"The model under test is {NOT_RECORDED}."
    unnamed = f" {count(record.n_unnamed, 'row')} name no model." if record.n_unnamed else ""
    return source, f"The rows name {named} as the model under test.{unnamed}"


def _tasks(values: Sequence[Finding]) -> tuple[str, ...]:
    """Return one sentence per task: axis, scorer, and numbers of questions and draws over its rungs and arms."""
    by_task: dict[tuple[str, str, str | None], list[Finding]] = {}
    for value in values:
        by_task.setdefault((value.axis, value.task, value.scorer), []).append(value)
    sentences = [
        f"{visible(task)} measures {wording.axis_name(axis).lower()} (a value of 1 means {wording.axis_value(axis)})"
        f"{'' if scorer is None else f', scored by {visible(scorer)}'}, with "
        f"{number_range((f.n_questions for f in mine), 'question')} and "
        f"{number_range((f.n_draws for f in mine), 'draw')} of each."
        for (axis, task, scorer), mine in by_task.items()
    ]
    if len(sentences) > MOST_NAMES:
        return (
            *sentences[:MOST_NAMES],
            f"{count(len(sentences) - MOST_NAMES, 'more task')} are in the table of curves.",
        )
    return tuple(sentences)


def _budgets(record: StudyRecord, values: Sequence[Finding]) -> tuple[str, ...]:
    """Return one sentence per ladder: its levels, and how they were imposed."""
    rungs: dict[tuple[str, str, str, str | None, str], dict[int, str]] = {}
    for value in values:
        levels = rungs.setdefault((value.estimand, value.axis, value.task, value.scorer, value.arm), {})
        levels[value.at.rung or 0] = level_text(value.at)
    ladders: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for (estimand, _, task, _, _), levels in rungs.items():
        ladder = tuple(levels[rung] for rung in sorted(levels))
        ladders.setdefault((estimand, ladder), set()).add(visible(task))
    sentences = []
    for (estimand, ladder), tasks in ladders.items():
        where = "" if len(ladders) == 1 else f" on {enumeration(sorted(tasks), most=MOST_NAMES)}"
        meaning = wording.ESTIMAND_TEXTS.get(estimand, "its meaning is not known to this version")
        sentences.append(f"Levels{where}: {enumeration(ladder, most=MOST_NAMES)} ({visible(estimand)}: {meaning}).")
    if values and record.plan is None and record.plan_sha256 is None:
        sentences.append(READ)
    return tuple(sentences)


def _estimates(record: StudyRecord, values: Sequence[Finding]) -> tuple[str, ...]:
    if not values:
        return ()
    levels = sorted({value.level for value in values if value.level is not None and value.low is not None})
    confidence = enumeration([f"{100 * number:g}%" for number in levels]) or "unknown"
    sentences = ["The value at a rung is the mean over questions of the mean over draws."]
    if record.made_with == __version__:
        sentences.append(
            f"Its {confidence} interval is Wilson's score interval with Student's quantile and the standard error of a "
            f"bootstrap that resamples whole questions ({BOOTSTRAP_RESAMPLES:,} resamples, {_seed(record)}); where all "
            "questions agree it is exact (Clopper and Pearson)."
        )
    else:
        sentences.append(
            f"Its interval has a level of {confidence}; how Overthink {visible(record.made_with)} computed it stands "
            f"in the documentation of that version ({_seed(record)})."
        )
    unknown = sum(value.estimate is None for value in values)
    sentences += [f"{count(unknown, 'value')} could not be estimated."] if unknown else []
    tries = sorted({f.metric.replace("_", " ") for f in record.findings if f.kind == Kind.VALUE and (f.at.k or 1) > 1})
    sentences += [f"Values of several tries: {enumeration(tries)}."] if tries else []
    labels = None if record.analysis is None else record.analysis.human
    sentences += [f"{count(len(labels), 'human label')} corrected the judge."] if labels else []
    changes = _tests(f for f in record.findings if f.kind == Kind.DIFFERENCE)
    sentences += [f"Differences between rungs: {sentence(changes)}"] if changes else []
    return tuple(sentences)


def _verdicts(record: StudyRecord) -> tuple[str, ...]:
    verdicts = [f for f in record.findings if f.kind in (Kind.SHAPE, Kind.HYPOTHESIS) and f.test is not None]
    if not verdicts:
        return ()
    analysis = record.analysis
    if analysis is None:
        sentences = [f"The margin of differences that count as none is {NOT_RECORDED}."]
    else:
        rate, margin = f"{1 - analysis.level:.3g}", f"{100 * analysis.margin:g}"
        sentences = [f"Verdicts have an error rate of {rate}; differences up to {margin} points count as none."]
        sentences += _hypothesis(analysis)
    sentences.append(f"Tests: {sentence(_tests(verdicts))}")
    if record.made_with == __version__:
        sentences.append(f"They draw {SIGN_RESAMPLES:,} random signs or more, with more curves in a family.")
    adjusted = dict.fromkeys(limit for f in verdicts for limit in f.limits if ADJUSTED.matches(limit))
    if adjusted:
        sentences.append(f"p-values are {sentence('; '.join(visible(limit, PROSE_LIMIT) for limit in adjusted))}")
    else:
        sentences.append("No p-value was adjusted over several verdicts.")
    few = {f.key for f in verdicts if TOO_FEW in f.limits}
    sentences += [f"{count(len(few), 'curve')} had too few questions for any verdict."] if few else []
    return tuple(sentences)


def _hypothesis(analysis: Analysis) -> list[str]:
    when = "before" if analysis.registered else "after"
    if analysis.parts is not None:
        return [f"The hypothesis {hypothesis_text(analysis.parts)} was stated {when} the data were collected."]
    if analysis.hypothesis is not None:
        edges = enumeration([f"{edge:,.0f}" for edge in analysis.hypothesis])
        return [f"Regimes with boundaries at {edges} thinking tokens were stated {when} the data were collected."]
    return ["No hypothesis was stated; any rise and fall between rungs was tested."]


def _beside(record: StudyRecord) -> tuple[str, ...]:
    counts = Counter(finding.kind for finding in record.findings)
    sentences = []
    arms = sorted({visible(f.arm) for f in record.findings if f.kind == Kind.ARM_DIFFERENCE})
    if arms:
        reference = None if record.analysis is None else record.analysis.reference
        against = "base, or the first arm" if reference is None else visible(reference)
        sentences.append(f"{enumeration(arms, most=MOST_NAMES)} were compared with the reference arm ({against}).")
    if counts[Kind.FORECAST]:
        levels = sorted({f.level for f in record.findings if f.kind == Kind.FORECAST and f.level is not None})
        sentences.append(
            f"Forecasts over tries have {enumeration([f'{100 * number:g}%' for number in levels])} bands: one that "
            "assumes how chances differ between questions, and one free of assumptions."
        )
    return tuple(sentences)


def _gates(record: StudyRecord) -> tuple[str, ...]:
    gates = gate_checks(record.findings)
    if not gates:
        return ("No gate was recorded.",) if record.findings else ()
    sentences = [_checks([gate for gate in gates if gate.label is not None], record)]
    names = list(dict.fromkeys(gate.metric for gate in gates))
    failed = [gate for gate in gates if gate.label == GateLabel.FAILED]
    marks = Counter(mark for f in record.findings if f.kind == Kind.VALUE for mark in f.gates_failed)
    own = {gate.metric.value for gate in failed}
    sentences += [_failures(name, [gate for gate in failed if gate.metric == name]) for name in names if name in own]
    sentences += [
        f"{count(number, 'value')} carry the failed gate {_word(visible(mark))}."
        for mark, number in marks.items()
        if mark not in own
    ]
    sentences += ["No gate failed."] if not (own or marks) and any(gate.label for gate in gates) else []
    unchecked = Counter((gate.metric, gate.reason) for gate in gates if gate.label is None)
    sentences += [
        f"{_word(name).capitalize()} could not be checked at {count(number, 'rung')}: {wording.reason_sentence(reason)}"
        for (name, reason), number in unchecked.items()
    ]
    return tuple(sentences)


def _checks(gates: Sequence[Finding], record: StudyRecord) -> str:
    """Return which gates were checked at all, and with which bounds."""
    names = list(dict.fromkeys(gate.metric for gate in gates))
    if not names:
        return "No gate could be checked."
    known = {gate.estimand for gate in gates if gate.metric == Metric.MANIPULATION}
    bounds = [text for estimand, text in _MANIPULATION.items() if estimand in known]
    bounds += [_GATE_BOUNDS[name] for name in names if name in _GATE_BOUNDS]
    what = f" ({'; '.join(bounds)})" if bounds and record.made_with == __version__ else ""
    return f"Gates were checked rung by rung: {enumeration([_word(name) for name in names])}{what}."


def _failures(name: str, gates: Sequence[Finding]) -> str:
    places = [
        f"{visible(gate.task)}, {visible(gate.arm)}, {'whole curve' if gate.at.rung is None else level_text(gate.at)}"
        for gate in gates
    ]
    return f"{_word(name).capitalize()} failed at {count(len(gates), 'rung')}: {enumeration(places, most=MOST_NAMES)}."


def _versions(record: StudyRecord) -> tuple[str, ...]:
    sentences = [f"The findings were computed with Overthink {visible(record.made_with)}."]
    if record.plan is not None:
        sentences.append(f"The plan was made with Overthink {visible(record.plan.overthink)}.")
    for name, sha256 in (("plan", record.plan_sha256), ("pool", record.pool_sha256)):
        state = f"has a SHA-256 that begins with {sha256[:16]}" if sha256 else f"was {NOT_RECORDED}"
        sentences.append(f"The {name} {state}.")
    sentences.append(f"Versions of Inspect, of Python and of a provider's model are {NOT_RECORDED}.")
    return tuple(sentences)


def _tests(findings: Iterable[Finding]) -> str:
    names = dict.fromkeys(visible(f.test.name, PROSE_LIMIT) for f in findings if f.test is not None)
    return "; ".join(names)


def _seed(record: StudyRecord) -> str:
    return f"its seed is {NOT_RECORDED}" if record.seed is None else f"seed {record.seed}"


def _word(name: str) -> str:
    return name.replace("_", " ")
