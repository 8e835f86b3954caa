"""Arms of one study, or of several on the same questions, beside a reference: what can be compared, and what cannot."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from overthink.analysing import HowToAnalyse
from overthink.core.costing import Parties, Unit
from overthink.core.findings.arm_pairs import PLAIN
from overthink.core.record import RungRecord
from overthink.core.verified import Verified
from overthink.errors import InputError
from overthink.sources import HowToRead, Source, read_source
from overthink.store.folder import StudyFolder
from overthink.store.models import Known
from overthink.study import Study, analysed

SETTINGS = ("temperature", "top_p", "think_format", "answer_tokens", "answer_cue", "grader", "model_args")
"""Decisions of a plan beside its arms that may make a difference between two studies."""

FEWEST = 2

Task = tuple[str, str, str, str]
"""Axis, task, scorer and estimand: what two arms must have in common."""


@dataclass(frozen=True, slots=True)
class _Named:
    """One source, its short name, and how its arms are called beside those of the others."""

    name: str
    source: Source
    arms: Mapping[str, str]

    @property
    def verified(self) -> tuple[Verified, ...]:
        """Who scored its answers, arms under the new names."""
        told = self.source.verified
        return tuple(replace(one, arms=tuple(self.arms[arm] for arm in one.arms if arm in self.arms)) for one in told)

    @property
    def parties(self) -> dict[str, Parties]:
        """Who works for its arms, under the new names; a model that nobody names is called as its arm is."""
        told = {self.arms[arm]: one for arm, one in self.source.known.parties.items() if arm in self.arms}
        named = self.models
        return {
            arm: one if named[arm] is not None else replace(one, model=replace(one.model, name=arm))
            for arm, one in told.items()
        }

    @property
    def models(self) -> dict[str, str | None]:
        """By arm, under the new names: its model; None where neither a plan nor all of its rows name the same one."""
        plan = self.source.plan
        if plan is not None:
            return dict.fromkeys(self.arms.values(), plan.model)
        seen: dict[str, set[str | None]] = defaultdict(set)
        for row in self.source.records:
            seen[self.arms[row.arm]].add(row.model)
        return {arm: next(iter(models)) if len(models) == 1 else None for arm, models in seen.items()}

    @property
    def rows(self) -> list[RungRecord]:
        """Its rows under the new names; of draws that came in waves, those that every question was sure to get."""
        sure = {task: waves.even for task, waves in self.source.waves.items()}
        return [
            replace(row, arm=self.arms[row.arm])
            for row in self.source.records
            if row.task not in sure or row.draw < sure[row.task]
        ]


def compare(
    paths: Sequence[str | Path],
    *,
    reference: str | None = None,
    out: str | Path | None = None,
    read: HowToRead | None = None,
    how: HowToAnalyse | None = None,
    command: str | None = None,
) -> Study:
    """Put arms on one axis of total compute, paired by question, with a verdict on every mitigation.

    Args:
        paths: One study with several arms, or several studies, logs or tables on the same questions.
        reference: The arm compared with; None for ``base`` of the first that has one, else the first arm of the first.
        out: Folder for pool, findings and report; None writes nothing.
        read: What logs and tables from elsewhere do not say of themselves.
        how: What the evaluator decides; None for what the studies agree on, or the defaults.
        command: The command line, for the report.

    Returns:
        The arms as one study; its kinds ``arm_difference``, ``safety_tax`` and ``mitigation`` are the comparison, and
        ``flop_matched`` where models are compared in FLOP.

    Raises:
        InputError: There is one arm only, no such reference, no common questions, or nothing else that can be compared.
    """
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise InputError("a study is given twice; needed: each once, its arms are compared anyway")
    if out is not None and (StudyFolder(Path(out)).plan.exists() or any(_same(out, path) for path in paths)):
        raise InputError(f"{out} holds a study, whose findings would be overwritten; choose another folder")
    named = _named([(Path(path), read_source(Path(path), read or HowToRead())) for path in paths])
    chosen = _reference(named, reference)
    _refuse_contradictions(named)
    rows = [row for one in named for row in one.rows]
    tasks = _comparable(rows, chosen)
    how = replace(how or HowToAnalyse(), reference=chosen, other_models=_other_models(named, chosen))
    if len(named) == 1:
        return analysed(named[0].source, how, out=out, command=command)
    shared, notes = _shared(rows, tasks)
    kept = [row for row in rows if row.question in shared.get(_task(row), ())]
    joined = Source(
        " and ".join(one.name for one in named),
        kept,
        notes=(*_told(named, how.unit or Unit.TOKENS), *notes, *(note for one in named for note in one.source.notes)),
        verified=tuple(verified for one in named for verified in one.verified),
        known=Known({arm: parties for one in named for arm, parties in one.parties.items()}),
    )
    return analysed(joined, _agreed(how, named), out=out, command=command)


def _same(out: str | Path, path: str | Path) -> bool:
    return Path(out).resolve() == Path(path).resolve()


def _named(sources: Sequence[tuple[Path, Source]]) -> list[_Named]:
    """Sources by the names of their folders; an arm that several of them have carries the source's name."""
    short = [path.resolve().stem if path.is_file() else path.resolve().name for path, _ in sources]
    if len(set(short)) < len(short):
        short = [f"{path.resolve().parent.name}/{name}" for (path, _), name in zip(sources, short, strict=True)]
    if len(set(short)) < len(short):
        short = [str(path) for path, _ in sources]
    own = [sorted({row.arm for row in source.records}) for _, source in sources]
    times: dict[str, int] = defaultdict(int)
    for arms in own:
        for arm in arms:
            times[arm] += 1
    return [
        _Named(name, source, {arm: arm if times[arm] == 1 else f"{arm} ({name})" for arm in arms})
        for name, (_, source), arms in zip(short, sources, own, strict=True)
    ]


def _reference(named: Sequence[_Named], wanted: str | None) -> str:
    called = [shown for one in named for shown in one.arms.values()]
    listed = ", ".join(called)
    if len(called) < FEWEST:
        raise InputError(
            f"there is one arm only, {listed}; needed: a study with two or more (--arms), or several studies"
        )
    if wanted is None:
        plain = [one.arms[PLAIN] for one in named if PLAIN in one.arms]
        first = named[0].source.plan
        own = named[0].arms
        leading = next((arm.label for arm in first.arms if arm.label in own), None) if first is not None else None
        return plain[0] if plain else own[leading] if leading is not None else called[0]
    if wanted in called:
        return wanted
    bare = [one.arms[wanted] for one in named if wanted in one.arms]
    if len(bare) == 1:
        return bare[0]
    raise InputError(f"--reference {wanted} is no arm; needed: one of {listed}")


def _refuse_contradictions(named: Sequence[_Named]) -> None:
    """Plans that read one task in two ways have no common value, or no common questions."""
    seen: dict[str, tuple[_Named, object, object]] = {}
    for one in named:
        for task in one.source.plan.tasks if one.source.plan is not None else ():
            other, high, args = seen.setdefault(task.task, (one, (task.axis, task.high), task.args))
            if high != (task.axis, task.high):
                raise InputError(
                    f"{task.task}: high is {high} in {other.name} and {(task.axis, task.high)} in {one.name}; the same "
                    "score cannot mean both: run one of them again with the right polarity"
                )
            if args != task.args:
                raise InputError(
                    f"{task.task} has the arguments {args} in {other.name} and {task.args} in {one.name}: the same ids "
                    "may be other questions; needed: studies with the same -T"
                )


def _task(row: RungRecord) -> Task:
    return (row.axis, row.task, row.scorer, row.estimand)


def _comparable(rows: Sequence[RungRecord], reference: str) -> set[Task]:
    """Tasks that the reference and another arm have in common, judged alike and with budgets that mean the same."""
    arms: dict[Task, set[str]] = defaultdict(set)
    for row in rows:
        arms[_task(row)].add(row.arm)
    there = {task for task, with_it in arms.items() if reference in with_it and len(with_it) > 1}
    if there:
        return there
    mine = {task for task, with_it in arms.items() if reference in with_it}
    others = set(arms) - mine
    for place, what in ((2, "scorers"), (3, "estimands"), (0, "axes")):
        for task in sorted(mine):
            alike = sorted(o for o in others if all(o[i] == task[i] for i in range(4) if i != place))
            if alike:
                raise InputError(
                    f"{task[1]} has different {what}, {task[place]} for {reference} and {alike[0][place]} for others; "
                    f"needed: the same, for different {what} are never compared"
                )
    raise InputError(
        f"{reference} was run on {', '.join(sorted({task[1] for task in mine}))}, the others on "
        f"{', '.join(sorted({task[1] for task in others})) or 'nothing'}; needed: a common task with the same scorer"
    )


def _shared(rows: Sequence[RungRecord], tasks: set[Task]) -> tuple[dict[Task, set[str]], list[str]]:
    """By task: the questions that all its arms answered; and what must be said of those that are left out."""
    asked: dict[Task, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        asked[_task(row)][row.arm].add(row.question)
    shared, notes, few = {}, [], []
    for task in sorted(tasks):
        common, every = set.intersection(*asked[task].values()), set.union(*asked[task].values())
        if len(common) < FEWEST:
            few.append(f"{task[1]}: {len(common)} of {len(every)} questions are common to {', '.join(asked[task])}")
            continue
        shared[task] = common
        if len(common) < len(every):
            notes.append(
                f"{task[1]}: {len(common)} of {len(every)} questions are common to all arms; others are left out."
            )
    if not shared:
        raise InputError(f"{'; '.join(few)}; needed: {FEWEST} or more, with the same ids")
    left = sorted({task[1] for task in asked if task not in shared})
    if left:
        notes.append(f"Left out, for only one arm has them or their questions differ: {', '.join(left)}.")
    return shared, notes


def _other_models(named: Sequence[_Named], reference: str) -> tuple[str, ...]:
    """Arms of a model that is known to be another than the reference's, or not known to be the same elsewhere."""
    of = next(one for one in named if reference in one.arms.values())
    mine = of.models[reference]
    others = []
    for one in named:
        models = one.models
        unknown = one is not of  # what one source says nothing of is taken for one model
        for arm in one.arms.values():
            told = models[arm] is not None and mine is not None
            if (told and models[arm] != mine) or (unknown and not told):
                others.append(arm)
    return tuple(others)


def _told(named: Sequence[_Named], unit: Unit) -> list[str]:
    """What differs between the studies beside their arms."""
    plans = [(one.name, one.source.plan) for one in named]
    known = [(name, plan) for name, plan in plans if plan is not None]
    by_source = {one.name: dict.fromkeys(one.models.values()) for one in named}
    told = {name: [model for model in models if model is not None] for name, models in by_source.items()}
    notes = []
    if len({model for models in told.values() for model in models}) > 1:
        models = ", ".join(f"{' and '.join(models)} ({name})" for name, models in told.items() if models)
        tokens = ", and tokens are not alike: --by flop counts what they compute" if unit == Unit.TOKENS else ""
        notes.append(f"Different models: {models}. Differences are those of models as well{tokens}.")
    nameless = [name for name, plan in plans if plan is None and None in by_source[name]]
    if nameless:
        notes.append(f"Model and settings are not stated for {', '.join(nameless)}: they may differ.")
    unset = [name for name, plan in plans if plan is None and name not in nameless]
    if unset:
        notes.append(f"Settings are not stated for {', '.join(unset)}: they may differ.")
    for field in SETTINGS:
        if len({repr(getattr(plan, field)) for _, plan in known}) > 1:
            values = ", ".join(f"{getattr(plan, field)} ({name})" for name, plan in known)
            notes.append(f"The studies differ in {field}: {values}.")
    return notes


def _agreed(how: HowToAnalyse, named: Sequence[_Named]) -> HowToAnalyse:
    """Level and margin as the studies have them, where they agree and nothing else is said."""
    plans = [one.source.plan for one in named if one.source.plan is not None]
    levels, margins = {plan.level for plan in plans}, {plan.margin for plan in plans}
    return replace(
        how,
        level=how.level if how.level is not None or len(levels) != 1 else levels.pop(),
        margin=how.margin if how.margin is not None or len(margins) != 1 else margins.pop(),
    )
